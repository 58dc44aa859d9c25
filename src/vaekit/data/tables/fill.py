"""A copy of a table in which missing cells are filled in, and all others stay byte for byte."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.readers.guard import need
from vaekit.data.table_source import TableSource
from vaekit.data.tables.files import EXCEL, PARQUET
from vaekit.data.tables.write import cell_texts
from vaekit.errors import DataError
from vaekit.spec import Column
from vaekit.utils.io import write_whole
from vaekit.utils.paths import is_file

IMPUTATION = "imputation"  # the name of the column that numbers several imputations


def fill_table(
    dataset: Dataset,
    indices: np.ndarray,
    values: np.ndarray,
    observed: np.ndarray,
    path: str | Path,
    *,
    as_column: bool = False,
) -> list[Path]:
    """Copy the table that a dataset was read from, with its missing cells filled in.

    Observed cells, columns that are set aside, the header and the order stay as they are.

    Args:
        dataset: as it was read from a file by `table_dataset` or `read_like`.
        indices: (n,) the rows that are filled; the others stay as they are.
        values: (n, D) in units of the data, indices for categories; or (K, n, D), K imputations.
        observed: (n, D), True for cells that stay.
        path: of the copy; its suffix is that of the source.
        as_column: whether K imputations go into one file, numbered from 1 in a last column `imputation`;
            otherwise into K files `name-1`, `name-2`, ...

    Returns:
        The files.

    Raises:
        DataError: the dataset was not read from a file, another format is asked for, or shapes differ.
        VaekitError: a file cannot be written.

    >>> import tempfile
    >>> from vaekit.data.tables.table import table_dataset
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "x.csv").write_text("a, b\\n1.50,\\n,2e0\\n")
    >>> data = table_dataset(folder / "x.csv")
    >>> values, observed = np.array([[7.0, 8.0], [9.0, 7.0]]), ~np.isnan(data.images)
    >>> (file,) = fill_table(data, np.arange(2), values, observed, folder / "y.csv")
    >>> file.read_text()
    'a, b\\n1.50,8\\n9.0,2e0\\n'
    """
    path = Path(path)
    values = np.asarray(values, np.float64)
    source, origin = dataset.table, Path(dataset.source)
    if source is None or source.format == "frame" or not is_file(origin):
        raise DataError(
            f"{path}: the data {dataset.name} were not read from a file of a table; use write_table"
        )
    shape = (len(indices), len(dataset.columns))
    if values.shape[-2:] != shape or values.ndim not in (2, 3) or np.shape(observed) != shape:
        raise DataError(
            f"{path}: expected values and a mask of shape {shape}, one row per index, got {values.shape} and "
            f"{np.shape(observed)}"
        )
    stays = np.ones(dataset.images.shape, bool)
    stays[indices] = observed
    filled = np.full((len(values) if values.ndim == 3 else 1, *dataset.images.shape), np.nan)
    filled[:, indices] = values
    fill = {"text": _fill_text, "parquet": _fill_parquet, "excel": _fill_excel}[source.format]
    kind = {"text": (), "parquet": PARQUET, "excel": EXCEL}[source.format]
    if (path.suffix.lower() in kind) != bool(kind) or (not kind and path.suffix.lower() in PARQUET + EXCEL):
        raise DataError(f"{path}: expected the format of {origin.name}, {origin.suffix}; name the file so")
    if as_column:
        return [fill(origin, path, dataset.columns, source, filled, stays, True)]
    files = (
        [path]
        if len(filled) == 1
        else [path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, len(filled) + 1)]
    )
    return [
        fill(origin, file, dataset.columns, source, one[None], stays, False)
        for file, one in zip(files, filled, strict=True)
    ]


def _fill_text(
    origin: Path,
    path: Path,
    columns: Sequence[Column],
    source: TableSource,
    filled: np.ndarray,
    observed: np.ndarray,
    numbered: bool,
) -> Path:
    places = [source.names.index(column.name) for column in columns]
    holes = [np.flatnonzero(~row) for row in observed]
    lines: list[str] = []
    for number, values in enumerate(filled, 1):
        cells = [cell_texts(column, values[:, j], source) for j, column in enumerate(columns)]
        row = 0
        for raw, what in _raw_records(origin, source):
            if what == "row" and row < len(holes) and len(holes[row]):
                new = {places[j]: _quoted(cells[j][row], source.delimiter) for j in holes[row].tolist()}
                raw = _replaced(raw, new, source.delimiter, len(source.names))
            row += what == "row"
            if numbered and what != "other":
                text = str(number) if what == "row" else IMPUTATION
                end = raw[len(raw.rstrip("\r\n")) :]
                raw = raw.rstrip("\r\n") + source.delimiter + text + (end or source.newline)
            if what == "row" or number == 1:
                lines.append(raw)
        if row != len(observed):
            raise DataError(f"{origin}: has {row} rows, but the data have {len(observed)}; it was changed")
    return write_whole(path, _encoded("".join(lines), origin, source.encoding))


def _raw_records(path: Path, source: TableSource) -> Iterator[tuple[str, str]]:
    """(text with its line end, header, row or other) of each record of a file, in order."""
    taken: list[str] = []

    def lines(stream: Any) -> Iterator[str]:
        for line in stream:
            taken.append(line)
            yield " ".join(line.split()) if source.delimiter == " " else line

    with open(path, encoding=source.encoding, newline="") as stream:
        yield from ((line, "other") for line in islice(stream, source.skip))
        header, width = source.header, len(source.names)
        for record in csv.reader(lines(stream), delimiter=source.delimiter, skipinitialspace=True):
            what = "row" if record and (width == 1 or record != [""]) else "other"
            if what == "row" and header:
                header, what = False, "header"
            yield "".join(taken), what
            taken.clear()


def _replaced(raw: str, new: dict[int, str], delimiter: str, width: int) -> str:
    """A record with some of its cells replaced."""
    body = raw.rstrip("\r\n")
    if delimiter == " ":
        pieces = re.split(r"(\s+)", body)
        first = 2 if pieces and not pieces[0] else 0
        for place, text in new.items():
            pieces[first + 2 * place] = text
        return "".join(pieces) + raw[len(body) :]
    cells = _raw_cells(body, delimiter)
    if len(cells) != width:
        raise DataError(
            f"expected {width} cells, got {len(cells)} in {body[:60]!r}; the table cannot be filled"
        )
    for place, text in new.items():
        cells[place] = text
    return delimiter.join(cells) + raw[len(body) :]


def _raw_cells(body: str, delimiter: str) -> list[str]:
    """The cells of a record as they are written, with quotes and white space."""
    if '"' not in body:
        return body.split(delimiter)
    mark = re.escape(delimiter)
    cell = re.compile(rf'( *"(?:[^"]|"")*"[^{mark}]*|(?! *")[^{mark}]*)({mark}|\Z)', re.DOTALL)
    cells: list[str] = []
    at = 0
    while True:
        match = cell.match(body, at)
        if match is None:  # a quote that is never closed
            return [*cells, body[at:]]
        cells.append(match[1])
        at = match.end()
        if not match[2]:
            return cells


def _quoted(text: str, delimiter: str) -> str:
    """A cell in quotes if it needs them."""
    if any(mark in text for mark in (delimiter, '"', "\n", "\r")):
        return '"' + text.replace('"', '""') + '"'
    return text


def _encoded(text: str, origin: Path, encoding: str) -> bytes:
    """Text in the encoding of a file, with the same byte order."""
    with open(origin, "rb") as stream:
        start = stream.read(4)
    if encoding == "utf-16" and start.startswith(codecs.BOM_UTF16_BE):
        return codecs.BOM_UTF16_BE + text.encode("utf-16-be")
    if encoding == "utf-32" and start.startswith(codecs.BOM_UTF32_BE):
        return codecs.BOM_UTF32_BE + text.encode("utf-32-be")
    return text.encode(encoding)


def _fill_parquet(
    origin: Path,
    path: Path,
    columns: Sequence[Column],
    source: TableSource,
    filled: np.ndarray,
    observed: np.ndarray,
    numbered: bool,
) -> Path:
    arrow, parquet = need("pyarrow", "parquet", path), need("pyarrow.parquet", "parquet", path)
    original = parquet.read_table(origin)
    tables = []
    for number, values in enumerate(filled, 1):
        table = original
        for j, column in enumerate(columns):
            place, known = source.names.index(column.name), observed[:, j]
            if known.all():
                continue
            cells = table.column(place).to_pylist()
            fresh = _cells_like(column, values[:, j], cells)
            merged = [old if keep else new for old, new, keep in zip(cells, fresh, known, strict=True)]
            kind = table.schema.field(place).type
            table = table.set_column(place, table.schema.field(place), arrow.array(merged, kind))
        if numbered:
            table = table.append_column(IMPUTATION, arrow.array([number] * len(values), arrow.int64()))
        tables.append(table)
    stream = io.BytesIO()
    parquet.write_table(arrow.concat_tables(tables), stream)
    return write_whole(path, stream.getvalue())


def _cells_like(column: Column, values: np.ndarray, cells: Sequence[Any]) -> list[Any]:
    """Values as objects of the type that a column has."""
    known = next((cell for cell in cells if cell is not None and cell == cell), 0.0)
    texts = cell_texts(column, values, TableSource())
    if isinstance(known, bool):
        return [text == column.categories[-1] for text in texts]
    if isinstance(known, int):
        return [round(float(text)) if text else None for text in texts]
    if isinstance(known, str):
        return list(texts)
    return [float(text) if text else None for text in texts]


def _fill_excel(
    origin: Path,
    path: Path,
    columns: Sequence[Column],
    source: TableSource,
    filled: np.ndarray,
    observed: np.ndarray,
    numbered: bool,
) -> Path:
    """The workbook with cells of its first sheet filled; several imputations make a plain sheet of values."""
    excel = need("openpyxl", "excel", path)
    book = excel.load_workbook(origin, data_only=numbered)
    sheet = book[book.sheetnames[0]]
    rows = [row for row in sheet.iter_rows() if any(cell.value is not None for cell in row)][source.skip :]
    head, rows = rows[: source.header], rows[source.header :]
    numbering = [[*(cell.value for cell in row), IMPUTATION] for row in head]
    for number, values in enumerate(filled, 1):
        for j, column in enumerate(columns):
            place = source.names.index(column.name)
            fresh = _cells_like(column, values[:, j], [row[place].value for row in rows])
            for i in np.flatnonzero(~observed[:, j]).tolist():
                rows[i][place].value = fresh[i]
        numbering += [[*(cell.value for cell in row), number] for row in rows]
    if numbered:
        book = excel.Workbook(write_only=True)
        plain = book.create_sheet(sheet.title)
        for cells in numbering:
            plain.append(cells)
    stream = io.BytesIO()
    book.save(stream)
    return write_whole(path, stream.getvalue())
