"""A progress bar in the output of a notebook's cell, which is replaced in place, so that no lines pile up."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Sequence
from typing import Any

from vaekit.utils.format import format_duration

_BAR = (
    '<div style="font: 13px/1.5 system-ui, sans-serif; color: inherit; font-variant-numeric: tabular-nums">'
    '<progress max="{total}" value="{done}" style="width: 260px; vertical-align: middle"></progress> '
    "{left}<br>{lines}</div>"
)


class NotebookProgress:
    """One bar with lines of text below it.

    Args:
        show: displays HTML and returns a handle whose `update` replaces it; that of IPython by default.

    >>> class Handle:
    ...     def update(self, text): print(text.count("<progress"), "a &lt; b" in text)
    >>> bar = NotebookProgress(lambda text: Handle())
    >>> bar.draw(0, 10, [])
    >>> bar.draw(5, 10, ["a < b"])
    1 True
    """

    def __init__(self, show: Callable[[str], Any] | None = None):
        self._show, self._handle = show or _display, None
        self._began, self._first, self._drawn = 0.0, 0.0, 0.0

    def draw(self, done: float, total: float, lines: Sequence[str]) -> None:
        """Show the bar, or replace it.

        Args:
            done, total: how much of the work; what the first call has done took no time of this bar.
            lines: texts, which are escaped.
        """
        self._drawn = time.monotonic()
        if self._handle is None:
            self._began, self._first = self._drawn, done
            self._handle = self._show(self._html(done, total, lines))
        else:
            self._handle.update(self._html(done, total, lines))

    def is_due(self, seconds: float) -> bool:
        """Whether the last drawing is as long ago.

        Args:
            seconds: the time between two drawings.
        """
        return time.monotonic() - self._drawn >= seconds

    def _html(self, done: float, total: float, lines: Sequence[str]) -> str:
        taken = done - self._first
        seconds = (time.monotonic() - self._began) * (total - done) / taken if taken > 0 else 0.0
        left = f"{format_duration(seconds)} left" if taken > 0 and done < total else ""
        text = "<br>".join(html.escape(line) for line in lines if line)
        return _BAR.format(total=total, done=done, left=left, lines=text)


def _display(text: str) -> Any:
    """Display HTML by IPython; the handle takes HTML as text, too."""
    from IPython.display import HTML, display

    shown = display(HTML(text), display_id=True)
    update = shown.update
    shown.update = lambda changed: update(HTML(changed))
    return shown
