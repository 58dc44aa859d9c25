"""How a contender is timed: it trains in its usual way and calls this gate after each step.

The gate counts steps, answers how long they took, and holds the process until the next order, so that
contenders can take turns on one machine. Orders and answers are lines of JSON on standard input and output:

    <- {"ready": true, "memory": 412.3}        after the first step
    -> {"steps": 100}
    <- {"steps": 100, "seconds": 0.93, "processor": 1.79, "memory": 420.1}

`processor` is the time of all cores in seconds, `memory` the largest resident size in MB.

It needs only Python, so it runs in the environment of every contender.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace


class Gate:
    """Call it after each step, or with the number of things done since the last call."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what libraries print is no answer
        self._left, self._done, self._since, self._spent = 1, 0, time.perf_counter(), 0.0
        self._ready = False

    def __call__(self, steps: int = 1) -> None:
        self._left, self._done = self._left - steps, self._done + steps
        if self._left <= 0:
            self._answer()
            self._wait()

    def _answer(self) -> None:
        seconds = time.perf_counter() - self._since
        spent = time.process_time() - self._spent
        words = (
            {"steps": self._done, "seconds": seconds, "processor": spent} if self._ready else {"ready": True}
        )
        self._ready = True
        print(json.dumps({**words, "memory": peak_memory()}), file=self._answers, flush=True)

    def _wait(self) -> None:
        order = sys.stdin.readline()
        if not order:
            os._exit(0)
        self._left, self._done, self._since = json.loads(order)["steps"], 0, time.perf_counter()
        self._spent = time.process_time()


def peak_memory() -> float:
    """The most memory that was resident, in MB."""
    if sys.platform == "linux":  # where the system's own answer counts what was before the program began
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def ordered() -> SimpleNamespace:
    """The workload that the command line describes, and where its images are, as `data`."""
    return SimpleNamespace(**json.loads(sys.argv[1]))
