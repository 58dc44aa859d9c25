"""Results in the kind of the data that they came from: arrays, tensors, data frames of pandas and polars."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from vaekit.data.tables.frames import frame_columns, frame_names, is_frame
from vaekit.data.tables.write import cell_objects
from vaekit.spec import Column

ARRAY = "numpy"


def container_of(data: Any) -> str:
    """The kind of some data: pandas, polars, torch, or numpy for everything else.

    >>> import torch
    >>> container_of(torch.zeros(3)), container_of([1, 2])
    ('torch', 'numpy')
    """
    package = type(data).__module__.partition(".")[0]
    if is_frame(data):
        return "pandas" if package == "pandas" else "polars" if package == "polars" else ARRAY
    return "torch" if hasattr(data, "detach") else ARRAY


def in_container(values: np.ndarray, container: str, names: Sequence[str] = (), like: Any = None) -> Any:
    """Values as another kind of data.

    Args:
        values: (N, ...).
        container: as from `container_of`. Frames hold one column per name, and need two dimensions.
        names: of the columns.
        like: a frame whose index the result gets.

    >>> in_container(np.zeros((2, 3)), "numpy").shape
    (2, 3)
    """
    if container == "torch":
        return import_module("torch").from_numpy(np.ascontiguousarray(values))
    if container not in ("pandas", "polars") or values.ndim != 2 or len(names) != values.shape[1]:
        return values
    columns = {name: values[:, j] for j, name in enumerate(names)}
    return _frame(columns, container, like)


def table_in_container(
    values: np.ndarray, columns: Sequence[Column], container: str, like: Any = None
) -> Any:
    """Rows of a table as a frame with words, whole numbers and truth values; as they are in an array.

    Args:
        values: (N, D) in units of the data; a category is its index.
        columns: the D columns.
        container: as from `container_of`.
        like: a frame whose index the result gets.

    >>> table_in_container(np.array([[1.0]]), [Column("color", "category", ("blue", "red"))], "numpy")
    array([[1.]])
    """
    if container not in ("pandas", "polars"):
        return in_container(values, container)
    cells = {column.name: cell_objects(column, values[:, j]) for j, column in enumerate(columns)}
    return _frame(cells, container, like)


def fill_frame(
    frame: Any, columns: Sequence[Column], values: np.ndarray, missing: Sequence[str | float] = ()
) -> Any:
    """A copy of a frame of pandas or polars whose missing cells are filled; all others stay as they are.

    Args:
        frame: N rows.
        columns: those to fill, found by name.
        values: (N, D), what to fill in; a category is its index.
        missing: further words and numbers that mean a missing value.
    """
    marks = [mark for mark in missing if not isinstance(mark, str)]
    words = [mark if isinstance(mark, str) else f"{mark:g}" for mark in missing]
    place = {name: j for j, name in enumerate(frame_names(frame))}
    found = frame_columns(frame, words)
    is_pandas = container_of(frame) == "pandas"
    filled = frame.copy() if is_pandas else frame.clone()
    for j, column in enumerate(columns):
        raw = found[place[column.name]]
        gaps = np.flatnonzero(
            raw.missing if raw.numbers is None else raw.missing | np.isin(raw.numbers, marks)
        )
        if not len(gaps):
            continue
        cells = cell_objects(column, values[gaps, j])
        name = frame.columns[place[column.name]]
        if is_pandas:
            filled[name] = _fill_pandas(frame[name], gaps, cells, column.is_numeric)
        else:
            filled = filled.with_columns(_fill_polars(frame[name], gaps, cells))
    return filled


def _fill_pandas(series: Any, gaps: np.ndarray, cells: Sequence[Any], is_number: bool) -> Any:
    takes_cells = getattr(series.dtype, "kind", "O") == "f" or not is_number
    new = series.copy() if takes_cells else series.astype(float)
    new.iloc[gaps] = cells
    return new


def _fill_polars(series: Any, gaps: np.ndarray, cells: Sequence[Any]) -> Any:
    mixed = series.to_list()
    for place, cell in zip(gaps.tolist(), cells, strict=True):
        mixed[place] = cell
    return import_module("polars").Series(series.name, mixed, dtype=series.dtype, strict=False)


def _frame(columns: dict[str, Any], container: str, like: Any) -> Any:
    module = import_module(container)
    if container == "polars":
        return module.DataFrame(columns)
    return module.DataFrame(columns, index=None if like is None else like.index)
