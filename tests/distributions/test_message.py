"""The prior times a Gaussian factor is a distribution, and its normalizer is the integral."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

from vaekit.distributions.message import PriorTimesMessage, WhitenedNormal
from vaekit.distributions.mixture import Mixture
from vaekit.distributions.operations import select, with_temperature


def prior(components: int) -> Mixture:
    torch.manual_seed(1)
    raw = torch.tril(0.5 * torch.randn(components, 2, 2), -1)
    whitening = raw + torch.diag_embed(torch.rand(components, 2) + 0.5)
    return Mixture(torch.randn(components), WhitenedNormal(torch.randn(components, 2), whitening))


def grid() -> tuple[torch.Tensor, float]:
    line = torch.linspace(-12, 12, 481)
    return torch.cartesian_prod(line, line), float(line[1] - line[0]) ** 2


@pytest.mark.parametrize("components", [1, 3])
def test_normalizer_and_density(components):
    p = prior(components)
    target, log_scale = torch.tensor([[0.7, -0.4], [3.0, 1.0]]), torch.tensor([[-0.5, 0.2], [0.4, -1.0]])
    q = PriorTimesMessage(p, target, log_scale)
    z, cell = grid()
    for row in range(2):
        message = MultivariateNormal(target[row], torch.diag((2 * log_scale[row]).exp()))
        product = (p.log_prob(z) + message.log_prob(z)).exp()
        torch.testing.assert_close(q.log_normalizer[row].exp(), product.sum() * cell, rtol=1e-3, atol=1e-6)
        density = q.log_prob(z[:, None].expand(-1, 2, -1))[:, row].exp()
        torch.testing.assert_close(density, product / (product.sum() * cell), rtol=1e-3, atol=1e-6)
        mean = (density[:, None] * z).sum(0) * cell
        torch.testing.assert_close(q.mean[row], mean, rtol=1e-3, atol=1e-3)
        second = (density[:, None] * (z - mean).square()).sum(0) * cell
        torch.testing.assert_close(q.variance[row], second, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("components", [1, 3])
def test_samples_have_its_moments(components):
    q = PriorTimesMessage(prior(components), torch.tensor([[0.7, -0.4]]), torch.tensor([[-0.5, 0.2]]))
    torch.manual_seed(0)
    z = q.rsample((40000,))[:, 0]
    np.testing.assert_allclose(z.mean(0), q.mean[0], atol=0.02)
    np.testing.assert_allclose(z.var(0), q.variance[0], rtol=0.03)


@pytest.mark.parametrize("components", [1, 3])
def test_a_batch_of_two_dimensions_is_that_of_its_rows(components):
    p = prior(components)
    target, log_scale = torch.randn(4, 5, 2), 0.3 * torch.randn(4, 5, 2)
    q, rows = PriorTimesMessage(p, target, log_scale), PriorTimesMessage(p, target[2], log_scale[2])
    torch.manual_seed(0)
    z = q.rsample((20000,))
    assert z.shape == (20000, 4, 5, 2)
    torch.testing.assert_close(q.log_prob(z)[:, 2], rows.log_prob(z[:, 2]))
    torch.testing.assert_close(q.mean[2], rows.mean)
    torch.testing.assert_close(q.variance[2], rows.variance)
    np.testing.assert_allclose(z.mean(0), q.mean, atol=0.05)
    np.testing.assert_allclose(z.var(0), q.variance, rtol=0.06)


def test_whitened_normal_agrees_with_torch():
    [components] = [prior(3).components]
    reference = MultivariateNormal(components.loc, components.covariance_matrix)
    z = torch.randn(5, 3, 2)
    torch.testing.assert_close(components.log_prob(z), reference.log_prob(z))
    torch.testing.assert_close(components.variance, reference.variance)
    torch.testing.assert_close(with_temperature(components, 0.5).variance, reference.variance / 4)
    torch.testing.assert_close(select(components, torch.tensor([2])).mean, reference.mean[2:])


def test_gradients_reach_prior_and_message():
    p, target = prior(2), torch.zeros(4, 2, requires_grad=True)
    loc = p.components.loc.requires_grad_()
    q = PriorTimesMessage(p, target, torch.zeros(4, 2))
    q.log_prob(q.rsample((3,))).sum().backward()
    assert loc.grad.abs().sum() > 0
    assert target.grad.abs().sum() > 0
