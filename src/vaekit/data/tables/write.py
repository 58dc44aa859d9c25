"""Write values as a table: the columns of a model or a dataset, in the format of their source."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.readers.guard import need
from vaekit.data.table_source import TableSource
from vaekit.data.tables.files import EXCEL, PARQUET
from vaekit.errors import DataError
from vaekit.spec import Column
from vaekit.utils.io import write_whole

_DECIMALS = 9  # at most, of a decimal grid
_BOOLEAN = ("False", "True")


def write_table(
    path: str | Path,
    columns: Sequence[Column] | Dataset,
    values: np.ndarray,
    source: TableSource | None = None,
) -> Path:
    """Write values in units of the data as CSV, TSV, text, Parquet or Excel.

    Integers have no decimals, categories and truth values are the words of the source, and real numbers have
    the decimals of the source if all of it had at most 9.

    Args:
        path: whose suffix selects the format.
        columns: those of a model, or a dataset with columns.
        values: (N, D), NaN for missing and indices for categories; or (K, N, D), K imputations, which are
            numbered from 1 in a column `imputation`.
        source: the format of text; that of the dataset by default.

    Raises:
        DataError: the shape does not fit the columns, the dataset has none, or an extra is missing.
        VaekitError: the file cannot be written.

    >>> import tempfile
    >>> columns = (Column("size", resolution=0.25), Column("color", "category", ("blue", "red")))
    >>> path = write_table(Path(tempfile.mkdtemp()) / "x.csv", columns, np.array([[1.5, 1], [np.nan, 0]]))
    >>> path.read_text()
    'size,color\\n1.50,red\\n,blue\\n'
    """
    path = Path(path)
    if isinstance(columns, Dataset):
        source, columns = source or columns.table, columns.columns
    values = np.asarray(values, np.float64)
    if not columns or values.ndim not in (2, 3) or values.shape[-1] != len(columns):
        raise DataError(
            f"{path}: expected values (N, D) or (K, N, D) of {len(columns)} columns, got shape {values.shape}"
        )
    names, order = _header(columns, source)
    columns, values = [columns[j] for j in order], values[..., order]
    if values.ndim == 3:
        columns = [*columns, Column("imputation", "integer", resolution=1.0)]
        names = [*names, "imputation"]
        number = np.broadcast_to(np.arange(1.0, len(values) + 1)[:, None, None], (*values.shape[:2], 1))
        values = np.concatenate([values, number], axis=-1).reshape(-1, len(columns))
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        return _write_parquet(path, names, columns, values)
    if suffix in EXCEL:
        return _write_excel(path, names, columns, values)
    source = source if source is not None and source.format == "text" else None
    plain = TableSource(delimiter="\t" if suffix in (".tsv", ".tab") else ",")
    return _write_text(path, names, columns, values, source or plain)


def _header(columns: Sequence[Column], source: TableSource | None) -> tuple[list[str], list[int]]:
    """The names as the source writes them, and the columns in its order."""
    names = [column.name for column in columns]
    if source is None or not set(names) <= set(source.names):
        return names, list(range(len(names)))
    written = dict(zip(source.names, source.headers or source.names, strict=True))
    ordered = [name for name in source.names if name in set(names)]
    return [written[name] for name in ordered], [names.index(name) for name in ordered]


def cell_texts(column: Column, values: np.ndarray, source: TableSource) -> list[str]:
    """Values (N,) in units of the data as the text of cells.

    >>> cell_texts(Column("n", "integer"), np.array([3.0, np.nan]), TableSource(missing="NA"))
    ['3', 'NA']
    >>> cell_texts(Column("price", resolution=0.01, prefix="$"), np.array([3.0, -2.5]), TableSource())
    ['$3.00', '-$2.50']
    """
    if not column.is_numeric:
        words = column.categories
        return [
            source.missing if v != v else words[min(max(int(v), 0), len(words) - 1)] for v in values.tolist()
        ]
    decimals = 0 if column.kind != "real" else decimals_of(column)
    if decimals is None:
        texts = [source.missing if v != v else repr(v) for v in values.tolist()]
    else:
        rounded = [round(v, decimals) + 0.0 if v == v else v for v in values.tolist()]  # no -0.00
        texts = [source.missing if v != v else f"{v:.{decimals}f}" for v in rounded]
    if source.decimal == ",":
        texts = [text.replace(".", ",") for text in texts]
    if not (column.prefix or column.suffix):
        return texts
    return [
        text if v != v else _affixed(text, column) for text, v in zip(texts, values.tolist(), strict=True)
    ]


def _affixed(text: str, column: Column) -> str:
    """A number with the prefix and the suffix of its column; the sign comes first."""
    sign = text[:1] if text.startswith("-") else ""
    return f"{sign}{column.prefix}{text[len(sign) :]}{column.suffix}"


def decimals_of(column: Column) -> int | None:
    """The number of decimals of a real column, found from its resolution; None if it lies on no decimal grid.

    >>> decimals_of(Column("a", resolution=0.25)), decimals_of(Column("a", resolution=1e-17))
    (2, None)
    """
    if column.resolution <= 0:
        return None
    exponent = Decimal(repr(column.resolution)).normalize().as_tuple().exponent
    decimals = max(0, -int(exponent))
    return decimals if decimals <= _DECIMALS else None


def _write_text(
    path: Path, names: Sequence[str], columns: Sequence[Column], values: np.ndarray, source: TableSource
) -> Path:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=source.delimiter, lineterminator=source.newline)
    if source.header:
        writer.writerow(names)
    cells = [cell_texts(column, values[:, j], source) for j, column in enumerate(columns)]
    writer.writerows(zip(*cells, strict=True))
    return write_whole(path, encode_text(stream.getvalue(), source.encoding))


def encode_text(text: str, encoding: str) -> bytes:
    """Text in an encoding, or in UTF-8 where the encoding lacks a character.

    >>> encode_text("a\\u0416", "cp1252")
    b'a\\xd0\\x96'
    """
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8")


def cell_objects(column: Column, values: np.ndarray) -> list[Any]:
    """Values as Python's objects: None, int, float, bool or str.

    Args:
        column: real numbers have its decimals.
        values: (N,) in units of the data; a category is its index, and NaN is missing.

    >>> cell_objects(Column("color", "category", ("blue", "red")), np.array([1.0, np.nan]))
    ['red', None]
    """
    if column.is_numeric:
        whole, decimals = column.kind != "real", decimals_of(column)
        convert = int if whole else (float if decimals is None else lambda v: round(v, decimals))
        return [None if v != v else convert(v) for v in values.tolist()]
    words = [None if v != v else column.categories[int(v)] for v in values.tolist()]
    if column.kind == "boolean" and column.categories == _BOOLEAN:
        return [None if word is None else word == "True" for word in words]
    if column.kind == "boolean" and column.categories == ("0", "1"):
        return [None if word is None else int(word) for word in words]
    return words


def _write_parquet(path: Path, names: Sequence[str], columns: Sequence[Column], values: np.ndarray) -> Path:
    arrow = need("pyarrow", "parquet", path)
    arrays = [_arrow_array(arrow, column, values[:, j]) for j, column in enumerate(columns)]
    table = arrow.Table.from_arrays(arrays, names=list(names))
    stream = io.BytesIO()
    need("pyarrow.parquet", "parquet", path).write_table(table, stream)
    return write_whole(path, stream.getvalue())


def _arrow_array(arrow: Any, column: Column, values: np.ndarray) -> Any:
    if column.is_numeric:
        kind = arrow.float64() if column.kind == "real" else arrow.int64()
        return arrow.array(cell_objects(column, values), kind)
    if column.kind == "ordered":
        codes = [None if v != v else int(v) for v in values.tolist()]
        words = arrow.array(list(column.categories))
        return arrow.DictionaryArray.from_arrays(arrow.array(codes, arrow.int32()), words, ordered=True)
    return arrow.array(cell_objects(column, values))


def _write_excel(path: Path, names: Sequence[str], columns: Sequence[Column], values: np.ndarray) -> Path:
    book = need("openpyxl", "excel", path).Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(names))
    for row in zip(*(cell_objects(column, values[:, j]) for j, column in enumerate(columns)), strict=True):
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return write_whole(path, stream.getvalue())
