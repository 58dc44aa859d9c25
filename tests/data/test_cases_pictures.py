"""Inputs that once went wrong: arrays of any shape, pictures from instruments, and broken files.

Each stands for a kind. The inputs are small and made here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaekit.config.build import build, build_data
from vaekit.config.loading import override_recipe
from vaekit.config.propose import propose
from vaekit.config.schema.data import DataSettings
from vaekit.data import load_dataset, suggest
from vaekit.engine.model_files import load_model, save_model
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import DataError

RNG = np.random.default_rng(0)


def blobs(count: int, height: int, width: int, top: float) -> np.ndarray:
    """Smooth spots over a dim background with noise, from 0 to `top`."""
    y, x = np.mgrid[:height, :width]
    index = np.arange(count)[:, None, None]
    center_y, center_x = height * (0.3 + 0.04 * (index * 7 % 10)), width * (0.3 + 0.04 * (index * 3 % 10))
    spot = np.exp(-(((y - center_y) / (0.2 * height)) ** 2) - ((x - center_x) / (0.2 * width)) ** 2)
    return ((spot + 0.08 + RNG.normal(0, 0.02, spot.shape)) * 0.85 * top).clip(0, top)


def save_images(folder: Path, images: np.ndarray, suffix: str = "png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"img_{index:03}.{suffix}")
    return folder


def saved(path: Path, values: np.ndarray) -> Path:
    np.save(path, values)
    return path


def trained_on(path: Path, folder: Path, *changes: str) -> TrainedModel:
    """A model with the first weights of the proposed recipe, saved and loaded again."""
    recipe = override_recipe(propose(path).recipe, ["model.latent_dim=2", *changes])
    experiment = build(recipe)
    save_model(folder, experiment.model, recipe, experiment.dataset, experiment.preprocessing)
    return load_model(folder)


def test_s01_four_channels_are_images(tmp_path: Path) -> None:
    values = RNG.integers(0, 255, (40, 4, 32, 32), dtype=np.uint8)
    data = load_dataset(saved(tmp_path / "x.npy", values))
    assert data.shape == (4, 32, 32)
    np.testing.assert_array_equal(data.images, values)
    assert suggest(data).network == "convolutional"


def test_s02_sixteen_sides_are_volumes(tmp_path: Path) -> None:
    values = RNG.random((24, 16, 16, 16), dtype=np.float32)
    path = saved(tmp_path / "x.npy", values)
    data = load_dataset(path)
    assert (data.shape, data.noun) == ((1, 16, 16, 16), "volumes")
    assert "data.points=image" in data.notes[0]
    assert load_dataset(path, kind="image").shape == (16, 16, 16)
    assert isinstance(data.images.base, np.memmap)  # nothing was copied
    assert data.to_layout(data.images).shape == values.shape


def test_s03_two_long_rows_are_signals(tmp_path: Path) -> None:
    t = np.linspace(0, 6, 128)
    values = np.stack([np.stack([np.sin(t * (1 + 0.1 * (i % 5))), np.cos(t)]) for i in range(80)])
    path = saved(tmp_path / "x.npy", values)
    data = load_dataset(path)
    assert (data.shape, data.noun) == ((2, 128), "signals")
    assert build_data(DataSettings(dataset=str(path), points="image", validation=0.1))[0].shape == (1, 2, 128)
    last = load_dataset(saved(tmp_path / "last.npy", values.transpose(0, 2, 1)))
    np.testing.assert_array_equal(last.images, data.images)
    assert last.to_layout(last.images).shape == (80, 128, 2)


def test_s04_rows_of_reals_stay_vectors_in_their_units(tmp_path: Path) -> None:
    values = 150 + 150 * np.sin(RNG.normal(size=(80, 64)))
    data = load_dataset(saved(tmp_path / "x.npy", values))
    assert data.shape == (64,)
    np.testing.assert_allclose(data.in_units(np.arange(80)), values, rtol=1e-6)


def test_s05_one_data_point_is_refused_at_once(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.npy", RNG.random((1, 8, 8)))
    assert len(load_dataset(path)) == 1  # it may be encoded
    with pytest.raises(DataError, match=r"x: expected at least 2 data points .* got 1; give more"):
        build_data(DataSettings(dataset=str(path), validation=0.1))


def test_p01_dark_16_bit_pictures_keep_all_levels(tmp_path: Path) -> None:
    images = blobs(30, 40, 40, 12_000).astype(np.uint16)
    data = load_dataset(save_images(tmp_path / "dark", images, "tif"))
    np.testing.assert_array_equal(data.images[:, 0], images)
    assert (data.n_levels, len(np.unique(data.images))) == (16384, len(np.unique(images)))
    found = suggest(data)
    assert (found.observation, found.likelihood) == ("discrete", "discretized_logistic")


def test_p01_twelve_bits_in_sixteen(tmp_path: Path) -> None:
    images = blobs(12, 20, 20, 4095).astype(np.uint16)
    data = load_dataset(save_images(tmp_path / "camera", images))
    assert data.n_levels == 4096
    trained = trained_on(tmp_path / "camera", tmp_path / "model")
    assert trained.preprocessing is not None
    assert trained.preprocessing.levels == 4096
    observed = trained.load_split("all")
    assert observed.all().numpy()[:, 0] * 4095 == pytest.approx(images, abs=1e-2)
    terms = trained.model.elbo_terms(observed.all()[:2])
    assert terms.log_px.isfinite().all()
    assert trained.model.decode(torch.zeros(1, 2)).base_dist.levels == 4096


def test_p02_photographs_of_one_camera_take_little_memory(tmp_path: Path) -> None:
    large = np.zeros((3000, 4000, 3), np.uint8)
    large[500:2000, 1000:3000] = 200, 120, 40
    save_images(tmp_path / "camera", np.stack([large]), "jpg")
    content = (tmp_path / "camera" / "img_000.jpg").read_bytes()
    for index in range(1, 8):
        (tmp_path / "camera" / f"img_{index:03}.jpg").write_bytes(content)
    script = (
        "import resource, sys; from vaekit.data import load_dataset\n"
        "load_dataset('digits'); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "data = load_dataset(sys.argv[1]); after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(data.shape, (after - before) // 1024, data.notes[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "camera")], capture_output=True, text=True, check=True
    )
    shape, _, rest = done.stdout.partition(") ")
    megabytes, _, note = rest.partition(" ")
    assert shape == "(3, 96, 128"
    assert int(megabytes) < 150  # one photograph takes 34 MB, and all eight 275
    assert "made 96x128" in note
    assert "data.size=[3000,4000] keeps their size" in note


def test_p03_one_broken_picture_is_skipped_and_named(tmp_path: Path) -> None:
    folder = save_images(tmp_path / "some", blobs(20, 24, 24, 255).astype(np.uint8))
    (folder / "img_007.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    data = load_dataset(folder)
    assert len(data) == 19
    assert "img_007.png" not in data.files
    assert any(note.startswith("1 of 20 images skipped") and "img_007.png (" in note for note in data.notes)
    with pytest.raises(DataError, match=r"img_007\.png: cannot be read as an image"):
        load_dataset(folder, strict=True)
    with pytest.raises(DataError, match=r"img_007\.png"):
        build_data(DataSettings(dataset=str(folder), validation=0.1, strict=True))


def test_p04_pages_are_images(tmp_path: Path) -> None:
    images = blobs(5, 24, 24, 255).astype(np.uint8)
    (tmp_path / "stacks").mkdir()
    first, *others = map(Image.fromarray, images)
    for index in range(10):
        first.save(tmp_path / "stacks" / f"stack_{index}.tif", save_all=True, append_images=others)
    data = load_dataset(tmp_path / "stacks")
    np.testing.assert_array_equal(data.images[:, 0], np.tile(images, (10, 1, 1)))
    assert data.files[:6] == (*(f"stack_0.tif#{page}" for page in range(1, 6)), "stack_1.tif#1")
    assert any("every page of a file is an image" in note for note in data.notes)


def test_o02_every_new_picture_comes_by_its_name(tmp_path: Path) -> None:
    color = np.stack([blobs(20, 16, 16, 255), blobs(20, 16, 16, 180), blobs(20, 16, 16, 100)], -1).astype(
        np.uint8
    )
    folder = save_images(tmp_path / "train", color)
    trained = trained_on(folder, tmp_path / "model")
    new = save_images(tmp_path / "new", 255 - color[:3])
    data, splits = trained.load_data(str(new))
    assert data.files == ("img_000.png", "img_001.png", "img_002.png")
    assert splits.test.tolist() == [0, 1, 2]
    data, splits = trained.load_data(str(new / "img_001.png"))
    np.testing.assert_array_equal(data.images[0].transpose(1, 2, 0), 255 - color[1])
    assert splits.test.tolist() == [0]
    gray = save_images(tmp_path / "gray", color[:5, ..., 0])
    data, _ = trained.load_data(str(gray))
    np.testing.assert_array_equal(data.images[2], [color[2, ..., 0]] * 3)
    assert "5 of 5 pictures are gray, brought to three channels" in data.notes


def test_darker_pictures_keep_the_scale_of_training(tmp_path: Path) -> None:
    images = blobs(12, 20, 20, 12_000).astype(np.uint16)
    trained = trained_on(save_images(tmp_path / "train", images), tmp_path / "model")
    dark = save_images(tmp_path / "dark", images // 16)
    x = trained.load_split("all", str(dark)).all().numpy()
    np.testing.assert_allclose(x[:, 0], (images // 16) / 16383, rtol=1e-5)
    arrays = saved(tmp_path / "dark.npy", images // 16)
    np.testing.assert_array_equal(trained.load_split("all", str(arrays)).all().numpy(), x)


@pytest.mark.parametrize("far", [-9999.0, 1.7e9, 65535.0])
def test_one_large_value_makes_no_picture_two_valued(tmp_path: Path, far: float) -> None:
    values = RNG.normal(size=(30, 20, 20))
    values[3, 4, 5] = far
    data = load_dataset(saved(tmp_path / "x.npy", values))
    found = suggest(data)
    assert (found.observation, found.likelihood) == ("continuous", "gaussian")
    assert any("1 of 12000 values lie far from all others" in note for note in data.notes)
    trained = trained_on(tmp_path / "x.npy", tmp_path / "model")
    seen = trained.load_split("all").all().numpy()
    assert np.median(np.abs(seen)) < 2
    assert seen.std(0).mean() > 0.05


def test_dark_pictures_with_one_hot_pixel_are_not_two_valued(tmp_path: Path) -> None:
    images = blobs(30, 40, 40, 200).astype(np.uint16)
    images[4, 5, 6] = 65535
    data = load_dataset(save_images(tmp_path / "hot", images))
    assert suggest(data).likelihood == "gaussian"
    np.testing.assert_array_equal(data.in_units(np.arange(30))[:, 0], images)


def test_what_is_two_valued_stays_so(tmp_path: Path) -> None:
    mask = RNG.random((30, 8, 8)) < 0.5
    for values in (mask, mask * 1, mask * 1.0, mask * np.uint8(255), mask * 65535):
        found = suggest(load_dataset(saved(tmp_path / "x.npy", values)))
        assert (found.observation, found.likelihood) == ("threshold", "bernoulli")
    for low, high, likelihood in ((-2.0, 7.0, "discretized_logistic"), (-2.5, 7.0, "gaussian")):
        found = suggest(load_dataset(saved(tmp_path / "x.npy", np.where(mask, low, high))))
        assert found.likelihood == likelihood


def test_values_beyond_the_levels_of_training_count_as_the_outermost(tmp_path: Path) -> None:
    hounsfield = blobs(12, 20, 20, 2000).astype(np.int16) - 1000
    saved(tmp_path / "train.npy", hounsfield)
    trained = trained_on(tmp_path / "train.npy", tmp_path / "model")
    assert trained.preprocessing is not None
    assert (trained.preprocessing.offset, trained.preprocessing.levels) == (-1024, 4096)
    beyond = hounsfield[:3].copy()
    beyond[0, 0, 0], beyond[1, 0, 0] = -2000, 3000
    x = trained.load_split("all", str(saved(tmp_path / "new.npy", beyond))).all().numpy()[:, 0]
    assert (x[0, 0, 0], x[1, 0, 0]) == (0, np.float32(4024 / 4095))
    np.testing.assert_allclose(x[2] * 4095 - 1024, beyond[2], atol=1e-3)
