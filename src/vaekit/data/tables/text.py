"""The columns of a text file: CSV, TSV and tables in white space.

The file is read in pieces of some 400,000 cells. A column is a column of numbers as long as all of its cells
are numbers or missing; else the file is read once more, and the column keeps its words.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.table_source import TableSource
from vaekit.data.tables.cells import is_missing, to_number
from vaekit.data.tables.raw_column import RawColumn
from vaekit.errors import DataError

_CELLS = 400_000  # in one piece
_END = "\x1aend\x1a"  # a record after the last one

Words = dict[str, int]


def read_text_columns(
    path: Path, source: TableSource, names: Sequence[str], missing: Collection[str] = ()
) -> list[RawColumn]:
    """The columns of a text file.

    Args:
        path: the file.
        source: its format, as `find_dialect` finds it.
        names: one name per column.
        missing: further words that mean a missing value.

    Raises:
        DataError: a row has more or fewer cells than names, or a number is infinite.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.csv"
    >>> _ = path.write_text("a,b\\n1,x\\n,y\\n")
    >>> a, b = read_text_columns(path, TableSource(), ("a", "b"))
    >>> a.numbers, b.words
    (array([ 1., nan]), ('x', 'y'))
    """
    words, found = _read(path, source, len(names), set(), missing)
    late = {j for j, column in enumerate(found) if column is None}
    if late:
        words, found = _read(path, source, len(names), late, missing)
    return [
        _word_column(name, np.concatenate(values), words[j], missing)  # type: ignore[arg-type]
        if j in words
        else RawColumn(name, numbers=_finite(np.concatenate(values), j, path, source, len(names)))  # type: ignore[arg-type]
        for j, (name, values) in enumerate(zip(names, found, strict=True))
    ]


def _read(
    path: Path, source: TableSource, width: int, text: set[int], missing: Collection[str]
) -> tuple[dict[int, Words], list[list[np.ndarray] | None]]:
    """Column -> its words; the numbers or codes of each column in pieces, None for words that come late."""
    words: dict[int, Words] = {j: {} for j in text}
    pieces: list[list[np.ndarray] | None] = [[] for _ in range(width)]
    for piece, rows in enumerate(_pieces(path, source, width)):
        for j, cells in enumerate(zip(*rows, strict=True)):
            kept = pieces[j]
            if kept is None:
                continue
            numbers = None if j in words else _numbers(cells, source.decimal, missing)
            if numbers is None and j not in words:
                if piece:
                    pieces[j] = None
                    continue
                words[j] = {}
            if numbers is None:
                known = words[j]
                numbers = np.array([known.setdefault(cell, len(known)) for cell in cells], np.int64)
            kept.append(numbers)
    if pieces and pieces[0] == []:
        raise DataError(f"{path}: expected a table of numbers, got a file without any row")
    return words, pieces


def records(path: Path, source: TableSource) -> Generator[tuple[int, list[str]], None, None]:
    """(number of its last line, cells) of each record after the header; blank lines are left out.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.csv"
    >>> _ = path.write_text("a,b\\n1,x\\n\\n2,y\\n")
    >>> list(records(path, TableSource()))
    [(2, ['1', 'x']), (4, ['2', 'y'])]
    """
    with open(path, encoding=source.encoding, newline="") as stream:
        reader, header = _reader(stream, source), source.header
        for record in reader:
            if record and header:
                header = False
            elif record and record != [_END]:
                yield source.skip + reader.line_num, record


def _reader(stream: Iterable[str], source: TableSource) -> Any:
    """A reader of records; the last one is `_END` alone, unless a quote is never closed."""
    lines: Iterable[str] = islice(stream, source.skip, None)
    if source.delimiter == " ":
        lines = (" ".join(line.split()) for line in lines)
    return csv.reader(chain(lines, [_END]), delimiter=source.delimiter, skipinitialspace=True)


def _pieces(path: Path, source: TableSource, width: int) -> Iterator[list[list[str]]]:
    step = max(1, _CELLS // width)
    with open(path, encoding=source.encoding, newline="") as stream:
        reader, closed = _reader(stream, source), False
        if source.header:
            next((record for record in reader if record), None)
        while rows := list(islice(reader, step)):
            if rows[-1] == [_END]:
                rows.pop()
                closed = True
            if set(map(len, rows)) != {width}:
                rows = [row for row in rows if row and (width == 1 or row != [""])]
            if any(len(row) != width for row in rows):
                raise _ragged(path, source, width)
            if rows:
                yield rows
        if not closed:
            raise _unclosed(path, source)


def _unclosed(path: Path, source: TableSource) -> DataError:
    with closing(records(path, source)) as rows:
        *_, before, _ = (0, 0, *(n for n, _ in rows))
    return DataError(
        f"{path}: expected a closing quote, but one that opens after line {before} is never closed; add it"
    )


def _ragged(path: Path, source: TableSource, width: int) -> DataError:
    with closing(records(path, source)) as rows:
        line, cells = next((n, row) for n, row in rows if len(row) != width and row != [""])
    if _END in cells[-1]:
        return _unclosed(path, source)
    return DataError(
        f"{path}: expected {width} cells in every row, but line {line} has {len(cells)}; correct it"
    )


def locate_cell(
    path: Path, source: TableSource, column: int, test: Callable[[str], bool]
) -> tuple[int, str] | None:
    """(line, text) of the first cell of a column for which a test is true; None if there is none.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.csv"
    >>> _ = path.write_text("a,b\\n1,x\\n2,y\\n")
    >>> locate_cell(path, TableSource(), 1, lambda cell: cell == "y")
    (3, 'y')
    """
    with closing(records(path, source)) as rows:
        return next(((n, row[column]) for n, row in rows if len(row) > column and test(row[column])), None)


def _numbers(cells: Sequence[str], decimal: str, missing: Collection[str]) -> np.ndarray | None:
    """The numbers in some cells; None if one is a word. Python reads 1_000 as a number, tables do not."""
    plain = _plain_cells(cells, decimal)
    for convert in (float, _float_or_nan) if plain else ():
        try:
            return np.array(list(map(convert, plain)))
        except ValueError:
            continue
    known: dict[str, float] = {}
    for cell in set(cells):
        number = to_number(cell, decimal)
        if number is None and not is_missing(cell, missing):
            return None
        known[cell] = float("nan") if number is None else number
    return np.array([known[cell] for cell in cells])


def _plain_cells(cells: Sequence[str], decimal: str) -> Sequence[str]:
    """Cells that Python's `float` reads like tables do, with decimal points; none if it might not."""
    joined = "\n".join(cells)
    if "_" in joined or (decimal == "," and "." in joined):
        return ()
    if decimal == ".":
        return cells
    plain = joined.replace(",", ".").split("\n")
    return plain if len(plain) == len(cells) else ()


def _float_or_nan(cell: str) -> float:
    return float(cell or "nan")


def _word_column(name: str, codes: np.ndarray, words: Words, missing: Collection[str]) -> RawColumn:
    """Words without white space around them, and without those that mean a missing value."""
    merged: Words = {}
    place = [
        -1 if is_missing(word, missing) else merged.setdefault(word.strip(), len(merged)) for word in words
    ]
    return RawColumn(name, codes=np.array(place, np.int64)[codes], words=tuple(merged))


def _finite(numbers: np.ndarray, column: int, path: Path, source: TableSource, width: int) -> np.ndarray:
    if not np.isinf(numbers).any():
        return numbers
    infinite = lambda cell: (to_number(cell, source.decimal) or 0.0) in (float("inf"), -float("inf"))
    line, cell = locate_cell(path, source, column, infinite) or (0, "inf")
    raise DataError(
        f"{path}: expected finite numbers, but line {line}, column {column + 1} is {cell!r}, which is "
        "infinite; correct it, or leave it empty if it is missing"
    )
