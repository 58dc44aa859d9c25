"""Signs of life: each process of a group tells the others that it lives, and notices one that does not.

Processes meet at the store that `torchrun` keeps. Every second each of them counts up a number there. One
whose number stands still for 20 seconds is lost: it was killed, its machine stopped, or its link was cut. One
that fails by an error leaves a message before it ends. All others then end too, and the one with the lowest
rank says in one line which process was lost and why.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import torch

from vaekit.errors import VaekitError, printable

BEAT, LOST = 1.0, 20.0  # seconds between two signs of life, and without one until a process is lost
SEARCH = 12.0  # seconds in which an error of communication is explained by the loss of a process
STILL = 6.0  # seconds without a sign of life that explain such an error

Store = Any


class Heartbeats:
    """Signs of life of this process, and those of the others.

    Args:
        store: has `set`, `get` and `check`, as a store of torch.distributed.
        rank, size: this process, and their number.
        advice: how to go on, for the message about a lost process.

    Attributes:
        speaks: whether this process, as the lowest rank that is left, reports the loss.

    >>> store = torch.distributed.HashStore()
    >>> beats = Heartbeats(store, rank=0, size=2)
    >>> beats.beat()
    >>> beats.fail(VaekitError("the disk is full"))
    >>> Heartbeats(store, rank=1, size=2).lost(LOST)
    'rank 0 of 2 failed: the disk is full'
    """

    def __init__(self, store: Store, rank: int, size: int, advice: Callable[[], str] = str):
        self.rank, self.size, self.speaks = rank, size, False
        self._store, self._advice, self._count = store, advice, 0
        self._seen: dict[int, tuple[bytes, float]] = {}
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="vaekit-heartbeats")

    def start(self) -> None:
        """Begin to count and to watch, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the others learn that this process left in good order."""
        self._ended.set()
        self._put(f"left/{self.rank}", "1")
        if self._thread.is_alive():
            self._thread.join(2 * BEAT)

    def beat(self) -> None:
        """Give a sign of life."""
        self._count += 1
        self._store.set(f"beat/{self.rank}", str(self._count))

    def fail(self, error: BaseException) -> None:
        """Tell the others why this process ends."""
        self._ended.set()
        of_vaekit = isinstance(error, VaekitError)
        text = str(error) if of_vaekit else f"{type(error).__name__}: {error}"
        self._put(f"failed/{self.rank}", printable(text, 500))

    def lost(self, seconds: float) -> str:
        """Which process failed, or gave no sign of life for so many seconds; empty if none did."""
        now, missing = time.monotonic(), {}
        for rank in range(self.size):
            if rank == self.rank or self._store.check([f"left/{rank}"]):
                continue
            if self._store.check([f"failed/{rank}"]):
                missing[rank] = f"failed: {self._store.get(f'failed/{rank}').decode()}"
                continue
            key = f"beat/{rank}"
            beat = self._store.get(key) if self._store.check([key]) else b""
            if self._seen.get(rank, (None,))[0] != beat:
                self._seen[rank] = (beat, now)
            elif now - self._seen[rank][1] >= seconds:
                still = now - self._seen[rank][1]
                missing[rank] = (
                    f"gave no sign of life for {still:.0f} s: it was killed, or its machine or link is down"
                )
        if not missing:
            return ""
        self.speaks = self.rank == min(rank for rank in range(self.size) if rank not in missing)
        said = [rank for rank, reason in missing.items() if reason.startswith("failed")]
        rank = (said or list(missing))[0]
        return f"rank {rank} of {self.size} {missing[rank]}"

    def explain(self, error: BaseException) -> VaekitError | None:
        """The loss that an error of communication comes from; None if all processes live."""
        self._ended.set()
        until = time.monotonic() + SEARCH
        while time.monotonic() < until:
            with self._lock:
                try:
                    self.beat()
                    reason = self.lost(STILL)
                except Exception:  # of the store, whatever its kind
                    self.speaks = True
                    reason = "the meeting point of the processes cannot be reached"
            if reason:
                return VaekitError(self._message(reason))
            time.sleep(BEAT / 4)
        return None

    def _message(self, reason: str) -> str:
        advice = self._advice()
        return f"{reason}; nothing is lost up to the last checkpoint" + (f"; {advice}" if advice else "")

    def _watch(self) -> None:
        last, failures = time.monotonic(), 0
        while not self._ended.wait(BEAT):
            now = time.monotonic()
            if now - last > 5 * BEAT:  # this process itself stood still
                self._seen.clear()
            last = now
            try:
                with self._lock:
                    self.beat()
                    reason = self.lost(LOST)
                failures = 0
            except Exception:  # of the store, whatever its kind
                failures += 1
                reason = (
                    "the meeting point of the processes cannot be reached" if failures > LOST / BEAT else ""
                )
                self.speaks = bool(reason)
            if reason and not self._ended.is_set():
                self._end(reason)

    def _end(self, reason: str) -> None:
        """End this process at once: its main thread may wait for the lost one for hours."""
        time.sleep(5 * BEAT)  # a closed connection may wake the main thread, which then reports by itself
        if self._ended.is_set():
            return
        if self.speaks and speaks_of_losses():
            print(f"error: {self._message(reason)}", file=sys.stderr, flush=True)
        os._exit(1)

    def _put(self, key: str, value: str) -> None:
        with suppress(Exception):  # of the store, whatever its kind: nobody is left to tell
            self._store.set(key, value)


def speaks_of_losses() -> bool:
    """Whether processes report that one is lost; those of `--processes` leave it to their parent.

    >>> speaks_of_losses()
    True
    """
    return "VAEKIT_LAUNCH_FILE" not in os.environ


def meeting_store(name: str) -> Store:
    """A connection of its own to the store of torchrun, for the signs of life of a group of this name."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = torch.distributed.TCPStore(
        address, port, is_master=False, wait_for_workers=False, timeout=timedelta(seconds=LOST)
    )
    return torch.distributed.PrefixStore(f"vaekit/{name}", store)
