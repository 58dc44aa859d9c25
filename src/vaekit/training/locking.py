"""One writer per run directory, and signals that wait for the end of a step.

`lock_directory` prevents two processes from training in the same directory, also from two machines; the lock
disappears with the process. `catch_signals` turns Ctrl-C and SIGTERM into a flag, so that the loop can save
its state before it stops.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from vaekit.errors import VaekitError
from vaekit.parallel.processes import Processes, restarts

RENEWED, GONE = 10.0, 60.0  # seconds between two signs of life of an owner, and after which it is gone


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
    held = ExitStack()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / ".lock", timeout=0)
        lock.acquire()
        held.callback(lock.release)
        held.enter_context(owned(owner))
    except Timeout:
        raise VaekitError(
            f"another process ({_read_owner(owner)}) is training in {directory}; wait for it, stop it, "
            "or choose another directory"
        ) from None
    except OSError as error:
        held.close()
        raise VaekitError(
            f"cannot write in {directory}: {error.strerror or error}; choose another directory"
        ) from error
    except VaekitError:
        held.close()
        raise
    with held:
        yield


@contextmanager
def owned(owner: Path) -> Iterator[None]:
    """Inside the block, a file says which process of which machine owns its folder, and shows that it lives.

    A lock of the kernel does not reach other machines on every shared file system. The owner renews the time
    of the file, which is read by the clock of the file system; one that is a minute old is that of a machine
    that is gone.

    Raises:
        VaekitError: a process of another machine owns the folder.

    >>> import tempfile
    >>> with owned(Path(tempfile.mkdtemp()) / ".pid"):
    ...     pass
    """
    machine = _machine()
    while True:
        if (age := _age_elsewhere(owner, machine)) is not None and age < GONE:
            if restarts():  # in the place of a lost machine, which may be the owner
                time.sleep(1)
                continue
            raise VaekitError(
                f"another process ({_read_owner(owner)}) is training in {owner.parent}, and gave a sign of "
                f"life {max(age, 0):.0f} s ago; wait for it, stop it, or choose another directory; if that "
                f"machine is gone, wait {GONE:.0f} s"
            )
        owner.unlink(missing_ok=True)
        try:
            with open(owner, "x") as file:  # at most one process succeeds, also on a shared file system
                file.write(f"{os.getpid()}\n{socket.gethostname()}\n{machine}\n")
            break
        except FileExistsError:
            continue
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(owner, ended), daemon=True, name="vaekit-owner")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        owner.unlink(missing_ok=True)


def _renew(owner: Path, ended: threading.Event) -> None:
    while not ended.wait(RENEWED):
        with suppress(OSError):
            os.utime(owner)


def _age_elsewhere(owner: Path, machine: str) -> float | None:
    """Seconds since a process of another machine renewed the file; None if there is none."""
    try:
        lines = owner.read_text().splitlines()
        if len(lines) < 3 or lines[2] == machine:
            return None
        probe = owner.with_name(f".now-{os.getpid()}-{threading.get_ident()}")
        probe.touch()
        try:
            return probe.stat().st_mtime - owner.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)
    except FileNotFoundError:
        return None


def _machine() -> str:
    """What tells machines apart: the start of the kernel, whose locks hold within it, or the name."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


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
        pid, *where = owner.read_text().splitlines()
    except (OSError, ValueError):
        return "pid unknown"
    away = len(where) == 2 and where[1] != _machine()
    return f"pid {pid} on {where[0]}" if away else f"pid {pid}"
