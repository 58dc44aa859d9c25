"""The memory of this machine, and the pages of memory-mapped files.

Arrays that are larger than memory are mapped from disk (`numpy.load(mmap_mode="r")`). The pages that were
read stay resident until the system needs them elsewhere; `release_pages` gives them back at once.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np

DEFAULT_BYTES = 8 << 30  # assumed where the system does not report its memory


def total_memory() -> int:
    """The memory that this process may use: that of the machine, or the limit of its control group.

    Where the system does not report it, 8 GiB.

    >>> total_memory() >= available_memory() > 0
    True
    """
    return min([_pages_in_bytes("SC_PHYS_PAGES"), *(limit for limit, _ in _limits())])


def available_memory() -> int:
    """The memory in bytes that is free now; 8 GiB where the system does not report it.

    >>> isinstance(available_memory(), int)
    True
    """
    left = [max(limit - used, 0) for limit, used in _limits()]
    return min([_pages_in_bytes("SC_AVPHYS_PAGES"), *left])


def _limits() -> list[tuple[int, int]]:
    """(limit, used) of the control groups of this process, as containers and Slurm set them; in bytes.

    Pages of files do not count as used, since the system takes them back when it needs them.
    """
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root = Path("/sys/fs/cgroup" if not controllers else "/sys/fs/cgroup/memory")
        names = ("memory.max", "anon") if not controllers else ("memory.limit_in_bytes", "total_rss")
        for folder in {root / place.lstrip("/"), root}:  # in a container, its own group is the root
            try:
                limit = int((folder / names[0]).read_text())
                facts = dict(entry.split() for entry in (folder / "memory.stat").read_text().splitlines())
                found.append((limit, int(facts[names[1]])))
            except (OSError, ValueError, KeyError):  # "max": no limit
                continue
    return found


def _pages_in_bytes(name: str) -> int:
    try:
        return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return DEFAULT_BYTES


def release_pages(array: np.ndarray) -> None:
    """Give the resident pages of a memory-mapped array back to the system.

    The values stay the same: pages are read from the file again on the next access. Arrays that are not
    mapped are left alone. So are writable maps, because changes to a copy-on-write map would be lost.

    Args:
        array: any array, or a view of one.

    >>> x = np.zeros(3)
    >>> release_pages(x)  # not mapped: nothing to do
    >>> x
    array([0., 0., 0.])
    """
    base: object = array
    while isinstance(base, np.ndarray) and not base.flags.writeable:
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
