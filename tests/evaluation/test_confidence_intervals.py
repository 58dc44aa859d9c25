"""Intervals of 95 % hold the truth 95 times of 100: of means, of differences, and of log p(x) itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from exact_models import NOISE, PIXELS, SHAPE, factor_analysis, log_evidence, random
from vaekit.evaluation.bdmc import bdmc
from vaekit.evaluation.confidence_intervals import confidence_interval, paired_interval, welch_interval
from vaekit.evaluation.importance_sampling import mean_and_stderr, measure_batches

REPEATS = 2000


def covered(shares: np.ndarray, share: float = 0.95) -> None:
    """A count of successes that binomial luck explains, out of 99.99 % of all luck."""
    low, high = stats.binom.interval(0.9999, len(shares), share)
    assert low <= shares.sum() <= high, shares.mean()


def test_the_mean_and_the_ends_are_those_of_scipy():
    values = np.random.default_rng(0).normal(3, 2, 17)
    found = confidence_interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found == pytest.approx((values.mean(), expected.low, expected.high))
    wide = confidence_interval(values, 0.99)
    assert wide.low < found.low < found.mean < found.high < wide.high


@pytest.mark.parametrize("n", [3, 30])
def test_coverage_of_means(n: int):
    draws = np.random.default_rng(n).normal(5, 3, (REPEATS, n))
    found = [confidence_interval(row) for row in draws]
    covered(np.array([each.low <= 5 <= each.high for each in found]))


def test_coverage_of_differences_which_are_narrower_than_either():
    rng = np.random.default_rng(0)
    images = rng.normal(-90, 10, (REPEATS, 50))  # what is hard about an image is hard for both
    a, b = (images + rng.normal(shift, 1, images.shape) for shift in (1.0, 0.0))
    found = [paired_interval(*rows) for rows in zip(a, b, strict=True)]
    covered(np.array([each.low <= 1 <= each.high for each in found]))
    assert np.mean([each.high - each.low for each in found]) < 1
    assert confidence_interval(a[0]).high - confidence_interval(a[0]).low > 4


def test_welch_intervals_are_those_of_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(3, 2, 4), rng.normal(1, 0.1, 7)
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert welch_interval(a, b) == pytest.approx((a.mean() - b.mean(), expected.low, expected.high))
    assert welch_interval(np.ones(2), np.zeros(3)) == (1, 1, 1)


def test_coverage_of_unpaired_differences():
    rng = np.random.default_rng(1)
    rows = zip(rng.normal(5, 3, (REPEATS, 5)), rng.normal(4, 3, (REPEATS, 5)), strict=True)
    covered(np.array([found.low <= 1 <= found.high for a, b in rows for found in [welch_interval(a, b)]]))


def test_the_standard_error_of_the_log_likelihood_covers_that_of_the_population():
    """Test sets of 40 images of a linear model, many times: the mean over all images is -entropy."""
    model, _, _ = factor_analysis()
    covariance, mean = marginal()
    population = -stats.multivariate_normal(mean.numpy(), covariance.numpy()).entropy()
    normal = torch.distributions.MultivariateNormal(mean, covariance)
    x = normal.sample((400 * 40,))
    values = measure_batches(model, iter([(x.view(-1, *SHAPE), None)]), 2).log_likelihood.view(400, 40)
    torch.testing.assert_close(values.flatten(), log_evidence(x.view(-1, *SHAPE), mean, covariance))
    found = [mean_and_stderr(row) for row in values]
    quantile = stats.t.ppf(0.975, 39)
    covered(np.array([abs(value - population) < quantile * error for value, error in found]))


@pytest.mark.slow
def test_intervals_of_gaps_hold_the_gap_of_the_elbo():
    """Bounds on both sides, 40 times: the ELBO's gap, known in closed form, is where its interval says."""
    model, _, _ = factor_analysis(displaced=0.3)
    shift = torch.full((2,), 0.3, dtype=torch.float64)
    gap = (shift @ torch.linalg.solve(model.encoder.layers[0].covariance, shift) / 2).item()
    found = [bdmc(model, 16, chains=4, steps=16, samples=400, seed=seed).bounds[2] for seed in range(40)]
    quantile, slack = stats.t.ppf(0.975, 15), 0.05  # upper bounds are a little high
    covered(np.array([abs(each.gap - gap) < quantile * each.gap_stderr + slack for each in found]))


def marginal() -> tuple[torch.Tensor, torch.Tensor]:
    weight, bias = random(PIXELS, 2), random(PIXELS, seed=1)
    return weight @ weight.T + NOISE**2 * torch.eye(PIXELS, dtype=torch.float64), bias


@pytest.mark.parametrize("n", [0, 1])
def test_one_value_has_no_standard_deviation(n: int):
    with pytest.raises(ValueError, match=f"values: expected two or more, got {n}"):
        confidence_interval(np.zeros(n))
