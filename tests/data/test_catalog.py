from __future__ import annotations

import hashlib
import importlib.util
import struct
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vaekit.data import catalog, load_dataset
from vaekit.errors import NotFoundError

SCRIPT = Path(__file__).parents[2] / "scripts" / "pack_mnist.py"


@pytest.fixture(scope="module")
def packer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pack_mnist", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_packaged_mnist_is_the_original_byte_for_byte(packer: ModuleType) -> None:
    mnist = load_dataset("mnist")
    assert mnist.labels is not None
    for split, prefix in (("train", "train"), ("test", "t10k")):
        first, past = mnist.published[split]
        count = past - first
        images = struct.pack(">4I", 0x803, count, 28, 28) + mnist.images[first:past].tobytes()
        labels = struct.pack(">2I", 0x801, count) + mnist.labels[first:past].astype(np.uint8).tobytes()
        assert hashlib.sha256(images).hexdigest() == packer.FILES[f"{prefix}-images-idx3-ubyte"][1]
        assert hashlib.sha256(labels).hexdigest() == packer.FILES[f"{prefix}-labels-idx1-ubyte"][1]


def test_packing_refuses_other_files(packer: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"something else")
    with pytest.raises(SystemExit, match="fetch the original"):
        packer.main(tmp_path)


def test_mnist_counts_and_type() -> None:
    mnist = load_dataset("mnist")
    assert mnist.images.shape == (70_000, 1, 28, 28)
    assert isinstance(mnist.images, np.memmap)
    assert mnist.is_uint8
    assert mnist.classes == 10
    assert mnist.labels is not None
    assert mnist.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(mnist.labels[60_000:]).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]


def test_digits_gray_levels_convert_back_to_the_original_values() -> None:
    from sklearn.datasets import load_digits

    digits, original = load_dataset("digits"), load_digits()
    assert digits.shape == (1, 8, 8)
    np.testing.assert_array_equal(np.ceil(digits.images[:, 0] * 16.0 / 255), original.images)
    np.testing.assert_array_equal(digits.images[:, 0] > 127, original.images > 8)
    np.testing.assert_array_equal(digits.labels, original.target)


@pytest.mark.parametrize("name", catalog.names())
def test_every_row_is_complete(name: str) -> None:
    row = catalog.find_entry(name)
    assert row.license
    assert any(character.isdigit() for character in row.reference)
    assert row.packaged or (row.read and row.files)
    assert not row.published or sum(row.published.values()) == row.count
    assert all(address.endswith(file) for file, address in row.files.items())


def test_ranges_follow_one_another() -> None:
    expected = {"train": (0, 4100), "validation": (4100, 6364), "test": (6364, 8671)}
    assert catalog.find_entry("caltech-silhouettes").ranges == expected


def test_an_unknown_name_proposes_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="did you mean 'fashion-mnist'"):
        catalog.find_entry("fashon-mnist")


def test_the_checksum_covers_images_and_labels() -> None:
    images, labels = np.zeros((2, 1, 2, 2), np.uint8), np.array([0, 1])
    expected = hashlib.sha256(images.tobytes() + labels.astype("<i8").tobytes()).hexdigest()
    assert catalog.content_sha256(images, labels) == expected
    assert catalog.content_sha256(images, None) == hashlib.sha256(images.tobytes()).hexdigest()
    assert catalog.content_sha256(np.asfortranarray(images), labels) == expected
