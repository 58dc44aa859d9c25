"""Pictures for a model that exists, at its size, channels and levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaekit.data.readers.pictures import read_pictures
from vaekit.errors import DataError
from vaekit.spec import Preprocessing

COLORS = np.random.default_rng(0).integers(0, 256, (8, 6, 3), dtype=np.uint8)
COLOR = Preprocessing((3, 8, 6), scale=255.0, levels=256, high=255.0, layout=(8, 6, 3))
GRAY = Preprocessing((1, 8, 6), scale=255.0, levels=256, high=255.0)


def save(path: Path, pixels: np.ndarray = COLORS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def test_every_picture_comes_in_order_by_its_name(tmp_path: Path) -> None:
    save(tmp_path / "new" / "10.png", 255 - COLORS)
    save(tmp_path / "new" / "9.png")
    data = read_pictures(tmp_path / "new", COLOR)
    assert data.files == ("9.png", "10.png")
    np.testing.assert_array_equal(data.images.transpose(0, 2, 3, 1), [COLORS, 255 - COLORS])
    assert (data.labels, data.layout, data.n_levels, data.notes) == (None, (8, 6, 3), 256, ())


def test_one_picture_is_enough(tmp_path: Path) -> None:
    data = read_pictures(save(tmp_path / "one.png"), COLOR)
    assert (data.name, data.files, data.images.shape) == ("one", ("one.png",), (1, 3, 8, 6))


def test_gray_becomes_color_and_color_gray(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", COLORS[..., 0].copy())
    data = read_pictures(tmp_path, COLOR)
    np.testing.assert_array_equal(data.images[1], [COLORS[..., 0]] * 3)
    assert data.notes == ("1 of 2 pictures are gray, brought to three channels",)
    data = read_pictures(tmp_path, GRAY)
    np.testing.assert_array_equal(data.images[0, 0], np.asarray(Image.fromarray(COLORS).convert("L")))
    np.testing.assert_array_equal(data.images[1, 0], COLORS[..., 0])
    assert data.notes == ("1 of 2 pictures have color, brought to gray",)


def test_other_sizes_and_broken_files_are_said(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros((30, 40), np.uint8))
    (tmp_path / "b.png").write_bytes(b"no picture")
    data = read_pictures(tmp_path, GRAY)
    assert data.shape == (1, 8, 6)
    assert data.notes[0] == "1 of 1 pictures made 8x6, the size of training"
    assert "b.png" in data.notes[1]
    with pytest.raises(DataError, match="cannot be read as an image"):
        read_pictures(tmp_path, GRAY, strict=True)
    with pytest.raises(DataError, match="cannot be read as an image"):
        read_pictures(tmp_path / "b.png", GRAY)


def test_levels_are_those_of_the_model(tmp_path: Path) -> None:
    deep = COLORS[..., 0].astype(np.uint16) * 40
    save(tmp_path / "a.png", deep)
    camera = Preprocessing((1, 8, 6), scale=16383.0, levels=16384)
    data = read_pictures(tmp_path, camera)
    assert (data.images.dtype, data.n_levels, data.scale, data.offset) == (np.uint16, 16384, 1, 0)
    np.testing.assert_array_equal(data.images[0, 0], deep)
    data = read_pictures(tmp_path, GRAY)
    np.testing.assert_array_equal(data.images[0, 0], np.rint(deep / 257))
    assert "16-bit levels reduced to the 256 levels of the model" in data.notes


def test_reals_are_in_the_units_of_the_model(tmp_path: Path) -> None:
    reals = np.random.default_rng(0).normal(300, 40, (8, 6)).astype(np.float32)
    save(tmp_path / "a.tif", reals)
    data = read_pictures(tmp_path, Preprocessing((1, 8, 6), offset=180.0, scale=240.0, low=180.0, high=420.0))
    assert not data.scaled
    np.testing.assert_array_equal(data.in_units(np.arange(1))[0, 0], reals)
    save(tmp_path / "a.tif", COLORS[..., 0].copy())
    data = read_pictures(tmp_path, Preprocessing((1, 8, 6)))
    np.testing.assert_allclose(data.images[0, 0], COLORS[..., 0] / 255, rtol=1e-6)


def test_pictures_are_for_models_of_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"for a model of images \(C, H, W\), got data points \(7,\)"):
        read_pictures(save(tmp_path / "a.png"), Preprocessing((7,)))
