"""Files of named arrays beside .npz: HDF5, by h5py (the extra `hdf5`), and .mat before version 7.3."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.lazy import LAZY_BYTES, ChunkedArray, file_state
from vaekit.data.readers.guard import check_dataset, check_size, check_unpacked, need, reading
from vaekit.data.readers.numpy import Role, find_roles, join_arrays
from vaekit.data.readers.raw import RawData
from vaekit.data.readers.zarr import piecewise
from vaekit.errors import DataError


def read_hdf5(path: Path, array: str | None = None) -> RawData:
    """The arrays of an HDF5 file, recognized by names such as x, images, y, train/images, x_test.

    Args:
        path: the file.
        array: the name of the array of values, if the names do not say so.

    Raises:
        DataError: h5py is not installed, the file is damaged, or its names do not identify the arrays.

    >>> read_hdf5(Path("none.h5"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    vaekit.errors...
    """
    h5py = need("h5py", "hdf5", path)
    with reading(path, "an HDF5 file"), h5py.File(path, "r") as file:
        found: dict[str, Any] = {}
        file.visititems(lambda name, item: found.update({name: item}) if _is_array(item) else None)
        shapes = {name: tuple(item.shape) for name, item in found.items()}
        roles = find_roles(path, shapes, array)
        large = _large_values(found, roles)
        for key in roles.values():
            check_dataset(path, found[key], piecewise=key == large)
        arrays: dict[Role, Any] = {
            role: _piecewise(path, key) if key == large else _with_text(np.asarray(found[key][()]))
            for role, key in roles.items()
        }
    return join_arrays(path, arrays, roles, shapes)


def _large_values(found: Mapping[str, Any], roles: Mapping[Role, str]) -> str | None:
    """The array of values that is read in pieces: a large one of a file without parts of a split."""
    key = roles.get(("", "values"))
    return key if key and found[key].nbytes > LAZY_BYTES else None


def _piecewise(path: Path, key: str) -> ChunkedArray:
    import h5py

    return piecewise(h5py.File(path, "r")[key], (*file_state(path), key))


def _with_text(values: np.ndarray) -> np.ndarray:
    """Bytes as text, as labels may be stored."""
    if values.dtype.kind not in "SO":
        return values
    return np.array([value.decode() if isinstance(value, bytes) else str(value) for value in values.flat])


def _is_array(item: Any) -> bool:
    """Whether an object of a file is an array rather than a group or a single value."""
    return len(getattr(item, "shape", ())) > 0 and item.dtype.kind in "biufSO"


def read_mat(path: Path, array: str | None = None) -> RawData:
    """The arrays of a MATLAB file, recognized by their names; the last axis may be that of the images.

    Args:
        path: the file.
        array: the name of the array of values, if the names do not say so.

    Raises:
        DataError: the file is damaged or of version 7.3, or its names do not identify the arrays.

    >>> import tempfile
    >>> from scipy.io import savemat
    >>> path = Path(tempfile.mkdtemp()) / "x.mat"
    >>> savemat(path, {"X": np.zeros((8, 9, 3, 50), np.uint8), "y": np.ones((50, 1))})
    >>> read_mat(path).values.shape, read_mat(path).labels.shape
    ((50, 8, 9, 3), (50,))
    """
    from scipy.io import loadmat, whosmat

    with reading(path, "a MATLAB file"):
        try:
            listed = whosmat(path)
        except NotImplementedError as error:
            raise DataError(f"{path}: is a MATLAB file of version 7.3; save it with -v7") from error
        kinds = ("int", "uint", "single", "double", "logical")
        shapes = {name: _without_ones(shape) for name, shape, kind in listed if kind.startswith(kinds)}
        count = _last_axis(shapes, array)
        moved = {
            name: (shape[-1], *shape[:-1]) if count and len(shape) > 1 else shape
            for name, shape in shapes.items()
        }
        roles = find_roles(path, moved, array)
        for key in roles.values():
            check_unpacked(path, check_size(path, moved[key], 8))
        content = loadmat(path, variable_names=list(roles.values()))
    arrays = {}
    for role, key in roles.items():
        values = content[key].reshape(shapes[key])
        arrays[role] = np.moveaxis(values, -1, 0) if count and values.ndim > 1 else values
    return join_arrays(path, arrays, roles, moved)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(N,) for the rows and columns that MATLAB makes of vectors."""
    return (max(shape),) if len(shape) == 2 and min(shape) == 1 else tuple(shape)


def _last_axis(shapes: dict[str, tuple[int, ...]], array: str | None) -> bool:
    """Whether the images are the last axis: as many as there are labels, or far more than the other axes."""
    vectors = {shape[0] for shape in shapes.values() if len(shape) == 1}
    candidates = (
        [shapes[array]] if array in shapes else [shape for shape in shapes.values() if len(shape) > 2]
    )
    return bool(candidates) and all(
        len(shape) > 2
        and shape[0] not in vectors
        and (shape[-1] in vectors or shape[-1] > 4 * max(shape[:-1]))
        for shape in candidates
    )
