"""Gaussians in fewer steps give torch's numbers, and hold where the logarithm of an exponential fails."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal, kl_divergence

from vaekit.distributions.normal import LogScaleNormal, UnitNormal
from vaekit.distributions.operations import with_temperature


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape)))


def log_scale_normal() -> LogScaleNormal:
    return LogScaleNormal(numbers(5, 3), numbers(5, 3) - 1)


def unit_normal() -> UnitNormal:
    return UnitNormal(torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64))


ours = pytest.mark.parametrize("p", [log_scale_normal(), unit_normal()], ids=lambda p: type(p).__name__)


def plain(p: Normal) -> Normal:
    return Normal(p.loc, p.scale)


@ours
def test_density_mean_and_samples_are_those_of_torch(p: Normal):
    value = numbers(4, 5, 3)
    torch.testing.assert_close(p.log_prob(value), plain(p).log_prob(value), rtol=1e-12, atol=1e-12)
    assert torch.equal(p.variance, plain(p).variance)
    torch.manual_seed(0)
    draws = p.rsample((7,))
    torch.manual_seed(0)
    assert torch.equal(draws, plain(p).rsample((7,)))


@ours
def test_expand_and_temperature_return_gaussians(p: Normal):
    wide = p.expand((2, 5, 3))
    assert type(wide) is type(p)
    assert wide.batch_shape == (2, 5, 3)
    value = numbers(5, 3)
    torch.testing.assert_close(wide.log_prob(value)[1], p.log_prob(value).expand(5, 3))
    warm = with_temperature(p, 0.5)
    assert isinstance(warm, Normal)
    assert torch.equal(warm.scale, 0.5 * p.scale)


@pytest.mark.parametrize("event", [False, True])
def test_the_kl_from_the_unit_normal_is_that_of_torch_with_its_gradient(event: bool):
    def joined(p: Distribution) -> Distribution:
        return Independent(p, 1) if event else p

    loc, log_scale = numbers(5, 3).requires_grad_(), (numbers(5, 3) - 1).requires_grad_()
    one = kl_divergence(joined(LogScaleNormal(loc, log_scale)), joined(unit_normal()))
    other = kl_divergence(joined(Normal(loc, log_scale.exp())), joined(plain(unit_normal())))
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    for a, b in zip(*(torch.autograd.grad(kl.sum(), (loc, log_scale)) for kl in (one, other)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_the_kl_broadcasts_over_a_batch_of_priors():
    q, ones = LogScaleNormal(torch.zeros(3), torch.ones(3)), torch.ones(4, 3)
    expected = kl_divergence(Normal(q.loc, q.scale), Normal(0 * ones, ones))
    torch.testing.assert_close(kl_divergence(q, UnitNormal(0 * ones, ones)), expected)


def test_a_scale_that_underflows_keeps_its_logarithm():
    p = LogScaleNormal(torch.zeros(1), torch.tensor([-110.0]))
    assert p.scale.log().item() == -torch.inf
    q = UnitNormal(torch.zeros(1), torch.ones(1))
    assert kl_divergence(p, q).item() == pytest.approx(109.5)
