"""Ctrl-C and SIGTERM on the command line: both raise `KeyboardInterrupt`, which ends a command with code 130.

`training.locking.catch_signals` takes over where work can be saved first. This module imports nothing heavy,
because a signal may come while torch is imported.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

EXIT_CODE = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_received: list[int] = []


def stop_on_signals() -> None:
    """Let the first Ctrl-C or SIGTERM raise `KeyboardInterrupt`, and a second one end the process at once.

    >>> before = [signal.getsignal(number) for number in SIGNALS]
    >>> stop_on_signals()
    >>> signal.getsignal(signal.SIGTERM).__name__
    '_raise'
    >>> _ = [signal.signal(*pair) for pair in zip(SIGNALS, before)]
    """
    for number in SIGNALS:
        signal.signal(number, _raise)


def exit_on_signals() -> None:
    """Let a signal end the process at once: nothing is left to save, such as when Python shuts down."""
    sys.stdout.flush()
    for number in SIGNALS:
        signal.signal(number, _exit)


def was_interrupted() -> bool:
    """Whether a signal came, also where a library turned the `KeyboardInterrupt` into something else.

    >>> was_interrupted()
    False
    """
    return bool(_received)


def _raise(number: int, frame: FrameType | None) -> None:
    if _received:
        _exit(number, frame)
    _received.append(number)
    raise KeyboardInterrupt


def _exit(number: int, frame: FrameType | None) -> None:
    os._exit(EXIT_CODE)
