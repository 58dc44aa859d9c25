"""The display in a terminal: a bar with the time left and, under it, two lines of the epoch in progress.

The lines of the epochs that are complete stay above it. It is drawn by the loop itself a few times a second,
so that no other thread takes time from the training.
"""

from __future__ import annotations

import time

from rich import live
from rich.console import Console, Group
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from vaekit.training.log import Record, SoFar, line, numbers
from vaekit.training.state import State

REFRESH = 0.25  # seconds between two drawings
_TERMS = ("loss", "reconstruction", "kl", "validation_loss")  # the first line; the second has all else


class Live:
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

    def start(self, epochs: int, batches: int, state: State) -> None:
        self._epochs, self._batches = epochs, batches
        self._bar.update(self._task, total=epochs * batches)
        self._move(state)
        self._bar.start_task(self._task)
        self._screen.start()

    def step(self, state: State, so_far: SoFar) -> None:
        if time.monotonic() - self._drawn >= REFRESH:
            self._move(state)
            self._numbers.plain = two_lines(so_far() | self._validation)
            self._screen.refresh()
            self._drawn = time.monotonic()

    def epoch(self, record: Record) -> None:
        self._validation = {key: record[key] for key in ("validation_loss",) if key in record}
        self.note(line(record, self._epochs))

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        self._screen.stop()

    def _move(self, state: State) -> None:
        done = (state.epoch - 1) * self._batches + state.batch
        epoch = f"epoch {min(state.epoch, self._epochs)}/{self._epochs}"
        self._bar.update(self._task, completed=done, description=epoch)


def two_lines(record: Record) -> str:
    """The terms of the loss, and under them all other numbers: narrow enough for any terminal."""
    terms = {key: record[key] for key in _TERMS if key in record}
    others = {key: value for key, value in record.items() if key not in terms}
    return f"{numbers(terms)}\n{numbers(others)}"
