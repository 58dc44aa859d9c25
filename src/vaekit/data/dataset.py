"""A dataset: one array of data points, optional labels and attributes, and their description.

A data point has any shape: a vector (D,), a signal (C, L), an image (C, H, W) or a volume (C, D, H, W).
Stored values are gray levels (uint8 or uint16, from 0), real numbers in [0, 1] (float32), or values in the
units of the source (float32, or float64 for tables); NaN stands for a missing value. In all cases

    original = offset + scale * stored

so results can be returned in the units of the original data. Values in the units of the source become model
values by a `Preprocessing`, which is fitted on the training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from vaekit.data.lazy import LazyArray, rows_at_once
from vaekit.data.table_source import TableSource
from vaekit.errors import DataError
from vaekit.spec import Column
from vaekit.utils.format import count_of

NOUNS = {1: "vectors", 2: "signals", 3: "images", 4: "volumes"}  # by the dimensions of a data point


@dataclass(frozen=True, eq=False)
class Dataset:
    """Data points (N, *shape), their labels (N,) or None, and where they came from.

    Args:
        name: the name in commands and run directories.
        title: the name in figures.
        images: (N, *shape), gray levels (uint8 or uint16), or real numbers (float32 or float64); may be a
            read-only memory map.
        labels: (N,) int64 in 0..classes-1, or None.
        label_names: one name per class; empty without labels.
        published: split name -> (first, last + 1) image, if the source publishes splits.
        source: where the data came from, as text.
        notes: what the reader inferred, one sentence each.
        offset, scale: original value = offset + scale * stored value.
        attributes: (N, m) float32, real numbers per image, or None.
        attribute_names: one name per column; empty without attributes.
        files: the path of each image within its folder; empty if the images do not come from files.
        layout: the shape of one image in the source, such as (D,) or (H, W, C); empty for `shape`.
        columns: the columns of a table, one per value of a vector; empty for other data.
        levels: the number of gray levels; 0 for those of the type of the images, 256 or 65536.
        scaled: whether real numbers are in [0, 1]; otherwise they are in units of the source.
        table: how the table is written in its source, and what is set aside; None for other data.
        weights: (N,) float64 from 0 on, how much each data point counts; None for equal weights.
        groups: (N,) int64, the group of each data point, which a split does not cut; None for none.
        times: (N,) float64, the time of each data point, by which a split puts the last ones into the test
            part; None for none.

    Raises:
        DataError: the arrays have other shapes or types, or differ in number.

    >>> data = Dataset("noise", "Noise", np.zeros((5, 1, 4, 4), np.uint8), None, ())
    >>> data
    Dataset('noise', 5 images of (1, 4, 4), uint8)
    >>> data.shape, data.has_missing
    ((1, 4, 4), False)
    """

    name: str
    title: str
    images: np.ndarray
    labels: np.ndarray | None
    label_names: tuple[str, ...]
    published: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    source: str = ""
    notes: tuple[str, ...] = ()
    offset: float = 0.0
    scale: float = 1.0
    attributes: np.ndarray | None = None
    attribute_names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    layout: tuple[int, ...] = ()
    columns: tuple[Column, ...] = ()
    levels: int = 0
    scaled: bool = True
    table: TableSource | None = None
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    times: np.ndarray | None = None

    def __post_init__(self) -> None:
        _check_images(self.images, self.source)
        if self.columns and self.images.shape[1:] != (len(self.columns),):
            raise DataError(
                f"{self.source}: expected one column per value, got {len(self.columns)} columns for vectors "
                f"of shape {self.images.shape[1:]}; name each column"
            )
        if self.labels is not None:
            _check_labels(self.labels, len(self.images), len(self.label_names), self.source)
        if self.attributes is not None:
            _check_attributes(self.attributes, len(self.images), self.attribute_names, self.source)
        for name in ("weights", "groups", "times"):
            _check_per_row(name, getattr(self, name), len(self.images), self.source)

    def __repr__(self) -> str:
        classes = f", {self.classes} classes" if self.classes else ""
        if self.columns:
            what = f"{count_of(len(self), 'row')} of {count_of(len(self.columns), 'column')}"
        else:
            what = f"{count_of(len(self), self.noun)} of {self.shape}, {self.images.dtype}"
        return f"Dataset({self.name!r}, {what}{classes})"

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one data point, such as (C, H, W)."""
        return self.images.shape[1:]

    @property
    def noun(self) -> str:
        """What the data points are: rows, vectors, signals, images or volumes."""
        return "rows" if self.columns else NOUNS[len(self.shape)]

    @property
    def is_uint8(self) -> bool:
        """Whether the images are stored as gray levels 0..255 (uint8) rather than as real numbers."""
        return self.images.dtype == np.uint8

    @property
    def has_levels(self) -> bool:
        """Whether the images are stored as gray levels, of 8 or 16 bits."""
        return self.images.dtype.kind == "u"

    @property
    def n_levels(self) -> int:
        """The number of gray levels; 0 for real numbers."""
        return (self.levels or int(np.iinfo(self.images.dtype).max) + 1) if self.has_levels else 0

    @property
    def divisor(self) -> int:
        """What stored values are divided by to lie in [0, 1]: the largest gray level, or 1."""
        return self.n_levels - 1 if self.has_levels else 1

    @cached_property
    def has_missing(self) -> bool:
        """Whether some values are missing (NaN), which is possible for real numbers only."""
        if isinstance(self.images, LazyArray) and self.images.has_missing is not None:
            return self.images.has_missing
        return not self.has_levels and bool(np.isnan(np.min(self.images)))

    @cached_property
    def is_discrete(self) -> bool:
        """Whether all known values are gray levels: stored as such, or as k / 255 together with NaN."""
        if not self.has_missing:
            return self.has_levels
        if self.columns or not self.scaled:
            return False
        step = rows_at_once(self.images)
        parts = (self.images[first : first + step] * np.float32(255) for first in range(0, len(self), step))
        return not any((np.abs(part - np.rint(part)) >= 1e-3).any() for part in parts)  # false for NaN

    @property
    def classes(self) -> int:
        """The number of classes; 0 without labels."""
        return len(self.label_names)

    def to_original(self, x: np.ndarray) -> np.ndarray:
        """Values (..., *shape) in [0, 1], as a model returns them, in the units and layout of the source."""
        return self.to_layout(self.offset + self.scale * self.divisor * x)

    def to_layout(self, values: np.ndarray) -> np.ndarray:
        """An array (..., *shape) in the layout of the source."""
        return to_layout(values, self.shape, self.layout)

    def in_units(self, indices: np.ndarray) -> np.ndarray:
        """The stored values of some data points, (n, *shape), in units of the source."""
        return self.offset + self.scale * self.images[indices].astype(np.float64)


