"""A process that runs jobs of a study, and what its parent knows of it."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import vaekit
from vaekit.studies.worker import Job

STOP_SECONDS = 60.0  # time for a worker to save its checkpoint and stop

Answer = dict[str, Any]  # a line from a worker: its progress, or how its job ended


class WorkerProcess:
    """A process that runs jobs and puts its answers into a queue.

    Args:
        threads: number of threads of torch.
        answers: receives (worker, answer) for each line of output, and (worker, None) when the process ends.
        argv: the command line, for the record of the run; default: that of this process.

    >>> answers = queue.Queue()
    >>> worker = WorkerProcess(1, answers)
    >>> worker.stop()
    >>> worker.wait()
    >>> answers.get() == (worker, None)
    True
    """

    def __init__(
        self,
        threads: int,
        answers: queue.Queue[tuple[WorkerProcess, Answer | None]],
        argv: Sequence[str] | None = None,
    ):
        self.place: int | None = None  # index of its current job
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vaekit.studies.worker", str(threads), *(argv or sys.argv)],
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


def _environment() -> dict[str, str]:
    """The environment of this process, with this copy of vaekit first in PYTHONPATH."""
    home = str(Path(vaekit.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}


def _own_group() -> dict[str, Any]:
    """Options that give a worker its own process group, so that the pool alone stops it on Ctrl-C."""
    return {"process_group": 0} if os.name == "posix" else {}
