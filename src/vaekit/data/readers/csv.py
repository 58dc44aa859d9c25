"""A table of numbers as text: one row per image or vector, with an optional label column.

An empty cell, or `nan`, is a missing value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.data.readers.guard import reading
from vaekit.data.readers.raw import RawData
from vaekit.errors import DataError, first_line

_LABELS = ("label", "labels", "class", "target", "y")


class _Layout(NamedTuple):
    delimiter: str | None  # None: any white space
    columns: int
    skip: int
    label: int | None
    note: tuple[str, ...]


def read_table(path: Path) -> RawData:
    """The numbers of a table separated by commas, semicolons, tabs or spaces, with or without a header.

    A column called label, class, target or y holds the labels, which may be text.

    Raises:
        DataError: a row has more or fewer columns than the first, or a cell is not a number.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.csv"
    >>> _ = path.write_text("a,b,label\\n1,2,cat\\n3,4,dog\\n")
    >>> read_table(path).values.shape
    (2, 2)
    """
    with reading(path, "a table of numbers"):
        layout = _layout(path)
        table, names = _table(path, layout)
    if layout.label is None:
        return RawData(table)
    labels = np.array(names)[table[:, layout.label].astype(np.int64)]
    return RawData(np.delete(table, layout.label, axis=1), _numeric_if_possible(labels), notes=layout.note)


def _layout(path: Path) -> _Layout:
    before, first = next(_filled_lines(path, 0))
    delimiter = next((mark for mark in ";\t," if mark in first.strip()), None)
    cells = [cell.strip() for cell in _cells(first, delimiter)]
    if all(_is_value(cell) for cell in cells):
        return _Layout(delimiter, len(cells), before, None, ())
    if len(cells) == 1 and cells[0].lower() in _LABELS:
        raise DataError(f"{path}: has no column but the labels; add the columns of numbers")
    label = next((place for place, cell in enumerate(cells) if cell.lower() in _LABELS), None)
    note = () if label is None else (f"labels from column {cells[label]!r}",)
    return _Layout(delimiter, len(cells), before + 1, label, note)


def _table(path: Path, layout: _Layout) -> tuple[np.ndarray, list[str]]:
    """The whole table as float64, with the label column as indices into the names, which are returned too."""
    names: dict[str, float] = {}
    numbered = lambda text: names.setdefault(text.strip(), float(len(names)))
    try:
        table = np.loadtxt(
            (_fill_empty_cells(line, layout) for _, line in _filled_lines(path, layout.skip)),
            comments=None,
            delimiter=layout.delimiter,
            converters=None if layout.label is None else {layout.label: numbered},
            encoding=None,
            quotechar='"',
            ndmin=2,
        )
    except ValueError as error:
        reason = next(_find_errors(path, layout), first_line(error))
        raise DataError(
            f"{path}: expected {layout.columns} numbers in every row, but {reason}; "
            "correct it (a column of text must be called 'label')"
        ) from error
    return table, list(names)


def _fill_empty_cells(line: str, layout: _Layout) -> str:
    """A line with `nan` in its empty cells; a line without empty cells is returned unchanged."""
    mark, bare = layout.delimiter, line.replace(" ", "").replace('"', "").strip("\r\n")
    if mark is None or not (mark * 2 in bare or bare.startswith(mark) or bare.endswith(mark)):
        return line
    filled = io.StringIO()
    cells = [
        cell if cell.strip() or place == layout.label else "nan"
        for place, cell in enumerate(_cells(line, mark))
    ]
    csv.writer(filled, delimiter=mark, lineterminator="\n").writerow(cells)
    return filled.getvalue()


def _find_errors(path: Path, layout: _Layout) -> Iterator[str]:
    """Descriptions of the cells that are not numbers and of rows of the wrong length, in order."""
    for number, line in _filled_lines(path, layout.skip):
        cells = _cells(line, layout.delimiter)
        if len(cells) != layout.columns:
            yield f"line {number + 1} has {len(cells)}"
        for place, cell in enumerate(cells):
            if place != layout.label and not _is_value(cell):
                yield f"line {number + 1}, column {place + 1} is {cell!r}"


def _filled_lines(path: Path, skip: int) -> Iterator[tuple[int, str]]:
    """(number, line) of the lines that are not blank, from line number `skip` on; there must be one."""
    lines = ((number, line) for number, line in _lines(path) if number >= skip and line.strip())
    first = next(lines, None)
    if first is None:
        raise DataError(f"{path}: expected a table of numbers, got a file without any row")
    yield first
    yield from lines


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with open(path, encoding="utf-8-sig") as stream:
        yield from enumerate(stream)


def _cells(line: str, delimiter: str | None) -> list[str]:
    return next(csv.reader([line.strip("\r\n")], delimiter=delimiter), []) if delimiter else line.split()


def _is_value(text: str) -> bool:
    return not text.strip() or _is_number(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numeric_if_possible(labels: np.ndarray) -> np.ndarray:
    """Labels such as "3" or "3.0" as numbers, so that 10 comes after 9; text stays text."""
    return labels.astype(np.float64) if all(_is_number(label) for label in np.unique(labels)) else labels
