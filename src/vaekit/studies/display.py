"""What people see while a study runs: bars in a terminal, a plain line for each run elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Protocol, TextIO


class Display(Protocol):
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


def display(quiet: bool = False, stream: TextIO | None = None) -> Display:
    """The display that suits the place to which its words go.

    Args:
        quiet: say nothing.
        stream: where to; stderr by default.
    """
    return Silent() if quiet else _shown(stream or sys.stderr)


class Silent:
    """Says nothing."""

    def begin(self, names: Sequence[str]) -> None: ...

    def progress(self, number: int, share: float, text: str) -> None: ...

    def end(self, number: int, fault: str) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class Lines:
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


def _shown(stream: TextIO) -> Display:
    from rich.console import Console

    console = Console(file=stream)
    if not console.is_terminal or console.is_dumb_terminal:
        return Lines(stream)
    from vaekit.studies.bars import Bars

    return Bars(console)
