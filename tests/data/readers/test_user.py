from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from idx_files import idx_bytes, write_quartet
from vaekit.data import load_dataset
from vaekit.errors import DataError, NotFoundError


def test_an_array_file(tmp_path: Path, levels: np.ndarray) -> None:
    np.save(tmp_path / "faces.npy", levels)
    data = load_dataset(tmp_path / "faces.npy")
    assert (data.name, data.title, data.source) == ("faces", "faces", str(tmp_path / "faces.npy"))
    np.testing.assert_array_equal(data.images[:, 0], levels)
    assert isinstance(data.images.base, np.memmap)
    assert data.notes == ("20 gray images of 8x6", "gray levels 0..255, the largest of them 255")


def test_an_archive_with_labels(tmp_path: Path, levels: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", x=levels, y=np.arange(20) % 4 + 3)
    data = load_dataset(str(tmp_path / "a.npz"))
    assert data.label_names == ("3", "4", "5", "6")
    np.testing.assert_array_equal(data.labels, np.arange(20) % 4)


def test_labels_that_do_not_match_are_refused(tmp_path: Path, levels: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", x=levels, y=np.arange(19))
    with pytest.raises(
        DataError, match=r"a\.npz: expected one label per image, shape \(20,\), got shape \(19,\)"
    ):
        load_dataset(tmp_path / "a.npz")


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_an_idx_pair(tmp_path: Path, levels: np.ndarray, packed: str) -> None:
    images = tmp_path / f"my-images-idx3-ubyte{packed}"
    images.write_bytes(gzip.compress(idx_bytes(levels)) if packed else idx_bytes(levels))
    assert load_dataset(images).labels is None
    (tmp_path / "my-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(20, dtype=np.uint8) % 2))
    data = load_dataset(images)
    np.testing.assert_array_equal(data.images[:, 0], levels)
    assert data.classes == 2
    assert data.name == "my-images-idx3-ubyte"
    assert "labels from my-labels-idx1-ubyte" in data.notes


@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_of_four_idx_files_is_split_as_published(tmp_path: Path, packed: bool) -> None:
    write_quartet(tmp_path, packed=packed)
    data = load_dataset(tmp_path)
    assert data.images.shape == (10, 1, 3, 2)
    assert data.published == {"train": (0, 6), "test": (6, 10)}
    assert data.classes == 3


def test_a_folder_of_images(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for index in range(3):
            pixels = np.full((6, 5, 3), (index * 100, 50, 5), np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{index}.png")
    data = load_dataset(tmp_path, size=(4, 4))
    assert data.shape == (3, 4, 4)
    assert data.label_names == ("cat", "dog")
    assert data.labels is not None
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.images[4, :, 0, 0].tolist() == [100, 50, 5]


def test_a_table(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (12, 64))
    rows[0, :2] = 0, 255
    header = ",".join(["label", *(f"pixel{index}" for index in range(64))])
    lines = [f"{index % 10},{','.join(map(str, row))}" for index, row in enumerate(rows)]
    (tmp_path / "digits.csv").write_text("\n".join([header, *lines]))
    data = load_dataset(tmp_path / "digits.csv")
    np.testing.assert_array_equal(data.images.reshape(12, 64), rows)
    assert data.shape == (1, 8, 8)
    assert data.classes == 10


def test_real_vectors_convert_back_to_original_units(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(30, 5))
    np.savetxt(tmp_path / "measured.csv", rows, delimiter=";")
    data = load_dataset(tmp_path / "measured.csv")
    assert data.shape == (5,)
    np.testing.assert_allclose(data.in_units(np.arange(30)), rows, rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.pkl", b"\x80\x04.", "pickles are never read"),
        ("a.pt", b"PK", "pickles are never read"),
        ("a.png", b"\x89PNG", "cannot be read as an image"),
        ("a.bin", b"\1\2\3\4\5", "got another file"),
        ("a.gz", b"\x1f\x8b\x08", "cannot be read"),
        ("empty", b"", "got another file"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        load_dataset(tmp_path / name)


def test_image_options_apply_to_folders_only(tmp_path: Path, levels: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", levels)
    with pytest.raises(DataError, match="size, crop and color apply only to folders of images"):
        load_dataset(tmp_path / "a.npy", size=(4, 4))
    write_quartet(tmp_path / "quartet")
    with pytest.raises(DataError, match="size, crop and color apply only to folders of images"):
        load_dataset(tmp_path / "quartet", crop="center")
    with pytest.raises(DataError, match="digits: size, crop and color apply"):
        load_dataset("digits", color="gray")


def test_neither_a_name_nor_a_path() -> None:
    with pytest.raises(NotFoundError, match="did you mean 'digits'") as caught:
        load_dataset("digit")
    assert caught.value.exit_code == 4
    assert str(caught.value).startswith("'digit' is neither a path nor a dataset")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("photos.zip", "unpack it"),
        ("table.csv.gz", "unpack it"),
        ("sound.wav", "save the samples"),
        ("lines.jsonl", "save it as .csv"),
        ("scan.nii", "save the array"),
        ("frame.pkl", "pickles are never read"),
    ],
)
def test_files_that_are_not_read_are_refused_with_what_to_do(tmp_path: Path, name: str, advice: str) -> None:
    (tmp_path / name).write_bytes(b"content")
    with pytest.raises(DataError, match=advice):
        load_dataset(tmp_path / name)


def test_pairs_of_libsvm_are_no_table(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("0 1:0.5 3:5\n1 1:-2e3 7:1\n0 2:1 3:4\n")
    with pytest.raises(DataError, match="LIBSVM"):
        load_dataset(tmp_path / "x.txt")


def test_other_byte_orders_are_read(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(20, 6))
    np.save(tmp_path / "rows.npy", np.asfortranarray(values.astype(">f8")))
    np.testing.assert_array_equal(load_dataset(tmp_path / "rows.npy").images, values)
    np.save(tmp_path / "images.npy", values.reshape(20, 2, 3).astype(">f4"))
    assert load_dataset(tmp_path / "images.npy", kind="image").images.dtype == np.float32
