"""The display in a terminal: a bar over all runs, and one for each that is under way."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Bars:
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
