"""Train on data that a program holds, and use the model on arrays and frames."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from torch import nn
from torch.distributions import Independent, Normal
from torch.utils.data import DataLoader, TensorDataset

import vaekit
from vaekit.config.build import build, build_model
from vaekit.config.schema.model import ModelSettings
from vaekit.engine.fit import fit
from vaekit.errors import DataError, InterruptedRun, InvalidError, RecipeError, VaekitError
from vaekit.models.objectives import Objective
from vaekit.training.display import SilentLogger

SCALES = np.array([1.0, 10.0, 1000.0])
LOG = SilentLogger()


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(240, 3)) * SCALES


@pytest.fixture(scope="module")
def on_rows(rows):
    return fit(rows, latent_dim=1, epochs=2, log=LOG)


def test_keys_are_those_of_the_recipe(rows):
    trained = fit(rows, overrides={"training.epochs": 1}, latent_dim=2, log=LOG)
    assert trained.model.latent_dim == 2
    assert trained.recipe.training.epochs == 1


def test_the_model_uses_other_arrays_row_by_row(rows, on_rows):
    whole = vaekit.encode(on_rows, rows)["z"]
    np.testing.assert_allclose(vaekit.encode(on_rows, rows[:7])["z"], whole[:7], atol=1e-6)
    np.testing.assert_allclose(vaekit.encode(on_rows, torch.from_numpy(rows))["z"], whole, atol=1e-6)
    assert not np.allclose(vaekit.encode(on_rows, 1000 * rows)["z"], whole)
    assert len(vaekit.score(on_rows, rows[:9]).score) == 9
    assert vaekit.sample(on_rows, n=200).std(0) == pytest.approx(SCALES, rel=0.3)


def test_gaps_of_an_array_are_filled(rows, on_rows):
    gaps = rows[:20].copy()
    gaps[3, 1] = np.nan
    filled = vaekit.impute_dataset(on_rows, data=gaps, imputations=1, samples=50).arrays()["mean"]
    known = ~np.isnan(gaps)
    np.testing.assert_array_equal(filled[known], gaps[known])
    assert np.isfinite(filled).all()


def test_a_model_of_a_frame_finds_columns_by_name():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(1)
    frame = pandas.DataFrame({"size": rng.normal(50, 9, 120), "color": rng.choice(["red", "blue"], 120)})
    trained = fit(frame, epochs=1, log=LOG)
    turned = frame[["color", "size"]]
    np.testing.assert_array_equal(vaekit.encode(trained, turned)["z"], vaekit.encode(trained, frame)["z"])
    with pytest.raises(DataError, match="'color' is missing"):
        vaekit.encode(trained, frame[["size"]])


def test_a_loader_with_labels_conditions_the_model():
    x, y = torch.rand(48, 1, 6, 6), torch.arange(48) % 3
    loader = DataLoader(TensorDataset(x, y), batch_size=10)
    trained = fit(loader, epochs=1, log=LOG, condition="label")
    assert trained.label_names == ("0", "1", "2")
    assert (
        vaekit.encode(trained, x[:5])["z"].shape == (5, 16)
        if "encoder" not in trained.recipe.model.conditioned_parts
        else True
    )


def test_a_model_and_an_objective_built_by_hand_are_trained(rows):
    proposed = fit(rows, epochs=1, log=LOG)
    own = build(proposed.recipe, proposed.data).model
    with torch.no_grad():
        for parameter in own.parameters():
            parameter.add_(0.01)
    before = {name: value.clone() for name, value in own.state_dict().items()}
    trained = fit(
        rows, model=own, objective=Objective(samples=2), log=LOG, epochs=1, keep_start=False, patience=None
    )
    assert trained.model is own
    assert any(not torch.equal(value, before[name]) for name, value in own.state_dict().items())


class Linear(nn.Module):
    """N(a x + b, sigma^2), by PyTorch's own classes."""

    def __init__(self):
        super().__init__()
        self.linear, self.log_sigma = nn.Linear(1, 1), nn.Parameter(torch.zeros(1))

    def forward(self, z):
        return Independent(Normal(self.linear(z), self.log_sigma.exp().expand(z.shape)), 1)


def test_the_density_of_a_model_built_by_hand_integrates_to_one_over_the_data(tmp_path):
    x = np.random.default_rng(0).normal(3000, 500, (300, 1))
    own = vaekit.VAE(vaekit.StandardNormal(1), Linear(), Linear())
    trained = fit(x, model=own, epochs=3, log=LOG)
    grid = np.linspace(-3000, 9000, 601)
    densities = np.exp(trained.log_likelihood(grid[:, None], n_samples=500))
    assert trapezoid(densities, grid) == pytest.approx(1, abs=0.03)
    vaekit.save(trained, tmp_path / "model")
    again = vaekit.load(tmp_path / "model", model=copy.deepcopy(own))
    np.testing.assert_allclose(
        again.log_likelihood(x[:9], n_samples=50), trained.log_likelihood(x[:9], n_samples=50), rtol=1e-5
    )


