"""The group of processes of one training: who is who, and what all of them agree on.

`torchrun` tells each process its rank by environment variables. `joined` makes the group from them, with gloo
on the CPU and NCCL on GPUs. A single process is a group of one, in which nothing is sent.

What only one process may do, such as writing a file, is done by rank 0 in `on_first`; its result or its error
becomes that of all, so that none waits for one that has given up.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import torch

from vaekit.errors import VaekitError, first_line
from vaekit.parallel.watch import Heartbeats, meeting_store, speaks_of_losses

T = TypeVar("T")
VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_speaks: list[bool] = []
_advice: list[str] = []
_alone: ContextVar[bool] = ContextVar("alone", default=False)
TIMEOUT = timedelta(hours=2)  # longer than rank 0 draws or writes; a lost process is noticed by its heartbeat


@dataclass(frozen=True)
class Processes:
    """The processes of a training or evaluation, and which of them this one is.

    Attributes:
        rank: the number of this process, from 0.
        size: the number of processes.

    >>> alone = Processes()
    >>> alone.is_first, alone.any(True), alone.on_first(lambda: 3)
    (True, True, 3)
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which writes and reports."""
        return self.rank == 0

    def any(self, flag: bool) -> bool:
        """Whether the flag is true in one of the processes."""
        if self.size == 1:
            return flag
        found = torch.tensor(float(flag))
        torch.distributed.all_reduce(found, torch.distributed.ReduceOp.MAX)
        return bool(found)

    def share(self, value: T) -> T:
        """The value of rank 0, in all processes."""
        if self.size == 1:
            return value
        box = [value]
        torch.distributed.broadcast_object_list(box)
        return box[0]

    def on_first(self, function: Callable[[], T]) -> T:
        """Call a function in rank 0 only, and return its result in all processes.

        Inside the function there is no group: the others wait, so what exchanges numbers would never end.

        Raises:
            VaekitError: whatever the function raises; errors of other kinds only in rank 0 with their type.
        """
        if self.size == 1:
            return function()
        outcome: tuple[Any, BaseException | None] = (None, None)
        if self.is_first:
            token = _alone.set(True)
            try:
                outcome = (function(), None)
            except BaseException as error:
                self.share((None, _sendable(error)))
                raise
            finally:
                _alone.reset(token)
        value, failure = self.share(outcome)
        if failure is not None:
            raise failure
        return value


def current() -> Processes:
    """The processes of the group that was joined; one process if there is none, and inside `on_first`.

    >>> current()
    Processes(rank=0, size=1)
    """
    group = torch.distributed
    if _alone.get() or not (group.is_available() and group.is_initialized()):
        return Processes()
    return Processes(group.get_rank(), group.get_world_size())


def launched() -> bool:
    """Whether this process was started as one of several, by torchrun or another launcher.

    >>> launched()
    False
    """
    return all(name in os.environ for name in VARIABLES) and int(os.environ["WORLD_SIZE"]) > 1


def speaks() -> bool:
    """Whether this process prints errors: rank 0, or the lowest rank that is left.

    >>> speaks()
    True
    """
    return _speaks[-1] if _speaks else is_first()


def advise(text: str) -> None:
    """Say how to go on if a process is lost, for the message.

    >>> advise("")
    """
    _advice.append(text)


def is_first() -> bool:
    """Whether this process is rank 0 of those that were started together, also before and after the group.

    >>> is_first()
    True
    """
    return not launched() or os.environ["RANK"] == "0"


def restarts() -> int:
    """How often torchrun started these processes again after a loss.

    >>> restarts()
    0
    """
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))


def launch_name() -> str:
    """A name that these processes share with those that torchrun starts in their place after a loss.

    >>> launch_name()  # not started by torchrun
    ''
    """
    name = os.environ.get("TORCHELASTIC_RUN_ID", "")
    return f"{socket.gethostname()}/{os.getppid()}" if name == "none" else name


@contextmanager
def joined() -> Iterator[Processes]:
    """Inside the block, this process belongs to its group; a group that exists already is kept.

    Raises:
        VaekitError: the other processes cannot be reached.

    >>> with joined() as processes:
    ...     processes.size
    1
    """
    if (torch.distributed.is_available() and torch.distributed.is_initialized()) or not launched():
        yield current()
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        torch.distributed.init_process_group(backend, timeout=TIMEOUT)
    except (RuntimeError, ValueError) as error:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise VaekitError(
            f"rank {os.environ['RANK']}: cannot join the {os.environ['WORLD_SIZE']} processes at {where}: "
            f"{first_line(error)}; check that all were started and that this address can be reached"
        ) from error
    group = current()
    store = meeting_store(group.share(uuid4().hex))
    beats = Heartbeats(store, group.rank, group.size, advice=lambda: _advice[-1] if _advice else "")
    beats.start()
    try:
        yield group
    except BaseException as error:
        if not isinstance(error, VaekitError | KeyboardInterrupt) and (loss := beats.explain(error)):
            _speaks.append(beats.speaks and speaks_of_losses())
            raise loss from error
        if isinstance(error, KeyboardInterrupt):
            _speaks.append(is_first() and speaks_of_losses())
        beats.fail(error)
        raise
    else:
        beats.stop()
    finally:
        with suppress(RuntimeError):  # of a group whose members are lost
            torch.distributed.destroy_process_group()


def _sendable(error: BaseException) -> BaseException:
    """An error that can be sent to other processes: one of vaekit, or what it says."""
    if isinstance(error, VaekitError | KeyboardInterrupt):
        return type(error)(*error.args)
    return VaekitError(f"rank 0: {type(error).__name__}: {first_line(error)}")
