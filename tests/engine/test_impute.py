"""A model that was trained fills the gaps of data better than the mean image does, in their own units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vaekit
from vaekit.data import Dataset
from vaekit.engine.impute import impute_dataset
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError, RecipeError
from vaekit.training.display import SilentLogger


@pytest.fixture(scope="module", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(vaekit.Run, "plot", lambda self, only_missing=False: [])
        yield


def curves(n: int = 400) -> np.ndarray:
    """(n, 8): waves of random height and phase about 20, with little noise."""
    rng = np.random.default_rng(0)
    height, phase = rng.uniform(1, 3, (2, n, 1))
    return 20 + height * np.sin(np.arange(8) * 0.8 + 2 * phase) + rng.normal(0, 0.05, (n, 8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """curves.npy, and holes.npy: the same without half of the values of all rows but the first."""
    folder = tmp_path_factory.mktemp("data")
    values = curves()
    np.save(folder / "curves.npy", values)
    values[np.random.default_rng(1).random(values.shape) < 0.5] = np.nan
    values[0] = curves()[0]
    np.save(folder / "holes.npy", values)
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """A VAE that saw only half of every curve."""
    changes = ["model.latent_dim=3", "data.validation=0.1"]
    run = vaekit.train(
        overrides=changes, data=folder / "holes.npy", run_dir=tmp_path_factory.mktemp("runs") / "curves",
        log=SilentLogger(), epochs=150, learning_rate=3e-3, sample_every=0,
    )  # fmt: skip
    return run.trained


def test_a_model_trained_on_halves_beats_the_mean_image(trained: TrainedModel, folder: Path) -> None:
    found = impute_dataset(trained, "pixels:0.3", data=str(folder / "curves.npy"), samples=300)
    assert found.scored.sum() == np.isnan(found.observed).sum() > 700
    assert found.rmse is not None
    assert found.rmse_of_mean_image is not None
    assert found.rmse < 0.5 * found.rmse_of_mean_image


def test_errors_of_signals_are_in_units_of_the_data(tmp_path: Path) -> None:
    signals = curves(40).reshape(40, 1, 8)
    model = vaekit.fit(signals, epochs=1, log=SilentLogger())
    found = impute_dataset(model, "pixels:0.3", data=signals, samples=2)
    hidden = np.isnan(found.observed)
    truth, mean = found.to_data(found.truth), found.to_data(found.mean_image[None])
    expected = np.sqrt(np.square(truth - mean)[found.to_layout(hidden)].mean())
    assert found.unit == "in units of the data"
    assert found.rmse_of_mean_image == pytest.approx(expected, rel=1e-5)


def test_other_data_are_imputed_in_their_own_units(trained: TrainedModel, folder: Path) -> None:
    given = np.load(folder / "holes.npy")
    seen: list[tuple[int, int]] = []
    found = impute_dataset(
        trained, data=str(folder / "holes.npy"), split=None, imputations=4, samples=200,
        progress=lambda images, of: seen.append((images, of)),
    )  # fmt: skip
    assert seen == [(100, 400)] * 4
    assert (found.missing, found.rmse, found.rmse_of_mean_image) == ("NaN in the data", None, None)
    arrays = found.arrays()
    known = ~np.isnan(given)
    assert np.array_equal(arrays["observed"], known)
    assert (arrays["imputations"].shape, arrays["mean"].shape) == ((400, 4, 8), (400, 8))
    for filling in (*arrays["imputations"].swapaxes(0, 1), arrays["mean"]):
        np.testing.assert_allclose(filling[known], given[known], rtol=1e-6)
    truth = curves()
    assert np.sqrt(np.square(arrays["mean"] - truth)[~known].mean()) < 0.6 * truth[~known].std()
    assert (arrays["ess"].min(), arrays["ess"].max()) > (0, 5)


def test_images_are_chosen_among_those_with_missing_values(trained: TrainedModel) -> None:
    found = impute_dataset(trained, max_images=10, samples=20, seed=3)
    assert len(found.indices) == 10
    assert np.isnan(found.observed).any(1).all()
    again, other = (impute_dataset(trained, max_images=10, samples=20, seed=seed) for seed in (3, 4))
    assert np.array_equal(found.indices, again.indices)
    assert np.array_equal(found.images, again.images)
    assert not np.array_equal(found.indices, other.indices)


def test_without_missing_values_there_is_an_error(trained: TrainedModel, folder: Path) -> None:
    with pytest.raises(InvalidError, match="none of these 400 rows has missing values; hide some"):
        impute_dataset(trained, "none", data=str(folder / "curves.npy"))
    with pytest.raises(RecipeError, match="expected one of pixels, square, half"):
        impute_dataset(trained, "holes")


def test_by_default_a_fifth_of_the_cells_of_a_table_is_hidden(trained: TrainedModel, folder: Path) -> None:
    found = impute_dataset(trained, data=str(folder / "curves.npy"), samples=20)
    assert found.missing == "pixels:0.2"
    assert 0.17 < np.isnan(found.observed).mean() < 0.23


@pytest.mark.parametrize(
    ("shape", "layout"),
    [((1, 1, 6), (6,)), ((1, 2, 3), (2, 3)), ((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (3, 4, 2)), ((2, 3, 4), ())],
)
def test_values_convert_back_to_units_and_layout_of_the_source(
    shape: tuple[int, ...], layout: tuple[int, ...]
) -> None:
    x = np.random.default_rng(0).random((3, 5, *shape))
    data = Dataset("a", "A", np.zeros((1, *shape), np.float32), None, (), offset=2, scale=4, layout=layout)
    back = data.to_original(x)
    assert back.shape == (3, 5, *(layout or shape))
    moved = np.moveaxis(x, 2, -1) if layout == (3, 4, 2) else x
    np.testing.assert_allclose(back.ravel(), 2 + 4 * moved.ravel())
    levels = Dataset("a", "A", np.zeros((1, *shape), np.uint8), None, (), scale=1 / 255, layout=layout)
    np.testing.assert_allclose(levels.to_original(x).ravel(), moved.ravel())
