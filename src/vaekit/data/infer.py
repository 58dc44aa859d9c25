"""Any array of numbers -> images (N, C, H, W) of levels or of reals in [0, 1], and what was inferred.

The values v are mapped to u = (v - offset) / scale in [0, 1], where offset and scale come from the
natural range that holds them: [0, 1], [-1, 1], [0, 255], the 10, 12, 14 or 16 bits of a camera, else from
their own extremes. Where every u of a natural range is a multiple of 1/255 (of another range: 0 or 1),
nothing is lost by keeping the 256 levels, and they are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, isqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.data.reading import check_size
from vaekit.errors import DataError

MAX_CHANNELS = 16

_CAMERA = (1023, 4095, 16383, 65535)


class Inferred(NamedTuple):
    """Images (N, C, H, W), original = offset + scale * stored, and one sentence for each inference."""

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


def infer(values: np.ndarray, where: str | Path) -> Inferred:
    """Infer shape, channels, range and type of an array.

    Args:
        values: (N, D), (N, H, W), (N, C, H, W) or (N, H, W, C), of truth values, integers or reals.
        where: the file or folder, for messages.

    Raises:
        DataError: another shape or type, no values, all the same value, or values that are not finite.
    """
    _check_kind(values, where)
    low, high = _extremes(values, where)
    span = _range(low, high, values.dtype)
    if values.dtype == np.uint8 and span.scale == 255:
        stored = _Stored(values, 0.0, 1.0, f"levels 0..255, the largest of them {high:.0f}")
    else:
        check_size(where, values.shape, 4)
        stored = _mapped(values, span)
    images, layout = _laid_out(stored.values, where)
    return Inferred(images, stored.offset, stored.scale, (layout, stored.note))


def _check_kind(values: np.ndarray, where: str | Path) -> None:
    if values.dtype.kind not in "biuf":
        raise DataError(f"{where}: expected an array of numbers, but its type is {values.dtype}; convert it")
    if values.size == 0 or values.ndim not in (2, 3, 4):
        raise DataError(
            f"{where}: expected an array (N, D), (N, H, W), (N, C, H, W) or (N, H, W, C) that is not empty, "
            f"but its shape is {values.shape}; reshape it"
        )


def _chunks(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(first, rows) in pieces that bound the memory needed for what is computed from them."""
    step = max(1, 2**22 // values[0].size)
    for first in range(0, len(values), step):
        yield first, values[first : first + step]


def _extremes(values: np.ndarray, where: str | Path) -> tuple[float, float]:
    if values.dtype.kind == "f":
        _check_finite(values, where)
    low = min(float(chunk.min()) for _, chunk in _chunks(values))
    high = max(float(chunk.max()) for _, chunk in _chunks(values))
    if low == high:
        raise DataError(
            f"{where}: all values are {low:g}, so there is nothing to learn; check how it was made"
        )
    if not isfinite(high - low):
        raise DataError(f"{where}: values from {low:g} to {high:g} are too far apart; rescale them")
    return low, high


def _check_finite(values: np.ndarray, where: str | Path) -> None:
    bad = 0
    first: tuple[int, ...] = ()
    for start, chunk in _chunks(values):
        places = np.argwhere(~np.isfinite(chunk))
        if len(places) and not bad:
            first = (start + int(places[0][0]), *map(int, places[0][1:]))
        bad += len(places)
    if bad:
        raise DataError(
            f"{where}: {bad} of {values.size} values are NaN or infinite, the first at index {first}; "
            "remove or fill them"
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


def _mapped(values: np.ndarray, span: _Range) -> _Stored:
    """Two-valued -> levels 0 and 255; multiples of 1/255 of a natural range -> levels; else reals."""
    for steps, kind in ((1, "only two of them"), (255, "in 255 equal steps")):
        if (steps == 1 or span.natural) and all(_on_grid(chunk, span, steps) for _, chunk in _chunks(values)):
            levels = _filled(values, span, steps, np.uint8) * np.uint8(255 // steps)
            note = f"values in {span.name}, {kind}, kept as levels 0..255"
            return _Stored(levels, span.offset, span.scale / 255, note)
    note = f"real values in {span.name}" + ("" if span.scale == 1 else ", mapped to [0, 1]")
    return _Stored(_filled(values, span, 1, np.float32), span.offset, span.scale, note)


def _unit(values: np.ndarray, span: _Range) -> np.ndarray:
    return (values.astype(np.float64) - span.offset) / span.scale


def _on_grid(values: np.ndarray, span: _Range, steps: int) -> bool:
    scaled = _unit(values, span) * steps
    return bool((np.abs(scaled - np.rint(scaled)) < 1e-3).all())


def _filled(values: np.ndarray, span: _Range, steps: int, dtype: type) -> np.ndarray:
    filled: np.ndarray = np.empty(values.shape, dtype)
    for first, chunk in _chunks(values):
        scaled = _unit(chunk, span) * steps
        filled[first : first + len(chunk)] = np.rint(scaled) if dtype is np.uint8 else scaled
    return filled


def _laid_out(stored: np.ndarray, where: str | Path) -> tuple[np.ndarray, str]:
    """(N, ...) -> (N, C, H, W), and a sentence about it."""
    count, *rest = stored.shape
    if stored.ndim == 2:
        return _from_rows(stored)
    if stored.ndim == 3:
        return stored[:, None], f"{count} grey images of {rest[0]}x{rest[1]}"
    if min(rest[0], rest[2]) > MAX_CHANNELS:
        raise DataError(
            f"{where}: expected (N, C, H, W) or (N, H, W, C) with at most {MAX_CHANNELS} channels, "
            f"but the shape is {stored.shape}; reshape it"
        )
    images = stored if rest[0] <= rest[2] else stored.transpose(0, 3, 1, 2)
    _, channels, height, width = images.shape
    place = "first" if images is stored else "last"
    return images, f"{count} images of {height}x{width} with {channels} channels, stored {place}"


def _from_rows(rows: np.ndarray) -> tuple[np.ndarray, str]:
    count, length = rows.shape
    side = isqrt(length)
    if rows.dtype == np.uint8 and length >= 64 and side * side == length:
        note = f"{count} rows of {length} levels, read as {side}x{side} images"
        return rows.reshape(count, 1, side, side), note
    return rows.reshape(count, 1, 1, length), f"{count} vectors of length {length}"
