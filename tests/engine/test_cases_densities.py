"""Tables whose density is known: by default, a model of them is as good as the truth, in the data's units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

import vaekit
from vaekit.engine.trained_model import TrainedModel
from vaekit.training.display import SilentLogger

N = 2000


def write(path: Path, rows: np.ndarray) -> Path:
    names = ",".join(f"v{j}" for j in range(rows.shape[1]))
    np.savetxt(path, rows, delimiter=",", header=names, comments="", fmt="%.12g")
    return path


def measured(
    rows: np.ndarray, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[float, np.ndarray, TrainedModel]:
    """(mean log-density of the test rows under the model, those rows, the model) after a short training."""
    monkeypatch.setattr(vaekit.Run, "plot", lambda self, only_missing=False: [])
    run = vaekit.train(
        data=write(folder / "rows.csv", rows), run_dir=folder / "run", epochs=3, log=SilentLogger()
    )
    _, splits = run.trained.load_data()
    found = run.evaluate(samples=50)
    return found.log_likelihood, rows[splits.test], run.trained


@pytest.mark.slow
def test_t01_columns_of_very_different_scales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loc, scale = np.array([0, 3, 0]), np.array([0.01, 5, 2000])
    rows = np.random.default_rng(0).normal(loc, scale, (N, 3))
    found, test, trained = measured(rows, tmp_path, monkeypatch)
    truth = norm(loc, scale).logpdf(test).sum(1).mean()
    assert found == pytest.approx(truth, abs=0.1)
    assert trained.columns[0].scale == pytest.approx(0.01, rel=0.1)


@pytest.mark.slow
def test_t02_clusters_on_very_different_scales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    component, centers = rng.integers(0, 3, N), rng.normal(0, 4, (3, 6))
    scales = np.array([0.02, 1, 30, 5, 0.5, 400])
    rows = (centers[component] + rng.normal(size=(N, 6))) * scales
    found, test, _ = measured(rows, tmp_path, monkeypatch)
    parts = np.stack([norm(center * scales, scales).logpdf(test).sum(1) for center in centers])
    truth = (logsumexp(parts, axis=0) - np.log(3)).mean()
    assert found == pytest.approx(truth, abs=0.1)


@pytest.mark.slow
def test_t03_a_linear_gaussian_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    weight, sigma = rng.normal(size=(3, 10)), 0.5
    rows = rng.normal(size=(N, 3)) @ weight + sigma * rng.normal(size=(N, 10))
    found, test, _ = measured(rows, tmp_path, monkeypatch)
    truth = multivariate_normal(np.zeros(10), weight.T @ weight + sigma**2 * np.eye(10)).logpdf(test).mean()
    assert found == pytest.approx(truth, abs=0.1)


@pytest.mark.slow
def test_t04_samples_have_the_moments_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    z, noise = rng.normal(size=400), rng.normal(size=400)
    rows = np.stack([40 + 10 * z, 60_000 + 20_000 * z + 2000 * noise, 0.5 + 0.1 * z], 1)
    _, _, trained = measured(rows, tmp_path, monkeypatch)
    drawn = np.asarray(vaekit.sample(trained, n=4000, seed=0), np.float64)
    assert (np.abs(drawn.mean(0) - rows.mean(0)) < 0.15 * rows.std(0)).all()
    np.testing.assert_allclose(drawn.std(0), rows.std(0), rtol=0.1)
    np.testing.assert_allclose(np.corrcoef(drawn.T), np.corrcoef(rows.T), atol=0.01)
