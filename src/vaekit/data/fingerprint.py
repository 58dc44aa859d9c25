"""The fingerprint of a dataset: the SHA-256 of everything in it that a model or a number can depend on.

    fingerprint = SHA-256 of   images      dtype, shape and bytes of all data points
                               labels, attributes, weights, groups, times    the same
                               class names, attribute names
                               columns     name, kind and categories of each
                               published splits, offset, scale, number of gray levels

Names, sources, notes and the names of files are left out, and so is the scaling of columns, which a recipe
chooses: a copy of the data under another path has the same fingerprint. An array that is mapped from a file
is read in chunks, so it may be larger than memory. The digest of an array that is read by rows is kept with
the sizes and the times of change of its files, so it is computed once and not by each command. It does not
depend on how the data are packed: one array, its shards and the same array in HDF5 have one fingerprint.

Earlier versions recorded 16 hexadecimal digits of a sample of about 256 data points, without labels. Where
one is found, `is_same_data` compares that sample.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from weakref import WeakKeyDictionary

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.known import DIGEST, recall
from vaekit.data.lazy import LazyArray
from vaekit.utils.memory import release_pages

CHUNK_BYTES = 8 << 20
_ARRAYS = ("images", "labels", "attributes", "weights", "groups", "times")
_of_files: dict[tuple[object, ...], str] = {}  # digests of mapped files, which do not change within a command
_known: WeakKeyDictionary[Dataset, str] = WeakKeyDictionary()


def fingerprint(dataset: Dataset) -> str:
    """The fingerprint of a dataset, 64 hexadecimal digits. It is computed once per `Dataset`.

    It takes two seconds per gigabyte; a file that is mapped into memory is read once per process.

    Example:
        >>> from dataclasses import replace
        >>> data = Dataset("a", "A", np.zeros((5, 1, 4, 4), np.uint8), None, ())
        >>> fingerprint(data)[:16]
        '...'
        >>> fingerprint(replace(data, name="b", source="elsewhere")) == fingerprint(data)
        True
        >>> fingerprint(replace(data, images=data.images + 1)) == fingerprint(data)
        False
    """
    if dataset not in _known:
        _known[dataset] = _fingerprint(dataset)
    return _known[dataset]


def is_same_data(recorded: str, dataset: Dataset) -> bool:
    """Whether a dataset has a recorded fingerprint, or that of an earlier version; true if none is recorded.

    Example:
        >>> data = Dataset("a", "A", np.zeros((5, 1, 4, 4), np.uint8), None, ())
        >>> is_same_data(fingerprint(data), data), is_same_data("", data), is_same_data("0" * 64, data)
        (True, True, False)
    """
    if covers_all(recorded):
        return recorded == fingerprint(dataset)
    return recorded in ("", sample_digest(dataset))


def covers_all(recorded: str) -> bool:
    """Whether a recorded fingerprint covers all of the data; those of earlier versions cover a sample.

    Example:
        >>> covers_all("be6ad4ff9b173cda")
        False
    """
    return len(recorded) == hashlib.sha256().digest_size * 2


def sample_digest(dataset: Dataset) -> str:
    """What earlier versions recorded: a digest of the number of images, of about 256 of them and attributes.

    Example:
        >>> sample_digest(Dataset("a", "A", np.zeros((5, 1, 4, 4), np.uint8), None, ()))
        '...'
    """
    n = len(dataset.images)
    sample = np.ascontiguousarray(dataset.images[:: max(1, n // 256)])
    attributes = b"" if dataset.attributes is None else dataset.attributes.tobytes()
    release_pages(dataset.images)
    content = f"{n} {sample.shape} {sample.dtype}".encode() + sample.tobytes() + attributes
    return hashlib.sha256(content).hexdigest()[:16]


def _fingerprint(dataset: Dataset) -> str:
    facts = {
        "label_names": dataset.label_names,
        "attribute_names": dataset.attribute_names,
        "columns": [(column.name, column.kind, column.categories) for column in dataset.columns],
        "published": sorted(dataset.published.items()),
        "units": (dataset.offset, dataset.scale, dataset.n_levels, dataset.scaled),
        "arrays": {name: _describe(getattr(dataset, name)) for name in _ARRAYS},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=list).encode()).hexdigest()


def _describe(array: np.ndarray | None) -> tuple[str, tuple[int, ...], str] | None:
    """Dtype, shape and digest of an array."""
    if array is None:
        return None
    if isinstance(array, LazyArray):
        return array.dtype.name, array.shape, recall(DIGEST, array.identity, lambda: _digest(array))
    place = _place(array)
    digest = _of_files.get(place) or _digest(array)
    if place:
        _of_files[place] = digest
    return array.dtype.name, array.shape, digest


def _place(array: np.ndarray) -> tuple[object, ...]:
    """The state of the file that an array is a read-only map of; empty for other arrays."""
    if not (isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.mode == "r"):
        return ()
    facts = os.stat(str(array.filename))
    identity = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
    return str(array.filename), *identity, array.offset, array.dtype.str, array.shape


def _digest(array: np.ndarray) -> str:
    """SHA-256 of the bytes of an array in order, little-endian."""
    digest, rows = hashlib.sha256(), max(1, CHUNK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        chunk = array[start : start + rows]
        digest.update(np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<")).data)
        release_pages(chunk)
    return digest.hexdigest()
