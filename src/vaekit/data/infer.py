"""Any array of numbers -> data points (N, *event) of gray levels or of real numbers, with notes.

    whole numbers from 0 to 255             gray levels, uint8; {0, 1} as 0 and 255
    multiples of 1/255 of [0, 1], [-1, 1]   256 gray levels, uint8
    whole numbers up to 65535               gray levels, uint16: 1024, 4096, 16384 or 65536 of them
    whole numbers from -1 down              the same, from the next power of two: -1024 for Hounsfield units
    other reals in [0, 1], [-1, 1], [0, 255]   real numbers in [0, 1], float32
    all else                                real numbers in units of the source, float32

In all cases value = offset + scale * stored. A few values far from all others (a hot pixel, or -9999 for a
missing value) never decide the number of levels or the range: such data stay in units of the source. An array
that already has the type it is stored in is not copied, so a memory map stays one. A large map and an array
that is read by rows (`vaekit.data.lazy`) are never copied: their values are converted when rows are read.
What is inferred of them is kept, so they are read once and not by each command.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from math import ceil, isfinite, isqrt, log2
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from vaekit.data.known import DIGEST, recall, remember
from vaekit.data.layout import Arranged, arrange
from vaekit.data.lazy import LazyArray, as_lazy, rows_at_once
from vaekit.data.readers.guard import check_size
from vaekit.errors import DataError
from vaekit.utils.memory import release_pages

CAMERA_LEVELS = (1024, 4096, 16384, 65536)

_SAMPLE = 10**6  # values from which quantiles are found
_WHOLE = 1e-3  # distance from a whole number that counts as one
_NOTHING = hashlib.sha256().hexdigest()


class InferredImages(NamedTuple):
    """Data points (N, *event), original = offset + scale * stored, and one sentence per inference.

    `levels` is the number of gray levels, 0 for that of the type; `scaled` is false for real numbers in units
    of the source.

    >>> InferredImages(np.zeros((1, 1, 2, 2)), 0.0, 1.0, ()).scale
    1.0
    """

    images: np.ndarray
    offset: float
    scale: float
    notes: tuple[str, ...]
    levels: int = 0
    scaled: bool = True


class _Facts(NamedTuple):
    """What one pass over an array finds: the range without NaN, and whether all known values are whole."""

    low: float
    high: float
    whole: bool
    missing: int
    empty: int  # data points that are nothing but missing values

    def notes(self, values: np.ndarray) -> tuple[str, ...]:
        if not self.missing:
            return ()
        share = f"{self.missing} of {values.size} values ({self.missing / values.size:.1%}) are missing (NaN)"
        empty = f", among them all of {self.empty} of {len(values)} images" if self.empty else ""
        return (share + empty,)


class _Stored(NamedTuple):
    values: np.ndarray
    offset: float
    scale: float
    note: str
    is_levels: bool  # whether the known values are gray levels
    levels: int = 0
    scaled: bool = True


def infer_images(
    values: np.ndarray, where: str | Path, kind: str = "auto", channels_last: bool | None = None
) -> InferredImages:
    """Infer shape, channels, range and type of an array.

    Args:
        values: (N, D), (N, C, L), (N, H, W), (N, C, H, W), (N, D, H, W) or (N, C, D, H, W), or with channels
            last, of truth values, integers or reals.
        where: the file or folder, for messages.
        kind: vector, signal, image, volume, or auto to choose by the shape.
        channels_last: whether the channels are the last axis; None finds out by the shape.

    Raises:
        DataError: another shape or type, no values, or infinite values.

    >>> found = infer_images(np.linspace(-1, 1, 32).reshape(2, 4, 4), "x.npy")
    >>> found.images.shape, found.offset, found.scale
    ((2, 1, 4, 4), -1.0, 2.0)
    """
    _check_type(values, where)
    if (lazy := as_lazy(values)) is not None:
        return _infer_lazy(lazy, where, kind, channels_last)
    arranged = None if values.ndim == 2 and kind == "auto" else arrange(values, where, kind, channels_last)
    facts = _scan(values, where)
    stored = _store(values, facts, where)
    if arranged is None:
        images, layout = _from_rows(stored.values, stored.is_levels)
    else:
        images, layout = arrange(stored.values, where, kind, channels_last)
    release_pages(values)
    return InferredImages(
        images, stored.offset, stored.scale, (layout, stored.note, *facts.notes(values)),
        stored.levels, stored.scaled,
    )  # fmt: skip


def _infer_lazy(
    values: LazyArray, where: str | Path, kind: str, channels_last: bool | None
) -> InferredImages:
    """The same of an array that is read by rows: one pass over it, whose findings are kept."""
    digest = hashlib.sha256()
    array = cast(np.ndarray, values)  # as it is indexed
    facts = _Facts(*recall("facts", values.identity, lambda: list(_scan(array, where, digest))))
    decided = recall("stored", values.identity, lambda: _decision(_store(array, facts, where)))
    dtype, (offset, scale, note, is_levels, levels, scaled) = np.dtype(decided[0]).type, decided[1:]
    stored = cast(LazyArray, _as_type(array, dtype, where, offset, scale))
    stand_in = np.broadcast_to(np.zeros((), dtype), values.shape)
    rows = kind == "auto" and values.ndim == 2

    def points(part: np.ndarray) -> Arranged:
        return _from_rows(part, is_levels) if rows else arrange(part, where, kind, channels_last)

    shown, layout = points(stand_in)
    images = stored.derive(
        lambda part: points(part).points, f"{kind} {shown.shape[1:]}", shown.shape[1:], dtype
    )
    two = np.arange(2 * values[0].size).reshape(2, *values.shape[1:])
    same_order = np.array_equal(points(two).points.ravel(), two.ravel())
    if stored is values and same_order and digest.digest_size and digest.hexdigest() != _NOTHING:
        remember(DIGEST, images.identity, digest.hexdigest())
    images.has_missing = facts.missing > 0
    notes = (layout, note, *facts.notes(array))
    return InferredImages(cast(np.ndarray, images), offset, scale, notes, levels, scaled)


def _decision(stored: _Stored) -> list[Any]:
    """How values are stored, in plain values."""
    return [stored.values.dtype.name, *stored[1:]]


def _check_type(values: np.ndarray, where: str | Path) -> None:
    if values.dtype.kind not in "biuf":
        raise DataError(f"{where}: expected an array of numbers, got {values.dtype}; convert it")
    if values.size == 0 or not 2 <= values.ndim <= 5:
        raise DataError(
            f"{where}: expected an array (N, D), (N, C, L), (N, H, W), (N, C, H, W), (N, D, H, W) or "
            f"(N, C, D, H, W) that is not empty, got shape {values.shape}; reshape it"
        )


def _chunks(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(first, rows) in pieces that bound the memory needed for what is computed from them."""
    step = rows_at_once(values)
    for first in range(0, len(values), step):
        yield first, values[first : first + step]


