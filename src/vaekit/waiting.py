"""How long threads that wait for each other look out for work before they sleep.

Those of torch (OpenMP) wait some dozen times in a step. To sleep and wake takes a seventh of a small one; but
where something else runs beside them, a thread that stays awake keeps the one it waits for from running, and
the step takes twice as long (docs/speed.md).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

ALONE, AMONG_OTHERS = 10_000, 3_000  # turns of a loop; what OpenMP does by itself is 300,000
LOOKS, PAUSE = 3, 0.002  # seconds

_LOADS = Path("/proc/loadavg")


def share_the_processor() -> None:
    """Choose for this process, unless its environment did; OpenMP reads it when torch is imported."""
    if "OMP_WAIT_POLICY" not in os.environ and "GOMP_SPINCOUNT" not in os.environ:
        os.environ["GOMP_SPINCOUNT"] = str(ALONE if _alone() else AMONG_OTHERS)


def _alone() -> bool:
    """Whether, at one look of several, what else runs leaves free the processors that this one may use."""
    for look in range(LOOKS):
        time.sleep(PAUSE if look else 0)
        if _others() <= _spare():
            return True
    return False


def _others() -> float:
    """How many other threads run at this moment, or would; infinite where the system does not tell."""
    try:
        running, _, _ = _LOADS.read_text().split()[3].partition("/")
        return int(running) - 1
    except (OSError, ValueError, IndexError):
        return float("inf")


def _spare() -> int:
    """The processors that this process may not use."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return (os.cpu_count() or 1) - len(usable) if usable else 0
