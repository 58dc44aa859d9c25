"""Worker processes that share jobs and cores.

A worker that is killed, as the system does when memory runs out, is replaced, and its job counts as failed.
A first Ctrl-C, or SIGTERM, lets every worker save and stop.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import vaekit
from vaekit.errors import InterruptedRun
from vaekit.studies.display import Display
from vaekit.studies.todo import Ends
from vaekit.studies.worker import Job
from vaekit.training.locking import catch_signals

PATIENCE = 60.0  # seconds that a worker has to save and stop


class Worker:
    """A process that does jobs; what it says comes into a queue.

    Args:
        threads: it computes with.
        said: where its answers go, each with itself; None for its end.
    """

    def __init__(self, threads: int, said: queue.Queue[tuple[Worker, dict[str, Any] | None]]):
        self.place: int | None = None  # of the job it is busy with
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vaekit.studies.worker", str(threads), *sys.argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment(), **_apart(),
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(said,), daemon=True).start()

    def do(self, place: int, job: Job) -> None:
        """Begin a job."""
        assert self.process.stdin is not None
        self.place = place
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
        except OSError:  # it died; `said` tells
            pass

    def stop(self) -> None:
        """Let it save what it trains, and end."""
        if self.process.poll() is None:
            self.process.terminate()

    def wait(self) -> None:
        """Until it has ended; not for ever."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _listen(self, said: queue.Queue[tuple[Worker, dict[str, Any] | None]]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said.put((self, json.loads(line)))
        said.put((self, None))


class Pool:
    """Worker processes that share the jobs and the cores.

    Args:
        jobs: to be done.
        count: of processes.
        display: is told.
    """

    def __init__(self, jobs: Sequence[Job], count: int, display: Display):
        self.jobs, self.count, self.display = jobs, count, display
        self.waiting = deque(range(len(jobs)))
        self.said: queue.Queue[tuple[Worker, dict[str, Any] | None]] = queue.Queue()
        self.workers: list[Worker] = []
        self.ends: Ends = {}

    def run(self) -> Ends:
        """Do all jobs.

        Raises:
            InterruptedRun: a signal came.
        """
        with catch_signals() as interrupted:
            try:
                self._employ()
                while len(self.ends) < len(self.jobs):
                    self._hear(interrupted)
            finally:
                self._dismiss()
        return self.ends

    def _employ(self) -> None:
        """As many workers as there is work for."""
        while self.waiting and len(self.workers) < self.count:
            worker = Worker(max(1, (os.cpu_count() or 1) // self.count), self.said)
            self.workers.append(worker)
            self._give(worker)

    def _give(self, worker: Worker) -> None:
        if self.waiting:
            place = self.waiting.popleft()
            worker.do(place, self.jobs[place])

    def _hear(self, interrupted: Callable[[], bool]) -> None:
        """Take in one answer."""
        if interrupted():
            raise InterruptedRun("interrupted")
        try:
            worker, answer = self.said.get(timeout=0.2)
        except queue.Empty:
            return
        if answer is None:
            self._died(worker)
        elif "code" in answer:
            self._end(worker, answer["code"], answer["fault"])
            self._give(worker)
        elif worker.place is not None:
            self.display.progress(worker.place, answer["share"], answer["text"])

    def _end(self, worker: Worker, code: int, fault: str) -> None:
        assert worker.place is not None
        self.ends[self.jobs[worker.place].number] = (code, fault)
        self.display.end(worker.place, fault)
        worker.place = None

    def _died(self, worker: Worker) -> None:
        """Another worker takes the place of one that was killed, as the system does when memory runs out."""
        self.workers.remove(worker)
        if worker.place is not None:
            code = worker.process.wait()
            self._end(
                worker, 1, f"its process died (exit code {code}), perhaps for want of memory; use --jobs 1"
            )
        self._employ()

    def _dismiss(self) -> None:
        """End all workers; those that train save first."""
        if len(self.ends) < len(self.jobs):
            self.display.note("stopping")
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.wait()


def _environment() -> dict[str, str]:
    """That of this process, with this very package found first."""
    home = str(Path(vaekit.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}


def _apart() -> dict[str, Any]:
    """A group of its own, so that Ctrl-C comes to a worker once, and from us."""
    return {"process_group": 0} if os.name == "posix" else {}
