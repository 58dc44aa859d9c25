"""Memory that the system gave is kept, and comes in large pages, where the C library is that of Linux.

Otherwise it gives large blocks back at each use, and to get them again takes a part of every step; in pages
of 2 MB in place of 4 kB the processor finds weights faster. How much that is, docs/speed.md says.

How long threads that wait for each other look out for work before they sleep.

Those of torch (OpenMP) wait some dozen times in a step. To sleep and wake takes a seventh of a small one; but
where something else runs beside them, a thread that stays awake keeps the one it waits for from running, and
the step takes twice as long (docs/speed.md).
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import time
from pathlib import Path

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as malloc.h of glibc names them
KEPT = 1 << 30  # bytes
LIMIT = 1 << 25  # bytes: the largest threshold that glibc takes before 2.35
LARGE = 1 << 29  # bytes of addresses for large pages; what is not used takes no memory


def keep_freed_memory() -> bool:
    """Let this process keep up to 1 GiB that it has freed; whether that could be done.

    Nothing changes where the C library is not glibc, or where the environment has its own settings for it.
    """
    if platform.libc_ver()[0] != "glibc" or _has_settings():
        return False
    library = ctypes.CDLL(None)
    mapped = any(library.mallopt(MMAP_THRESHOLD, size) for size in (KEPT, LIMIT))
    kept = bool(library.mallopt(TRIM_THRESHOLD, KEPT)) and mapped
    if kept and hasattr(mmap, "MADV_HUGEPAGE"):
        _prefer_large_pages(library)
    return kept


def _has_settings() -> bool:
    tuned = "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", "")
    return tuned or any(name.startswith("MALLOC_") for name in os.environ)


def _prefer_large_pages(library: ctypes.CDLL) -> None:
    """Ask for them in the part of the heap that comes next: taken, marked, and freed untouched."""
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    block = library.malloc(LARGE)
    if block:
        library.madvise(block + -block % mmap.PAGESIZE, LARGE - mmap.PAGESIZE, mmap.MADV_HUGEPAGE)
        library.free(block)


ALONE, AMONG_OTHERS = 10_000, 3_000  # turns of a loop; what OpenMP does by itself is 300,000
LOOKS, PAUSE = 3, 0.002  # seconds

_LOADS = Path("/proc/loadavg")


def set_spin_wait() -> None:
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
