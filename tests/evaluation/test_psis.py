"""The fit of tails against scipy's maximum likelihood, and the shapes of weights whose tail is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from vaekit.evaluation.psis import fit_generalized_pareto, pareto_k, tail_length


def draws(shape: float, n: int, repeats: int = 1, seed: int = 0) -> torch.Tensor:
    found = stats.genpareto(shape, scale=2.0).rvs((repeats, n), random_state=seed)
    return torch.from_numpy(found).sort(-1).values


@pytest.mark.parametrize("shape", [-0.3, 0.2, 0.7, 1.5])
def test_the_fit_is_near_that_of_scipy(shape: float):
    x = draws(shape, 1500)
    k, sigma = fit_generalized_pareto(x)
    theirs, _, scale = stats.genpareto.fit(x[0].numpy(), shape, floc=0, scale=2.0)
    assert k.item() == pytest.approx(theirs, abs=0.03)
    assert sigma.item() == pytest.approx(scale, rel=0.03)


def by_loops(x: np.ndarray) -> tuple[float, float]:
    """The algorithm of Zhang and Stephens 2009, Section 4, number by number, in their symbols; (k, sigma)."""
    n = len(x)
    m = 30 + int(np.sqrt(n))
    quartile = x[int(n / 4 + 0.5) - 1]
    theta = [1 / x[-1] + (1 - np.sqrt(m / (j - 0.5))) / (3 * quartile) for j in range(1, m + 1)]
    shape = [np.mean([np.log(1 - t * each) for each in x]) for t in theta]
    profile = [n * (np.log(-t / k) - k - 1) for t, k in zip(theta, shape, strict=True)]
    weight = [1 / sum(np.exp(other - own) for other in profile) for own in profile]
    mean = sum(w * t for w, t in zip(weight, theta, strict=True))
    k = np.mean([np.log(1 - mean * each) for each in x])
    return k, -k / mean


@pytest.mark.parametrize("shape", [-0.3, 0.7])
def test_the_fit_is_the_published_algorithm(shape: float):
    x = draws(shape, 60, seed=1)
    k, sigma = fit_generalized_pareto(x)
    assert (k.item(), sigma.item()) == pytest.approx(by_loops(x[0].numpy()), rel=1e-9)


@pytest.mark.parametrize("shape", [0.1, 0.5, 1.0])
def test_on_average_over_many_short_tails_it_is_the_true_shape(shape: float):
    k, sigma = fit_generalized_pareto(draws(shape, 200, 400))
    assert k.mean().item() == pytest.approx(shape, abs=4 * math.sqrt((1 + shape) ** 2 / 200 / 400) + 0.02)
    assert sigma.mean().item() == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize("shape", [0.3, 0.6, 1.2])
def test_weights_of_pareto_have_its_shape(shape: float):
    """w = u^(-k), u uniform, has P(w > x) = x^(-1/k); the prior draws towards 1/2 by 10 weights."""
    n, repeats = 20_000, 60
    u = np.random.default_rng(0).random((n, repeats))
    length = tail_length(n)
    largest = torch.from_numpy(-shape * np.log(u)).topk(length + 1, 0).values
    expected = (length * shape + 5) / (length + 10)
    assert pareto_k(largest).mean().item() == pytest.approx(expected, abs=0.03)
    assert torch.equal(pareto_k(largest), pareto_k(largest.flip(0)))
    torch.testing.assert_close(pareto_k(largest - 700), pareto_k(largest))  # a factor changes nothing


def test_the_prior_pulls_a_short_tail_toward_one_half():
    weights = torch.linspace(0.1, 1.0, 21, dtype=torch.float64).square()
    k, _ = fit_generalized_pareto((weights[1:] - weights[0])[None])
    torch.testing.assert_close(pareto_k(weights.log()[:, None]), (20 * k + 5) / 30)


def test_normal_weights_become_unreliable_as_they_spread():
    logs = torch.randn(5000, 20, dtype=torch.float64)
    shapes = [
        pareto_k((spread * logs).topk(tail_length(5000) + 1, 0).values).mean() for spread in (0.1, 1, 4)
    ]
    assert shapes[0] < 0.2 < shapes[1] < 0.7 < shapes[2]


def test_degenerate_tails():
    assert tail_length(5000) == 213
    assert tail_length(20) == 4
    assert pareto_k(torch.randn(5, 2)).isnan().all()
    assert (pareto_k(torch.zeros(30, 2)) == -math.inf).all()
    assert (pareto_k(1000 * torch.arange(30.0)[:, None]) == math.inf).all()


@pytest.mark.parametrize("spread", [650, 700, 720, 740, 760])
def test_one_dominating_weight_is_a_heavy_tail(spread: float):
    """e^-720 has no finite inverse in float64."""
    logs = -spread - torch.rand(46, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    logs[0] = 0.0
    assert (pareto_k(logs) > 0.7).all()


def test_weights_that_differ_by_rounding_count_as_equal() -> None:
    generator = torch.Generator().manual_seed(0)
    exact = torch.full((200, 4), -12.5) + 1e-6 * torch.randn(200, 4, generator=generator)
    assert (pareto_k(exact) == -torch.inf).all()
    heavy = -12.5 - 1.2 * torch.rand(2000, 1, generator=generator, dtype=torch.float64).log()
    assert pareto_k(heavy) > 0.7
