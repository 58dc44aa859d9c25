"""Labels of any kind -> class numbers 0..classes-1, and one name per class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.readers.raw import natural_key
from vaekit.errors import DataError, did_you_mean


class NumberedLabels(NamedTuple):
    """Labels (N,) int64 or None, one name per class, and what was inferred about them.

    >>> NumberedLabels(np.array([0, 1]), ("cat", "dog"), ()).names
    ('cat', 'dog')
    """

    numbers: np.ndarray | None
    names: tuple[str, ...]
    notes: tuple[str, ...]


def number_labels(labels: np.ndarray | None, where: str | Path) -> NumberedLabels:
    """Number the classes in their order (text: natural order).

    Args:
        labels: (N,) or (N, 1) whole numbers, truth values or text; (N, classes) one-hot; or None.
        where: the file or folder, for the message.

    Returns:
        The numbers and names. Real numbers are not classes; they are left out, and a note says so.

    Raises:
        DataError: the labels have another shape or type.

    >>> number_labels(np.array(["b", "a", "b"]), "labels.npy").numbers
    array([1, 0, 1])
    """
    if labels is None:
        return NumberedLabels(None, (), ())
    flat = _of_one_type(_flat(labels, where))
    if flat.dtype.kind == "f" and not np.array_equal(flat, np.rint(flat)):
        return NumberedLabels(None, (), ("the labels are real numbers, not classes, and were left out",))
    if flat.dtype.kind not in "biufUS":
        is_object = flat.dtype.kind == "O"
        came = ", ".join(sorted({type(v).__name__ for v in flat.tolist()})[:3]) if is_object else flat.dtype
        raise DataError(f"{where}: expected labels that are whole numbers or text, got {came}; convert them")
    return _numbered(flat)


def renumber_labels(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """The dataset with its classes numbered in the order of `names`, which may contain further names.

    Raises:
        DataError: it has a class that `names` does not contain.

    >>> images = np.zeros((2, 1, 4, 4), np.uint8)
    >>> data = Dataset("two", "Two", images, np.array([0, 1]), ("a", "b"))
    >>> renumber_labels(data, ["b", "a"]).labels
    array([1, 0])
    """
    if dataset.labels is None or dataset.label_names == tuple(names):
        return dataset
    if unknown := [name for name in dataset.label_names if name not in names]:
        raise DataError(
            f"{dataset.name}: unknown class {unknown[0]!r}{did_you_mean(unknown[0], names)}; expected the "
            f"classes of the model: {', '.join(names)}"
        )
    places = np.array([names.index(name) for name in dataset.label_names], np.int64)
    return replace(dataset, labels=places[dataset.labels], label_names=tuple(names))


def _flat(labels: np.ndarray, where: str | Path) -> np.ndarray:
    if labels.ndim == 1:
        return labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if labels.ndim == 2 and labels.dtype.kind in "biuf" and _one_hot(labels):
        return labels.argmax(axis=1)
    raise DataError(
        f"{where}: expected labels of shape (N,), or one-hot (N, classes), got {labels.shape}; reshape them"
    )


def _of_one_type(flat: np.ndarray) -> np.ndarray:
    """Objects of one type, as pandas holds words, as an array of that type."""
    is_one = flat.dtype.kind == "O" and len({type(value) for value in flat.tolist()}) == 1
    return np.array(flat.tolist()) if is_one else flat


def _one_hot(labels: np.ndarray) -> bool:
    return bool(np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all())


def _numbered(flat: np.ndarray) -> NumberedLabels:
    if flat.dtype.kind == "f":
        flat = flat.astype(np.int64)
    values = np.unique(flat).tolist()
    if flat.dtype.kind in "US":
        values.sort(key=lambda value: natural_key(str(value)))
    place = {value: index for index, value in enumerate(values)}
    numbers = np.fromiter((place[value] for value in flat.tolist()), np.int64, len(flat))
    names = tuple(
        value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
        for value in values
    )
    return NumberedLabels(numbers, names, (f"labels of {len(names)} class{'es' * (len(names) != 1)}",))
