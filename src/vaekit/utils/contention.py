"""Shorter spin-waits while other programs want the cores that torch's threads run on.

The OpenMP threads of torch wait for each other dozens of times in a training step, by spinning for a while
before they sleep. If another program wants the core, a thread that spins keeps the thread it waits for from
running: two trainings on the same two cores then reach a tenth of their speed each (docs/speed.md).

How long OpenMP spins is fixed when torch is imported (`vaekit.utils.cpu`). But libgomp spins only a hundred
turns while a process has more OpenMP threads than cores. So while there is contention, one more team of idle
threads exists. It ends when the contention does. The threads that compute, and the order in which they add,
stay the same. So do all results, bit for bit.

Contention is measured by the kernel: the time in which threads of this process were ready to run and had no
core (the second number of `schedstat`).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK = 0.25  # seconds between two looks
WAITED = 0.02  # seconds of waiting for a core per second, from which on there is contention
QUIET = 8  # looks without contention, after which threads spin longer again
PARALLEL = 1 << 17  # numbers that torch divides among threads

_TASKS = Path("/proc/self/task")
_users = 0
_lock = threading.Lock()
_watch: ContentionWatch | None = None


@contextmanager
def shorter_spins_under_contention() -> Iterator[None]:
    """Inside the block, threads spin for a short time only while other programs want their cores.

    It changes nothing if the system does not report waiting times, if torch uses fewer threads than there are
    cores, or if OMP_WAIT_POLICY is set. Blocks may be nested, and entered before torch is imported.

    >>> with shorter_spins_under_contention():
    ...     pass
    """
    global _users, _watch
    with _lock:
        _users += 1
        if _users == 1 and seconds_without_core() is not None and "OMP_WAIT_POLICY" not in os.environ:
            _watch = ContentionWatch()
            _watch.start()
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and _watch is not None:
                _watch.stop()
                _watch = None


def seconds_without_core(tasks: Path = _TASKS) -> float | None:
    """How long the threads of this process were ready to run, but had no core; None if it is not reported.

    >>> (seconds_without_core() or 0.0) >= 0
    True
    """
    total = None
    for task in tasks.glob("*/schedstat"):
        try:
            total = (total or 0.0) + int(task.read_text().split()[1]) / 1e9
        except (OSError, ValueError, IndexError):
            continue  # a thread that has ended
    return total


class ContentionWatch:
    """A thread that looks for contention, and holds a team of idle threads while there is any.

    >>> watch = ContentionWatch()
    >>> watch.contended
    False
    """

    def __init__(self) -> None:
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vaekit-contention", daemon=True)
        self._team: IdleTeam | None = None

    @property
    def contended(self) -> bool:
        """Whether there is contention now."""
        return self._team is not None

    def start(self) -> None:
        """Start to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and let the idle threads end."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        waited, at, quiet = seconds_without_core() or 0.0, time.monotonic(), 0
        while not self._end.wait(LOOK):
            if "torch" not in sys.modules:
                continue
            now, when = seconds_without_core() or 0.0, time.monotonic()
            busy = now - waited > WAITED * (when - at)
            waited, at, quiet = now, when, 0 if busy else quiet + 1
            self._adapt(busy, quiet)
        self._adapt(False, QUIET)

    def _adapt(self, busy: bool, quiet: int) -> None:
        if busy and self._team is None:
            self._team = IdleTeam()
        elif quiet >= QUIET and self._team is not None:
            self._team.end()
            self._team = None


class IdleTeam:
    """A team of OpenMP threads that sleeps, so that the process has more of them than cores.

    It belongs to a thread of its own: libgomp counts a team until the thread that made it ends.

    >>> IdleTeam().end()
    """

    def __init__(self) -> None:
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._hold, name="vaekit-idle-team", daemon=True)
        self._thread.start()

    def _hold(self) -> None:
        import torch

        torch.zeros(PARALLEL).add_(1)  # the first parallel operation of a thread makes its team
        self._end.wait()

    def end(self) -> None:
        """End the threads of the team."""
        self._end.set()
        self._thread.join()
