"""The memory of this machine, and the pages of memory-mapped files.

Arrays that are larger than memory are mapped from disk (`numpy.load(mmap_mode="r")`). The pages that were
read stay resident until the system needs them elsewhere; `release_pages` gives them back at once.
"""

from __future__ import annotations

import mmap
import os

import numpy as np

DEFAULT_BYTES = 8 << 30  # assumed where the system does not report its memory


def total_memory() -> int:
    """The physical memory of this machine in bytes; 8 GiB where the system does not report it.

    >>> total_memory() >= available_memory() > 0
    True
    """
    return _pages_in_bytes("SC_PHYS_PAGES")


def available_memory() -> int:
    """The memory in bytes that is free now; 8 GiB where the system does not report it.

    >>> isinstance(available_memory(), int)
    True
    """
    return _pages_in_bytes("SC_AVPHYS_PAGES")


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
