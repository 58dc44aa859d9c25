"""Zarr: arrays in chunks, by the package zarr (the extra `zarr`). Chunks are read when they are needed."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.lazy import ChunkedArray, Identity, settle
from vaekit.data.readers.guard import check_unpacked, need, reading
from vaekit.data.readers.numpy import find_roles, join_arrays
from vaekit.data.readers.raw import RawData
from vaekit.errors import DataError

PIECE_BYTES = 1 << 20


def is_zarr(path: Path) -> bool:
    """Whether a folder is an array or a group of Zarr, of format 2 or 3.

    >>> is_zarr(Path("."))
    False
    """
    return any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup"))


def read_zarr(path: Path, array: str | None = None) -> RawData:
    """The array of a Zarr folder, or the arrays of a group, recognized by names such as x, images, y.

    Args:
        path: the folder.
        array: the name of the array of values, if the names do not say so.

    Raises:
        DataError: zarr is not installed, the folder is damaged, or its names do not identify the arrays.
    """
    zarr = need("zarr", "zarr", path)
    with reading(path, "a Zarr folder"):
        opened = zarr.open(str(path), mode="r")
        found = {"x": opened} if hasattr(opened, "chunks") else dict(_arrays(opened))
        for name, item in found.items():
            _check_safe(path, name, item)
        shapes = {name: tuple(item.shape) for name, item in found.items()}
        roles = find_roles(path, shapes, array)
        identity = _state(path)
        for key in roles.values():
            check_unpacked(path, math.prod(found[key].shape) * found[key].dtype.itemsize, identity[2])
        arrays = {
            role: piecewise(found[key], (*identity, key))
            if role[1] == "values"
            else np.asarray(found[key][:])
            for role, key in roles.items()
        }
    return join_arrays(path, {role: settle(values) for role, values in arrays.items()}, roles, shapes)


def piecewise(item: Any, identity: Identity) -> ChunkedArray:
    """An array of Zarr or h5py that is read in pieces of its chunks, of at least a mebibyte.

    Args:
        item: with shape, dtype and chunks.
        identity: of its file.

    >>> from types import SimpleNamespace
    >>> item = SimpleNamespace(shape=(3, 4), dtype=np.dtype(np.uint8), chunks=(2, 4))
    >>> piecewise(item, ("x",)).piece > 2
    True
    """
    row = max(1, int(np.prod(item.shape[1:])) * item.dtype.itemsize)
    chunk = (item.chunks or (1,))[0]
    piece = chunk * max(1, -(-PIECE_BYTES // (row * chunk)))
    return ChunkedArray(lambda a, b: np.asarray(item[a:b]), item.shape, item.dtype, identity, piece)


def _arrays(group: Any) -> list[tuple[str, Any]]:
    """The arrays of a group and of the groups within."""
    members = group.members(max_depth=None)
    return [(name, item) for name, item in members if hasattr(item, "chunks") and item.ndim > 0]


def _check_safe(path: Path, name: str, item: Any) -> None:
    """Refuse arrays of Python objects, and codecs that would run code."""
    metadata = json.dumps(item.metadata.to_dict(), default=str)
    if item.dtype.kind not in "biufU" or "pickle" in metadata:
        raise DataError(f"{path}: {name} holds Python objects, which are never read; save it as numbers")


def _state(path: Path) -> Identity:
    """The number, the total size and the last change of all files of a folder."""
    count, size, latest = 0, 0, 0
    for folder, _, names in os.walk(path):
        for name in names:
            facts = os.stat(os.path.join(folder, name))
            count, size, latest = count + 1, size + facts.st_size, max(latest, facts.st_mtime_ns)
    return str(path), count, size, latest