def to_layout(values: np.ndarray, shape: tuple[int, ...], layout: tuple[int, ...]) -> np.ndarray:
    """An array (..., *shape) with data points of the shape `layout`, channels last if they were so.

    >>> to_layout(np.zeros((5, 3, 8, 9)), (3, 8, 9), (8, 9, 3)).shape
    (5, 8, 9, 3)
    """
    layout = layout or shape
    last = len(layout) == len(shape) > 1 and layout != shape and layout == (*shape[1:], shape[0])
    moved = np.moveaxis(values, -len(shape), -1) if last else values
    return moved.reshape(*values.shape[: values.ndim - len(shape)], *layout)


def _check_images(images: np.ndarray, source: str) -> None:
    if not 2 <= images.ndim <= 5 or images.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise DataError(
            f"{source}: expected images (N, C, H, W), or (N, D), (N, C, L), (N, C, D, H, W), of uint8, "
            f"uint16, float32 or float64, got {images.dtype} of shape {images.shape}; convert them first"
        )
    if images.size == 0:
        raise DataError(f"{source}: expected at least one image, got shape {images.shape}")


def _check_labels(labels: np.ndarray, images: int, names: int, source: str) -> None:
    if labels.shape != (images,):
        raise DataError(
            f"{source}: expected one label per image, shape ({images},), got shape {labels.shape}; "
            "add or remove labels"
        )
    if labels.dtype != np.int64 or labels.min() < 0 or labels.max() >= names:
        raise DataError(
            f"{source}: expected labels of int64 in 0..{names - 1} ({names} names), got {labels.dtype} in "
            f"{labels.min()}..{labels.max()}; renumber them"
        )


def _check_attributes(attributes: np.ndarray, images: int, names: tuple[str, ...], source: str) -> None:
    if attributes.shape != (images, len(names)) or not names or attributes.dtype != np.float32:
        raise DataError(
            f"{source}: expected attributes of float32 and shape ({images}, {len(names)}), one row per image "
            f"and one name per column, got {attributes.dtype} of shape {attributes.shape}; convert them"
        )
    if not np.isfinite(attributes).all():
        row, column = np.argwhere(~np.isfinite(attributes))[0]
        raise DataError(
            f"{source}: expected finite attributes, got {attributes[row, column]} for {names[column]!r} of "
            f"image {row}; fill it in, or leave the column out"
        )


def _check_per_row(name: str, values: np.ndarray | None, rows: int, source: str) -> None:
    if values is None:
        return
    if values.shape != (rows,) or not np.isfinite(values).all():
        raise DataError(
            f"{source}: expected one finite number of {name} per data point, shape ({rows},), got shape "
            f"{values.shape}; correct them"
        )
    if name == "weights" and (values.min() < 0 or values.sum() <= 0):
        raise DataError(
            f"{source}: expected weights from 0 on, some above 0, got {values.min():g}; correct them"
        )
