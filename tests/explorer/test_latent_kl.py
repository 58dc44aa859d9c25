"""What a latent tells of an image, against the rate and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cases
from vaekit.evaluation.latent import Latents, kl_per_latent
from vaekit.explorer import latent_kl


def found(model) -> tuple[np.ndarray, torch.Tensor]:
    x = cases.images_for(model, 50)
    with torch.no_grad():
        q, p = model.encode(x), model.conditional_prior()
        return latent_kl.divergences(q, p).numpy(), model.elbo_terms(x, posterior=q, prior=p, seed=0).kl


@pytest.mark.parametrize("levels", [(3,), (2, 3), (2, 1, 2)])
def test_the_parts_of_a_level_add_up_to_its_rate(levels):
    parts, rate = found(cases.make_vae(levels=levels).eval())
    sums = [level.sum(0) for level in np.split(parts, np.cumsum(levels)[:-1])]
    assert np.allclose(sums, rate.numpy(), rtol=1e-4)


def test_of_a_standard_normal_prior_it_is_the_closed_form():
    model = cases.make_vae().eval()
    parts, _ = found(model)
    posterior = model.encode(cases.images_for(model, 50))
    codes = Latents(posterior.mean.detach().numpy(), posterior.stddev.detach().numpy(), None)
    assert np.allclose(latent_kl.per_latent(parts, codes), kl_per_latent(codes), atol=1e-5)


@pytest.mark.parametrize("prior", ["mixture", "vamp"])
def test_another_prior_has_no_parts_and_what_stands_for_them_says_which_latent_is_dead(prior):
    parts, _ = found(cases.make_vae(prior=prior).eval())
    assert np.isnan(parts).all()
    random = np.random.default_rng(0)
    mean = np.stack([random.normal(size=40_000), np.full(40_000, 3.0)], 1)
    codes = Latents(mean, np.full_like(mean, 0.5), None)
    told = latent_kl.per_latent(np.full((2, 5), np.nan), codes)
    assert told[0] == pytest.approx(0.5 * np.log(1.25 / 0.25), abs=0.01)  # of a channel with this noise
    assert told[1] == pytest.approx(0, abs=1e-6)


def test_points_are_ordered_by_their_variance():
    mean = np.random.default_rng(0).normal(size=(99, 3)) * [1, 2, 3]
    codes = Latents(mean, np.zeros_like(mean), None)
    assert np.array_equal(latent_kl.per_latent(np.zeros((3, 99)), codes), mean.var(0))
