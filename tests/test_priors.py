"""Every prior is a normalised distribution over its d numbers, and moves with its model."""

from __future__ import annotations

import copy

import pytest
import torch
from scipy import stats
from torch import nn
from torch.distributions import Independent, Normal

import cases
from vaekit.priors import MixtureOfGaussians, StandardNormal

every_prior = pytest.mark.parametrize("name", cases.PRIORS)


def prior_of(name: str, size: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> nn.Module:
    """The prior of a model, whose encoder it may borrow."""
    return cases.make_vae(prior=name, levels=(size,), seed=seed).to(dtype).prior.links[0]


def normal(scale: float) -> Independent:
    """N(0, scale^2 I) over two numbers."""
    return Independent(Normal(torch.zeros(2, dtype=torch.float64), scale), 1)


@every_prior
def test_its_density_integrates_to_one(name: str):
    """By importance sampling from a wider normal, whose weights have mean 1."""
    prior = prior_of(name, 2)()
    wide = normal(3.0)
    z = wide.sample((20_000,))
    weights = (prior.log_prob(z) - wide.log_prob(z)).exp()
    assert (weights.mean() - 1).abs() < 5 * weights.std() / 20_000**0.5


@every_prior
def test_its_draws_have_its_density(name: str):
    """E[r(z) / p(z)] = 1 for a density r that p covers, here a narrower normal."""
    prior = prior_of(name, 2)()
    z = prior.rsample((20_000,))
    narrow = normal(0.7)
    weights = (narrow.log_prob(z) - prior.log_prob(z)).exp()
    assert (weights.mean() - 1).abs() < 5 * weights.std() / 20_000**0.5


@every_prior
def test_shapes_and_precision(name: str):
    for dtype in (torch.float32, torch.float64):
        prior = prior_of(name, 3, dtype)()
        assert (prior.batch_shape, prior.event_shape) == ((), (3,))
        z = prior.rsample((4, 5))
        assert z.shape == (4, 5, 3)
        assert prior.log_prob(z).shape == (4, 5)
        assert z.dtype == prior.log_prob(z).dtype == dtype


@every_prior
def test_a_copy_and_a_saved_one_are_the_same(name: str):
    model, other = (cases.make_vae(prior=name, seed=seed) for seed in (0, 1))
    other.load_state_dict(model.state_dict())
    z = torch.randn(5, 3)
    for again in (other, copy.deepcopy(model)):
        assert torch.equal(again.prior().log_prob(z), model.prior().log_prob(z))


def test_the_standard_normal_is_that_of_scipy_whatever_the_context():
    z = torch.randn(4, 3, dtype=torch.float64)
    prior = StandardNormal(3).double()
    expected = stats.multivariate_normal(mean=[0, 0, 0]).logpdf(z.numpy())
    torch.testing.assert_close(prior().log_prob(z), torch.from_numpy(expected))
    torch.testing.assert_close(prior(torch.randn(9)).log_prob(z), torch.from_numpy(expected))


def test_the_standard_normal_has_nothing_to_learn_or_to_store():
    assert not list(StandardNormal(3).parameters())
    assert not StandardNormal(3).state_dict()


def test_a_mixture_of_one_component_as_it_starts_is_a_normal():
    prior, z = MixtureOfGaussians(3, 1).double(), torch.randn(4, 3, dtype=torch.float64)
    expected = stats.multivariate_normal(mean=prior.mean[0].detach().numpy()).logpdf(z.numpy())
    torch.testing.assert_close(prior().log_prob(z), torch.from_numpy(expected))
