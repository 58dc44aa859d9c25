"""The blocks of the study of parametrizations: metrics by epoch, samples, and statistics of latents."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
import yaml

from marks import best_over_seeds
from vaekit.evaluation.latent import Latents, kl_per_latent
from vaekit.studies.blocks import draw_block
from vaekit.studies.blocks.epochs import _samples
from vaekit.studies.blocks.latent import USED_KL, encode_split, sample_posterior
from vaekit.studies.display import SilentDisplay
from vaekit.studies.elements import FigureElement, Table
from vaekit.studies.results import StudyResults
from vaekit.studies.run_study import study as perform

TREE = {
    "overrides": ["training.sample_every=1", "model.latent_dim=4"],
    "runs": [
        {"name": "vae", "recipe": "digits", "group": "VAE"},
        {
            "name": "signed",
            "recipe": "digits",
            "overrides": ["model.encoder.posterior.parametrization=unconstrained"],
            "group": "VAE",
        },
        {
            "name": "ae",
            "recipe": "digits",
            "overrides": ["model.encoder.posterior=delta", "objective.beta=0"],
        },
    ],
    "presets": {
        "quick": {
            "overrides": ["data.train=200", "training.epochs=3"],
            "evaluate": {"samples": 2, "images": 20},
            "seeds": 2,
        }
    },
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    folder = tmp_path_factory.mktemp("parametrization")
    (folder / "study.yaml").write_text(yaml.safe_dump(TREE))
    return perform(folder / "study.yaml", folder=folder / "runs", jobs=1, display=SilentDisplay())


def test_epochs_are_means_over_seeds_and_the_best_of_each_is_marked(runs):
    [table] = draw_block(runs, {"metric_by_epoch": {"runs": "VAE", "epochs": [1, 3, 9], "offset": 10}})
    assert isinstance(table, Table)
    assert [column.title for column in table.columns] == ["epoch 1", "epoch 3"]
    for column, epoch in ((0, 1), (1, 3)):
        seeds = [
            [training.metrics[epoch - 1]["validation_loss"] - 10 for training in variant.finished]
            for variant in runs.select("VAE")
        ]
        cells = [cells[column] for _, cells in table.rows]
        assert [cell.value for cell in cells] == pytest.approx([statistics.fmean(each) for each in seeds])
        assert [cell.std for cell in cells] == pytest.approx([statistics.stdev(each) for each in seeds])
        assert [cell.best for cell in cells] == best_over_seeds(cells, "lower")
    assert "Mean ± standard deviation over 2 seeds." in table.notes


def test_samples_of_the_last_epoch_are_those_of_the_model(runs):
    variant = runs.select("vae")[0]
    rows = _samples(variant, [1, 2, 3, 7], 5)
    assert list(rows) == ["epoch 1", "epoch 2", "epoch 3"]
    assert variant.first.run_dir.summary()["best_epoch"] == 3
    images = variant.first.trained.model.sample(40, seed=0)[:5].numpy()
    assert rows["epoch 3"] == pytest.approx(images, abs=0.51 / 255)
    assert np.abs(rows["epoch 1"] - rows["epoch 3"]).max() > 0.05


def test_missing_samples_are_an_error(results):
    [part] = draw_block(results, {"samples_by_epoch": {"runs": "ae"}})
    assert part.kind == "error"
    assert "no samples were saved during training; add training.sample_every=1" in part.text


def test_used_and_unused_latents_have_separate_rows(runs):
    [table] = draw_block(runs, {"latent_normality": {"n": 60}})
    latents = encode_split(runs.select("vae")[0], 60, "test")
    used = int((kl_per_latent(latents) > USED_KL).sum())
    rows = {name: [cell.value for cell in cells] for name, cells in table.rows}
    assert rows["vae, used"][0] == used
    assert rows["vae, used"][4] == pytest.approx(
        (np.abs(sample_posterior(latents)[:, kl_per_latent(latents) > USED_KL]) < 2).mean()
    )
    assert rows["ae"][0] == 4


def test_posterior_samples_have_mean_and_standard_deviation_of_q():
    latents = Latents(np.array([[3.0, 0.0]] * 20_000), np.array([[0.5, 0.0]] * 20_000), None)
    found = sample_posterior(latents)
    assert found.mean(0) == pytest.approx([3, 0], abs=0.02)
    assert found.std(0) == pytest.approx([0.5, 0], abs=0.01)


def test_histograms_and_kl_have_one_figure_per_run(runs):
    histograms = draw_block(runs, {"latent_histograms": {"n": 50, "max_latents": 3}})
    assert [len(part.figure.axes) for part in histograms] == [3, 3, 3]
    bars = draw_block(runs, {"kl_by_latent": {"n": 50}})
    assert [type(part) for part in bars] == [FigureElement, FigureElement]  # an autoencoder has no KL
    latents = encode_split(runs.select("vae")[0], 50, "test")
    heights = [patch.get_height() for patch in bars[0].figure.axes[0].patches]
    assert heights == pytest.approx(sorted(kl_per_latent(latents), reverse=True))
