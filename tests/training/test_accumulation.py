"""Gradients of several batches add up to that of one large batch."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from toy_runs import At, Killed, die, images, metrics, model, settings, train
from vaekit.config.loading import load_recipe
from vaekit.errors import InvalidError
from vaekit.models import posteriors
from vaekit.models.objectives import Objective, constant, elbo
from vaekit.runs.train import train as train_run
from vaekit.training.loop import fit

PLAIN = {"schedule": "constant", "epochs": 3, "patience": None}


def still_images():
    """Images that are the same at each visit, so that two trainings see the same."""
    return images(training=False)


@pytest.mark.parametrize("clip", [None, 0.05])
def test_four_batches_of_8_are_one_of_32(tmp_path, clip):
    """An autoencoder draws nothing, so the numbers are the same to the precision of floats."""
    vaes = [model(posteriors.delta()) for _ in range(2)]
    for vae, size, accumulate in zip(vaes, (32, 8), (1, 4), strict=True):
        chosen = settings(batch_size=size, accumulate=accumulate, gradient_clip=clip, **PLAIN)
        result = fit(
            vae,
            Objective(beta=constant(0.0)),
            still_images(),
            None,
            chosen,
            tmp_path / str(size),
            bound=False,
        )
        assert result.steps == 3 * 3  # 70 images: 32, 32 and 6
    for one, several in zip(vaes[0].parameters(), vaes[1].parameters(), strict=True):
        torch.testing.assert_close(several, one, rtol=2e-4, atol=1e-6)
    losses = [[record["loss"] for record in metrics(tmp_path / str(size))] for size in (32, 8)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_a_killed_training_is_resumed_exactly(tmp_path):
    train(tmp_path / "whole", batch_size=8, accumulate=3)
    with pytest.raises(Killed):
        train(tmp_path / "cut", batch_size=8, accumulate=3, log=At(7, die))
    train(tmp_path / "cut", batch_size=8, accumulate=3, resume=True)
    assert metrics(tmp_path / "cut") == metrics(tmp_path / "whole")
    assert [record["step"] for record in metrics(tmp_path / "whole")][:2] == [3, 6]


@pytest.mark.parametrize("bound", [partial(elbo, free_bits=1.0), lambda terms, beta: terms.log_px.max()])
def test_a_loss_that_is_no_mean_is_refused(tmp_path, bound):
    with pytest.raises(InvalidError, match=r"training.accumulate: .* is no mean over data points"):
        train(tmp_path, objective=Objective(bound), accumulate=2)


def test_a_run_is_refused_before_it_is_written(tmp_path):
    recipe = load_recipe("digits", ["objective.free_bits=1", "training.accumulate=2"])
    with pytest.raises(InvalidError, match=r"training.accumulate"):
        train_run(recipe, run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_batch_normalization_is_said(tmp_path):
    notes = []
    log = At(0, die)
    log.note = notes.append
    vae = model()
    vae.extra = nn.BatchNorm1d(2)
    train(tmp_path, vae=vae, accumulate=2, log=log, epochs=1)
    assert notes == ["warning: batch normalization sees each batch of 16 on its own"]
