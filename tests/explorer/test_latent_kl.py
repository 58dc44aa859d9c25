"""The KL of each latent, against the KL of its layer and against closed forms."""

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


@pytest.mark.parametrize("layer_dims", [(3,), (2, 3), (2, 1, 2)])
def test_the_latents_of_a_layer_sum_to_its_kl(layer_dims):
    parts, kl = found(cases.make_vae(layer_dims=layer_dims).eval())
    sums = [layer.sum(0) for layer in np.split(parts, np.cumsum(layer_dims)[:-1])]
    assert np.allclose(sums, kl.numpy(), rtol=1e-4)


def test_for_a_standard_normal_prior_it_is_the_closed_form():
    model = cases.make_vae().eval()
    parts, _ = found(model)
    posterior = model.encode(cases.images_for(model, 50))
    latents = Latents(posterior.mean.detach().numpy(), posterior.stddev.detach().numpy(), None)
    assert np.allclose(latent_kl.per_latent(parts, latents), kl_per_latent(latents), atol=1e-5)


@pytest.mark.parametrize("prior", ["mixture", "vamp"])
def test_for_other_priors_the_substitute_finds_inactive_latents(prior):
    parts, _ = found(cases.make_vae(prior=prior).eval())
    assert np.isnan(parts).all()
    random = np.random.default_rng(0)
    mean = np.stack([random.normal(size=40_000), np.full(40_000, 3.0)], 1)
    latents = Latents(mean, np.full_like(mean, 0.5), None)
    substitute = latent_kl.per_latent(np.full((2, 5), np.nan), latents)
    assert substitute[0] == pytest.approx(0.5 * np.log(1.25 / 0.25), abs=0.01)  # of a channel with this noise
    assert substitute[1] == pytest.approx(0, abs=1e-6)


def test_points_are_ordered_by_their_variance():
    mean = np.random.default_rng(0).normal(size=(99, 3)) * [1, 2, 3]
    latents = Latents(mean, np.zeros_like(mean), None)
    assert np.array_equal(latent_kl.per_latent(np.zeros((3, 99)), latents), mean.var(0))
