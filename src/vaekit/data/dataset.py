"""A dataset is one array of images, perhaps labels and attributes of them, and what is known about it.

Stored values are either levels (uint8, 0..255) or reals (float32, in [0, 1], or NaN where missing); in both
cases original = offset + scale * stored, so that what a loader rescaled can be given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from vaekit.errors import DataError


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images (N, C, H, W), their labels (N,) or None, and where both came from.

    Args:
        name: what commands and run directories call it.
        title: what figures call it.
        images: (N, C, H, W), uint8 levels 0..255 or float32 in [0, 1]; may be a read-only memory map.
            Vectors of length D are (N, 1, 1, D).
        labels: (N,) int64 in 0..classes-1, or None.
        label_names: one name a class; empty without labels.
        published: split name -> (first, past the last) image, where the source publishes splits.
        source: where it came from, for people.
        notes: what the loader inferred, one sentence each.
        offset, scale: original value = offset + scale * stored value.
        attributes: (N, m) float32, real numbers that are known of each image, or None.
        attribute_names: one name a column; empty without attributes.
        files: the name of each image's file within the folder, with slashes; empty where there are none.
        layout: the shape of one image where it came from, such as (D,) or (H, W, C); empty for (C, H, W).

    Raises:
        DataError: the arrays do not have these shapes and types, or do not match in number.
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

    def __post_init__(self) -> None:
        _check_images(self.images, self.source)
        if self.labels is not None:
            _check_labels(self.labels, len(self.images), len(self.label_names), self.source)
        if self.attributes is not None:
            _check_attributes(self.attributes, len(self.images), self.attribute_names, self.source)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    @property
    def is_levels(self) -> bool:
        """Whether the images are levels 0..255 rather than reals."""
        return self.images.dtype == np.uint8

    @cached_property
    def has_missing(self) -> bool:
        """Whether some values are missing: NaN, which only reals can be."""
        return not self.is_levels and bool(np.isnan(self.images.min()))

    @cached_property
    def has_levels(self) -> bool:
        """Whether all values that are there are levels, stored as such or, beside NaN, as k / 255."""
        return self.is_levels or (self.has_missing and _are_steps(self.images))

    @property
    def classes(self) -> int:
        """The number of classes; 0 without labels."""
        return len(self.label_names)

    def to_original(self, x: np.ndarray) -> np.ndarray:
        """Images (..., C, H, W) in [0, 1], as a model gives them, in the units and layout they came in."""
        return self.to_layout(self.offset + self.scale * (255 if self.is_levels else 1) * x)

    def to_layout(self, values: np.ndarray) -> np.ndarray:
        """What belongs to the values of images (..., C, H, W), in the layout these came in."""
        layout = self.layout or self.shape
        last = len(layout) == 3 and layout != self.shape
        moved = np.moveaxis(values, -3, -1) if last else values
        return moved.reshape(*values.shape[:-3], *layout)


def _are_steps(images: np.ndarray) -> bool:
    levels = images * np.float32(255)
    return not (np.abs(levels - np.rint(levels)) >= 1e-3).any()


def _check_images(images: np.ndarray, source: str) -> None:
    if images.ndim != 4 or images.dtype not in (np.uint8, np.float32):
        raise DataError(
            f"{source}: images must be uint8 or float32 of shape (N, C, H, W), "
            f"but are {images.dtype} of shape {images.shape}; convert them first"
        )
    if images.size == 0:
        raise DataError(f"{source}: there are no images in it (shape {images.shape}); give at least one")


def _check_labels(labels: np.ndarray, images: int, names: int, source: str) -> None:
    if labels.shape != (images,):
        raise DataError(
            f"{source}: {images} images, but labels of shape {labels.shape}; "
            f"give exactly one label an image, shape ({images},)"
        )
    if labels.dtype != np.int64 or labels.min() < 0 or labels.max() >= names:
        raise DataError(
            f"{source}: labels must be int64 in 0..{names - 1} ({names} names), "
            f"but are {labels.dtype} in {labels.min()}..{labels.max()}; renumber them"
        )


def _check_attributes(attributes: np.ndarray, images: int, names: tuple[str, ...], source: str) -> None:
    if attributes.shape != (images, len(names)) or not names or attributes.dtype != np.float32:
        raise DataError(
            f"{source}: attributes must be float32 of shape ({images}, {len(names)}), a row an image and a "
            f"name a column, but are {attributes.dtype} of shape {attributes.shape}; give one row an image"
        )
    if not np.isfinite(attributes).all():
        row, column = np.argwhere(~np.isfinite(attributes))[0]
        raise DataError(
            f"{source}: attributes must be finite, but {names[column]!r} of image {row} is "
            f"{attributes[row, column]}; fill it in, or leave the column out"
        )
