"""How much memory this machine has."""

from __future__ import annotations

import os

UNKNOWN = 8 << 30  # where the system does not say


def memory(pages: str = "SC_PHYS_PAGES") -> int:
    """Bytes of memory: all of it, or with "SC_AVPHYS_PAGES" what is free."""
    try:
        return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return UNKNOWN
