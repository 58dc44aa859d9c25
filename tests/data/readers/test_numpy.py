from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from vaekit.data.readers import guard
from vaekit.data.readers.numpy import read_npy, read_npz
from vaekit.errors import DataError

X = np.arange(24).reshape(6, 2, 2)
Y = np.arange(6) % 3


def test_npy_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    values = read_npy(tmp_path / "x.npy").values
    assert isinstance(values, np.memmap)
    np.testing.assert_array_equal(values, X)


@pytest.mark.parametrize(
    "keys",
    [("x", "y"), ("images", "labels"), ("X", "Y"), ("data", "target"), ("arr_0", "arr_1"), ("faces", "who")],
)
def test_npz_names_of_images_and_labels(tmp_path: Path, keys: tuple[str, str]) -> None:
    np.savez(tmp_path / "a.npz", **dict(zip(keys, (X, Y), strict=True)))
    raw = read_npz(tmp_path / "a.npz")
    np.testing.assert_array_equal(raw.values, X)
    np.testing.assert_array_equal(raw.labels, Y)
    assert f"{keys[0]} as values" in raw.notes[0]


@pytest.mark.parametrize(
    ("name", "label"),
    [("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("{}_x", "{}_targets"), ("X_{}", "label_{}")],
)
def test_npz_parts_are_published_splits_in_order(tmp_path: Path, name: str, label: str) -> None:
    arrays = {name.format("test"): X[:1], label.format("test"): Y[:1]}
    arrays |= {name.format("val"): X[1:3], label.format("val"): Y[1:3]}
    arrays |= {name.format("train"): X[3:], label.format("train"): Y[3:]}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    raw = read_npz(tmp_path / "a.npz")
    assert raw.published == {"train": (0, 3), "validation": (3, 5), "test": (5, 6)}
    np.testing.assert_array_equal(raw.values, np.concatenate([X[3:], X[1:3], X[:1]]))
    assert raw.labels is not None
    np.testing.assert_array_equal(raw.labels, np.concatenate([Y[3:], Y[1:3], Y[:1]]))


def test_npz_arrays_may_be_named_by_part_only(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", train=X, test=X[:2])
    raw = read_npz(tmp_path / "a.npz")
    assert raw.published == {"train": (0, 6), "test": (6, 8)}
    assert raw.labels is None


def test_npz_notes_name_unused_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, weights=np.ones(3))
    assert read_npz(tmp_path / "a.npz").notes[1] == "arrays left out: weights"


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"a": X, "b": X}, r"a \(6, 2, 2\), b \(6, 2, 2\)"),
        ({"x": X, "images": X}, "cannot tell its arrays apart"),
        ({"x": X, "x_test": X}, "cannot tell its arrays apart"),
        ({"y": Y}, r"y \(6,\)"),
        ({}, "nothing"),
        ({"x_test": X, "y_test": Y}, "expected a part train"),
        ({"x_train": X, "x_test": X[:, :1]}, r"train has images of shape \(2, 2\), but test of \(1, 2\)"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "only some of train and test have labels"),
        ({"x_train": X, "y_train": Y[1:]}, "train has 6 images, but 5 labels"),
        ({"x_train": X, "y_test": Y}, "labels of test, but no images of it"),
        ({"x": np.array([{}])}, "Python objects, which are never read"),
    ],
)
def test_unclear_archives_are_refused_with_their_names(
    tmp_path: Path, arrays: dict[str, np.ndarray], says: str
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=says) as caught:
        read_npz(tmp_path / "a.npz")
    assert str(caught.value).startswith(str(tmp_path / "a.npz"))


@pytest.mark.parametrize("keep", [0, 5, 60, 200, -1])
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_cut_files_are_refused(tmp_path: Path, kind: str, keep: int) -> None:
    path = tmp_path / f"a.{kind}"
    np.save(path, X) if kind == "npy" else np.savez(path, x=X)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=f"cannot be read as a .{kind} file"):
        (read_npy if kind == "npy" else read_npz)(path)


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=X)
    content = bytearray(path.read_bytes())
    content[content.index(b"\x17\0\0\0\0\0\0\0")] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="CRC"):
        read_npz(path)


def test_objects_in_npy_are_never_read(tmp_path: Path) -> None:
    np.save(tmp_path / "o.npy", np.array([{}, 1], object), allow_pickle=True)
    with pytest.raises(DataError, match="never read"):
        read_npy(tmp_path / "o.npy")


def test_a_zip_bomb_is_refused_before_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.zeros((100, 100, 100), np.uint8))
    monkeypatch.setattr(guard, "_half_of_memory", lambda: 999_999)
    with pytest.raises(DataError, match="more than half of this machine's memory"):
        read_npz(path)


def test_a_header_with_a_wrong_size_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    content = (tmp_path / "x.npy").read_bytes().replace(b"(6, 2, 2)", b"(9, 2, 2)")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(DataError, match="promises 288 bytes, but holds 192"):
        read_npz(tmp_path / "a.npz")
