"""Folders with more pictures than fit well in memory: decoded once into the cache, and mapped from there.

    pictures/KEY.npy     the values of all pictures, of which those of broken files are not used
    indexes/...          which are broken, and why (`vaekit.data.known`)

The key is a digest of the names, sizes and times of change of the files, and of the size, color and crop.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vaekit.data.known import recall_arrays
from vaekit.data.lazy import Identity, LazyArray
from vaekit.data.readers.shards import map_npy
from vaekit.errors import DataError
from vaekit.utils.paths import cache_folder

Decode = Callable[[np.ndarray, dict[str, str]], np.ndarray]


def decode_to_file(
    files: Sequence[Path],
    shape: Sequence[int],
    dtype: str,
    choices: Identity,
    broken: dict[str, str],
    decode: Decode,
) -> tuple[LazyArray, np.ndarray]:
    """Decode pictures into a file of the cache, unless that was done before.

    Args:
        files: of the pictures.
        shape, dtype: of the values.
        choices: what the values depend on besides the files.
        broken: receives name -> reason of files that cannot be read.
        decode: fills an array, notes broken files in a dict, and returns which rows are pictures.

    Returns:
        The values (N, ...), mapped, and which of them are pictures (N,).

    Raises:
        DataError: the cache cannot be written, or the disk is full.

    >>> import tempfile
    >>> from unittest.mock import patch
    >>> def decode(values, broken):
    ...     values[:] = 7
    ...     return np.array([True, False])
    >>> with patch.dict(os.environ, VAEKIT_CACHE=tempfile.mkdtemp()):
    ...     values, kept = decode_to_file([], (2, 4, 4), "uint8", ("x",), {}, decode)
    >>> values[0].max(), kept.tolist()
    (np.uint8(7), [True, False])
    """
    states = tuple((str(f), (s := os.stat(f)).st_size, s.st_mtime_ns) for f in files)
    key = hashlib.sha256(repr((states, tuple(shape), dtype, choices)).encode()).hexdigest()
    file = cache_folder() / "pictures" / f"{key}.npy"

    def compute() -> dict[str, np.ndarray]:
        found: dict[str, str] = {}
        kept = _fill(file, shape, dtype, lambda values: decode(values, found))
        reasons = np.array(list(found.values()), dtype=str)
        return {"kept": kept, "names": np.array(list(found), dtype=str), "reasons": reasons}

    identity = ("pictures", key) if file.is_file() else ()
    known = recall_arrays("pictures", identity, compute)
    if not identity:
        known = recall_arrays("pictures", ("pictures", key), lambda: known)
    broken.update(zip(known["names"].tolist(), known["reasons"].tolist(), strict=True))
    return map_npy(file), known["kept"]


def _fill(
    file: Path, shape: Sequence[int], dtype: str, decode: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Write a .npy file by a function that fills its array; it gets its name when it is complete."""
    scratch = file.with_suffix(f".{os.getpid()}.new")
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        values = np.lib.format.open_memmap(scratch, "w+", dtype, tuple(shape))
        if hasattr(os, "posix_fallocate"):
            with open(scratch, "r+b") as stream:
                os.posix_fallocate(stream.fileno(), 0, scratch.stat().st_size)
        kept = decode(values)
        values.flush()
        scratch.replace(file)
    except OSError as error:
        raise DataError(
            f"{file.parent}: cannot hold {size / 2**30:.1f} GiB of decoded pictures: "
            f"{error.strerror or error}; free space, set VAEKIT_CACHE to a larger disk, or choose a smaller "
            "data.size"
        ) from error
    finally:
        scratch.unlink(missing_ok=True)
    return kept
