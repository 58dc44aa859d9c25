"""A dataset: one array of images, optional labels and attributes, and their description.

Stored values are either gray levels (uint8, 0..255) or real numbers (float32 in [0, 1]; NaN for missing
values). In both cases

    original = offset + scale * stored

so results can be returned in the units of the original data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from vaekit.errors import DataError


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images (N, C, H, W), their labels (N,) or None, and where they came from.

    Args:
        name: the name in commands and run directories.
        title: the name in figures.
        images: (N, C, H, W), gray levels 0..255 (uint8) or float32 in [0, 1]; may be a read-only memory map.
            Vectors of length D are (N, 1, 1, D).
        labels: (N,) int64 in 0..classes-1, or None.
        label_names: one name per class; empty without labels.
        published: split name -> (first, last + 1) image, if the source publishes splits.
        source: where the data came from, as text.
        notes: what the reader inferred, one sentence each.
        offset, scale: original value = offset + scale * stored value.
        attributes: (N, m) float32, real numbers per image, or None.
        attribute_names: one name per column; empty without attributes.
        files: the path of each image within its folder; empty if the images do not come from files.
        layout: the shape of one image in the source, such as (D,) or (H, W, C); empty for (C, H, W).

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

    def __post_init__(self) -> None:
        _check_images(self.images, self.source)
        if self.labels is not None:
            _check_labels(self.labels, len(self.images), len(self.label_names), self.source)
        if self.attributes is not None:
            _check_attributes(self.attributes, len(self.images), self.attribute_names, self.source)

    def __repr__(self) -> str:
        classes = f", {self.classes} classes" if self.classes else ""
        return f"Dataset({self.name!r}, {len(self)} images of {self.shape}, {self.images.dtype}{classes})"

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    @property
    def is_uint8(self) -> bool:
        """Whether the images are stored as gray levels 0..255 (uint8) rather than as real numbers."""
        return self.images.dtype == np.uint8

    @cached_property
    def has_missing(self) -> bool:
        """Whether some values are missing (NaN), which is possible for real numbers only."""
        return not self.is_uint8 and bool(np.isnan(self.images.min()))

    @cached_property
    def is_discrete(self) -> bool:
        """Whether all known values are gray levels: stored as uint8, or as k / 255 together with NaN."""
        if not self.has_missing:
            return self.is_uint8
        levels = self.images * np.float32(255)
        return not (np.abs(levels - np.rint(levels)) >= 1e-3).any()  # false for NaN

    @property
    def classes(self) -> int:
        """The number of classes; 0 without labels."""
        return len(self.label_names)

    def to_original(self, x: np.ndarray) -> np.ndarray:
        """Images (..., C, H, W) in [0, 1], as a model returns them, in the units and layout of the source."""
        return self.to_layout(self.offset + self.scale * (255 if self.is_uint8 else 1) * x)

    def to_layout(self, values: np.ndarray) -> np.ndarray:
        """An array (..., C, H, W) in the layout of the source."""
        layout = self.layout or self.shape
        last = len(layout) == 3 and layout != self.shape
        moved = np.moveaxis(values, -3, -1) if last else values
        return moved.reshape(*values.shape[:-3], *layout)


def _check_images(images: np.ndarray, source: str) -> None:
    if images.ndim != 4 or images.dtype not in (np.uint8, np.float32):
        raise DataError(
            f"{source}: expected images (N, C, H, W) of uint8 or float32, got {images.dtype} of shape "
            f"{images.shape}; convert them first"
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
