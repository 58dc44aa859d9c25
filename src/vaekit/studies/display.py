"""What people see while a study runs: bars in a terminal, a plain line for each run elsewhere.

The display in a terminal: a bar over all runs, and one for each that is under way.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class StudyDisplay(Protocol):
    """What is told of the progress."""

    def begin(self, names: Sequence[str]) -> None:
        """So many jobs are to be done, by number."""

    def progress(self, number: int, share: float, text: str) -> None:
        """A job is so far."""

    def end(self, number: int, fault: str) -> None:
        """A job has ended."""

    def note(self, text: str) -> None:
        """Something a person should know, in one line."""

    def close(self) -> None:
        """No more will come."""


def make_display(quiet: bool = False, stream: TextIO | None = None) -> StudyDisplay:
    """The display that suits the place to which its words go.

    Args:
        quiet: say nothing.
        stream: where to; stderr by default.
    """
    return SilentDisplay() if quiet else _shown(stream or sys.stderr)


class SilentDisplay:
    """Says nothing."""

    def begin(self, names: Sequence[str]) -> None: ...

    def progress(self, number: int, share: float, text: str) -> None: ...

    def end(self, number: int, fault: str) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class LineDisplay:
    """A plain line when a run ends.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO):
        self._stream, self._names, self._done = stream, [""], 0
        self._last: dict[int, str] = {}
        self._began = time.monotonic()

    def begin(self, names: Sequence[str]) -> None:
        self._names = list(names)
        if names:
            self.note(f"{len(names)} run{'s' * (len(names) != 1)} to do")

    def progress(self, number: int, share: float, text: str) -> None:
        if text.startswith("epoch"):
            self._last[number] = text

    def end(self, number: int, fault: str) -> None:
        self._done += 1
        seconds = time.monotonic() - self._began
        said = f"failed: {fault}" if fault else self._last.get(number, "measured")
        self.note(f"{self._done}/{len(self._names)} after {seconds:.0f} s: {self._names[number]}: {said}")

    def note(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def close(self) -> None: ...


def _shown(stream: TextIO) -> StudyDisplay:
    from rich.console import Console

    console = Console(file=stream)
    if not console.is_terminal or console.is_dumb_terminal:
        return LineDisplay(stream)
    from vaekit.studies.display import BarDisplay

    return BarDisplay(console)


class BarDisplay:
    """Bars, with the runs that have failed named above them; NO_COLOR is respected.

    Args:
        console: a terminal.
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

    def end(self, number: int, fault: str) -> None:
        if number in self._running:
            self._bars.remove_task(self._running.pop(number))
        if fault:
            self.note(f"{self._names[number]}: {fault}")
        if self._all is not None:
            self._bars.advance(self._all)
            done = round(self._bars.tasks[0].completed)
            self._bars.update(self._all, words=f"{done}/{len(self._names)}")

    def note(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        self._bars.stop()
