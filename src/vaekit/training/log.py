"""What people see while a model trains: a live display in a terminal, a plain line an epoch elsewhere.

    epoch 3/10 step 1407 loss 101.230 reconstruction 80.104 kl 21.126 beta 1 images/s 15332 validation 102.301

Every number follows its name, so that a line can be searched and cut by simple tools.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from vaekit.training.state import State

Record = dict[str, Any]
SoFar = Callable[[], Record]

_SHOWN = {
    "step": "step {}",
    "loss": "loss {:.3f}",
    "reconstruction": "reconstruction {:.3f}",
    "kl": "kl {:.3f}",
    "beta": "beta {:.4g}",
    "images_per_second": "images/s {:.0f}",
    "validation_loss": "validation {:.3f}",
}


class Log(Protocol):
    """What the loop tells of its work."""

    def start(self, epochs: int, batches: int, state: State) -> None:
        """Training goes on from a position, for so many epochs of so many batches."""

    def step(self, state: State, so_far: SoFar) -> None:
        """A step was taken; `so_far` gives the record of the epoch in progress, and takes time."""

    def epoch(self, record: Record) -> None:
        """An epoch is complete; `record` is its line of metrics."""

    def note(self, text: str) -> None:
        """Something a person should know, in one line."""

    def stop(self) -> None:
        """No more will come."""


def display(quiet: bool = False, stream: TextIO | None = None) -> Log:
    """The log that suits the place to which its words go.

    Args:
        quiet: say nothing.
        stream: where to; stderr by default.
    """
    return Quiet() if quiet else _shown(stream or sys.stderr)


def line(record: Record, epochs: int) -> str:
    """An epoch in one line of words and numbers."""
    return f"epoch {record['epoch']}/{epochs} {numbers(record)}"


def numbers(record: Record) -> str:
    """Its step and numbers; what is not defined is left out."""
    return " ".join(shown.format(record[key]) for key, shown in _SHOWN.items() if record.get(key) is not None)


class Quiet:
    """Says nothing."""

    def start(self, epochs: int, batches: int, state: State) -> None: ...

    def step(self, state: State, so_far: SoFar) -> None: ...

    def epoch(self, record: Record) -> None: ...

    def note(self, text: str) -> None: ...

    def stop(self) -> None: ...


class Lines:
    """One plain line an epoch.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO):
        self._stream, self._epochs = stream, 0

    def start(self, epochs: int, batches: int, state: State) -> None:
        self._epochs = epochs

    def step(self, state: State, so_far: SoFar) -> None: ...

    def epoch(self, record: Record) -> None:
        self.note(line(record, self._epochs))

    def note(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def stop(self) -> None: ...


class Several:
    """Tells each of several logs.

    Args:
        logs: in the order in which they are told.
    """

    def __init__(self, *logs: Log):
        self._logs = logs

    def start(self, epochs: int, batches: int, state: State) -> None:
        for log in self._logs:
            log.start(epochs, batches, state)

    def step(self, state: State, so_far: SoFar) -> None:
        for log in self._logs:
            log.step(state, so_far)

    def epoch(self, record: Record) -> None:
        for log in self._logs:
            log.epoch(record)

    def note(self, text: str) -> None:
        for log in self._logs:
            log.note(text)

    def stop(self) -> None:
        for log in self._logs:
            log.stop()


def _shown(stream: TextIO) -> Log:
    from rich.console import Console

    console = Console(file=stream)
    if not console.is_terminal or console.is_dumb_terminal:
        return Lines(stream)
    from vaekit.training.live import Live

    return Live(console)
