"""The blocks of the study of beta, on models of 8 x 8 digits that train in a moment."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
import torch
import yaml

from vaekit.errors import InvalidError
from vaekit.evaluation import feature_classifier
from vaekit.evaluation.optimal_sigma import optimal_sigma
from vaekit.studies.blocks import interpolation, latent, tradeoff
from vaekit.studies.display import SilentDisplay
from vaekit.studies.metrics import find_metric, metric_values
from vaekit.studies.results import StudyResults
from vaekit.studies.run_study import study as perform
from vaekit.utils.io import write_whole

GAUSSIAN = [
    "data.binarization=none",
    "data.values=continuous",
    "model.decoder.likelihood={kind: gaussian, sigma: 0.7071067811865476}",
]
TREE = {
    "runs": [
        {
            "name": "vae-{beta}",
            "recipe": "digits",
            "grid": {"beta": [0.1, 1]},
            "overrides": [*GAUSSIAN, "objective.beta={beta}"],
            "group": "VAE",
        },
        {
            "name": "ae",
            "recipe": "digits",
            "overrides": [*GAUSSIAN, "model.encoder.posterior=delta", "objective.beta=0"],
        },
    ],
    "presets": {
        "quick": {
            "overrides": ["data.train=300", "training.epochs=2"],
            "evaluate": {"samples": 4, "images": 60},
        }
    },
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    folder = tmp_path_factory.mktemp("beta")
    file = write_whole(folder / "beta.yaml", yaml.safe_dump(TREE).encode())
    return perform(file, folder=folder, jobs=1, display=SilentDisplay())


@pytest.fixture
def _quick_classifier(monkeypatch, tmp_path):
    monkeypatch.setattr(feature_classifier, "STEPS", 30)
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path))


def drawn(monkeypatch: pytest.MonkeyPatch, name: str) -> list[tuple]:
    """What a figure of this name is drawn of, a call each."""
    calls: list[tuple] = []
    monkeypatch.setattr(f"vaekit.plotting.{name}", lambda *given, **_: calls.append(given))
    return calls


def test_one_point_per_run_that_has_a_kl(results, monkeypatch):
    calls = drawn(monkeypatch, "rate_distortion")
    tradeoff.rate_distortion(results)
    [(points, _)] = calls
    found = [variant.first.evaluation for variant in results.select("VAE")]
    assert [point[0] for point in points] == ["0.1", "1"]
    assert [point[1] for point in points] == [sum(each["kl"]) for each in found]
    assert [point[2] for point in points] == [-each["reconstruction"] for each in found]


def test_the_curve_may_go_from_small_to_large_kl(results, monkeypatch):
    calls = drawn(monkeypatch, "rate_distortion")
    for sort_by_kl in (False, True):
        tradeoff.rate_distortion(results, sort_by_kl=sort_by_kl)
    given, ordered = ([point[1] for point in points] for points, _ in calls)
    assert ordered == sorted(given)
    assert set(ordered) == set(given)


def test_autoencoders_alone_have_no_kl_to_show(results):
    with pytest.raises(InvalidError, match="both a KL and a reconstruction term"):
        tradeoff.rate_distortion(results, "ae")


def test_the_bound_with_the_best_sigma_is_a_column(results):
    variant = results.select("vae-1")[0]
    found = variant.first.evaluation
    fitted = optimal_sigma(0.5**0.5, 64, found["reconstruction"], sum(found["kl"]))
    assert metric_values("elbo_optimal_sigma", variant) == pytest.approx([fitted.elbo])
    assert metric_values("optimal_sigma", variant) == pytest.approx([fitted.sigma])
    assert metric_values("elbo_optimal_sigma", results.select("ae")[0]) == []
    assert "not a log-likelihood" in str(find_metric("elbo_optimal_sigma").protocol(variant.first))


def test_paths_connect_the_same_images_of_the_given_classes(results, monkeypatch):
    calls = drawn(monkeypatch, "interpolation_rows")
    interpolation.interpolations(results, [(1, 7), (0, 8)], steps=3)
    [(paths, _, (first, last))] = calls
    assert list(paths) == ["vae-0.1", "vae-1", "ae"]
    trained = results.select("ae")[0].first.trained
    seen = trained.load_split("test")
    images, classes = seen.all().numpy(), seen.classes.numpy()
    for shown, asked in ((first, (1, 0)), (last, (7, 8))):
        places = [int(np.abs(images - image).sum((1, 2, 3)).argmin()) for image in shown]
        assert classes[places].tolist() == list(asked)
    whole = trained.model.interpolate(torch.from_numpy(first), torch.from_numpy(last), 3)
    np.testing.assert_allclose(paths["ae"], whole.transpose(0, 1), atol=1e-6)


def test_an_unknown_class_is_refused(results):
    with pytest.raises(InvalidError, match="pairs: expected classes of the data, 0 to 9, got 12"):
        interpolation.interpolations(results, [(1, 12)])


@pytest.mark.usefixtures("_quick_classifier")
def test_reconstructions_are_closer_to_the_data_than_midpoints(results):
    [table] = interpolation.midpoint_quality(results, n=100)
    assert [name for name, _ in table.rows] == ["vae-0.1", "vae-1", "ae"]
    autoencoder = [cell.value for cell in table.rows[2][1]]
    assert 0 < autoencoder[0] < autoencoder[1]
    assert not any(cell.best for _, cells in table.rows for cell in cells)  # one seed each


def test_latents_and_pixels_have_the_same_probes(results):
    [table] = latent.latent_probes(results, n=200)
    assert [name for name, _ in table.rows] == ["vae-0.1", "vae-1", "ae", "pixels, no latents"]
    linear = [cells[0].value for _, cells in table.rows]
    latents, classes = latent.latents_and_classes(results.select("ae")[0], 200, "test")
    assert latents.shape == (200, 8)
    assert linear[2] == latent.probe_accuracy(latents, classes).linear
    assert statistics.fmean(linear) > 0.3
    assert not any(cells[0].best for _, cells in table.rows)  # one seed each


def test_probes_can_mark_no_best(results):
    [table] = latent.latent_probes(results, n=200, pixels=False, mark_best=False)
    assert not any(cell.best for _, cells in table.rows for cell in cells)
    assert len(table.rows) == 3
