"""NumPy's files: .npy, memory-mapped, and .npz, whose arrays are recognized by their names."""

from __future__ import annotations

import math
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from vaekit.data.readers.guard import check_archive, check_size, reading
from vaekit.data.readers.raw import PARTS, RawData, SplitPart, stack_parts
from vaekit.data.readers.sparse import SPARSE_ARRAYS, read_sparse_npz
from vaekit.errors import DataError, did_you_mean

_VALUES = ("images", "image", "imgs", "x", "data")
_LABELS = ("labels", "label", "y", "targets", "target", "classes")
_ATTRIBUTES = ("attributes", "attribute")
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}

Shapes = Mapping[str, tuple[int, ...]]
Role = tuple[str, str]  # the part of a split, and values, labels or attributes


def read_npy(path: Path) -> RawData:
    """The array of a .npy file, memory-mapped.

    Raises:
        DataError: the file is damaged, or contains Python objects, which are never read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.npy"
    >>> np.save(path, np.zeros((5, 8, 8)))
    >>> read_npy(path).values.shape
    (5, 8, 8)
    """
    with reading(path, "a .npy file"):
        with open(path, "rb") as stream:
            npy_header(stream, path)
        return RawData(npy.open_memmap(path, mode="r"))


def read_npz(path: Path, array: str | None = None) -> RawData:
    """The arrays of a .npz file, recognized by names such as x, images, y, x_train, test_labels, attributes.

    A file of `scipy.sparse.save_npz` is a sparse table.

    Args:
        path: the file.
        array: the name of the array of values, if the names do not say so.

    Raises:
        DataError: the file is damaged, unpacks to too much, or its names do not identify the arrays.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.npz"
    >>> np.savez(path, x_train=np.zeros((5, 8, 8)), x_test=np.zeros((2, 8, 8)))
    >>> read_npz(path).published
    {'train': (0, 5), 'test': (5, 7)}
    """
    with reading(path, "a .npz file"), zipfile.ZipFile(path) as archive:
        check_archive(path, archive)
        if {f"{name}.npy" for name in SPARSE_ARRAYS} <= set(archive.namelist()):
            return read_sparse_npz(path)
        shapes = npz_shapes(path, archive)
        roles = find_roles(path, shapes, array)
        arrays = {role: _array(archive, key) for role, key in roles.items()}
    return join_arrays(path, arrays, roles, shapes)


def join_arrays(
    path: Path, arrays: Mapping[Role, np.ndarray], roles: Mapping[Role, str], shapes: Shapes
) -> RawData:
    """The data of named arrays, with a note about those that are used and those that are not.

    Raises:
        DataError: labels or attributes have no images.

    >>> roles = {("", "values"): "x"}
    >>> join_arrays(Path("x.npz"), {("", "values"): np.zeros((5, 8))}, roles, {"x": (5, 8)}).notes
    ('arrays used: x as values',)
    """
    left_out = sorted(set(shapes) - set(roles.values()))
    notes = (f"arrays left out: {', '.join(left_out)}",) if left_out else ()
    named = ", ".join(f"{key} as {' '.join(role).strip()}" for role, key in roles.items())
    return replace(_joined(arrays, path), notes=(f"arrays used: {named}", *notes))


def npy_header(stream: IO[bytes], path: Path) -> tuple[tuple[int, ...], bool, np.dtype]:
    """The shape, whether the order is that of Fortran, and the type, as the header of a .npy stream states.

    Raises:
        DataError: the array is one of Python objects.
    """
    shape, fortran, dtype = _HEADERS[npy.read_magic(stream)](stream)
    if dtype.hasobject:
        raise DataError(f"{path}: holds Python objects, which are never read; save it as an array of numbers")
    return shape, fortran, dtype


