"""What a block gives to the page: text, a table, a figure.

A table holds values, not words: how a number looks is decided where the page is written, and `results.json`
gets it as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Text:
    """A little markdown: paragraphs, `- ` lists, **bold**, `code`.

    Attributes:
        text: of it.
        kind: "text", "heading", or "error" for what could not be shown.
    """

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class Column:
    """What stands in a column.

    Attributes:
        name: by which `results.json` calls it.
        title: what people read.
        unit: of the numbers.
        better: "higher" or "lower", where one is.
        digits: after the point; None for three that say something.
        setting: whether it was chosen, not measured; then it is written as short as it is.
        protocol: how all of it was measured, in words; empty where there is but one way.
    """

    name: str
    title: str
    unit: str = ""
    better: str | None = None
    digits: int | None = 2
    setting: bool = False
    protocol: str = ""


@dataclass(frozen=True)
class Cell:
    """A value, and what to know of it.

    Attributes:
        value: a number, the mean where there are several seeds; a text; or None for what is not known.
        std: standard deviation over the seeds, where there are several.
        count: how many values `value` is the mean of.
        marks: letters of the notes under the table that concern it.
        best: whether it is the best of those it can be compared with.
    """

    value: float | str | None
    std: float | None = None
    count: int = 1
    marks: str = ""
    best: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns; the first column names the rows.

    Attributes:
        columns: from left to right, without that of the names.
        rows: name of a row, and its cells.
        notes: what stands under it, a line each.
        heading: over the names.
    """

    columns: Sequence[Column]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    notes: Sequence[str] = field(default_factory=tuple)
    heading: str = "run"


@dataclass(frozen=True)
class FigureElement:
    """A picture with its caption."""

    figure: Drawing
    caption: str = ""


Element = Text | Table | FigureElement


def mark_best(better: str | None, cells: Sequence[Cell]) -> list[Cell]:
    """Cells that can be compared, with the best number of two or more marked.

    Args:
        better: "higher" or "lower"; None where neither is.
    """
    values = [cell.value for cell in cells if isinstance(cell.value, int | float)]
    if better is None or len(values) < 2:
        return list(cells)
    best = max(values) if better == "higher" else min(values)
    return [replace(cell, best=cell.value == best) for cell in cells]


def comparison_table(
    columns: Sequence[Column],
    rows: Sequence[tuple[str, Sequence[Cell]]],
    notes: Sequence[str] = (),
    heading: str = "run",
) -> Table:
    """A table whose columns hold what can be compared, the best number of each marked."""
    made = [mark_best(column.better, [cells[i] for _, cells in rows]) for i, column in enumerate(columns)]
    names = [name for name, _ in rows]
    return Table(columns, list(zip(names, zip(*made, strict=True), strict=True)), notes, heading)
