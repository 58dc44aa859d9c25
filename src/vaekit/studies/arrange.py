"""A table as texts that fit a width: runs as rows, or, if that is too wide, runs as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vaekit.studies.elements import Cell, Column, Table
from vaekit.utils.format import format_number, format_significant

GAP = 2  # letters between two columns


@dataclass(frozen=True)
class Entry:
    """The text of a cell.

    >>> Entry("−31.00", marks="a").best
    False
    """

    text: str
    marks: str = ""
    best: bool = False


@dataclass(frozen=True)
class Grid:
    """The texts of a table in the order in which they are shown.

    Attributes:
        heading: above the names of the rows.
        heads: title and unit of each column.
        rows: title and unit of each row, and its entries.
        turned: whether runs are columns.
        width: in letters, with titles broken into words.

    >>> Grid("run", [("ELBO", "nats")], [(("vae", ""), [Entry("−31.00")])]).width
    11
    """

    heading: str
    heads: Sequence[tuple[str, str]]
    rows: Sequence[tuple[tuple[str, str], Sequence[Entry]]]
    turned: bool = False

    @property
    def width(self) -> int:
        columns = zip(*(entries for _, entries in self.rows), strict=True)
        names = max((len(" ".join(filter(None, name))) for name, _ in self.rows), default=0)
        widths = [
            max(_longest_word(*head), *(len(entry.text) + len(entry.marks) for entry in column))
            for head, column in zip(self.heads, columns, strict=False)
        ]
        return max(names, len(self.heading)) + sum(width + GAP for width in widths)


def arrange(table: Table, widest: int) -> Grid:
    """The texts of a table, with runs as columns if only that fits.

    Args:
        table: the table, with runs as rows.
        widest: letters that fit.

    >>> columns = [Column(name, name) for name in ("elbo", "kl", "reconstruction", "error")]
    >>> table = Table(columns, [("vae", [Cell(1.0)] * 4)])
    >>> arrange(table, 80).turned, arrange(table, 20).turned
    (False, True)
    """
    heads = [(column.title, column.unit) for column in table.columns]
    rows = [
        ((name, ""), [_entry(*pair) for pair in zip(cells, table.columns, strict=True)])
        for name, cells in table.rows
    ]
    grid = Grid(table.heading, heads, rows)
    if grid.width <= widest or not rows or len(heads) < 2:
        return grid
    by_column = list(zip(*(entries for _, entries in rows), strict=True))
    turned = Grid("", [name for name, _ in rows], list(zip(heads, by_column, strict=True)), turned=True)
    return turned if turned.width < grid.width else grid


def format_cell(cell: Cell, column: Column) -> str:
    """The text of a cell: the value with the digits of its column, ± its deviation over seeds or its error.

    >>> format_cell(Cell(1.0, 0.25, 3), Column("elbo", "ELBO"))
    '1.00 ± 0.25'
    >>> format_cell(Cell(None), Column("elbo", "ELBO"))
    '–'
    """
    if cell.value is None:
        return "–"
    if isinstance(cell.value, str):
        return cell.value
    spread = cell.error if cell.std is None else cell.std
    values = [cell.value] if spread is None else [cell.value, spread]
    if column.setting:
        values = values if spread else values[:1]  # a setting that all seeds share has no spread
        return " ± ".join(f"{value:.12g}".replace("-", "−") for value in values)
    if column.digits == 0 and not spread:
        values = values[:1]  # a number that is the same for all seeds
    if column.digits is None:
        return " ± ".join(map(format_significant, values))
    return " ± ".join(format_number(value, digits=column.digits) for value in values)


def _entry(cell: Cell, column: Column) -> Entry:
    return Entry(format_cell(cell, column), cell.marks, cell.best)


def _longest_word(title: str, unit: str) -> int:
    return max(map(len, f"{title} {unit}".split()), default=0)
