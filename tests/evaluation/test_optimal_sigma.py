import math

import pytest
import torch
from torch.distributions import Normal

from vaekit.config.build import build_model
from vaekit.config.loading import load_recipe
from vaekit.evaluation.optimal_sigma import decoder_sigma, optimal_sigma
from vaekit.models.vae import VAE

X = torch.tensor([[0.2, 0.9, 0.5, 0.1], [0.8, 0.3, 0.6, 0.4]], dtype=torch.float64)
MEANS = torch.tensor([[0.1, 0.7, 0.5, 0.4], [0.9, 0.3, 0.2, 0.4]], dtype=torch.float64)
RATE = 1.5


def bound(sigma: float) -> float:
    return Normal(MEANS, sigma).log_prob(X).sum(1).mean().item() - RATE


def model(likelihood: str) -> VAE:
    changes = ["model.latent_dim=3", f"model.decoder.likelihood={likelihood}"]
    return build_model(load_recipe("digits", changes).model, (1, 8, 8))


@pytest.mark.parametrize("sigma", [0.1, 0.7, 3.0])
def test_the_optimal_sigma_does_not_depend_on_the_measured_one(sigma):
    fitted = optimal_sigma(sigma, 4, bound(sigma) + RATE, RATE)
    assert fitted.squared_error == pytest.approx((X - MEANS).square().sum(1).mean().item())
    assert fitted.sigma == pytest.approx((X - MEANS).square().mean().sqrt().item())
    assert fitted.elbo == pytest.approx(bound(fitted.sigma))


def test_no_other_sigma_has_a_higher_bound():
    fitted = optimal_sigma(1.0, 4, bound(1.0) + RATE, RATE)
    assert all(bound(fitted.sigma * factor) < fitted.elbo for factor in (0.5, 0.99, 1.01, 2.0))


def test_sigma_of_one_half_squared_makes_log_p_the_squared_error():
    sigma = math.sqrt(0.5)
    error = (X - MEANS).square().sum(1).mean().item()
    assert -bound(sigma) - RATE == pytest.approx(error + 4 / 2 * math.log(math.pi))


def test_the_sigma_of_a_decoder_is_found():
    assert decoder_sigma(model("{kind: gaussian, sigma: 0.3}")) == pytest.approx(0.3)
    assert decoder_sigma(model("{kind: gaussian, sigma: optimal}").eval()) == pytest.approx(1.0)


def test_a_decoder_without_one_sigma_has_none():
    torch.manual_seed(0)
    assert decoder_sigma(model("bernoulli")) is None
    assert decoder_sigma(model("{kind: gaussian, sigma: learned}")) is None
