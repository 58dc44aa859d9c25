"""Data that come after training: all of them, in order, on the scale of the training data."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import vaekit
from vaekit.errors import VaekitError
from vaekit.training.display import SilentLogger

QUICK = {"figures": False, "log": SilentLogger(), "epochs": 2}


def picture(i: int, size: int = 16, channels: int = 3) -> Image.Image:
    """A blob whose place depends on i."""
    y, x = np.mgrid[:size, :size]
    blob = 230 * np.exp(-(((y - 4 - i % 8) / 4) ** 2) - ((x - 4 - i % 5) / 4) ** 2)
    levels = np.stack([blob, 0.7 * blob, 0.4 * blob], -1) if channels == 3 else blob
    return Image.fromarray(levels.astype(np.uint8))


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    """Rows of eight reals around 5, and a model of them."""
    folder = tmp_path_factory.mktemp("arrays")
    rows = np.random.default_rng(0).normal(5, 2, (100, 8))
    for name, values in {"train": rows, "thousandfold": 1000 * rows, "subset": rows[:7]}.items():
        np.save(folder / f"{name}.npy", values)
    run = vaekit.train(data=folder / "train.npy", run_dir=folder / "run", **QUICK)
    return folder, rows, run.trained


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folders of pictures, and a model of the colored ones."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, count, channels in (("train", 30, 3), ("new", 3, 3), ("one", 1, 3), ("gray", 4, 1)):
        (folder / name).mkdir()
        for i in range(count):
            picture(i, channels=channels).save(folder / name / f"img_{i:03}.png")
    return folder, vaekit.train(data=folder / "train", run_dir=folder / "run", **QUICK).trained


def test_a_subset_has_the_latents_that_it_has_in_the_whole(arrays):
    folder, _, trained = arrays
    part, whole = (
        vaekit.encode(trained, str(folder / f"{name}.npy"), split="all") for name in ("subset", "train")
    )
    assert part["row"].tolist() == list(range(7))
    place = {row: i for i, row in enumerate(whole["row"])}
    np.testing.assert_allclose(part["z"], whole["z"][[place[row] for row in range(7)]], rtol=1e-4, atol=1e-5)


def test_rows_a_thousand_times_larger_are_far_away_and_said(arrays):
    folder, rows, trained = arrays
    own = vaekit.encode(trained, str(folder / "train.npy"), split="all")
    other = vaekit.encode(trained, str(folder / "thousandfold.npy"))
    assert len(other["z"]) == 100
    assert np.abs(other["z"]).mean() > 20 * np.abs(own["z"]).mean()
    dataset, _ = trained.load_data(str(folder / "thousandfold.npy"))
    assert any("800 of 800 values (100%) lie outside the range" in note for note in dataset.notes)
    np.testing.assert_allclose(dataset.in_units(np.arange(100)), 1000 * rows)


def test_samples_have_the_layout_and_the_units_of_the_data(arrays):
    _, rows, trained = arrays
    drawn = vaekit.sample(trained, 400, seed=0)
    assert drawn.shape == (400, 8)
    np.testing.assert_allclose(drawn.mean(0), rows.mean(0), atol=1.0)
    np.testing.assert_allclose(drawn.std(0), rows.std(0), rtol=0.5)


def test_preprocessing_comes_back_with_the_model(arrays):
    folder, rows, trained = arrays
    again = vaekit.load(folder / "run" / "model")
    assert again.preprocessing == trained.preprocessing
    _, splits = trained.load_data()
    offsets = [column.offset for column in again.columns]
    np.testing.assert_allclose(offsets, rows[splits.train].mean(0))  # of the training rows alone


@pytest.mark.parametrize(("name", "count"), [("new", 3), ("one", 1)])
def test_every_picture_is_encoded_by_its_file_name(pictures, name, count):
    folder, trained = pictures
    found = vaekit.encode(trained, str(folder / name))
    assert found["file"].tolist() == [f"img_{i:03}.png" for i in range(count)]
    single = vaekit.encode(trained, str(folder / name / "img_000.png"))
    assert single["file"].tolist() == ["img_000.png"]
    np.testing.assert_allclose(single["z"][0], found["z"][0], rtol=1e-4, atol=1e-5)


def test_gray_pictures_are_brought_to_three_channels_and_said(pictures):
    folder, trained = pictures
    dataset, _ = trained.load_data(str(folder / "gray"))
    assert dataset.shape == (3, 16, 16)
    assert any("gray" in note for note in dataset.notes)
    assert len(vaekit.encode(trained, str(folder / "gray"))["z"]) == 4


def test_a_table_without_a_column_of_the_model_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 2))
    text = "a,b\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in rows)
    (tmp_path / "train.csv").write_text(text)
    (tmp_path / "other.csv").write_text(text.replace("a,b", "a,c"))
    (tmp_path / "swapped.csv").write_text("b,a\n" + "".join(f"{b:.4f},{a:.4f}\n" for a, b in rows))
    trained = vaekit.train(data=tmp_path / "train.csv", run_dir=tmp_path / "run", **QUICK).trained
    with pytest.raises(VaekitError, match="'b' is missing"):
        vaekit.encode(trained, str(tmp_path / "other.csv"))
    swapped = vaekit.encode(trained, str(tmp_path / "swapped.csv"))
    whole = vaekit.encode(trained, split="all")
    np.testing.assert_allclose(swapped["z"][whole["row"]], whole["z"], rtol=1e-4, atol=1e-5)