def npz_shapes(path: Path, archive: zipfile.ZipFile) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every array, from the headers alone; what they promise is checked first."""
    shapes = {}
    for info in archive.infolist():
        with archive.open(info) as stream:
            shape, _, dtype = npy_header(stream, path)
            promised, held = math.prod(shape) * dtype.itemsize, info.file_size - stream.tell()
            if info.compress_type != zipfile.ZIP_STORED:
                check_size(path, shape, dtype.itemsize)
        if held != promised:
            raise ValueError(f"{info.filename} promises {promised} bytes, but holds {held}")
        shapes[info.filename.removesuffix(".npy")] = shape
    return shapes


def _array(archive: zipfile.ZipFile, key: str) -> np.ndarray:
    member = key if key in archive.namelist() else f"{key}.npy"
    with archive.open(member) as stream:
        return npy.read_array(stream, allow_pickle=False)


def array_role(key: str) -> tuple[str, str] | None:
    """("train", "values") for x_train or train_images, ("", "labels") for y, None for other names."""
    words = re.split("[_/]", key.lower())
    parts = [PARTS[word] for word in words if word in PARTS]
    rest = [word for word in words if word not in PARTS]
    part = parts[0] if len(parts) == 1 else ""
    if rest in ([word] for word in _LABELS):
        return part, "labels"
    if rest in ([word] for word in _ATTRIBUTES):
        return part, "attributes"
    if rest in ([word] for word in _VALUES) or (part and not rest):
        return part, "values"
    return None


def find_roles(path: Path, shapes: Shapes, array: str | None = None) -> dict[Role, str]:
    """(part, what) -> name of the array; the part is empty where the file knows no parts.

    Args:
        path: the file, for messages.
        shapes: of all arrays, by name.
        array: the name of the array of values, if the names do not say so.

    Raises:
        DataError: the names do not identify the arrays, or there is none of the name.

    >>> find_roles(Path("x.npz"), {"x": (5, 8), "y": (5,)})
    {('', 'values'): 'x', ('', 'labels'): 'y'}
    """
    if array is not None:
        return _chosen(path, shapes, array)
    found = {key: role for key in shapes if (role := array_role(key))}
    if not any(what == "values" for _, what in found.values()):
        found |= _only_candidate(path, shapes, found)
    twice = [role for role, times in Counter(found.values()).items() if times > 1]
    if twice or len({bool(part) for part, _ in found.values()}) > 1:
        raise _unclear(path, shapes)
    order = ("", "train", "validation", "test")
    return {role: key for key, role in sorted(found.items(), key=lambda item: order.index(item[1][0]))}


def _chosen(path: Path, shapes: Shapes, array: str) -> dict[Role, str]:
    """The array that was asked for, and the labels and attributes of the same part and length."""
    if array not in shapes:
        raise DataError(
            f"{path}: expected an array {array!r}{did_you_mean(array, shapes)}; its arrays are "
            f"{', '.join(f'{key} {shape}' for key, shape in shapes.items()) or 'none'}"
        )
    part = (array_role(array) or ("", ""))[0]
    beside = {
        ("", role[1]): key
        for key in shapes
        if key != array and (role := array_role(key)) and role[0] == part and role[1] != "values"
        and shapes[key][:1] == shapes[array][:1]
    }  # fmt: skip
    return {("", "values"): array, **beside}


def _only_candidate(path: Path, shapes: Shapes, found: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    candidates = [key for key, shape in shapes.items() if len(shape) >= 2 and key not in found]
    if len(candidates) != 1:
        raise _unclear(path, shapes)
    (values,) = candidates
    others = [key for key, shape in shapes.items() if shape == shapes[values][:1] and key not in found]
    labels = {others[0]: ("", "labels")} if len(others) == 1 and not found else {}
    return {values: ("", "values")} | labels


def _unclear(path: Path, shapes: Shapes) -> DataError:
    listed = ", ".join(f"{key} {shape}" for key, shape in shapes.items()) or "nothing"
    return DataError(
        f"{path}: cannot tell its arrays apart, which are {listed}; "
        "name them x and y, or x_train, y_train, x_test, y_test, or choose one by data.array=NAME"
    )


def _joined(arrays: Mapping[tuple[str, str], np.ndarray], path: Path) -> RawData:
    parts = {
        part: SplitPart(values, arrays.get((part, "labels")), arrays.get((part, "attributes")))
        for (part, what), values in arrays.items()
        if what == "values"
    }
    orphans = [(part, what) for part, what in arrays if part not in parts]
    if orphans:
        part, what = orphans[0]
        raise DataError(f"{path}: has {what} of {part}, but no images of it; add them")
    if "" not in parts:
        return stack_parts(parts, path)
    alone = parts[""]
    return RawData(alone.values, alone.labels, attributes=alone.attributes)
