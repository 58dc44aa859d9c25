"""Any array of numbers -> images (N, C, H, W) of gray levels or of real numbers in [0, 1], with notes.

The values v are mapped to u = (v - offset) / scale in [0, 1]. Offset and scale are those of the natural range
that contains them: [0, 1], [-1, 1], [0, 255], or the 10, 12, 14 or 16 bits of a camera; otherwise those of
the smallest and largest value. If every u of a natural range is a multiple of 1/255 (of another range: 0 or
1), the images are stored as 256 gray levels, without loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, isqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.data.readers.guard import check_size
from vaekit.errors import DataError

MAX_CHANNELS = 16

_CAMERA = (1023, 4095, 16383, 65535)


class InferredImages(NamedTuple):
    """Images (N, C, H, W), original = offset + scale * stored, and one sentence per inference.

    >>> InferredImages(np.zeros((1, 1, 2, 2)), 0.0, 1.0, ()).scale
    1.0
    """

    images: np.ndarray
    offset: float
    scale: float
    notes: tuple[str, ...]


class _Range(NamedTuple):
    offset: float
    scale: float
    natural: bool
    name: str


class _Stored(NamedTuple):
    values: np.ndarray
    offset: float
    scale: float
    note: str
    levels: bool  # whether the known values are gray levels


def infer_images(values: np.ndarray, where: str | Path) -> InferredImages:
    """Infer shape, channels, range and type of an array.

    Args:
        values: (N, D), (N, H, W), (N, C, H, W) or (N, H, W, C), of truth values, integers or reals.
        where: the file or folder, for messages.

    Raises:
        DataError: another shape or type, no values, all the same value, or infinite values.

    >>> found = infer_images(np.linspace(-1, 1, 32).reshape(2, 4, 4), "x.npy")
    >>> found.images.shape, found.offset, found.scale
    ((2, 1, 4, 4), -1.0, 2.0)
    """
    _check_kind(values, where)
    missing = _missing(values, where)
    low, high = _min_and_max(values, where)
    span = _range(low, high, values.dtype)
    if values.dtype == np.uint8 and span.scale == 255:
        stored = _Stored(values, 0.0, 1.0, f"gray levels 0..255, the largest of them {high:.0f}", True)
    else:
        check_size(where, values.shape, 4)
        stored = _rescale(values, span, whole=not missing.values)
    images, layout = _to_images(stored, where)
    return InferredImages(images, stored.offset, stored.scale, (layout, stored.note, *missing.notes(values)))


def _check_kind(values: np.ndarray, where: str | Path) -> None:
    if values.dtype.kind not in "biuf":
        raise DataError(f"{where}: expected an array of numbers, got {values.dtype}; convert it")
    if values.size == 0 or values.ndim not in (2, 3, 4):
        raise DataError(
            f"{where}: expected an array (N, D), (N, H, W), (N, C, H, W) or (N, H, W, C) that is not empty, "
            f"got shape {values.shape}; reshape it"
        )


def _chunks(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(first, rows) in pieces that bound the memory needed for what is computed from them."""
    step = max(1, 2**22 // values[0].size)
    for first in range(0, len(values), step):
        yield first, values[first : first + step]


def _min_and_max(values: np.ndarray, where: str | Path) -> tuple[float, float]:
    """The smallest and the largest value, without NaN."""
    low = float(np.fmin.reduce([np.fmin.reduce(chunk, None) for _, chunk in _chunks(values)]))
    high = float(np.fmax.reduce([np.fmax.reduce(chunk, None) for _, chunk in _chunks(values)]))
    if low == high:
        raise DataError(
            f"{where}: all values are {low:g}, so there is nothing to learn; check how it was made"
        )
    if not isfinite(high - low):
        raise DataError(f"{where}: values from {low:g} to {high:g} are too far apart; rescale them")
    return low, high


class _Missing(NamedTuple):
    """How many values are NaN, and how many images are nothing else."""

    values: int = 0
    images: int = 0

    def notes(self, values: np.ndarray) -> tuple[str, ...]:
        if not self.values:
            return ()
        share = f"{self.values} of {values.size} values ({self.values / values.size:.1%}) are missing (NaN)"
        whole = f", among them all of {self.images} of {len(values)} images" if self.images else ""
        return (share + whole,)


def _missing(values: np.ndarray, where: str | Path) -> _Missing:
    """What is missing.

    Raises:
        DataError: values are infinite, or there are none.
    """
    if values.dtype.kind != "f":
        return _Missing()
    _check_finite(values, where)
    known = [(~np.isnan(chunk)).reshape(len(chunk), -1).sum(1) for _, chunk in _chunks(values)]
    counts = np.concatenate(known)
    if not counts.any():
        raise DataError(f"{where}: all of its {values.size} values are missing (NaN); check how it was made")
    return _Missing(int(values.size - counts.sum()), int((counts == 0).sum()))


def _check_finite(values: np.ndarray, where: str | Path) -> None:
    bad = 0
    first: tuple[int, ...] = ()
    for start, chunk in _chunks(values):
        places = np.argwhere(np.isinf(chunk))
        if len(places) and not bad:
            first = (start + int(places[0][0]), *map(int, places[0][1:]))
        bad += len(places)
    if bad:
        raise DataError(
            f"{where}: {bad} of {values.size} values are infinite, the first at index {first}; correct them, "
            "or write NaN for values that are missing"
        )


def _range(low: float, high: float, dtype: np.dtype) -> _Range:
    whole = dtype.kind in "biu"
    if low >= 0 and high <= 1:
        return _Range(0.0, 1.0, True, "[0, 1]")
    if low >= -1 and high <= 1:
        return _Range(-1.0, 2.0, True, "[-1, 1]")
    if low >= 0 and (128 <= high <= 255 or dtype == np.uint8):
        return _Range(0.0, 255.0, True, "[0, 255]")
    if low >= 0 and whole and 255 < high <= _CAMERA[-1]:
        top = next(top for top in _CAMERA if high <= top)
        return _Range(0.0, float(top), True, f"[0, {top}]")
    return _Range(low, high - low, False, f"[{low:g}, {high:g}]")


def _rescale(values: np.ndarray, span: _Range, whole: bool) -> _Stored:
    """Two-valued -> gray levels 0 and 255; multiples of 1/255 of a natural range -> gray levels; else reals.

    With missing values, gray levels are stored as real numbers too.
    """
    for steps, kind in ((1, "only two of them"), (255, "in 255 equal steps")):
        if (steps == 1 or span.natural) and all(_on_grid(chunk, span, steps) for _, chunk in _chunks(values)):
            note = f"values in {span.name}, {kind}, stored as "
            if not whole:
                return _store_reals(values, span, f"{note}real numbers in [0, 1]", levels=True)
            levels = _fill_array(values, span, steps, np.uint8) * np.uint8(255 // steps)
            return _Stored(levels, span.offset, span.scale / 255, f"{note}gray levels 0..255", True)
    note = f"real values in {span.name}" + ("" if span.scale == 1 else ", mapped to [0, 1]")
    return _store_reals(values, span, note)


def _store_reals(values: np.ndarray, span: _Range, note: str, levels: bool = False) -> _Stored:
    return _Stored(_fill_array(values, span, 1, np.float32), span.offset, span.scale, note, levels)


def _unit(values: np.ndarray, span: _Range) -> np.ndarray:
    return (values.astype(np.float64) - span.offset) / span.scale


def _on_grid(values: np.ndarray, span: _Range, steps: int) -> bool:
    scaled = _unit(values, span) * steps
    return not (np.abs(scaled - np.rint(scaled)) >= 1e-3).any()  # false for NaN


def _fill_array(values: np.ndarray, span: _Range, steps: int, dtype: type) -> np.ndarray:
    filled: np.ndarray = np.empty(values.shape, dtype)
    for first, chunk in _chunks(values):
        scaled = _unit(chunk, span) * steps
        filled[first : first + len(chunk)] = np.rint(scaled) if dtype is np.uint8 else scaled
    return filled


def _to_images(stored: _Stored, where: str | Path) -> tuple[np.ndarray, str]:
    """(N, ...) -> (N, C, H, W), and a sentence about it."""
    values = stored.values
    count, *rest = values.shape
    if values.ndim == 2:
        return _from_rows(values, stored.levels)
    if values.ndim == 3:
        return values[:, None], f"{count} gray images of {rest[0]}x{rest[1]}"
    if min(rest[0], rest[2]) > MAX_CHANNELS:
        raise DataError(
            f"{where}: expected (N, C, H, W) or (N, H, W, C) with at most {MAX_CHANNELS} channels, "
            f"got shape {values.shape}; reshape it"
        )
    images = values if rest[0] <= rest[2] else values.transpose(0, 3, 1, 2)
    _, channels, height, width = images.shape
    place = "first" if images is values else "last"
    return images, f"{count} images of {height}x{width} with {channels} channels, stored {place}"


def _from_rows(rows: np.ndarray, levels: bool) -> tuple[np.ndarray, str]:
    count, length = rows.shape
    side = isqrt(length)
    if levels and length >= 64 and side * side == length:
        note = f"{count} rows of {length} gray levels, read as {side}x{side} images"
        return rows.reshape(count, 1, side, side), note
    return rows.reshape(count, 1, 1, length), f"{count} vectors of length {length}"
