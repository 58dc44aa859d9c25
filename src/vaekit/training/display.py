"""Progress of a training: a live display in a terminal, one line per epoch elsewhere.

The numbers of finished epochs are lines of a table, see `vaekit.training.epoch_table`; programs read them
from metrics.jsonl. In a terminal a progress bar shows the time left, with two lines of numbers of the current
epoch below it; the table of finished epochs stays above. The training loop itself draws the bar a few times
per second, so no other thread takes time from the training.

A `TrainingLogger` is any object with the five methods of the protocol; `SilentLogger` is the one to inherit
from.
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

from vaekit.training.epoch_table import EpochTable
from vaekit.training.position import Position
from vaekit.utils.notebook import NotebookProgress

Record = dict[str, Any]
RunningMeans = Callable[[], Record]

_FORMATS = {
    "step": "step {}",
    "loss": "loss {:.3f}",
    "reconstruction": "reconstruction {:.3f}",
    "kl": "kl {:.3f}",
    "beta": "beta {:.4g}",
    "images_per_second": "examples/s {:.0f}",
    "validation_loss": "validation {:.3f}",
}


class TrainingLogger(Protocol):
    """What the training loop reports, and when.

    >>> class Losses(SilentLogger):
    ...     def epoch(self, record): print(record["loss"])
    >>> Losses().epoch({"epoch": 1, "loss": 105.2})
    105.2
    """

    def start(self, epochs: int, batches: int, position: Position) -> None:
        """Training starts, or continues, at a position; it has `epochs` epochs of `batches` batches."""

    def step(self, position: Position, running_means: RunningMeans) -> None:
        """A step was taken; `running_means()` computes the record of the current epoch, which takes time."""

    def epoch(self, record: Record) -> None:
        """An epoch is complete; `record` is its line in metrics.jsonl."""

    def note(self, text: str) -> None:
        """A message for the user, in one line."""

    def stop(self) -> None:
        """Training has ended; nothing follows."""


def make_display(quiet: bool = False, stream: TextIO | None = None) -> TrainingLogger:
    """The logger for a stream: a progress bar in a terminal or a notebook, one line per epoch elsewhere.

    Args:
        quiet: report nothing.
        stream: where to write; stderr by default.

    >>> import io
    >>> type(make_display(stream=io.StringIO())).__name__
    'LineLogger'
    """
    if quiet:
        return SilentLogger()
    console = Console(file=stream or sys.stderr)
    if stream is None and console.is_jupyter:
        return NotebookBar()
    live_display = console.is_terminal and not console.is_dumb_terminal
    return ProgressBar(console) if live_display else LineLogger(stream or sys.stderr)


def format_epoch(record: Record, epochs: int) -> str:
    """The record of an epoch as one line.

    >>> format_epoch({"epoch": 3, "step": 1407, "loss": 101.23, "kl": None}, epochs=10)
    'epoch 3/10 step 1407 loss 101.230'
    """
    return f"epoch {record['epoch']}/{epochs} {format_record(record)}"


def format_record(record: Record) -> str:
    """The step and the numbers of a record; undefined ones are left out.

    >>> format_record({"step": 5, "loss": 2.0, "kl": None})
    'step 5 loss 2.000'
    """
    defined = ((text, record.get(key)) for key, text in _FORMATS.items())
    return " ".join(text.format(value) for text, value in defined if value is not None)


class SilentLogger:
    """Reports nothing; the base class for loggers that need only some of the methods.

    >>> SilentLogger().note("ignored")
    """

    def start(self, epochs: int, batches: int, position: Position) -> None: ...

    def step(self, position: Position, running_means: RunningMeans) -> None: ...

    def epoch(self, record: Record) -> None: ...

    def note(self, text: str) -> None: ...

    def stop(self) -> None: ...


class LineLogger:
    """Writes a table of epochs, line by line.

    Args:
        stream: where to write.

    >>> import sys
    >>> logger = LineLogger(sys.stdout)
    >>> logger.start(epochs=10, batches=5, position=Position())
    >>> logger.epoch({"epoch": 1, "step": 5, "loss": 105.2})
      epoch       loss
       1/10    105.200
    """

    def __init__(self, stream: TextIO):
        self._stream, self._table = stream, EpochTable(0)

    def start(self, epochs: int, batches: int, position: Position) -> None:
        self._table = EpochTable(epochs)

    def step(self, position: Position, running_means: RunningMeans) -> None: ...

    def epoch(self, record: Record) -> None:
        for line in self._table.lines(record):
            self.note(line)

    def note(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def stop(self) -> None: ...


class CompositeLogger:
    """Reports to several loggers in turn.

    Args:
        loggers: in the order in which they are called.

    >>> import sys
    >>> CompositeLogger(SilentLogger(), LineLogger(sys.stdout)).note("checkpoint saved")
    checkpoint saved
    """

    def __init__(self, *loggers: TrainingLogger):
        self._loggers = loggers

    def start(self, epochs: int, batches: int, position: Position) -> None:
        for logger in self._loggers:
            logger.start(epochs, batches, position)

    def step(self, position: Position, running_means: RunningMeans) -> None:
        for logger in self._loggers:
            logger.step(position, running_means)

    def epoch(self, record: Record) -> None:
        for logger in self._loggers:
            logger.epoch(record)

    def note(self, text: str) -> None:
        for logger in self._loggers:
            logger.note(text)

    def stop(self) -> None:
        for logger in self._loggers:
            logger.stop()


REFRESH = 0.25  # seconds between two drawings
NOTES = 8  # the last ones that a notebook shows
_TERMS = ("loss", "reconstruction", "kl", "validation_loss")  # in the first line; the second has the others


class ProgressBar:
    """A progress bar with the numbers of the current epoch; respects NO_COLOR.

    Args:
        console: a terminal.

    >>> import io
    >>> bar = ProgressBar(Console(file=io.StringIO(), force_terminal=True))
    >>> bar.start(epochs=2, batches=5, position=Position())
    >>> bar.stop()
    """

    def __init__(self, console: Console):
        self._console, self._numbers, self._table = console, Text(), EpochTable(0)
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

    def start(self, epochs: int, batches: int, position: Position) -> None:
        self._epochs, self._batches, self._table = epochs, batches, EpochTable(epochs)
        self._bar.update(self._task, total=epochs * batches)
        self._move(position)
        self._bar.start_task(self._task)
        self._screen.start()

    def step(self, position: Position, running_means: RunningMeans) -> None:
        if time.monotonic() - self._drawn >= REFRESH:
            self._move(position)
            self._numbers.plain = two_lines(running_means() | self._validation)
            self._screen.refresh()
            self._drawn = time.monotonic()

    def epoch(self, record: Record) -> None:
        self._validation = {key: record[key] for key in ("validation_loss",) if key in record}
        for line in self._table.lines(record):
            self.note(line)

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        self._screen.stop()

    def _move(self, position: Position) -> None:
        done = (position.epoch - 1) * self._batches + position.batch
        epoch = f"epoch {min(position.epoch, self._epochs)}/{self._epochs}"
        self._bar.update(self._task, completed=done, description=epoch)


class NotebookBar(SilentLogger):
    """A progress bar in the output of a notebook's cell, with the last epoch and the last notes below it.

    Args:
        show: as for `vaekit.utils.notebook.NotebookProgress`.

    >>> class Handle:
    ...     def update(self, html): print(html.count("<progress"))
    >>> bar = NotebookBar(lambda html: Handle())
    >>> bar.start(epochs=2, batches=5, position=Position())
    >>> bar.epoch({"epoch": 1, "step": 5, "loss": 105.2})
    1
    """

    def __init__(self, show: Callable[[str], Any] | None = None):
        self._bar, self._notes, self._text = NotebookProgress(show), list[str](), ""
        self._epochs, self._batches, self._done = 0, 0, 0

    def start(self, epochs: int, batches: int, position: Position) -> None:
        self._epochs, self._batches = epochs, batches
        self._move(position)
        self._draw()

    def step(self, position: Position, running_means: RunningMeans) -> None:
        self._move(position)
        if self._bar.is_due(REFRESH):
            if position.epoch == 1:  # later, the last epoch is shown, which has the validation
                self._text = format_epoch({"epoch": position.epoch, **running_means()}, self._epochs)
            self._draw()

    def epoch(self, record: Record) -> None:
        self._done, self._text = record["epoch"] * self._batches, format_epoch(record, self._epochs)
        self._draw()

    def note(self, text: str) -> None:
        self._notes = [*self._notes, text][-NOTES:]
        self._draw()

    def stop(self) -> None:
        self._draw()

    def _move(self, position: Position) -> None:
        self._done = (position.epoch - 1) * self._batches + position.batch

    def _draw(self) -> None:
        if self._epochs:
            self._bar.draw(self._done, self._epochs * self._batches, [self._text, *self._notes])


def two_lines(record: Record) -> str:
    """The terms of the loss in one line and all other numbers in a second, to fit a narrow terminal.

    >>> print(two_lines({"step": 5, "loss": 2.0, "beta": 1.0}))
    loss 2.000
    step 5 beta 1
    """
    terms = {key: record[key] for key in _TERMS if key in record}
    others = {key: value for key, value in record.items() if key not in terms}
    return f"{format_record(terms)}\n{format_record(others)}"
