"""Arrays (N, D) of numbers as tables: one column per value, x0, x1, ..."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.data.tables.kinds import find_resolution, looks_like_count
from vaekit.data.tables.table import most_are_counts, rows_are_images
from vaekit.errors import DataError
from vaekit.spec import NUMERIC, Column, Kind
from vaekit.utils.format import count_of

_ROWS = 20_000  # to find the resolution of a column


class ArrayTable(NamedTuple):
    """Values (N, D), a column for each, and what was found.

    >>> ArrayTable(np.zeros((2, 1)), (Column("x0"),), ()).columns[0].kind
    'real'
    """

    values: np.ndarray
    columns: tuple[Column, ...]
    notes: tuple[str, ...]


def is_array_table(values: np.ndarray) -> bool:
    """Whether an array is a table: (N, D) numbers that are no gray levels of images and not two-valued.

    >>> is_array_table(np.random.default_rng(0).normal(size=(5, 3))), is_array_table(np.eye(3))
    (True, False)
    """
    return (
        values.ndim == 2
        and values.size > 0
        and values.dtype.kind in "iuf"
        and values.dtype != np.uint8
        and not rows_are_images(values)
    )


def array_table(values: np.ndarray, where: str | Path, names: Sequence[str] = ()) -> ArrayTable:
    """The columns of an array of numbers.

    Args:
        values: (N, D). Real numbers are real columns, whole ones of an integer type integers or counts.
        where: the file, for messages.
        names: of the columns; x0, x1, ... if there are none.

    Raises:
        DataError: values are infinite, all missing or all the same.

    >>> [column.resolution for column in array_table(np.array([[0.5, 3.0], [1.0, 2.0]]), "x.npy").columns]
    [0.5, 1.0]
    """
    whole = values.dtype.kind in "iu"
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype == np.float16 or values.dtype.itemsize > 8:
        values = values.astype(np.float32 if values.dtype.itemsize < 8 else np.float64)
    _check_values(values, where)
    kinds: list[Kind] = _whole_kinds(values) if whole else ["real"] * values.shape[1]
    rows = values[:: max(1, len(values) // _ROWS)]
    columns = tuple(
        Column(names[j] if names else f"x{j}", kind, resolution=1.0 if whole else _resolution(rows[:, j]))
        for j, kind in enumerate(kinds)
    )
    missing = int(np.isnan(values).sum()) if not whole else 0
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in NUMERIC if kind in kinds)
    notes = [f"{count_of(len(values), 'row')} of {count_of(len(columns), 'column')}: {counts}"]
    if missing:
        notes.append(f"{missing} of {values.size} values ({missing / values.size:.1%}) are missing (NaN)")
    return ArrayTable(values.astype(np.float64) if whole else values, columns, tuple(notes))


def _whole_kinds(values: np.ndarray) -> list[Kind]:
    if most_are_counts(list(values.T.astype(np.float64))):
        return ["count"] * values.shape[1]
    return ["count" if looks_like_count(column.astype(np.float64)) else "integer" for column in values.T]


def _resolution(column: np.ndarray) -> float:
    known = column[~np.isnan(column)]
    return find_resolution(known.astype(np.float64)) if len(known) else 0.0


def _check_values(values: np.ndarray, where: str | Path) -> None:
    if values.dtype.kind == "f" and np.isinf(values).any():
        places = np.argwhere(np.isinf(values))
        raise DataError(
            f"{where}: {len(places)} of {values.size} values are infinite, the first at index "
            f"{tuple(map(int, places[0]))}; correct them, or write NaN for values that are missing"
        )
