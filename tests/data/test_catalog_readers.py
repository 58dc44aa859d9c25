"""The MATLAB files are written here with the structure of the originals, and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from vaekit.data import catalog_readers
from vaekit.errors import DataError

RNG = np.random.default_rng(1)


def column_major(images: np.ndarray) -> np.ndarray:
    """(N, 28, 28) -> (N, 784), column by column, as MATLAB stores a matrix."""
    return np.stack([image.ravel(order="F") for image in images])


def test_frey_faces_are_upright(tmp_path: Path) -> None:
    faces = RNG.integers(0, 256, (5, 28, 20), dtype=np.uint8)
    path = tmp_path / "frey_rawface.mat"
    savemat(path, {"ff": faces.reshape(5, 560).T})
    np.testing.assert_array_equal(catalog_readers.read_frey_faces({"f": path}).images[:, 0], faces)


def test_frey_faces_must_be_gray_levels(tmp_path: Path) -> None:
    savemat(tmp_path / "f.mat", {"ff": np.full((560, 2), 0.5)})
    with pytest.raises(DataError, match=r"expected whole numbers 0\.\.255"):
        catalog_readers.read_frey_faces({"f": tmp_path / "f.mat"})


def test_omniglot_is_upright_with_its_alphabets(tmp_path: Path) -> None:
    train, test = RNG.random((4, 28, 28)), RNG.random((3, 28, 28))
    alphabets = np.array([0, 49, 7, 7, 1, 2, 3])
    one_hot = np.eye(50)[alphabets].T
    path = tmp_path / "chardata.mat"
    savemat(
        path,
        {
            "data": column_major(train).T,
            "testdata": column_major(test).T,
            "target": one_hot[:, :4],
            "testtarget": one_hot[:, 4:],
        },
    )
    content = catalog_readers.read_omniglot({"f": path})
    np.testing.assert_allclose(content.images[:, 0], np.concatenate([train, test]), rtol=1e-7)
    assert content.images.dtype == np.float32
    assert content.labels is not None
    assert content.labels.tolist() == alphabets.tolist()


def test_caltech_is_upright_swapped_and_in_the_order_of_its_splits(tmp_path: Path) -> None:
    counts = {"train": 4, "val": 3, "test": 2}
    images = {part: RNG.integers(0, 2, (count, 28, 28), dtype=np.uint8) for part, count in counts.items()}
    labels = {part: RNG.integers(1, 4, (count, 1)) for part, count in counts.items()}
    names = np.array(["ant", "beaver", "crab"], dtype=object).reshape(1, 3)
    held = {f"{part}_data": column_major(images[part]) for part in counts}
    held |= {f"{part}_labels": labels[part] for part in counts}
    savemat(tmp_path / "c.mat", held | {"classnames": names})
    content = catalog_readers.read_caltech_silhouettes({"f": tmp_path / "c.mat"})
    expected = np.concatenate([images[part] for part in counts])
    np.testing.assert_array_equal(content.images[:, 0], (1 - expected) * 255)
    assert content.label_names == ("ant", "beaver", "crab")
    np.testing.assert_array_equal(content.labels, np.concatenate([labels[part][:, 0] for part in counts]) - 1)


@pytest.mark.parametrize(
    "read",
    [
        catalog_readers.read_frey_faces,
        catalog_readers.read_omniglot,
        catalog_readers.read_caltech_silhouettes,
    ],
)
def test_other_matlab_files_are_refused(tmp_path: Path, read) -> None:
    path = tmp_path / "other.mat"
    savemat(path, {"something": np.zeros(3)})
    with pytest.raises(DataError, match="has no variable"):
        read({"f": path})
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match="cannot be read as a MATLAB file"):
        read({"f": path})


def test_matlab_arrays_of_another_size_are_refused(tmp_path: Path) -> None:
    held = {"data": np.zeros((784, 2)), "testdata": np.zeros((700, 2))}
    savemat(tmp_path / "o.mat", held | {"target": np.zeros((50, 2)), "testtarget": np.zeros((50, 2))})
    with pytest.raises(DataError, match="cannot be read as the OMNIGLOT"):
        catalog_readers.read_omniglot({"f": tmp_path / "o.mat"})
