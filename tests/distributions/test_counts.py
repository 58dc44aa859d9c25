"""Counts: probabilities of scipy and mpmath, sums, moments, and gradients, in float32 up to a million."""

from __future__ import annotations

import math
from itertools import product

import mpmath
import numpy as np
import pytest
import torch
from scipy import special, stats

from vaekit.distributions.counts import (
    NegativeBinomial,
    Poisson,
    ZeroInflatedNegativeBinomial,
    deviance,
    stirling_error,
)

COUNTS = (0, 1, 2, 7, 8, 9, 50, 1000, 31_337, 999_000, 1_000_000)
MEANS = (1e-6, 1e-2, 1.0, 3.0, 50.0, 1000.0, 1e6)
DISPERSIONS = (1e-3, 0.1, 1.0, 7.9, 30.0, 1e3, 1e6)


def log(value: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.tensor(value, dtype=dtype).log()


def exact_negative_binomial(count: int, log_mean: float, log_theta: float) -> float:
    """log NB in 60 digits."""
    with mpmath.workdps(60):
        mean, theta = mpmath.exp(log_mean), mpmath.exp(log_theta)
        terms = mpmath.loggamma(count + theta) - mpmath.loggamma(theta) - mpmath.loggamma(count + 1)
        return float(
            terms + theta * mpmath.log(theta / (theta + mean)) + count * mpmath.log(mean / (theta + mean))
        )


def test_the_negative_binomial_is_exact_in_float32_up_to_a_million():
    for count, mean, theta in product(COUNTS, MEANS, DISPERSIONS):
        m, t = log(mean), log(theta)
        found = NegativeBinomial(m, t).log_prob(torch.tensor(float(count))).item()
        expected = exact_negative_binomial(count, m.item(), t.item())
        assert found == pytest.approx(expected, rel=2e-6, abs=2e-4), (count, mean, theta)


def test_the_negative_binomial_is_that_of_scipy_in_float64():
    count = np.arange(200)[:, None]
    mean, theta = np.array([0.01, 2.0, 90.0]), np.array([0.3, 5.0, 1e4])
    p = NegativeBinomial(torch.from_numpy(mean).log(), torch.from_numpy(theta).log())
    expected = stats.nbinom.logpmf(count, theta, theta / (theta + mean))
    np.testing.assert_allclose(p.log_prob(torch.from_numpy(count).double()), expected, atol=1e-9)


def test_the_poisson_is_that_of_scipy_and_exact_in_float32():
    for count, mean in product(COUNTS, MEANS):
        m = log(mean)
        expected = stats.poisson.logpmf(count, math.exp(m.item()))
        found = Poisson(m).log_prob(torch.tensor(float(count))).item()
        assert found == pytest.approx(expected, rel=2e-6, abs=1e-3), (count, mean)


def test_a_negative_binomial_of_large_dispersion_is_a_poisson():
    count = torch.arange(50).double()
    m = log(4.0, torch.float64)
    nearly = NegativeBinomial(m, log(1e12, torch.float64)).log_prob(count)
    torch.testing.assert_close(nearly, Poisson(m).log_prob(count), rtol=0, atol=1e-9)


def test_extra_zeros_are_mixed_in():
    count = torch.arange(9).double()
    p = ZeroInflatedNegativeBinomial(log(3.0), log(2.0), torch.tensor(0.4))
    share = 1 / (1 + math.exp(-0.4))
    expected = (1 - share) * stats.nbinom.pmf(np.arange(9), 2, 0.4) + share * (np.arange(9) == 0)
    np.testing.assert_allclose(p.log_prob(count.float()).exp(), expected, rtol=1e-5)


@pytest.mark.parametrize("logit", [-80.0, 80.0])
def test_extra_zeros_that_are_certain_or_impossible_stay_finite(logit: float):
    counts = NegativeBinomial(log(3.0), log(2.0))
    p = ZeroInflatedNegativeBinomial(log(3.0), log(2.0), torch.tensor(logit))
    found = p.log_prob(torch.tensor([0.0, 3.0]))
    expected = counts.log_prob(torch.tensor([0.0, 3.0]))
    zero = expected[0] if logit < 0 else torch.tensor(0.0)
    torch.testing.assert_close(found, torch.stack([zero, expected[1] - max(logit, 0.0)]))


@pytest.mark.parametrize("mean", [0.05, 3.0, 40.0])
def test_samples_have_the_mean_and_the_variance(mean: float):
    torch.manual_seed(0)
    m, theta = log(mean), log(1.5)
    for p in (
        Poisson(m),
        NegativeBinomial(m, theta),
        ZeroInflatedNegativeBinomial(m, theta, torch.tensor(-1.0)),
    ):
        x = p.sample((100_000,)).double()
        assert (x == x.round()).all()
        assert x.min() >= 0
        second, fourth = x.var(), (x - x.mean()).pow(4).mean()
        assert abs(x.mean() - p.mean) < 5 * (second / len(x)) ** 0.5
        assert abs(second - p.variance) < 5 * (fourth / len(x)) ** 0.5


def test_gradients_are_those_of_finite_differences_twice():
    value = torch.tensor([0.0, 1.0, 5.0, 100.0]).double()
    m = torch.randn(3, 4).double().requires_grad_()
    theta = torch.randn(4).double().requires_grad_()
    logit = torch.randn(3, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda m, t: NegativeBinomial(m, t).log_prob(value), (m, theta))
    assert torch.autograd.gradgradcheck(lambda m, t: NegativeBinomial(m, t).log_prob(value), (m, theta))
    assert torch.autograd.gradcheck(lambda m: Poisson(m).log_prob(value), (m,))
    inflated = lambda m, t, z: ZeroInflatedNegativeBinomial(m, t, z).log_prob(value)
    assert torch.autograd.gradcheck(inflated, (m, theta, logit))


def test_gradients_in_float32_are_those_in_float64():
    for count, mean, theta in product(COUNTS, MEANS, DISPERSIONS):
        grads = []
        for dtype in (torch.float32, torch.float64):
            m, t = (log(v).to(dtype).requires_grad_() for v in (mean, theta))
            NegativeBinomial(m, t).log_prob(torch.tensor(float(count), dtype=dtype)).backward()
            grads.append((m.grad.item(), t.grad.item()))
        assert grads[0] == pytest.approx(grads[1], rel=1e-4, abs=1e-2), (count, mean, theta)


def test_shapes_broadcast():
    p = NegativeBinomial(torch.zeros(5, 1, 3), torch.zeros(3))
    assert p.log_prob(torch.zeros(4, 3)).shape == (5, 4, 3)
    assert p.expand((2, 5, 1, 3)).sample((7,)).shape == (7, 2, 5, 1, 3)
    inflated = ZeroInflatedNegativeBinomial(torch.zeros(3), torch.zeros(3), torch.zeros(4, 3))
    assert inflated.sample((2,)).shape == (2, 4, 3)


def test_stirlings_error_and_the_deviance_are_exact():
    x = np.concatenate([np.logspace(-3, 6, 200), [7.999999, 8.0]])
    expected = special.gammaln(x + 1) - (x + 0.5) * np.log(x) + x - 0.5 * math.log(2 * math.pi)
    found = stirling_error(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found[x < 100], expected[x < 100], atol=1e-12)
    np.testing.assert_allclose(found[x >= 100], (1 / (12 * x) - 1 / (360 * x**3))[x >= 100], rtol=1e-8)
    near = torch.tensor(1e6 + 1000.0, dtype=torch.float64)
    assert deviance(near, log(1e6, torch.float64)).item() == pytest.approx(
        special.rel_entr(near.item(), 1e6) - 1000
    )
