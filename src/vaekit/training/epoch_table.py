"""The numbers of finished epochs as a table that grows by one line per epoch, at most 80 letters wide.

      epoch       loss  reconstruction       kl  examples/s  validation
        1/4    318.505         318.317   18.796        3028     236.050 *
        2/4    179.059         178.302   37.831        3440     210.661 *

A star marks an epoch that is the best so far, so the last star is the best epoch. A column that is the same
in all epochs, or that no epoch has, is left out. The header comes again where a column is added, and after 25
lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

Record = dict[str, Any]

WIDTH = 80
REPEAT = 25  # lines after which the header comes again
_GAP = "  "


class _Column(NamedTuple):
    """A number of a record: its title, its width, and its text."""

    key: str
    title: str
    width: int
    text: Callable[[float], str]


def format_to_width(value: float, width: int = 9) -> str:
    """A number with at most three decimals that fits a width.

    >>> format_to_width(101.2345), format_to_width(-2203.2899), format_to_width(-123456.789)
    ('101.234', '-2203.290', '-123456.8')
    >>> format_to_width(1e12), format_to_width(math.nan)
    ('1.00e+12', 'nan')
    """
    if not math.isfinite(value):
        return str(value)
    texts = [*(f"{value:.{digits}f}" for digits in (3, 2, 1, 0)), f"{value:.2e}", f"{value:.1e}"]
    return next((text for text in texts if len(text) <= width), texts[-1])


_COLUMNS = (
    _Column("loss", "loss", 9, format_to_width),
    _Column("reconstruction", "reconstruction", 14, format_to_width),
    _Column("kl", "kl", 8, partial(format_to_width, width=8)),
    _Column("beta", "beta", 6, lambda value: f"{value:.3g}"),
    _Column("images_per_second", "examples/s", 10, lambda value: f"{value:.0f}"),
    _Column("validation_loss", "validation", 10, format_to_width),
)
_USUAL = {"beta": 1.0}  # a column is left out as long as it has this value


class EpochTable:
    """The lines of a table of epochs.

    Args:
        epochs: how many there will be.

    >>> table = EpochTable(epochs=10)
    >>> print("\\n".join(table.lines({"epoch": 1, "step": 5, "loss": 105.2, "beta": 1.0, "is_best": True})))
      epoch       loss
       1/10    105.200 *
    >>> table.lines({"epoch": 2, "step": 10, "loss": 101.7, "beta": 1.0})
    ['   2/10    101.700']
    """

    def __init__(self, epochs: int):
        digits = len(str(epochs))
        self._total = f"/{epochs}" if digits < 5 else ""
        self._epoch_width = max(7, digits + len(self._total))
        self._shown: tuple[str, ...] = ()
        self._values: dict[str, set[float]] = {}
        self._lines = 0

    def lines(self, record: Record) -> list[str]:
        """The line of an epoch, after a header where it is needed."""
        for column in _COLUMNS:
            if (value := record.get(column.key)) is not None:
                self._values.setdefault(column.key, set()).add(value)
        due = self._lines % REPEAT == 0
        needed = tuple(column.key for column in _COLUMNS if self._is_needed(column.key, due))
        header = due or not set(needed) <= set(self._shown)
        if header:
            self._shown = needed
        self._lines += 1
        return [*([self._header()] if header else []), self._line(record)]

    def _is_needed(self, key: str, due: bool) -> bool:
        """Whether a column has values, and is not the same in all epochs."""
        values = self._values.get(key, set())
        if key not in _USUAL or not values:
            return bool(values)
        if self._lines == 0:
            return values != {_USUAL[key]}
        return len(values) > 1 or (key in self._shown and not due)

    def _columns(self) -> list[_Column]:
        return [column for column in _COLUMNS if column.key in self._shown]

    def _header(self) -> str:
        titles = (f"{column.title:>{column.width}}" for column in self._columns())
        return _GAP.join([f"{'epoch':>{self._epoch_width}}", *titles])

    def _line(self, record: Record) -> str:
        epoch = f"{record['epoch']}{self._total}"
        texts = [f"{epoch:>{self._epoch_width}}"]
        for column in self._columns():
            value = record.get(column.key)
            texts.append(f"{'' if value is None else column.text(value):>{column.width}}")
        return _GAP.join(texts).rstrip() + (" *" if record.get("is_best") else "")
