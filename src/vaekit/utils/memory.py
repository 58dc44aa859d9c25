"""How much memory this machine has, and giving back what a mapped file takes of it."""

from __future__ import annotations

import mmap
import os

import numpy as np

UNKNOWN = 8 << 30  # where the system does not say


def memory(pages: str = "SC_PHYS_PAGES") -> int:
    """Bytes of memory: all of it, or with "SC_AVPHYS_PAGES" what is free."""
    try:
        return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return UNKNOWN


def release_pages(array: np.ndarray) -> None:
    """Let go of the pages of a mapped file that were read; they come back when they are read again.

    Only where nothing can have been written to them: changes to a copy-on-write map would be lost.
    """
    base: object = array
    while isinstance(base, np.ndarray) and not base.flags.writeable:
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
