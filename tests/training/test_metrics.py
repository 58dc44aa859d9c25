"""Means over images, however these were cut into batches."""

from __future__ import annotations

import pytest
import torch

from toy_runs import images, model
from vaekit.models.objectives import Objective, linear
from vaekit.training.batches import iterate_batches
from vaekit.training.metrics import ELBOMeter, validate

CPU = torch.device("cpu")


def test_every_image_counts_the_same():
    vae, objective, data = model(), Objective(), images(30, training=False)
    meter, losses, sizes = ELBOMeter(1, CPU), [], []
    for x, y in iterate_batches(data, torch.arange(30), 16):
        terms = vae.elbo_terms(x, y)
        loss = objective.loss(terms, 1.0)
        meter.update(loss, terms)
        losses.append(loss.item())
        sizes.append(len(x))
    assert sizes == [16, 14]
    assert meter.images == 30
    assert meter.means()["loss"] == pytest.approx((16 * losses[0] + 14 * losses[1]) / 30)
    assert meter.sums.dtype == torch.float64
    assert not meter.sums.requires_grad


def test_a_norm_that_is_not_finite_shows():
    vae, meter = model(), ELBOMeter(1, CPU)
    terms = vae.elbo_terms(images().batch(torch.arange(5)))
    meter.update(-terms.elbo.mean(), terms, torch.tensor(1.0))
    assert meter.is_finite()
    meter.update(-terms.elbo.mean(), terms, torch.tensor(torch.inf))
    assert not meter.is_finite()


def test_validation_is_at_the_final_beta_and_repeats():
    vae, data = model().eval(), images(30, training=False)
    objective = Objective(beta=linear(10, final=4.0), warmup_end=10)
    state = torch.get_rng_state()
    first, again, other = (validate(vae, objective, data, 16, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert first["validation_loss"] == pytest.approx(
        first["validation_reconstruction"] + 4 * first["validation_kl"], rel=1e-6
    )
    assert first["validation_elbo"] == -first["validation_reconstruction"] - first["validation_kl"]
    assert torch.equal(torch.get_rng_state(), state)


def test_batches_can_start_in_the_middle():
    data = images(30, training=False)
    order = torch.randperm(30)
    late = list(iterate_batches(data, order, 8, first=2))
    assert [len(x) for x, _ in late] == [8, 6]
    assert torch.equal(late[0][1], data.labels[order[16:24]])
