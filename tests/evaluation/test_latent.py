"""Codes, walks and grids of the latent space."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Normal, kl_divergence

from vaekit.config.build import build_model
from vaekit.config.loading import load_recipe
from vaekit.evaluation.latent import (
    Latents,
    active_units,
    decode_grid,
    encode_batches,
    kl_per_latent,
    latent_traversal,
    normal_quantiles,
)


def model(size=2, *changes):
    overrides = [f"model.latent_dim={size}", "model.encoder.network.hidden_sizes=[5]", *changes]
    return build_model(load_recipe("digits", overrides).model, (1, 8, 8)).eval()


def test_encoded_latents_are_those_of_the_posterior_in_order():
    vae, x, y = model(), torch.rand(7, 1, 8, 8), torch.arange(7)
    codes = encode_batches(vae, [(x[:4], y[:4]), (x[4:], y[4:])])
    posterior = vae.encode(x)
    np.testing.assert_allclose(codes.mean, posterior.mean.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(codes.stddev, posterior.stddev.detach(), rtol=1e-5)
    assert codes.labels.tolist() == list(range(7))
    assert encode_batches(vae, [(x, None)]).labels is None


def test_kl_per_latent_is_the_closed_form():
    mean, stddev = torch.randn(50, 3), torch.rand(50, 3) + 0.1
    truth = kl_divergence(Normal(mean, stddev), Normal(0.0, 1.0)).mean(0)
    codes = Latents(mean.numpy(), stddev.numpy(), None)
    np.testing.assert_allclose(kl_per_latent(codes), truth, rtol=1e-4)


def test_a_latent_is_active_where_its_mean_deviates_by_more_than_a_tenth():
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((5000, 5)) * [1, 0.11, 0.09, 0, 2] + 7
    assert active_units(codes, (2, 3)) == [2, 1]
    assert active_units(codes, (5,)) == [3]
    assert active_units(codes[:1], (2, 3)) == [0, 0]


def test_points_are_ordered_by_their_variance():
    codes = Latents(np.array([[0.0, 1.0], [0.0, -1.0]]), np.zeros((2, 2)), None)
    assert kl_per_latent(codes).tolist() == [0, 1]


def test_a_traversal_changes_one_latent_only():
    vae, z = model(3), torch.tensor([0.1, 0.2, 0.3])
    images = latent_traversal(vae, z, [2, 0], [-1.0, 0.0, 1.0])
    assert images.shape == (2, 3, 1, 8, 8)
    torch.testing.assert_close(images[0, 2], vae.decode(torch.tensor([0.1, 0.2, 1.0])).mean)
    torch.testing.assert_close(images[1, 0], vae.decode(torch.tensor([-1.0, 0.2, 0.3])).mean)


def test_quantiles_are_those_of_the_normal_distribution():
    np.testing.assert_allclose(normal_quantiles(9), stats.norm.ppf((np.arange(9) + 0.5) / 9), atol=1e-12)


def test_the_grid_has_z2_in_rows_and_z1_in_columns():
    vae = model()
    images, values = decode_grid(vae, 5)
    z = torch.tensor([values[4], values[1]], dtype=torch.float32)
    torch.testing.assert_close(images[1, 4], vae.decode(z).mean)
    with pytest.raises(ValueError, match="expected two latents for a decoded grid, got 3"):
        decode_grid(model(3))
