"""Columns with types: data frames of pandas and polars, tables of PyArrow, and rows of Python's objects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from vaekit.data.tables.cells import is_missing
from vaekit.data.tables.raw_column import RawColumn, word_column

_TIMES = (date, datetime, time, timedelta, np.datetime64, np.timedelta64)


def is_frame(data: Any) -> bool:
    """Whether an object is a data frame of pandas or polars, or a table of PyArrow; none of them is imported.

    >>> is_frame(np.zeros((2, 2)))
    False
    """
    package = type(data).__module__.partition(".")[0]
    return package in ("pandas", "polars", "pyarrow") and type(data).__name__ in ("DataFrame", "Table")


def frame_names(frame: Any) -> list[str]:
    """The names of the columns of a frame.

    >>> class Frame:
    ...     columns = ("a", "b")
    >>> frame_names(Frame())
    ['a', 'b']
    """
    names = frame.column_names if hasattr(frame, "column_names") else frame.columns
    return [str(name) for name in names]


def frame_columns(frame: Any, missing: Collection[str] = ()) -> list[RawColumn]:
    """The columns of a data frame or of a table of PyArrow.

    Args:
        frame: the frame.
        missing: further words that mean a missing value.

    >>> frame_columns(np.zeros((2, 2)))
    Traceback (most recent call last):
    TypeError: expected a data frame, got numpy.ndarray
    """
    package = type(frame).__module__.partition(".")[0]
    if not is_frame(frame):
        raise TypeError(f"expected a data frame, got {package}.{type(frame).__name__}")
    read = {"pandas": _pandas_column, "polars": _polars_column, "pyarrow": _arrow_column}[package]
    take = (lambda j: frame.iloc[:, j]) if package == "pandas" else (lambda j: frame[:, j])
    if package == "pyarrow":
        take = frame.column
    return [read(name, take(j), missing) for j, name in enumerate(frame_names(frame))]


def object_column(name: str, cells: Sequence[Any], missing: Collection[str] = ()) -> RawColumn:
    """The column of some objects: numbers, truth values, times or words; None and NaN are missing.

    >>> object_column("a", [1, None, 2.5]).numbers
    array([1. , nan, 2.5])
    >>> object_column("b", [True, False]).kind, object_column("c", [date(2026, 1, 31)]).kind
    ('boolean', 'date')
    """
    known = [None if _is_none(cell) else cell for cell in cells]
    given = [cell for cell in known if cell is not None]
    if given and all(isinstance(cell, bool | np.bool_) for cell in given):
        return _boolean_column(name, known)
    if all(isinstance(cell, Real | Decimal) for cell in given):
        return RawColumn(name, numbers=np.array([np.nan if c is None else float(c) for c in known]))
    if all(isinstance(cell, _TIMES) for cell in given):
        return word_column(name, [None if cell is None else _iso(cell) for cell in known], "date")
    texts = [None if cell is None else str(cell).strip() for cell in known]
    return word_column(name, [None if t is None or is_missing(t, missing) else t for t in texts])


def _is_none(cell: Any) -> bool:
    """Whether a cell is None, NaN, NaT or the missing value of pandas, which compares to nothing."""
    try:
        return cell is None or bool(cell != cell)
    except (TypeError, ValueError):
        return True


def _iso(cell: Any) -> str:
    return str(cell.isoformat() if hasattr(cell, "isoformat") else cell)


def _boolean_column(name: str, cells: Sequence[Any]) -> RawColumn:
    codes = np.array([-1 if cell is None else int(cell) for cell in cells], np.int64)
    return RawColumn(name, codes=codes, words=("False", "True"), kind="boolean")


def _coded(name: str, codes: Any, words: Sequence[Any], ordered: bool) -> RawColumn:
    kind = "ordered" if ordered else "category"
    return RawColumn(name, codes=np.asarray(codes, np.int64), words=tuple(map(str, words)), kind=kind)


def _pandas_column(name: str, series: Any, missing: Collection[str]) -> RawColumn:
    dtype = series.dtype
    if hasattr(dtype, "categories") and hasattr(dtype, "ordered"):
        return _coded(name, series.cat.codes.to_numpy(), list(dtype.categories), bool(dtype.ordered))
    if getattr(dtype, "kind", "O") in "iuf":
        return RawColumn(name, numbers=series.to_numpy(dtype=np.float64, na_value=np.nan))
    return object_column(name, series.tolist(), missing)


def _polars_column(name: str, series: Any, missing: Collection[str]) -> RawColumn:
    dtype = series.dtype
    if str(dtype).startswith("Enum"):
        words = dtype.categories.to_list()
        place = {word: index for index, word in enumerate(words)}
        return _coded(name, [place.get(word, -1) for word in series.to_list()], words, ordered=True)
    if dtype.is_numeric():
        return (
            object_column(name, series.to_list(), missing) if dtype.is_decimal() else _numeric(name, series)
        )
    return object_column(name, series.to_list(), missing)


def _arrow_column(name: str, column: Any, missing: Collection[str]) -> RawColumn:
    kind = str(column.type)
    if kind.startswith("dictionary"):
        cells = column.to_pylist()
        words = list(dict.fromkeys(word for chunk in column.chunks for word in chunk.dictionary.to_pylist()))
        place = {word: index for index, word in enumerate(words)}
        codes = [-1 if cell is None else place[cell] for cell in cells]
        return _coded(name, codes, words, ordered=column.type.ordered)
    if kind.startswith(("int", "uint", "float", "double", "halffloat")):
        return _numeric(name, column)
    return object_column(name, column.to_pylist(), missing)


def _numeric(name: str, column: Any) -> RawColumn:
    return RawColumn(name, numbers=np.array(column.to_numpy(), np.float64))
