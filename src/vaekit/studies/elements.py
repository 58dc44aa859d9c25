"""What a block adds to the page: text, a table, or a figure.

A table holds values, not formatted text. The page decides how a number looks; results.json gets the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Text:
    """Text in a subset of Markdown: paragraphs, `- ` lists, **bold**, `code`.

    Attributes:
        text: the content.
        kind: "text", "heading", or "error" for a block that could not be drawn.

    >>> Text("Samples", "heading").kind
    'heading'
    """

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: the name in results.json.
        title: the title on the page.
        unit: of the numbers; may be empty.
        better: "higher" or "lower", or None if neither is better.
        digits: after the decimal point; None for three significant digits.
        setting: True for a value that was chosen, not measured; it has no trailing zeros.
        protocol: how the numbers were measured; empty if it is the same for all.

    >>> Column("elbo", "ELBO", "nats", "higher").digits
    2
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
    """A value of a table.

    Attributes:
        value: a number (the mean over several seeds), a text, or None if unknown.
        std: standard deviation over the seeds; None for a single seed.
        count: number of values that `value` is the mean of.
        marks: letters of the notes below the table that apply to the value.
        best: True for the best of the values it can be compared with.
        error: standard error of the number of a single run; None if it is not known.

    >>> Cell(-95.2, std=0.4, count=3).best
    False
    """

    value: float | str | None
    std: float | None = None
    count: int = 1
    marks: str = ""
    best: bool = False
    error: float | None = None


@dataclass(frozen=True)
class Table:
    """Rows of cells below columns; a first column names the rows.

    Attributes:
        columns: from left to right, without the column of names.
        rows: the name and the cells of each row.
        notes: lines below the table.
        heading: title of the column of names.

    >>> len(Table([Column("elbo", "ELBO")], [("vae", [Cell(-95.2)])]).rows)
    1
    """

    columns: Sequence[Column]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    notes: Sequence[str] = field(default_factory=tuple)
    heading: str = "run"


@dataclass(frozen=True)
class FigureElement:
    """A figure with its caption.

    >>> from matplotlib.figure import Figure
    >>> FigureElement(Figure(), "Samples.").caption
    'Samples.'
    """

    figure: Figure
    caption: str = ""


Element = Text | Table | FigureElement


def mark_best(better: str | None, cells: Sequence[Cell]) -> list[Cell]:
    """Mark the best of two or more comparable cells.

    Args:
        better: "higher" or "lower"; None marks nothing.
        cells: all of one column.

    >>> [cell.best for cell in mark_best("higher", [Cell(1.0), Cell(2.0), Cell(None)])]
    [False, True, False]
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
    """A table in which all cells of a column are comparable, with the best of each column marked.

    >>> table = comparison_table([Column("mse", "MSE", better="lower")], [("a", [Cell(3)]), ("b", [Cell(2)])])
    >>> [(name, cells[0].best) for name, cells in table.rows]
    [('a', False), ('b', True)]
    """
    marked = [mark_best(column.better, [cells[i] for _, cells in rows]) for i, column in enumerate(columns)]
    names = [name for name, _ in rows]
    return Table(columns, list(zip(names, zip(*marked, strict=True), strict=True)), notes, heading)
