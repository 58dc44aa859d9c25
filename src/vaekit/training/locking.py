"""One writer per run directory, and signals that wait for the end of a step.

`lock_directory` prevents two processes from training in the same directory; the lock disappears with the
process. `catch_signals` turns Ctrl-C and SIGTERM into a flag, so that the loop can save its state before it
stops.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from vaekit.errors import VaekitError
from vaekit.parallel.processes import Processes


@contextmanager
def lock_directory(directory: Path) -> Iterator[None]:
    """Inside the block, hold the lock of a run directory; the directory is created if it does not exist.

    Raises:
        VaekitError: another process holds the lock, or the directory cannot be written.

    >>> import tempfile
    >>> with lock_directory(Path(tempfile.mkdtemp())) as held:
    ...     pass
    """
    owner = directory / ".pid"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / ".lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise VaekitError(
            f"another process ({_read_owner(owner)}) is training in {directory}; wait for it, stop it, "
            "or choose another directory"
        ) from None
    except OSError as error:
        raise VaekitError(
            f"cannot write in {directory}: {error.strerror or error}; choose another directory"
        ) from error
    try:
        owner.write_text(str(os.getpid()))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def shared_lock(directory: Path, processes: Processes) -> Iterator[None]:
    """Inside the block, rank 0 holds the lock of a run directory for all processes.

    Raises:
        VaekitError: as for `lock_directory`, in all processes.

    >>> import tempfile
    >>> with shared_lock(Path(tempfile.mkdtemp()), Processes()):
    ...     pass
    """
    with ExitStack() as held:
        processes.on_first(lambda: held.enter_context(lock_directory(directory)))
        yield


@contextmanager
def catch_signals() -> Iterator[Callable[[], bool]]:
    """Inside the block, the first Ctrl-C or SIGTERM only sets a flag; a second one acts as usual.

    Only the main thread receives signals; in other threads the flag is never set.

    Yields:
        A function that returns whether a signal came.

    >>> with catch_signals() as interrupted:
    ...     interrupted()
    False
    """
    received: list[int] = []
    before: dict[int, signal.Handlers | Callable | int | None] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def record(number: int, frame: FrameType | None) -> None:
        received.append(number)
        restore()

    if threading.current_thread() is threading.main_thread():
        before |= {number: signal.signal(number, record) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        restore()


def _read_owner(owner: Path) -> str:
    try:
        return f"pid {owner.read_text()}"
    except OSError:
        return "pid unknown"
