"""Run the tasks of a study, several at a time, each in a worker process.

A small model trains more efficiently on one core than on two. So the workers share the cores, and each runs
one job after the other. A run that fails or diverges does not stop the others. A worker that is killed, for
example because memory ran out, is replaced, and its job counts as failed. On the first Ctrl-C or SIGTERM,
every worker saves its checkpoint and stops.
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
from functools import partial
from pathlib import Path
from typing import Any

import vaekit
from vaekit.errors import InterruptedRun
from vaekit.studies.display import StudyDisplay
from vaekit.studies.pending import JobResults, pending_jobs
from vaekit.studies.plan import Task
from vaekit.studies.worker import Job, try_job
from vaekit.training.locking import catch_signals

MAX_JOBS = 4
STOP_SECONDS = 60.0  # time for a worker to save its checkpoint and stop

Answer = dict[str, Any]  # a line from a worker: its progress, or how its job ended


def run_tasks(
    tasks: Sequence[Task], display: StudyDisplay, jobs: int | None = None, resume: bool = False
) -> JobResults:
    """Do what is left of all tasks, and return how each ended.

    Args:
        tasks: of a study.
        display: receives the progress.
        jobs: how many run at once; default: one per core, at most four.
        resume: continue interrupted runs instead of training them again.

    Returns:
        The exit code and the reason of failure of each task, by its number; (0, "") if it finished.

    Raises:
        InterruptedRun: a signal arrived; checkpoints are saved.

    >>> from vaekit.studies.display import SilentDisplay
    >>> run_tasks([], SilentDisplay())
    {}
    """
    results, pending = pending_jobs(tasks, display.note, resume)
    jobs = min(jobs or min(os.cpu_count() or 1, MAX_JOBS), len(pending))
    display.begin([tasks[job.number].name for job in pending])
    try:
        done = _run_in_process(pending, display) if jobs <= 1 else WorkerPool(pending, jobs, display).run()
    finally:
        display.close()
    return results | done


def _run_in_process(jobs: Sequence[Job], display: StudyDisplay) -> JobResults:
    """Run jobs one after the other in this process."""
    results: JobResults = {}
    for place, job in enumerate(jobs):
        results[job.number] = try_job(job, partial(display.progress, place))
        display.end(place, results[job.number][1])
    return results


class WorkerProcess:
    """A process that runs jobs and puts its answers into a queue.

    Args:
        threads: number of threads of torch.
        answers: receives (worker, answer) for each line of output, and (worker, None) when the process ends.

    >>> answers = queue.Queue()
    >>> worker = WorkerProcess(1, answers)
    >>> worker.stop()
    >>> worker.wait()
    >>> answers.get() == (worker, None)
    True
    """

    def __init__(self, threads: int, answers: queue.Queue[tuple[WorkerProcess, Answer | None]]):
        self.place: int | None = None  # index of its current job
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vaekit.studies.worker", str(threads), *sys.argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment(), **_own_group(),
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(answers,), daemon=True).start()

    def start(self, place: int, job: Job) -> None:
        """Send a job to the process.

        Args:
            place: index of the job.
            job: what to run.
        """
        assert self.process.stdin is not None
        self.place = place
        try:
            self.process.stdin.write(json.dumps(job) + "\n")
            self.process.stdin.flush()
        except OSError:  # the process died; the queue reports it
            pass

    def stop(self) -> None:
        """Ask the process to save its checkpoint and end."""
        if self.process.poll() is None:
            self.process.terminate()

    def wait(self) -> None:
        """Wait until the process has ended; kill it after STOP_SECONDS."""
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _listen(self, answers: queue.Queue[tuple[WorkerProcess, Answer | None]]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            answers.put((self, json.loads(line)))
        answers.put((self, None))


class WorkerPool:
    """Worker processes that share the jobs and the cores.

    Args:
        jobs: jobs to run.
        count: number of processes.
        display: receives the progress.

    >>> from vaekit.studies.display import SilentDisplay
    >>> WorkerPool([], 2, SilentDisplay()).run()
    {}
    """

    def __init__(self, jobs: Sequence[Job], count: int, display: StudyDisplay):
        self.jobs, self.count, self.display = jobs, count, display
        self.waiting = deque(range(len(jobs)))
        self.answers: queue.Queue[tuple[WorkerProcess, Answer | None]] = queue.Queue()
        self.workers: list[WorkerProcess] = []
        self.results: JobResults = {}

    def run(self) -> JobResults:
        """Run all jobs.

        Raises:
            InterruptedRun: a signal arrived.
        """
        with catch_signals() as interrupted:
            try:
                self._start_workers()
                while len(self.results) < len(self.jobs):
                    self._handle_answer(interrupted)
            finally:
                self._stop_workers()
        return self.results

    def _start_workers(self) -> None:
        """Start workers until there are enough for the waiting jobs."""
        while self.waiting and len(self.workers) < self.count:
            worker = WorkerProcess(max(1, (os.cpu_count() or 1) // self.count), self.answers)
            self.workers.append(worker)
            self._assign(worker)

    def _assign(self, worker: WorkerProcess) -> None:
        if self.waiting:
            place = self.waiting.popleft()
            worker.start(place, self.jobs[place])

    def _handle_answer(self, interrupted: Callable[[], bool]) -> None:
        """Wait for one answer and handle it."""
        if interrupted():
            raise InterruptedRun("interrupted")
        try:
            worker, answer = self.answers.get(timeout=0.2)
        except queue.Empty:
            return
        if answer is None:
            self._replace(worker)
        elif "code" in answer:
            self._finish(worker, answer["code"], answer["failure"])
            self._assign(worker)
        elif worker.place is not None:
            self.display.progress(worker.place, answer["share"], answer["text"])

    def _finish(self, worker: WorkerProcess, code: int, failure: str) -> None:
        assert worker.place is not None
        self.results[self.jobs[worker.place].number] = (code, failure)
        self.display.end(worker.place, failure)
        worker.place = None

    def _replace(self, worker: WorkerProcess) -> None:
        """Start another worker in place of one that was killed."""
        self.workers.remove(worker)
        if worker.place is not None:
            code = worker.process.wait()
            self._finish(
                worker,
                1,
                f"its process died (exit code {code}), possibly because memory ran out; use --jobs 1",
            )
        self._start_workers()

    def _stop_workers(self) -> None:
        """Stop all workers; those in training save a checkpoint first."""
        if len(self.results) < len(self.jobs):
            self.display.note("stopping")
        for worker in self.workers:
            worker.stop()
        for worker in self.workers:
            worker.wait()


def _environment() -> dict[str, str]:
    """The environment of this process, with this copy of vaekit first in PYTHONPATH."""
    home = str(Path(vaekit.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}


def _own_group() -> dict[str, Any]:
    """Options that give a worker its own process group, so that the pool alone stops it on Ctrl-C."""
    return {"process_group": 0} if os.name == "posix" else {}
