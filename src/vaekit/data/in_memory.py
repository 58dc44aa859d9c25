"""Data that a Python program holds -> a dataset: arrays, tensors, data frames, datasets and loaders.

X                     a dataset
array, tensor, list   (N, *shape), as `vaekit.data.own_dataset` reads what a function returns
data frame            a table with typed columns
sparse matrix         a table of counts, or of numbers
torch Dataset         its items, x or (x, y)
DataLoader            the items of its batches, in its order
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.labels import number_labels
from vaekit.data.own_dataset import to_dataset
from vaekit.data.tables.frames import is_frame
from vaekit.errors import DataError

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
        y: the labels (N,), numbers or words; those of the data if None.
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
    values, own_labels = _values(data, where)
    labels = own_labels if y is None else np.asarray(y)
    if labels is not None and labels.ndim != 1:
        raise DataError(f"{where}: expected labels y of shape (N,), got {labels.shape}")
    if labels is not None and len(labels) != len(values):
        raise DataError(
            f"{where}: expected one label for each of {len(values)} data points, got {len(labels)}"
        )
    if values.ndim < 2:
        raise DataError(
            f"{where}: expected (N, D), (N, C, L), (N, C, H, W) or the like, got shape {values.shape}; for "
            "one data point use X[None], for one column X[:, None]"
        )
    return to_dataset({"images": values, "labels": labels}, NAME, where, kind)


def _with_labels(dataset: Dataset, y: Any, where: str) -> Dataset:
    labels = np.asarray(y)
    if labels.shape != (len(dataset),):
        raise DataError(f"{where}: expected labels y of shape ({len(dataset)},), got {labels.shape}")
    numbers, names, notes = number_labels(labels, where)
    return replace(dataset, labels=numbers, label_names=names, notes=(*dataset.notes, *notes))


def _values(data: Any, where: str) -> tuple[np.ndarray, np.ndarray | None]:
    """The values (N, *shape) of anything but a frame, with the labels of items (x, y)."""
    if hasattr(data, "toarray"):  # a sparse matrix
        return np.asarray(data.toarray()), None
    if hasattr(data, "shape") and hasattr(data, "dtype"):
        return _array(data), None
    has_items = hasattr(data, "__iter__") or (hasattr(data, "__getitem__") and hasattr(data, "__len__"))
    if isinstance(data, Mapping | bytes) or not has_items:
        raise DataError(
            f"{where}: expected an array, a tensor, a data frame, a dataset or a loader with a length, or a "
            f"path, got {type(data).__name__}"
        )
    items = list(data) if hasattr(data, "__iter__") else [data[index] for index in range(len(data))]
    if not items:
        raise DataError(f"{where}: expected at least one data point, got none")
    labeled = isinstance(items[0], tuple | list) and len(items[0]) == 2 and not isinstance(data, list)
    parts = list(zip(*items, strict=True)) if labeled else [items]
    is_loader = hasattr(data, "dataset") and hasattr(data, "batch_size")
    join = np.concatenate if is_loader else np.stack
    try:
        values, *labels = [join([_array(item) for item in part]) for part in parts]
    except ValueError:
        shapes = ", ".join(map(str, sorted({np.shape(item) for item in parts[0]})[:3]))
        raise DataError(f"{where}: expected data points of one shape, got {shapes}") from None
    return values, labels[0] if labels else None


def _array(value: Any) -> np.ndarray:
    """An array of a tensor on any device, or of anything that NumPy understands."""
    if not hasattr(value, "detach"):
        return np.asarray(value)
    tensor = value.detach().cpu()
    return np.asarray(tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor)
