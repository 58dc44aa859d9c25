"""Data that a Python program holds -> a dataset: arrays, tensors, data frames, datasets and loaders.

X                     a dataset
array, tensor, list   (N, *shape), as `vaekit.data.own_dataset` reads what a function returns
data frame            a table with typed columns
sparse matrix         a table of counts, or of numbers
torch Dataset         its items, x or (x, y)
DataLoader            the items of its batches, in its order
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.labels import number_labels
from vaekit.data.own_dataset import to_dataset
from vaekit.data.readers.guard import check_size
from vaekit.data.readers.sparse import MAX_COUNT
from vaekit.data.tables.frames import is_frame
from vaekit.errors import DataError, first_line

NAME = "X"
"""The name of a dataset that a program gives, in messages and figures."""


def is_reference(data: Any) -> bool:
    """Whether data are given by a name or a path, rather than by their values.

    >>> is_reference("mnist"), is_reference(np.zeros((3, 2)))
    (True, False)
    """
    return isinstance(data, str | Path)


def dataset_of(data: Any, y: Any = None, kind: str = "auto", **table: Any) -> Dataset:
    """The dataset of values that a program holds.

    Args:
        data: an array or tensor (N, *shape), a list of these, a data frame of pandas or polars, a sparse
            matrix, a `Dataset` of vaekit or of PyTorch, or a DataLoader. Items of the latter two are x or
            (x, y).
        y: the labels (N,), numbers or words, or one-hot (N, classes); those of the data if None.
        kind: vector, signal, image, volume, or auto to choose by the shape.
        table: how the columns of a data frame are used, as for `vaekit.data.tables.table.TableOptions`.

    Raises:
        DataError: it is something else, or the numbers of data points and labels differ.

    >>> dataset_of(np.arange(12.0).reshape(4, 3), y=["a", "b", "a", "b"])
    Dataset('X', 4 rows of 3 columns, 2 classes)
    """
    where = f"data {NAME}"
    if isinstance(data, Dataset):
        return data if y is None else _with_labels(data, y, where)
    if is_frame(data):
        found = to_dataset(data, NAME, where, kind, **table)
        return found if y is None else _with_labels(found, y, where)
    values, own_labels = values_and_labels(data, where)
    labels = own_labels if y is None else _labels(y, len(values) if values.ndim else 0, where)
    if values.dtype.kind not in "biuf":
        is_object = values.dtype.kind == "O" and values.size > 0
        came = type(values.flat[0]).__name__ if is_object else values.dtype
        raise DataError(
            f"{where}: expected an array of numbers, got {came}; convert it, or give a data frame"
        )
    if values.ndim < 2:
        raise DataError(
            f"{where}: expected (N, D), (N, C, L), (N, C, H, W) or the like, got shape {values.shape}; for "
            "one data point use X[None], for one column X[:, None]"
        )
    return to_dataset({"images": values, "labels": labels}, NAME, where, kind, **table)


def as_array(data: Any, where: str = "data X") -> np.ndarray:
    """An array of a tensor on any device, of a sparse matrix, or of anything that NumPy understands.

    Masked values become NaN. A sparse matrix whose numbers are whole and not negative holds counts.

    Args:
        data: the values.
        where: the start of error messages.

    Raises:
        DataError: a tensor has no values, or the array does not fit into memory.

    >>> as_array(np.ma.masked_array([1.0, 2.0], [False, True]))
    array([ 1., nan])
    """
    if hasattr(data, "toarray"):
        check_size(where, data.shape, 8)
        values = np.asarray(data.toarray())
        is_whole = values.dtype.kind == "f" and bool((values == np.rint(values)).all())
        is_counts = is_whole and values.size > 0 and values.min() >= 0 and values.max() <= MAX_COUNT
        return values.astype(np.int64) if is_counts else values
    if isinstance(data, np.ma.MaskedArray):
        hidden = np.ma.getmaskarray(data)
        real = data.data.astype(np.result_type(data.dtype, np.float16))
        return np.where(hidden, np.nan, real) if hidden.any() else data.data
    if not hasattr(data, "detach"):
        values = np.asarray(data)
        is_numbers = values.dtype.kind == "O" and all(v is None or isinstance(v, Real) for v in values.flat)
        return values.astype(np.float64) if is_numbers and values.size else values
    try:
        tensor = data.detach().cpu()
        if tensor.layout is not import_module("torch").strided:
            check_size(where, tensor.shape, tensor.element_size())
            tensor = tensor.to_dense()
        return np.asarray(tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor)
    except (TypeError, RuntimeError) as error:
        raise DataError(f"{where}: expected a tensor of numbers: {first_line(error)}") from error


def _with_labels(dataset: Dataset, y: Any, where: str) -> Dataset:
    numbers, names, notes = number_labels(_labels(y, len(dataset), where), where)
    return replace(dataset, labels=numbers, label_names=names, notes=(*dataset.notes, *notes))


def _labels(y: Any, n: int, where: str) -> np.ndarray:
    """Labels (N, ...) as an array, one for each of `n` data points."""
    if isinstance(y, str):
        raise DataError(
            f"{where}: expected labels y of shape (N,), got {y!r}; for a column of a data frame use "
            f"label={y!r}"
        )
    labels = as_array(y, f"{where}: labels y") if hasattr(y, "detach") else np.asarray(y)
    if labels.ndim == 0:
        raise DataError(f"{where}: expected labels y of shape (N,), got {type(y).__name__}")
    if len(labels) != n:
        raise DataError(f"{where}: expected one label for each of {n} data points, got {len(labels)}")
    return labels


def values_and_labels(data: Any, where: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The values (N, *shape) of anything but a frame, with the labels of items (x, y).

    Args:
        data: as for `dataset_of`.
        where: the start of error messages.

    Raises:
        DataError: it is something else.

    >>> values_and_labels([np.zeros(3), np.ones(3)], "data X")[0].shape
    (2, 3)
    """
    if any(hasattr(data, name) for name in ("toarray", "detach", "dtype")):
        return as_array(data, where), None
    has_items = hasattr(data, "__iter__") or (hasattr(data, "__getitem__") and hasattr(data, "__len__"))
    if isinstance(data, Mapping | bytes) or not has_items:
        raise DataError(
            f"{where}: expected an array, a tensor, a data frame, a dataset or a loader with a length, or a "
            f"path, got {type(data).__name__}"
        )
    items = list(data) if hasattr(data, "__iter__") else [data[index] for index in range(len(data))]
    if not items:
        raise DataError(f"{where}: expected at least one data point, got none")
    parts = _parts(items, isinstance(data, list), where)
    is_batched = hasattr(data, "dataset") and getattr(data, "batch_size", None) is not None
    join = np.concatenate if is_batched else np.stack
    try:
        values, *labels = [join([as_array(item, where) for item in part]) for part in parts]
    except ValueError:
        raise DataError(
            f"{where}: expected data points of one shape, got {_shapes(parts[0], where)}"
        ) from None
    return values, labels[0] if labels else None


def _parts(items: list[Any], is_list: bool, where: str) -> list[Sequence[Any]]:
    """The data points, and the labels if items are (x, y). Items of a plain list are rows, if they can be."""
    first = items[0]
    if isinstance(first, Mapping):
        raise DataError(
            f"{where}: expected items x or (x, y), got dicts of {', '.join(map(str, first))}; give the "
            "values as an array and labels as y="
        )
    if not isinstance(first, tuple | list) or not len(first):
        return [items]
    is_row = all(np.ndim(value) == 0 for value in first)
    if is_row or (is_list and not (len(first) == 2 and np.ndim(first[0]) > np.ndim(first[1]))):
        return [items]
    if len(first) > 2:
        raise DataError(f"{where}: expected items x or (x, y), got {len(first)} parts; leave out the others")
    return list(zip(*items, strict=True))


def _shapes(items: Sequence[Any], where: str) -> str:
    """Up to three of the shapes of some data points, as text."""
    try:
        return ", ".join(map(str, sorted({as_array(item, where).shape for item in items})[:3]))
    except ValueError:
        return "rows of unequal length"
