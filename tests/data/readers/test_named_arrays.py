"""Files of several named arrays: .npz with a choice, HDF5 and MATLAB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from vaekit.data import load_dataset
from vaekit.data.readers.hdf5 import read_hdf5, read_mat
from vaekit.errors import DataError

LEVELS = np.random.default_rng(0).integers(0, 256, (20, 8, 6), dtype=np.uint8)


def test_an_array_is_chosen_by_its_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", left=LEVELS, right=255 - LEVELS, y=np.arange(20) % 2)
    with pytest.raises(DataError, match=r"choose one by data\.array=NAME"):
        load_dataset(tmp_path / "a.npz")
    data = load_dataset(tmp_path / "a.npz", array="right")
    np.testing.assert_array_equal(data.images[:, 0], 255 - LEVELS)
    assert data.classes == 2
    assert data.notes[:2] == ("arrays used: right as values, y as labels", "arrays left out: left")
    with pytest.raises(DataError, match=r"expected an array 'rigt'; did you mean 'right'\?"):
        load_dataset(tmp_path / "a.npz", array="rigt")
    np.save(tmp_path / "b.npy", LEVELS)
    with pytest.raises(DataError, match=r"data\.array chooses among the arrays"):
        load_dataset(tmp_path / "b.npy", array="x")


def test_hdf5_with_parts_and_words(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["train/images"] = LEVELS
        file["train/labels"] = ["cat", "dog"] * 10
        file["test/images"] = LEVELS[:4]
        file["test/labels"] = ["dog"] * 4
        file["about"] = "a note"
    data = load_dataset(tmp_path / "a.h5")
    assert data.published == {"train": (0, 20), "test": (20, 24)}
    assert data.label_names == ("cat", "dog")
    np.testing.assert_array_equal(data.images[:20, 0], LEVELS)


def test_hdf5_of_one_array_and_by_choice(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    reals = np.random.default_rng(0).normal(size=(9, 2, 64))
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["run/ecg"] = reals
    data = load_dataset(tmp_path / "a.hdf5")
    assert data.shape == (2, 64)
    np.testing.assert_allclose(data.images, reals, rtol=1e-6)
    with h5py.File(tmp_path / "a.hdf5", "a") as file:
        file["run/other"] = reals * 2
    assert read_hdf5(tmp_path / "a.hdf5", "run/other").values[0, 0, 0] == 2 * reals[0, 0, 0]


def test_damaged_or_missing_hdf5_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.h5").write_bytes(b"no such file")
    with pytest.raises(DataError, match=r"a\.h5: "):
        read_hdf5(tmp_path / "a.h5")
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(
        DataError, match=r'needs h5py, which is not installed; run: pip install "vaekit\[hdf5\]"'
    ):
        read_hdf5(tmp_path / "a.h5")


def test_matlab_files_with_images_last_or_first(tmp_path: Path) -> None:
    color = np.random.default_rng(0).integers(0, 256, (50, 8, 9, 3), dtype=np.uint8)
    labels = np.arange(50) % 5
    savemat(tmp_path / "last.mat", {"X": np.moveaxis(color, 0, -1), "y": labels[:, None], "about": "words"})
    savemat(tmp_path / "first.mat", {"X": color, "y": labels[:, None]})
    for name in ("last", "first"):
        raw = read_mat(tmp_path / f"{name}.mat")
        np.testing.assert_array_equal(raw.values, color)
        assert raw.labels is not None
        np.testing.assert_array_equal(raw.labels, labels)
    data = load_dataset(tmp_path / "last.mat")
    assert (data.shape, data.classes) == ((3, 8, 9), 5)


def test_damaged_matlab_files_are_one_line(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"x": LEVELS})
    content = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(content[:300])
    with pytest.raises(DataError, match=r"a\.mat: ") as caught:
        load_dataset(tmp_path / "a.mat")
    assert "\n" not in str(caught.value)
