"""Two settings of the process that make small training steps on the CPU faster (see docs/speed.md).

**Freed memory.** By default glibc returns large freed blocks to the operating system, and the next step has
to fetch them again. `keep_freed_memory` keeps up to 1 GiB in the process, in pages of 2 MB instead of 4 kB.

**Spin-wait time.** The OpenMP threads of torch wait for each other some dozen times in a step. Going to sleep
and waking up takes a seventh of a small step. But if other programs run on the same cores, a thread that
spins keeps the thread it waits for from running, and the step takes twice as long. `set_spin_wait` chooses
between the two.

This module imports no torch: both settings come before torch starts its threads.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import time
from pathlib import Path

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as malloc.h of glibc names them
KEPT = 1 << 30  # bytes of freed memory that stay in the process
LIMIT = 1 << 25  # bytes: the largest threshold that glibc accepts before 2.35
LARGE = 1 << 29  # bytes of addresses for large pages; unused ones take no memory


def keep_freed_memory() -> bool:
    """Stop glibc from returning freed memory to the operating system.

    Returns:
        Whether the setting was changed. It is not if the C library is not glibc, or if the environment has
        settings of its own (`MALLOC_...` or `GLIBC_TUNABLES`).

    >>> isinstance(keep_freed_memory(), bool)
    True
    """
    tuned = "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", "")
    tuned |= any(name.startswith("MALLOC_") for name in os.environ)
    if platform.libc_ver()[0] != "glibc" or tuned:
        return False
    library = ctypes.CDLL(None)
    mapped = any(library.mallopt(MMAP_THRESHOLD, size) for size in (KEPT, LIMIT))
    kept = bool(library.mallopt(TRIM_THRESHOLD, KEPT)) and mapped
    if kept and hasattr(mmap, "MADV_HUGEPAGE"):
        _prefer_large_pages(library)
    return kept


def _prefer_large_pages(library: ctypes.CDLL) -> None:
    """Mark the part of the heap that is used next: allocate it, advise the kernel, free it untouched."""
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    block = library.malloc(LARGE)
    if block:
        library.madvise(block + -block % mmap.PAGESIZE, LARGE - mmap.PAGESIZE, mmap.MADV_HUGEPAGE)
        library.free(block)


ALONE, AMONG_OTHERS = 10_000, 3_000  # turns of the waiting loop; the default of OpenMP is 300,000
LOOKS, PAUSE = 3, 0.002  # looks at the load, and seconds between two

_LOADS = Path("/proc/loadavg")


def set_spin_wait() -> None:
    """Set the OpenMP spin-wait time of this process, unless the environment sets it.

    OpenMP reads the variable when torch is imported, so call this before.

    >>> import os
    >>> os.environ["GOMP_SPINCOUNT"] = "5000"
    >>> set_spin_wait()  # the environment decides
    >>> os.environ.pop("GOMP_SPINCOUNT")
    '5000'
    """
    if "OMP_WAIT_POLICY" not in os.environ and "GOMP_SPINCOUNT" not in os.environ:
        os.environ["GOMP_SPINCOUNT"] = str(ALONE if _cores_are_free() else AMONG_OTHERS)


def _cores_are_free() -> bool:
    """Whether, at one of several looks, other threads leave the cores of this process free."""
    for look in range(LOOKS):
        time.sleep(PAUSE if look else 0)
        if _other_threads() <= _foreign_cores():
            return True
    return False


def _other_threads() -> float:
    """The number of other threads that run now or wait to run; infinity if the system does not report it."""
    try:
        running, _, _ = _LOADS.read_text().split()[3].partition("/")
        return int(running) - 1
    except (OSError, ValueError, IndexError):
        return float("inf")


def _foreign_cores() -> int:
    """The number of cores that this process may not use."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return (os.cpu_count() or 1) - len(usable) if usable else 0
