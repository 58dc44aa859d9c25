"""A run directory has one writer, and a signal waits for the end of a step."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from vaekit.errors import VaekitError


@contextmanager
def lock_directory(directory: Path) -> Iterator[None]:
    """Hold a run directory, made where it is not there; the system lets go of it when the process dies.

    Raises:
        VaekitError: another process holds it, or it cannot be written to.
    """
    owner = directory / ".pid"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / ".lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise VaekitError(
            f"another process ({_read(owner)}) is training in {directory}; wait for it, stop it, "
            "or name another directory"
        ) from None
    except OSError as error:
        raise VaekitError(
            f"cannot write in {directory}: {error.strerror or error}; name another directory"
        ) from error
    try:
        owner.write_text(str(os.getpid()))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def catch_signals() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl-C or SIGTERM only makes the function given return True; the next acts as ever.

    Signals belong to the main thread: in another one the function always returns False.
    """
    came: list[int] = []
    before: dict[int, signal.Handlers | Callable | int | None] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def remember(number: int, frame: FrameType | None) -> None:
        came.append(number)
        restore()

    if threading.current_thread() is threading.main_thread():
        before |= {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        restore()


def _read(owner: Path) -> str:
    try:
        return f"pid {owner.read_text()}"
    except OSError:
        return "pid unknown"