def test_callbacks_are_called(rows):
    seen = []
    fit(rows, epochs=2, log=LOG, callbacks=[lambda epoch: seen.append(epoch.number)])
    assert seen == [1, 2]


def test_a_logger_writes_beside_the_program_and_a_stop_is_no_error(rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def enough(epoch):
        raise vaekit.StopTraining

    fit(rows, epochs=3, log=LOG, logger="csv", callbacks=[enough])
    [file] = tmp_path.glob("logs/*/1/metrics.csv")
    assert len(file.read_text().splitlines()) == 2


def test_a_name_or_a_path_is_loaded(tmp_path, rows):
    np.save(tmp_path / "rows.npy", rows)
    assert fit(tmp_path / "rows.npy", epochs=1, log=LOG).columns
    trained = fit("digits", recipe="digits", epochs=1, log=LOG, overrides=["data.train=64"])
    assert trained.shape == (1, 8, 8)


def test_mistakes_are_said_in_one_line(rows, on_rows):
    with pytest.raises(RecipeError, match="latent: no such key of a recipe"):
        fit(rows, latent=4, log=LOG)
    with pytest.raises(InvalidError, match="a dataset with a name has its own"):
        fit("digits", y=[1, 2], log=LOG)
    with pytest.raises(DataError, match="for one data point use X\\[None\\]"):
        vaekit.encode(on_rows, rows[0])
    with pytest.raises(InvalidError, match="was trained on rows of 3 columns, got 2"):
        vaekit.encode(on_rows, rows[:, :2])


def test_keys_of_tables_apply_to_frames():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(2)
    frame = pandas.DataFrame(
        {
            "a": rng.normal(size=90),
            "b": rng.normal(size=90),
            "kind": ["u", "v", "v"] * 30,
            "c": [2.5, -999, 1] * 30,
        }
    )
    trained = fit(
        frame, label="kind", columns={"b": "ignore"}, missing_values=[-999], latent_dim=1, epochs=1, log=LOG
    )
    assert [column.name for column in trained.columns] == ["a", "c"]
    assert trained.label_names == ("u", "v")
    assert np.isnan(trained.data.images[:, 1]).tolist() == [False, True, False] * 30
    filled = trained.impute(frame)
    assert (filled["c"] != -999).all()
    assert filled.drop(columns="c").equals(frame.drop(columns="c"))
    with pytest.raises(DataError, match="nothing"):
        fit(frame, label="nothing", epochs=1, log=LOG)
    with pytest.raises(DataError, match="label apply to tables"):
        fit(rng.normal(size=(20, 3)), label="kind", epochs=1, log=LOG)


def test_a_saved_model_comes_back_without_its_data(rows, on_rows, tmp_path):
    loaded = vaekit.load(vaekit.save(on_rows, tmp_path / "model"))
    np.testing.assert_array_equal(loaded.encode(rows), on_rows.encode(rows))
    np.testing.assert_array_equal(loaded.sample(3, seed=0), on_rows.sample(3, seed=0))
    assert np.isfinite(loaded.anomaly_scores(rows)).all()


def test_a_model_built_by_hand_comes_back_into_a_module_of_its_kind(rows, on_rows, tmp_path):
    build_own = lambda latents: build_model(ModelSettings(latent_dim=latents), (3,))
    trained = fit(rows, model=build_own(2), log=LOG, epochs=1, keep_start=False, scaling="standard")
    vaekit.save(trained, tmp_path / "model")
    loaded = vaekit.load(tmp_path / "model", model=build_own(2))
    np.testing.assert_array_equal(loaded.encode(rows), trained.encode(rows))
    for wrong in (build_own(3), None):
        with pytest.raises(InvalidError, match="another architecture"):
            vaekit.load(tmp_path / "model", model=wrong)


def test_what_stops_a_fit_is_said_without_a_folder_to_resume(rows):
    def fails(epoch):
        raise ValueError("no disk")

    def interrupts(epoch):
        raise KeyboardInterrupt

    with pytest.raises(VaekitError, match=r"epoch 1: ValueError: no disk$"):
        fit(rows, epochs=1, log=LOG, callbacks=[fails])
    with pytest.raises((InterruptedRun, KeyboardInterrupt)) as caught:
        fit(rows, epochs=1, log=LOG, callbacks=[interrupts])
    assert "--resume" not in str(caught.value)
