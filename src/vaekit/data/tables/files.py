"""Read a table from any source into columns: text, Parquet, Excel, or a data frame."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.readers.guard import check_archive, check_size, check_unpacked, need, reading
from vaekit.data.table_source import TableSource
from vaekit.data.tables.dialect import find_dialect
from vaekit.data.tables.frames import frame_columns, frame_names, is_frame, object_column
from vaekit.data.tables.raw_column import RawColumn
from vaekit.data.tables.text import locate_cell, read_text_columns
from vaekit.errors import DataError
from vaekit.utils.paths import is_file, user_path

TEXT = (".csv", ".tsv", ".txt", ".tab", ".data", ".dat")
PARQUET = (".parquet", ".pq")
MAX_CELLS = 20_000_000  # of a sheet, empty ones too
EXCEL = (".xlsx", ".xlsm")
SUFFIXES = (*TEXT, *PARQUET, *EXCEL)


def is_table_path(path: str | Path) -> bool:
    """Whether a path names a file of a table that exists.

    >>> is_table_path("no/such.csv")
    False
    """
    path = user_path(path)
    return path.suffix.lower() in SUFFIXES and is_file(path)


@dataclass(frozen=True, eq=False)
class RawTable:
    """The columns of a table before their kinds are known.

    Args:
        columns: by names of their own.
        source: the format; its names are those of the columns.
        notes: what the reader found, one sentence each.
        where: the file, for messages.
        locate: says where a word of a column is, for messages.

    >>> len(RawTable([RawColumn("a", numbers=np.zeros(3))], TableSource(("a",)), (), "x.csv"))
    3
    """

    columns: list[RawColumn]
    source: TableSource
    notes: tuple[str, ...]
    where: str
    locate: Callable[[int, str], str] = lambda j, word: f"column {j + 1} has {word!r}"

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0


def read_raw_table(
    data: Any, *, header: bool | None = None, missing: Collection[str] = (), delimiter: str | None = None
) -> RawTable:
    """The columns of a file or a data frame.

    Args:
        data: a path to text, Parquet or Excel, or a data frame of pandas, polars or PyArrow.
        header: whether the first row of text holds names; found out if None.
        missing: further words that mean a missing value.
        delimiter: between the columns of text; found out if None.

    Raises:
        NotFoundError: there is no such file.
        DataError: the table cannot be read, or an extra is missing.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.csv"
    >>> _ = path.write_text("a,a,\\n1,2,3\\n")
    >>> read_raw_table(path).source.names
    ('a', 'a.1', 'column 3')
    """
    if is_frame(data):
        names = frame_names(data)
        table = RawTable(frame_columns(data, missing), TableSource(format="frame"), (), "data frame")
        return _checked(_named(table, names))
    path = user_path(data)
    with reading(path, "a table of numbers"):
        if path.suffix.lower() in PARQUET:
            return _checked(_read_parquet(path, missing))
        if path.suffix.lower() in EXCEL:
            return _checked(_read_excel(path, header, missing))
        return _checked(_read_text(path, header, missing, delimiter))


def _read_text(path: Path, header: bool | None, missing: Collection[str], delimiter: str | None) -> RawTable:
    found = find_dialect(path, header, delimiter)
    names = list(found.names) or [f"x{j}" for j in range(found.width)]
    columns = read_text_columns(path, found.source, names, missing)

    def locate(column: int, word: str) -> str:
        place = locate_cell(path, found.source, column, lambda cell: cell.strip() == word)
        return f"line {place[0]}, column {column + 1} is {word!r}" if place else f"a cell is {word!r}"

    return _named(RawTable(columns, found.source, found.notes, str(path), locate), names)


def _read_parquet(path: Path, missing: Collection[str]) -> RawTable:
    parquet = need("pyarrow.parquet", "parquet", path)
    facts = parquet.read_metadata(path)
    check_unpacked(path, check_size(path, (facts.num_rows, facts.num_columns), 8))
    table = parquet.read_table(path)
    raw = RawTable(frame_columns(table, missing), TableSource(format="parquet"), (), str(path))
    return _named(raw, frame_names(table))


def _read_excel(path: Path, header: bool | None, missing: Collection[str]) -> RawTable:
    """The first sheet; its first row holds names if none of its cells is a number.

    Rows above the names with fewer cells, such as a title over merged cells, are skipped.
    """
    openpyxl = need("openpyxl", "excel", path)
    with zipfile.ZipFile(path) as archive:
        check_archive(path, archive, factor=10)
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        sheets = book.sheetnames
        rows = [row for row in _bounded_rows(book[sheets[0]], path) if any(c is not None for c in row)]
    finally:
        book.close()
    skip = _titles(rows) if header is not False else 0
    title = next((str(cell) for cell in rows[0] if cell is not None), "") if skip else ""
    rows = rows[skip:]
    if header is None:
        header = bool(rows) and not _has_number(rows[0])
    if len(rows) < 1 + header:
        raise DataError(f"{path}: expected a table of numbers, got a file without any row")
    width = max(map(len, rows))
    cells = [[*row, *[None] * (width - len(row))] for row in rows]
    names = ["" if c is None else str(c) for c in cells[0]] if header else [f"x{j}" for j in range(width)]
    columns = [
        object_column(name, column, missing)
        for name, column in zip(names, zip(*cells[header:], strict=True), strict=True)
    ]
    notes = (f"the first of {len(sheets)} sheets, {sheets[0]!r}",) if len(sheets) > 1 else ()
    if skip:
        notes = (*notes, f"rows above the names, such as {title[:40]!r}, are skipped")
    source = TableSource(format="excel", header=header, skip=skip)
    return _named(RawTable(columns, source, notes, str(path)), names)


def _bounded_rows(sheet: Any, path: Path) -> Iterator[tuple[Any, ...]]:
    """The rows of a sheet; a single cell far away makes all others before it, empty ones."""
    cells = 0
    for row in sheet.iter_rows(values_only=True):
        cells += len(row)
        if cells > MAX_CELLS:
            raise DataError(
                f"{path}: has more than {MAX_CELLS:,} cells up to its last one; delete what lies beyond the "
                "table, or save it as CSV or Parquet"
            )
        yield row


def _titles(rows: Sequence[Sequence[Any]]) -> int:
    """The number of rows above the names: at most 10, each with fewer cells than the next, and no number."""
    count = 0
    while count < min(10, len(rows) - 2):
        row, after = rows[count], rows[count + 1]
        filled, wider = (sum(cell is not None for cell in cells) for cells in (row, after))
        if filled >= wider or _has_number(row) or _has_number(after):
            break
        count += 1
    return count


def _has_number(row: Sequence[Any]) -> bool:
    return any(isinstance(cell, int | float) for cell in row)


def _named(table: RawTable, headers: Sequence[str]) -> RawTable:
    """The table with a different, nonempty name for each column."""
    names: dict[str, None] = {}
    times: Counter[str] = Counter()
    for place, header in enumerate(headers, 1):
        name = first = header or f"column {place}"
        while name in names:
            times[first] += 1
            name = f"{first}.{times[first]}"
        names[name] = None
    twice = [header for header, times in Counter(headers).items() if times > 1 and header]
    notes = (f"several columns are called {twice[0]!r}, so they are numbered",) if twice else ()
    source = replace(
        table.source, names=tuple(names), headers=() if list(headers) == list(names) else tuple(headers)
    )
    columns = [replace(column, name=name) for column, name in zip(table.columns, names, strict=True)]
    return replace(table, columns=columns, source=source, notes=(*table.notes, *notes))


def _checked(table: RawTable) -> RawTable:
    if not len(table):
        raise DataError(f"{table.where}: expected a table of numbers, got a file without any row")
    for column in table.columns:
        if column.numbers is not None and np.isinf(column.numbers).any():
            row = int(np.isinf(column.numbers).argmax())
            raise DataError(
                f"{table.where}: expected finite numbers, but row {row} of column {column.name!r} is "
                f"{column.numbers[row]}; correct it, or write NaN if it is missing"
            )
    return table
