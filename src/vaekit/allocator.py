"""Memory that the system gave is kept: the C library of Linux otherwise gives large blocks back at each use.

To get them again takes a tenth of a step of a small dense model, and a third of one of a convolutional model.
"""

from __future__ import annotations

import ctypes
import os
import platform

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as malloc.h of glibc names them
KEPT = 1 << 30  # bytes


def keep_memory() -> bool:
    """Let this process keep up to 1 GiB that it has freed; whether that could be done.

    Nothing changes where the C library is not glibc, or where the environment has its own settings for it.
    """
    if platform.libc_ver()[0] != "glibc" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(MMAP_THRESHOLD, KEPT) and mallopt(TRIM_THRESHOLD, KEPT))