def _scan(values: np.ndarray, where: str | Path, digest: Any = None) -> _Facts:
    """Range, missing values and wholeness, in one pass, which also feeds a digest of the bytes.

    Raises:
        DataError: values are infinite or too far apart.
    """
    reals = values.dtype.kind == "f"
    low, high, whole, missing, empty, infinite = np.inf, -np.inf, True, 0, 0, 0
    first_infinite: tuple[int, ...] = ()
    for first, chunk in _chunks(values):
        if digest is not None:
            digest.update(np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<")).data)
        if not reals:
            low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
            continue
        lowest, highest = float(np.fmin.reduce(chunk, None)), float(np.fmax.reduce(chunk, None))
        if not (isfinite(lowest) and isfinite(highest)):
            places = np.argwhere(np.isinf(chunk))
            if len(places) and not infinite:
                first_infinite = (first + int(places[0][0]), *map(int, places[0][1:]))
            infinite += len(places)
        holes = np.isnan(chunk).reshape(len(chunk), -1).sum(1)
        missing, empty = missing + int(holes.sum()), empty + int((holes == values[0].size).sum())
        low, high = float(np.fmin(low, lowest)), float(np.fmax(high, highest))
        whole = whole and not infinite and not (np.abs(chunk - np.rint(chunk)) >= _WHOLE).any()
    if infinite:
        raise DataError(
            f"{where}: {infinite} of {values.size} values are infinite, the first at index {first_infinite}; "
            "correct them, or write NaN for values that are missing"
        )
    if missing == values.size:
        low = high = 0.0
    if not isfinite(high - low):
        raise DataError(f"{where}: values from {low:g} to {high:g} are too far apart; rescale them")
    whole = whole and round(high) > round(low)  # reals within a thousandth of one number are not
    return _Facts(low, high, whole, missing, empty)


def _store(values: np.ndarray, facts: _Facts, where: str | Path) -> _Stored:
    """Gray levels where the values are such, reals in [0, 1] of a natural range, or values as they are."""
    low, high = facts.low, facts.high
    inside = low >= 0 and high <= 65535
    if inside and facts.whole and not facts.missing and high > 1:
        return _store_whole(values, facts, where)
    signs = low == -1 and high == 1 and all(_on_grid(chunk, -1.0, 2.0) for _, chunk in _chunks(values))
    if low < 0 and facts.whole and not facts.missing and high - low <= 32768 and not signs:
        return _store_signed(values, facts, where)
    for first, last in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        narrow = max(-low, high) < last / 2  # such as reals in [0, 0.01], which fill no natural range
        if first <= low and high <= last and not (narrow and last == 255):
            return _store_natural(values, facts, first, last - first, narrow, where)
    return _keep_units(values, facts, where)


def _store_whole(values: np.ndarray, facts: _Facts, where: str | Path) -> _Stored:
    """Whole numbers from 0 to 65535 as gray levels: 256 or fewer (uint8), or those of a camera (uint16)."""
    high = int(facts.high)
    if high <= 255:
        levels = 256 if values.dtype == np.uint8 or high >= 128 else high + 1
        note = f"gray levels 0..{levels - 1}" + (f", the largest of them {high}" if levels == 256 else "")
        return _Stored(_as_type(values, np.uint8, where), 0.0, 1.0, note, True, levels % 256)
    if _far_values(values, facts):
        return _keep_units(values, facts, where)
    levels = next(levels for levels in CAMERA_LEVELS if high < levels)
    if levels == 65536 and all(not (np.asarray(chunk, np.int64) % 257).any() for _, chunk in _chunks(values)):
        note = "values in [0, 65535], in 255 equal steps, stored as gray levels 0..255"
        return _Stored(_as_type(values, np.uint8, where, 0.0, 257.0), 0.0, 257.0, note, True)
    note = f"gray levels 0..{levels - 1} ({levels.bit_length() - 1} bits), the largest of them {high}"
    return _Stored(_as_type(values, np.uint16, where), 0.0, 1.0, note, True, levels % 65536)


def _store_signed(values: np.ndarray, facts: _Facts, where: str | Path) -> _Stored:
    """Whole numbers, some below 0, as gray levels from the next power of two below."""
    if _far_values(values, facts):
        return _keep_units(values, facts, where)
    offset = -(2 ** ceil(log2(-facts.low)))
    top = int(facts.high) - offset
    levels = top + 1 if top < 256 else next(levels for levels in CAMERA_LEVELS if top < levels)
    stored = _as_type(values, np.uint8 if levels <= 256 else np.uint16, where, offset)
    note = f"whole numbers in [{facts.low:g}, {facts.high:g}], stored as {levels:,} levels from {offset} on"
    return _Stored(stored, offset, 1.0, note, True, levels % (65536 if levels > 256 else 256))


def _store_natural(
    values: np.ndarray, facts: _Facts, offset: float, span: float, narrow: bool, where: str | Path
) -> _Stored:
    """Values of a natural range: 256 gray levels if they are multiples of 1/255 of it, or reals."""
    name = f"[{offset:g}, {offset + span:g}]"
    two = facts.whole and span == 1
    kind = "only two of them" if two else "in 255 equal steps"
    if two or all(_on_grid(chunk, offset, span) for _, chunk in _chunks(values)):
        if not facts.missing:
            stored = _as_type(values, np.uint8, where, offset, span / 255)
            note = f"values in {name}, {kind}, stored as gray levels 0..255"
            return _Stored(stored, offset, span / 255, note, True)
        note = f"values in {name}, {kind}, stored as real numbers in [0, 1]"
        return _Stored(_as_type(values, np.float32, where, offset, span), offset, span, note, True)
    if narrow or (span == 255 and _far_values(values, facts)):
        return _keep_units(values, facts, where)
    note = f"real values in {name}" + ("" if span == 1 else ", mapped to [0, 1]")
    return _Stored(_as_type(values, np.float32, where, offset, span), offset, span, note, False)


def _keep_units(values: np.ndarray, facts: _Facts, where: str | Path) -> _Stored:
    """Real numbers in units of the source; only what float32 cannot hold is stored relative to its range."""
    low, high = facts.low, facts.high
    largest, span = max(abs(low), abs(high)), high - low
    offset = low if largest > 1000 * span else 0.0
    scale = span if 0 < span <= 1e-30 or span >= 1e30 else 1.0
    kind = "whole numbers" if facts.whole else "real values"
    note = f"{kind} in [{low:g}, {high:g}], kept in their units{_far_values(values, facts)}"
    return _Stored(
        _as_type(values, np.float32, where, offset, scale), offset, scale, note, False, scaled=False
    )


def _far_values(values: np.ndarray, facts: _Facts) -> str:
    """A note about a few values that lie far from all others; empty if there are none.

    The others are the middle 99.8 %. Far is more than 8 times their range away from them; a whole number is
    not far if it needs no more than 256 levels.
    """
    sample = _sample(values)
    first, last = (float(edge) for edge in np.nanquantile(sample, (0.001, 0.999)))
    margin = 8 * (last - first)
    below, above = first - margin, max(last + margin, 255.0 if facts.whole else -np.inf)
    if first == last or (facts.low >= below and facts.high <= above):
        return ""
    with np.errstate(invalid="ignore"):
        far = sum(int(((chunk < below) | (chunk > above)).sum()) for _, chunk in _chunks(values))
    extreme = facts.high if facts.high > above else facts.low
    return (
        f"; {far} of {values.size} values lie far from all others (99.8% are in [{first:g}, {last:g}]), such "
        f"as {extreme:g}: hot pixels, or a mark for missing values? The range leaves them out"
    )


def _sample(values: np.ndarray) -> np.ndarray:
    """About a million values, evenly spaced; of an array that is read by rows, those of some rows."""
    if isinstance(values, LazyArray):
        count = min(len(values), max(1, _SAMPLE // values[0].size))
        values = values[np.linspace(0, len(values) - 1, count).astype(np.int64)]
    step = max(1, values.size // _SAMPLE)
    return np.asarray(values.reshape(-1)[::step] if values.flags.c_contiguous else values.flat[::step])


def _on_grid(values: np.ndarray, offset: float, span: float) -> bool:
    """Whether all known values are multiples of 1/255 of a range."""
    steps = (values.astype(np.float64) - offset) * (255 / span)
    return not (np.abs(steps - np.rint(steps)) >= _WHOLE).any()  # false for NaN


def _as_type(
    values: np.ndarray, dtype: type, where: str | Path, offset: float = 0.0, scale: float = 1.0
) -> np.ndarray:
    """(values - offset) / scale as a type, rounded for integers; the array itself if nothing changes."""
    if values.dtype == dtype and (offset, scale) == (0, 1):
        return values
    if isinstance(values, LazyArray):
        return values.derive(
            partial(_converted, dtype=dtype, offset=offset, scale=scale),
            f"{np.dtype(dtype).name} {offset!r} {scale!r}", values.shape[1:], dtype,
        )  # fmt: skip
    check_size(where, values.shape, np.dtype(dtype).itemsize)
    filled: np.ndarray = np.empty(values.shape, dtype)
    for first, chunk in _chunks(values):
        filled[first : first + len(chunk)] = _converted(chunk, dtype, offset, scale)
    return filled


def _converted(chunk: np.ndarray, dtype: type, offset: float, scale: float) -> np.ndarray:
    scaled = (chunk.astype(np.float64) - offset) / scale
    return (scaled if dtype is np.float32 else np.rint(scaled)).astype(dtype)


def _from_rows(rows: np.ndarray, levels: bool) -> Arranged:
    count, length = rows.shape
    side = isqrt(length)
    if levels and length >= 64 and side * side == length:
        note = f"{count} rows of {length} gray levels, read as {side}x{side} images"
        return Arranged(rows.reshape(count, 1, side, side), note)
    return Arranged(rows, f"{count} vectors of length {length}")
