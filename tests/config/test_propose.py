from __future__ import annotations

import math

import numpy as np
import pytest
from torch import nn

from vaekit.config.build import build_model
from vaekit.config.propose import batch_size, propose


def proposed(path, array):
    np.save(path, array)
    return propose(path)


@pytest.mark.parametrize(
    ("shape", "channels"),
    [((40, 16, 16), [32, 64]), ((40, 28, 28), [32, 64]), ((40, 3, 64, 64), [32, 64, 128, 128])],
)
def test_convolutions_halve_until_the_image_is_small(tmp_path, shape, channels):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    model = proposed(tmp_path / "x.npy", array).recipe.model
    assert model.encoder.network.channels == model.decoder.network.channels == channels


@pytest.mark.parametrize(("images", "epochs", "batch"), [(2, 500, 1), (1000, 500, 128), (80_000, 10, 128)])
def test_few_images_are_seen_more_often(tmp_path, images, epochs, batch):
    array = np.zeros((images, 2, 2), np.uint8)
    array[:, 0, 0] = 255 * (np.arange(images) % 2)
    training = proposed(tmp_path / "x.npy", array).recipe.training
    assert (training.epochs, training.batch_size) == (epochs, batch)


@pytest.mark.parametrize("counts", [False, True])
def test_schedules_follow_the_epochs_that_are_asked_for(tmp_path, counts):
    random = np.random.default_rng(0)
    array = random.poisson(3, (200, 6)) if counts else random.normal(size=(200, 4, 4))
    np.save(tmp_path / "x.npy", array)
    recipe, reasons = propose(tmp_path / "x.npy", ["training.epochs=20"])
    assert recipe.training.epochs == 20
    assert recipe.objective.beta.warmup == (12 if counts else 5)
    assert "20 epochs" in reasons[-1]


@pytest.mark.parametrize("shape", [(2, 128), (1, 16, 16, 16), (1, 64, 64, 64)])
def test_signals_and_volumes_get_convolutions_and_batches_that_fit(tmp_path, shape):
    array = np.random.default_rng(0).normal(size=(20, *shape)).astype(np.float32)
    recipe = proposed(tmp_path / "x.npy", array).recipe
    encoder = build_model(recipe.model, shape).encoder
    kinds = {type(layer) for layer in encoder.modules()}
    assert {1: nn.Conv1d, 3: nn.Conv3d}[len(shape) - 1] in kinds
    largest = 32 * math.prod(shape[1:])
    assert batch_size(10**6, shape) * largest <= 2**28
    assert batch_size(10**6, shape) == 128 or (batch_size(10**6, shape) + 1) * largest > 2**28


def test_what_is_proposed_can_be_built_and_says_why(tmp_path):
    recipe, reasons = proposed(tmp_path / "my data.npy", np.random.default_rng(0).normal(size=(60, 3, 3)))
    assert (recipe.name, recipe.title) == ("my-data", "VAE on my data")
    assert build_model(recipe.model, (1, 3, 3)).latent_dim == 16
    assert reasons[0] == "observation continuous and likelihood gaussian: the values are real numbers"
    assert reasons[1].startswith("network dense: ")
    assert reasons[2].startswith("500 epochs with 12 images per batch")


def test_the_latents_of_a_table_are_chosen_by_its_training_rows(tmp_path):
    random = np.random.default_rng(0)
    z = random.normal(size=(200, 1))
    table = np.concatenate([z + 0.3 * random.normal(size=(200, 1)) for _ in range(4)], axis=1)
    recipe, reasons = proposed(tmp_path / "t.npy", table)
    assert recipe.model.latent_dim == 1
    assert recipe.model.prior.components == 1
    assert recipe.model.decoder.likelihood.kind == "columns"
    assert recipe.training.keep_start
    assert reasons[0].startswith("1 latent and N(0, I) as prior: best log-density in cross-validation")
    assert build_model(recipe.model, (4,)).latent_dim == 1


def test_a_table_of_counts_gets_a_likelihood_of_counts_and_its_reason(tmp_path):
    random = np.random.default_rng(0)
    mu = random.gamma(0.5, 2, (1, 60)) * random.lognormal(0, 0.6, (200, 1))
    np.save(tmp_path / "genes.npy", random.negative_binomial(2, 2 / (2 + mu)))
    recipe, reasons = propose(tmp_path / "genes.npy")
    assert recipe.data.observation == "counts"
    likelihood = recipe.model.decoder.likelihood
    assert (likelihood.kind, likelihood.offset) == ("negative_binomial", "total")
    assert "negative_binomial, given the total of each row: the variance is" in reasons[0]
