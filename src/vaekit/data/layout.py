"""The shape of a data point: which axes of an array are channels, length, height, width and depth.

    (N, L)          vectors; signals of one channel, or square images, on request
    (N, C, L)       signals if one side is at most 16 and the other at least 4 times as long; else
    (N, H, W)       gray images
    (N, C, H, W)    images, if the first or the last axis is short enough for channels; else
    (N, D, H, W)    volumes of one channel
    (N, C, D, H, W) volumes

Channels that are stored last are moved first.
"""

from __future__ import annotations

from math import isqrt, log
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from vaekit.errors import DataError

PointKind = Literal["auto", "vector", "signal", "image", "volume"]
POINT_KINDS: tuple[str, ...] = get_args(PointKind)

MAX_CHANNELS = 16  # of an axis that is taken for channels without being asked

_SHAPES = {
    "vector": "(N, D)",
    "signal": "(N, L), (N, C, L) or (N, L, C)",
    "image": "(N, H, W), (N, C, H, W) or (N, H, W, C)",
    "volume": "(N, D, H, W), (N, C, D, H, W) or (N, D, H, W, C)",
}


class Arranged(NamedTuple):
    """Data points (N, *event), a view of the array, and a sentence about them.

    >>> Arranged(np.zeros((5, 1, 4, 4)), "5 gray images of 4x4").points.shape
    (5, 1, 4, 4)
    """

    points: np.ndarray
    note: str


def arrange(
    values: np.ndarray, where: str | Path, kind: str = "auto", channels_last: bool | None = None
) -> Arranged:
    """Read an array as data points of one kind.

    Args:
        values: (N, ...) with 1 to 4 axes per data point.
        where: the file or folder, for messages.
        kind: vector, signal, image, volume, or auto to choose by the shape.
        channels_last: whether the channels are the last axis; None finds out by the shape.

    Raises:
        DataError: the kind is unknown, or the shape does not fit it.

    >>> arrange(np.zeros((80, 2, 128)), "x.npy").points.shape
    (80, 2, 128)
    >>> arrange(np.zeros((24, 16, 16, 16)), "x.npy").points.shape
    (24, 1, 16, 16, 16)
    """
    if kind not in POINT_KINDS:
        raise DataError(f"kind: expected one of {', '.join(POINT_KINDS)}, got {kind!r}")
    count, *rest = values.shape
    if kind == "auto":
        kind = _kind(rest)
        other = _other_reading(rest, kind) if channels_last is None else ""
    else:
        other = ""
    axes = {"vector": (1, 2, 3, 4), "signal": (1, 2), "image": (1, 2, 3), "volume": (3, 4)}[kind]
    if len(rest) not in axes:
        raise DataError(
            f"{where}: expected {_SHAPES[kind]} for data.points={kind}, got shape {values.shape}; "
            "reshape it, or choose another kind"
        )
    if kind == "vector":
        points = values.reshape(count, -1)
        return Arranged(points, f"{count} vectors of length {points.shape[1]}")
    if len(rest) == 1:
        return _from_rows(values, where, kind)
    spatial = {"signal": 1, "image": 2, "volume": 3}[kind]
    if len(rest) == spatial:
        lead = "gray images" if kind == "image" else f"{kind}s"
        tail = ", one channel" if kind == "volume" else ""
        return Arranged(values[:, None], f"{count} {lead} of {_by(rest)}{tail}{other}")
    last = _last_is_channels(rest) if channels_last is None else channels_last
    points = np.moveaxis(values, -1, 1) if last else values
    channels = points.shape[1]
    sides: list[int] = list(points.shape[2:])
    size = f"length {sides[0]}" if kind == "signal" else _by(sides)
    place = ", stored last, moved first" if last else ", stored first"
    place = place if channels_last is None else ""
    return Arranged(points, f"{count} {kind}s of {size} with {channels} channels{place}{other}")


def _from_rows(rows: np.ndarray, where: str | Path, kind: str) -> Arranged:
    count, length = rows.shape
    if kind == "signal":
        return Arranged(rows[:, None], f"{count} signals of length {length} with one channel")
    side = isqrt(length)
    if side * side != length:
        raise DataError(
            f"{where}: expected rows of H * H values for data.points=image, got rows of {length}; "
            "reshape it to (N, H, W)"
        )
    images = rows.reshape(count, 1, side, side)
    return Arranged(images, f"{count} rows of {length}, read as {side}x{side} images")


def _kind(rest: list[int]) -> str:
    """The kind of data points of a shape without the first axis."""
    if len(rest) == 2:
        short, long = sorted(rest)
        return "signal" if short <= MAX_CHANNELS and long >= max(4 * short, 16) else "image"
    if len(rest) == 3:
        return "image" if any(_may_be_channels(rest)) else "volume"
    return {1: "vector", 4: "volume"}.get(len(rest), "vector")


def _may_be_channels(rest: list[int]) -> tuple[bool, bool]:
    """Whether the first and the last of three axes are short enough for channels."""
    first, last = rest[0], rest[-1]

    def fits(axis: int, sides: list[int]) -> bool:
        return axis <= 4 or (axis <= MAX_CHANNELS and 2 * axis <= min(sides))

    return fits(first, rest[1:]), fits(last, rest[:-1])


def _last_is_channels(rest: list[int]) -> bool:
    """Whether the last axis holds the channels rather than the first one."""
    if len(rest) == 3:
        may = _may_be_channels(rest)
        if not any(may):  # asked for: the axis that leaves the squarer image
            return abs(log(rest[0] / rest[1])) < abs(log(rest[1] / rest[2]))
        if not all(may):
            return may[1]
    return rest[-1] < rest[0]


def _other_reading(rest: list[int], kind: str) -> str:
    """How else the shape may be read, if that is a question."""
    if kind == "signal":
        return f" (data.points=image reads gray images of {_by(rest)})"
    if kind == "volume" and len(rest) == 3:
        channels = rest[-1] if _last_is_channels(rest) else rest[0]
        return f" (data.points=image reads images with {channels} channels)"
    if kind == "image" and len(rest) == 2 and max(rest) >= 4 * min(rest):
        return f" (data.points=signal reads signals with {min(rest)} channels)"
    if kind == "image" and len(rest) == 3 and min(rest) > 4:
        return f" (data.points=volume reads volumes of {_by(rest)})"
    return ""


def _by(sides: list[int]) -> str:
    return "x".join(map(str, sides))
