"""What a block adds to the page: text, a table, or a figure.

A table holds values, not formatted text. The page decides how a number looks; results.json gets the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vaekit.evaluation.confidence_intervals import Interval, welch_interval_of

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
        best: True for the best of the values it can be compared with, see `mark_best`.
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
    """Mark the best of two or more comparable cells, if it is better by more than the seeds differ.

    The 95 % interval of its difference from every other cell (Welch, over the seeds) is on one side of 0.
    Cells of one seed have no such interval, so nothing is marked among them.

    Args:
        better: "higher" or "lower"; None marks nothing.
        cells: all of one column.

    >>> [cell.best for cell in mark_best("higher", [Cell(1.0, 0.1, 3), Cell(2.0, 0.1, 3), Cell(None)])]
    [False, True, False]
    >>> [cell.best for cell in mark_best("higher", [Cell(1.0), Cell(2.0)])]
    [False, False]
    """
    known = [cell for cell in cells if isinstance(cell.value, int | float)]
    if better is None or len(known) < 2:
        return list(cells)
    sign = 1.0 if better == "higher" else -1.0
    top, *others = sorted(known, key=lambda cell: -sign * float(cell.value or 0))
    differences = [difference_over_seeds(top, other) for other in others]
    clear = all(found is not None and min(sign * found.low, sign * found.high) > 0 for found in differences)
    return [replace(cell, best=clear and cell is top) for cell in cells]


def difference_over_seeds(one: Cell, other: Cell) -> Interval | None:
    """The difference of two means over seeds with its 95 % interval; None unless both have several seeds.

    >>> difference_over_seeds(Cell(2.0, 0.0, 2), Cell(1.0, 0.0, 2))
    Interval(mean=1.0, low=1.0, high=1.0)
    """
    if one.std is None or other.std is None or min(one.count, other.count) < 2:
        return None
    first, second = ((float(cell.value or 0.0), float(cell.std or 0.0), cell.count) for cell in (one, other))
    return welch_interval_of(first, second)


def comparison_table(
    columns: Sequence[Column],
    rows: Sequence[tuple[str, Sequence[Cell]]],
    notes: Sequence[str] = (),
    heading: str = "run",
) -> Table:
    """A table in which all cells of a column are comparable, with the best of each column marked.

    >>> rows = [("a", [Cell(3, 0.1, 2)]), ("b", [Cell(2, 0.1, 2)])]
    >>> table = comparison_table([Column("mse", "MSE", better="lower")], rows)
    >>> [(name, cells[0].best) for name, cells in table.rows]
    [('a', False), ('b', True)]
    """
    marked = [mark_best(column.better, [cells[i] for _, cells in rows]) for i, column in enumerate(columns)]
    names = [name for name, _ in rows]
    return Table(columns, list(zip(names, zip(*marked, strict=True), strict=True)), notes, heading)
