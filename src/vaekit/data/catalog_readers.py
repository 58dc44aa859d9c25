"""The readers of the catalog: files -> DecodedData.

Images are (N, C, H, W). Published splits are stacked in the order
train, validation, test, as the counts in the catalog say.
"""

from __future__ import annotations

import lzma
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vaekit.data.readers.guard import reading
from vaekit.data.readers.idx import read_idx_pair
from vaekit.errors import DataError

Files = Mapping[str, Path]


class DecodedData(NamedTuple):
    """Images (N, C, H, W), labels (N,) int64 or None, and the class names that the files contain.

    >>> DecodedData(np.zeros((2, 1, 4, 4), np.uint8)).labels is None
    True
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    label_names: tuple[str, ...] = ()


def read_mnist_files(files: Files) -> DecodedData:
    """The four files of MNIST and its relatives: images and labels for training, then for testing.

    >>> import struct, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "x").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 1, 2, 2) + bytes(4))  # one 2x2 image
    >>> _ = (folder / "y").write_bytes(struct.pack(">4BI", 0, 0, 8, 1, 1) + bytes([7]))  # its label
    >>> read_mnist_files({str(i): folder / name for i, name in enumerate("xyxy")}).labels.tolist()
    [7, 7]
    """
    train_images, train_labels, test_images, test_labels = files.values()
    train, test = read_idx_pair(train_images, train_labels), read_idx_pair(test_images, test_labels)
    images, labels = (np.concatenate(both) for both in zip(train, test, strict=True))
    return DecodedData(images[:, None], labels)


def read_packed_mnist() -> DecodedData:
    """MNIST as it is part of the package: 70,000 images, then 70,000 labels, in one xz stream.

    >>> read_packed_mnist().images.shape
    (70000, 1, 28, 28)
    """
    path = resources.files("vaekit.data") / "mnist" / "mnist.xz"
    with reading(str(path), "the packed MNIST"):
        values = np.frombuffer(lzma.decompress(path.read_bytes()), np.uint8)
        images, labels = np.split(values, [70_000 * 28 * 28])
        return DecodedData(images.reshape(70_000, 1, 28, 28), labels.astype(np.int64))


def read_sklearn_digits() -> DecodedData:
    """The 8x8 digits of scikit-learn; ink v in 0..16 becomes the gray level floor(255 v / 16).

    With the floor, `level > 127` equals `v > 8`, and v = ceil(16 level / 255) is the inverse.

    >>> read_sklearn_digits().images.shape
    (1797, 1, 8, 8)
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    levels = (digits.images.astype(np.int64) * 255) // 16
    return DecodedData(levels.astype(np.uint8)[:, None], digits.target.astype(np.int64))


def read_frey_faces(files: Files) -> DecodedData:
    """1965 frames of Brendan Frey's face: variable `ff` (560, 1965), one column per frame of 28x20.

    >>> import tempfile
    >>> from scipy.io import savemat
    >>> path = Path(tempfile.mkdtemp()) / "made.mat"
    >>> savemat(path, {"ff": np.zeros((560, 3), np.uint8)})
    >>> read_frey_faces({"frey": path}).images.shape
    (3, 1, 28, 20)
    """
    (path,) = files.values()
    faces = _matlab(path, "ff")["ff"]
    return DecodedData(_to_uint8(faces.T, path).reshape(-1, 1, 28, 20))


def read_omniglot(files: Files) -> DecodedData:
    """28x28 OMNIGLOT of the IWAE paper: `data` (784, 24345) and `testdata` in [0, 1], stored column-major.

    The labels are the alphabets, one-hot in `target` (50, 24345) and `testtarget`.

    >>> import tempfile
    >>> from scipy.io import savemat
    >>> path = Path(tempfile.mkdtemp()) / "made.mat"
    >>> half = np.zeros((784, 2)), np.eye(50)[:, :2]
    >>> savemat(path, {"data": half[0], "testdata": half[0], "target": half[1], "testtarget": half[1]})
    >>> read_omniglot({"chardata": path}).labels.tolist()
    [0, 1, 0, 1]
    """
    (path,) = files.values()
    arrays = _matlab(path, "data", "testdata", "target", "testtarget")
    with reading(path, "the OMNIGLOT of the IWAE paper"):
        pixels = np.concatenate([arrays["data"], arrays["testdata"]], axis=1).T
        labels = np.concatenate([arrays["target"], arrays["testtarget"]], axis=1).argmax(axis=0)
        return DecodedData(_upright(pixels.astype(np.float32)), labels.astype(np.int64))


def read_caltech_silhouettes(files: Files) -> DecodedData:
    """Caltech-101 Silhouettes: `train_data`, `val_data`, `test_data` (N, 784) of 0 and 1, column-major.

    As in the VampPrior paper (Tomczak and Welling 2018) the two values are swapped, x = 1 - stored,
    which changes no likelihood. Labels count from 1 in the file.

    >>> import tempfile
    >>> from scipy.io import savemat
    >>> path = Path(tempfile.mkdtemp()) / "made.mat"
    >>> made = {f"{part}_data": np.zeros((1, 784)) for part in ("train", "val", "test")}
    >>> made |= {f"{part}_labels": np.ones((1, 1)) for part in ("train", "val", "test")}
    >>> savemat(path, made | {"classnames": np.array([["ant"]], object)})
    >>> read_caltech_silhouettes({"caltech": path}).label_names
    ('ant',)
    """
    (path,) = files.values()
    parts = ("train", "val", "test")
    arrays = _matlab(path, *(f"{part}_{what}" for part in parts for what in ("data", "labels")), "classnames")
    with reading(path, "Caltech-101 Silhouettes"):
        pixels = np.concatenate([arrays[f"{part}_data"] for part in parts])
        labels = np.concatenate([arrays[f"{part}_labels"].ravel() for part in parts]).astype(np.int64) - 1
        names = tuple(str(np.asarray(cell).item()) for cell in arrays["classnames"].ravel())
        return DecodedData(_upright(np.where(pixels > 0, 0, 255).astype(np.uint8)), labels, names)


def _matlab(path: Path, *keys: str) -> dict[str, Any]:
    from scipy.io import loadmat

    with reading(path, "a MATLAB file"):
        arrays = loadmat(path, variable_names=keys)
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise DataError(f"{path}: has no variable {', '.join(missing)}; fetch the original file")
    return arrays


def _upright(pixels: np.ndarray) -> np.ndarray:
    """Flat images (N, 784) stored column by column -> (N, 1, 28, 28)."""
    return np.ascontiguousarray(pixels.reshape(-1, 28, 28).transpose(0, 2, 1))[:, None]


def _to_uint8(values: np.ndarray, path: Path) -> np.ndarray:
    levels = values.astype(np.uint8)
    if not np.array_equal(levels, values):
        raise DataError(
            f"{path}: expected whole numbers 0..255, got other values; download the original file"
        )
    return levels
