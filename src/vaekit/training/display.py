"""What people see while a model trains: a live display in a terminal, a plain line an epoch elsewhere.

    epoch 3/10 step 1407 loss 101.230 reconstruction 80.104 kl 21.126 beta 1 images/s 15332 validation 102.301

Every number follows its name, so that a line can be searched and cut by simple tools.

The display in a terminal: a bar with the time left and, under it, two lines of the epoch in progress.

The lines of the epochs that are complete stay above it. It is drawn by the loop itself a few times a second,
so that no other thread takes time from the training.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from rich import live
from rich.console import Console, Group
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from vaekit.training.position import Position

Record = dict[str, Any]
RunningMeans = Callable[[], Record]

_SHOWN = {
    "step": "step {}",
    "loss": "loss {:.3f}",
    "reconstruction": "reconstruction {:.3f}",
    "kl": "kl {:.3f}",
    "beta": "beta {:.4g}",
    "images_per_second": "images/s {:.0f}",
    "validation_loss": "validation {:.3f}",
}


class TrainingLogger(Protocol):
    """What the loop tells of its work."""

    def start(self, epochs: int, batches: int, state: Position) -> None:
        """Training goes on from a position, for so many epochs of so many batches."""

    def step(self, state: Position, so_far: RunningMeans) -> None:
        """A step was taken; `so_far` gives the record of the epoch in progress, and takes time."""

    def epoch(self, record: Record) -> None:
        """An epoch is complete; `record` is its line of metrics."""

    def note(self, text: str) -> None:
        """Something a person should know, in one line."""

    def stop(self) -> None:
        """No more will come."""


def make_display(quiet: bool = False, stream: TextIO | None = None) -> TrainingLogger:
    """The log that suits the place to which its words go.

    Args:
        quiet: say nothing.
        stream: where to; stderr by default.
    """
    return SilentLogger() if quiet else _shown(stream or sys.stderr)


def format_epoch(record: Record, epochs: int) -> str:
    """An epoch in one line of words and numbers."""
    return f"epoch {record['epoch']}/{epochs} {format_record(record)}"


def format_record(record: Record) -> str:
    """Its step and numbers; what is not defined is left out."""
    return " ".join(shown.format(record[key]) for key, shown in _SHOWN.items() if record.get(key) is not None)


class SilentLogger:
    """Says nothing."""

    def start(self, epochs: int, batches: int, state: Position) -> None: ...

    def step(self, state: Position, so_far: RunningMeans) -> None: ...

    def epoch(self, record: Record) -> None: ...

    def note(self, text: str) -> None: ...

    def stop(self) -> None: ...


class LineLogger:
    """One plain line an epoch.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO):
        self._stream, self._epochs = stream, 0

    def start(self, epochs: int, batches: int, state: Position) -> None:
        self._epochs = epochs

    def step(self, state: Position, so_far: RunningMeans) -> None: ...

    def epoch(self, record: Record) -> None:
        self.note(format_epoch(record, self._epochs))

    def note(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def stop(self) -> None: ...


class CompositeLogger:
    """Tells each of several logs.

    Args:
        logs: in the order in which they are told.
    """

    def __init__(self, *logs: TrainingLogger):
        self._logs = logs

    def start(self, epochs: int, batches: int, state: Position) -> None:
        for log in self._logs:
            log.start(epochs, batches, state)

    def step(self, state: Position, so_far: RunningMeans) -> None:
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


def _shown(stream: TextIO) -> TrainingLogger:
    from rich.console import Console

    console = Console(file=stream)
    if not console.is_terminal or console.is_dumb_terminal:
        return LineLogger(stream)
    from vaekit.training.display import ProgressBar

    return ProgressBar(console)


REFRESH = 0.25  # seconds between two drawings
_TERMS = ("loss", "reconstruction", "kl", "validation_loss")  # the first line; the second has all else


class ProgressBar:
    """A bar and the numbers of the moment; NO_COLOR is respected.

    Args:
        console: a terminal.
    """

    def __init__(self, console: Console):
        self._console, self._numbers = console, Text()
        self._epochs, self._batches, self._drawn, self._validation = 0, 0, 0.0, Record()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(None),
            TextColumn("{task.percentage:.0f} %"),
            TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self._task = self._bar.add_task("", start=False)
        self._screen = live.Live(
            Group(self._bar, self._numbers), console=console, auto_refresh=False, transient=True
        )

    def start(self, epochs: int, batches: int, state: Position) -> None:
        self._epochs, self._batches = epochs, batches
        self._bar.update(self._task, total=epochs * batches)
        self._move(state)
        self._bar.start_task(self._task)
        self._screen.start()

    def step(self, state: Position, so_far: RunningMeans) -> None:
        if time.monotonic() - self._drawn >= REFRESH:
            self._move(state)
            self._numbers.plain = two_lines(so_far() | self._validation)
            self._screen.refresh()
            self._drawn = time.monotonic()

    def epoch(self, record: Record) -> None:
        self._validation = {key: record[key] for key in ("validation_loss",) if key in record}
        self.note(format_epoch(record, self._epochs))

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        self._screen.stop()

    def _move(self, state: Position) -> None:
        done = (state.epoch - 1) * self._batches + state.batch
        epoch = f"epoch {min(state.epoch, self._epochs)}/{self._epochs}"
        self._bar.update(self._task, completed=done, description=epoch)


def two_lines(record: Record) -> str:
    """The terms of the loss, and under them all other numbers: narrow enough for any terminal."""
    terms = {key: record[key] for key in _TERMS if key in record}
    others = {key: value for key, value in record.items() if key not in terms}
    return f"{format_record(terms)}\n{format_record(others)}"
