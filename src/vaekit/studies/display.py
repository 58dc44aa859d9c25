"""Progress of a study on a terminal: progress bars, or one plain line per finished run elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from vaekit.utils.format import count_of
from vaekit.utils.notebook import NotebookProgress


class StudyDisplay(Protocol):
    """Receives the progress of a study; jobs are numbered from 0.

    >>> display: StudyDisplay = SilentDisplay()
    >>> display.begin(["vae seed 0"]), display.progress(0, 0.5, "epoch 1/2"), display.close()
    (None, None, None)
    """

    def begin(self, names: Sequence[str]) -> None:
        """The jobs that will be run, by number."""

    def progress(self, number: int, share: float, text: str) -> None:
        """A job has done this fraction (0 to 1) of its work."""

    def end(self, number: int, failure: str) -> None:
        """A job has ended; `failure` is the reason if it failed, else empty."""

    def note(self, text: str) -> None:
        """One line of information for the user."""

    def close(self) -> None:
        """All jobs have ended."""


class SilentDisplay:
    """A display that prints nothing.

    >>> SilentDisplay().note("drawing the page")
    """

    def begin(self, names: Sequence[str]) -> None: ...

    def progress(self, number: int, share: float, text: str) -> None: ...

    def end(self, number: int, failure: str) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class LineDisplay:
    """Print a line when a run ends.

    Args:
        stream: where the lines go.

    >>> display = LineDisplay(sys.stdout)
    >>> display.begin(["vae seed 0", "ae seed 0"])
    2 runs to do
    """

    def __init__(self, stream: TextIO):
        self._stream, self._names, self._done = stream, [""], 0
        self._last: dict[int, str] = {}
        self._began = time.monotonic()

    def begin(self, names: Sequence[str]) -> None:
        self._names = list(names)
        if names:
            self.note(f"{count_of(len(names), 'run')} to do")

    def progress(self, number: int, share: float, text: str) -> None:
        if text.startswith("epoch"):
            self._last[number] = text

    def end(self, number: int, failure: str) -> None:
        self._done += 1
        seconds = time.monotonic() - self._began
        result = f"failed: {failure}" if failure else self._last.get(number, "measured")
        self.note(f"{self._done}/{len(self._names)} after {seconds:.0f} s: {self._names[number]}: {result}")

    def note(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def close(self) -> None: ...


class BarDisplay:
    """A progress bar over all runs and one for each active run; failed runs are listed above them.

    `NO_COLOR` is respected.

    Args:
        console: a terminal.

    >>> display = BarDisplay(Console(file=sys.stdout, width=60))
    >>> display.note("vae seed 0: its recipe changed")
    vae seed 0: its recipe changed
    """

    def __init__(self, console: Console):
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[words]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._names: list[str] = []
        self._running: dict[int, TaskID] = {}
        self._all: TaskID | None = None

    def begin(self, names: Sequence[str]) -> None:
        self._names = list(names)
        if names:
            self._all = self._bars.add_task("all runs", total=len(names), words=f"0/{len(names)}")
            self._bars.start()

    def progress(self, number: int, share: float, text: str) -> None:
        if number not in self._running:
            self._running[number] = self._bars.add_task(self._names[number], total=1.0, words="")
        self._bars.update(self._running[number], completed=share, words=text)

    def end(self, number: int, failure: str) -> None:
        if number in self._running:
            self._bars.remove_task(self._running.pop(number))
        if failure:
            self.note(f"{self._names[number]}: {failure}")
        if self._all is not None:
            self._bars.advance(self._all)
            done = round(self._bars.tasks[0].completed)
            self._bars.update(self._all, words=f"{done}/{len(self._names)}")

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        self._bars.stop()


class NotebookDisplay:
    """One progress bar over all runs in the output of a notebook's cell; active and failed runs are below it.

    Args:
        show: as for `vaekit.utils.notebook.NotebookProgress`.

    >>> class Handle:
    ...     def update(self, html): print("vae seed 0: epoch 1/2" in html)
    >>> display = NotebookDisplay(lambda html: Handle())
    >>> display.begin(["vae seed 0", "ae seed 0"])
    >>> display.progress(0, 0.5, "epoch 1/2")
    True
    """

    def __init__(self, show: Callable[[str], Any] | None = None):
        self._bar, self._names, self._notes = NotebookProgress(show), list[str](), list[str]()
        self._shares: dict[int, float] = {}
        self._active: dict[int, str] = {}

    def begin(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._draw()

    def progress(self, number: int, share: float, text: str) -> None:
        self._shares[number], self._active[number] = share, f"{self._names[number]}: {text}"
        self._draw()

    def end(self, number: int, failure: str) -> None:
        self._shares[number] = 1.0
        self._active.pop(number, None)
        if failure:
            self._notes.append(f"{self._names[number]}: {failure}")
        self._draw()

    def note(self, text: str) -> None:
        self._notes.append(text)
        self._draw()

    def close(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._names:
            done = sum(share == 1.0 for share in self._shares.values())
            words = f"{done} of {count_of(len(self._names), 'run')}"
            total = sum(self._shares.values())
            self._bar.draw(total, len(self._names), [words, *self._active.values(), *self._notes])


def make_display(quiet: bool = False, stream: TextIO | None = None) -> StudyDisplay:
    """The display that fits a stream: bars on a terminal or in a notebook, lines elsewhere.

    Args:
        quiet: print nothing.
        stream: where to print; default: stderr.

    >>> type(make_display(quiet=True)).__name__
    'SilentDisplay'
    """
    if quiet:
        return SilentDisplay()
    console = Console(file=stream or sys.stderr)
    if stream is None and console.is_jupyter:
        return NotebookDisplay()
    stream = stream or sys.stderr
    plain = not console.is_terminal or console.is_dumb_terminal
    return LineDisplay(stream) if plain else BarDisplay(console)
