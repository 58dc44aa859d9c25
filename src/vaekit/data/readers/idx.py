"""IDX, the format of MNIST: bytes 0, 0, type and rank; the sizes as big-endian uint32; then the values."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

import numpy as np

from vaekit.data.readers.guard import check_size, open_maybe_gzip, reading
from vaekit.errors import DataError

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file, gzipped or not.

    Args:
        path: the file.

    Returns:
        The array, of the shape and type that the header states (in this machine's byte order).

    Raises:
        DataError: the header is not an IDX header, or the number of bytes after it is wrong.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "labels"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    >>> read_idx(path)
    array([7, 9], dtype=uint8)
    """
    with reading(path, "an IDX file"), open_maybe_gzip(path) as stream:
        dtype, shape = _header(stream)
        size = check_size(path, shape, dtype.itemsize)
        body = stream.read(size + 1)
        if len(body) != size:
            found = f"only {len(body)}" if len(body) < size else "more"
            raise ValueError(f"its header promises {size} bytes, but {found} follow")
    return np.frombuffer(body, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def read_idx_pair(images: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    """The images (N, ...) and labels (N,) int64 of two IDX files that belong together.

    Raises:
        DataError: as `read_idx`, or the files have different lengths.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    >>> read_idx_pair(path, path)[1]
    array([7, 9])
    """
    values, classes = read_idx(images), read_idx(labels)
    if classes.shape != values.shape[:1]:
        raise DataError(
            f"{labels}: labels of shape {classes.shape} for {len(values)} images in {images.name}; "
            "fetch both files anew"
        )
    return values, classes.astype(np.int64)


def is_idx(path: Path) -> bool:
    """Whether the first bytes of the file are those of an IDX file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x"
    >>> _ = path.write_bytes(b"not an IDX file")
    >>> is_idx(path)
    False
    """
    with reading(path, "an IDX file"), open_maybe_gzip(path) as stream:
        return _begins(stream.read(4))


def _begins(start: bytes) -> bool:
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in _TYPES and 1 <= start[3] <= 4


def _header(stream: IO[bytes]) -> tuple[np.dtype, tuple[int, ...]]:
    start = stream.read(4)
    if not _begins(start):
        raise ValueError(f"it begins with bytes {list(start)}, which is not an IDX header")
    sizes = stream.read(4 * start[3])
    if len(sizes) != 4 * start[3]:
        raise ValueError("its header is incomplete")
    return np.dtype(_TYPES[start[2]]), struct.unpack(f">{start[3]}I", sizes)
