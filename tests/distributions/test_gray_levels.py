"""Distributions and heads of any number of gray levels, against sums over all of them and against mpmath."""

from __future__ import annotations

import math

import mpmath
import pytest
import torch
from torch import Tensor

from vaekit.distributions.pixels import DiscretizedGaussian, DiscretizedLogistic
from vaekit.models.build_context import BuildContext
from vaekit.models.likelihoods import categorical, discretized_gaussian, discretized_logistic
from vaekit.spec import Preprocessing

FAMILIES = [DiscretizedLogistic, DiscretizedGaussian]
family = pytest.mark.parametrize("family", FAMILIES)


def levels_of(n: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return (torch.arange(n, dtype=dtype) / (n - 1))[:, None]


def parameters(n: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Centers inside, at the edges and outside of [0, 1], and scales from a third of a level to 1."""
    loc = torch.tensor([-0.3, 0.0, 0.013, 0.5, 1.0, 1.3], dtype=dtype).repeat(4)
    scale = torch.tensor([0.3 / n, 5 / n, 0.05, 1.0], dtype=dtype).repeat_interleave(6)
    return loc, scale.log()


@family
@pytest.mark.parametrize("n", [2, 17, 256, 1024, 4096, 65536])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_probabilities_of_all_levels_sum_to_one(family: type, n: int, dtype: torch.dtype) -> None:
    p = family(*parameters(n, dtype), n)
    total = p.log_prob(levels_of(n, dtype)).double().exp().sum(0)
    tolerance = 1e-7 if dtype == torch.float64 else 1e-6 + 1e-7 * n  # float32 places edges to 1/2^24
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=tolerance)


@family
@pytest.mark.parametrize("n", [17, 256, 4096, 65536])
def test_the_mean_is_that_of_the_levels(family: type, n: int) -> None:
    loc, log_scale = parameters(n)
    p = family(loc, log_scale, n)
    exact = (p.log_prob(levels_of(n)).exp() * levels_of(n)).sum(0)
    step, wide = 1 / (n - 1), log_scale.exp() > 2 / (n - 1)
    error = (p.mean - exact).abs()
    if n <= 256:
        assert error.max() < 1e-7
    else:
        bound = step**2 / ((96 if family is DiscretizedLogistic else 60) * log_scale.exp())
        assert (error <= torch.where(wide, bound * 1.01 + 1e-9, 0.5 * step)).all()


@pytest.mark.parametrize("n", [256, 4096, 65536])
@pytest.mark.parametrize("scale", [2.0, 0.2, 0.004, 2e-4])
@pytest.mark.parametrize("distance", [0.0, 0.001, 0.03, 0.4])
def test_the_gaussian_of_a_bin_is_a_difference_of_distribution_functions(
    n: int, scale: float, distance: float
) -> None:
    level = n // 2
    loc = level / (n - 1) - distance
    with mpmath.workdps(60):
        edges = [(mpmath.mpf(level) + half) / (n - 1) for half in (mpmath.mpf("0.5"), mpmath.mpf("-0.5"))]
        upper, lower = (mpmath.ncdf(-(edge - mpmath.mpf(loc)) / mpmath.mpf(scale)) for edge in edges)
        expected = float(mpmath.log(lower - upper))
    double = DiscretizedGaussian(
        torch.tensor(loc, dtype=torch.float64), torch.tensor(math.log(scale), dtype=torch.float64), n
    )
    value = torch.tensor(level / (n - 1), dtype=torch.float64)
    assert float(double.log_prob(value)) == pytest.approx(expected, rel=1e-9, abs=2e-5)


@family
@pytest.mark.parametrize("n", [256, 65536])
def test_log_probabilities_and_gradients_are_finite_at_extremes(family: type, n: int) -> None:
    loc = torch.tensor([-3.0, 0.0, 0.5, 4.0], requires_grad=True)
    log_scale = torch.tensor([-12.0, -9.0, -4.5, 0.0], requires_grad=True)
    values = torch.tensor([0.0, 1 / (n - 1), 0.5, 1.0])[:, None]
    log_prob = family(loc, log_scale, n).log_prob(values)
    assert log_prob.isfinite().all()
    for gradient in torch.autograd.grad(log_prob.sum(), (loc, log_scale)):
        assert gradient.isfinite().all()


@family
def test_draws_have_the_mean_and_the_variance_of_the_levels(family: type) -> None:
    torch.manual_seed(0)
    n = 4096
    p = family(torch.tensor([0.3, 0.98]).double(), torch.tensor([-3.0, -4.0]).double(), n)
    mass, values = p.log_prob(levels_of(n)).exp(), levels_of(n)
    variance = (mass * (values - p.mean) ** 2).sum(0)
    draws = p.sample((100_000,))
    steps = draws * (n - 1)
    torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-6)
    torch.testing.assert_close(draws.mean(0), p.mean, rtol=0, atol=float(5 * (variance.max() / 1e5) ** 0.5))
    torch.testing.assert_close(draws.var(0), variance, rtol=0.05, atol=0)


@pytest.mark.parametrize("head", [discretized_logistic, discretized_gaussian])
def test_heads_take_the_number_of_levels_from_the_data(head: type) -> None:
    camera = BuildContext(2, preprocessing=Preprocessing((1, 4, 4), scale=4095.0, levels=4096))
    reals = BuildContext(2, preprocessing=Preprocessing((1, 4, 4)))
    output = torch.zeros(2, 1, 1)
    assert head(context=camera)(output).base_dist.levels == 4096
    assert head(context=reals)(output).base_dist.levels == 256
    assert head(context=camera, levels=16)(output).base_dist.levels == 16


def test_a_scale_may_be_as_few_levels_wide_for_any_number_of_levels() -> None:
    narrowest = torch.stack([torch.zeros(1, 1), torch.full((1, 1), -100.0)])
    widths = [
        float(discretized_logistic(levels=n)(narrowest).base_dist.log_scale.exp()) * (n - 1)
        for n in (256, 4096, 65536)
    ]
    assert widths == pytest.approx([math.exp(-4.5) * 255] * 3, rel=1e-3)


def test_one_sigma_for_all_pixels_is_learned() -> None:
    head = discretized_gaussian("global", levels=1024)
    log_prob = head(torch.full((5, 1, 4, 4), 0.5)).log_prob(torch.full((5, 1, 4, 4), 0.5))
    (gradient,) = torch.autograd.grad(log_prob.sum(), head.parameters())
    assert gradient < 0  # a smaller sigma would fit better


def test_categorical_levels_are_those_of_the_data_and_at_most_256() -> None:
    few = BuildContext(2, preprocessing=Preprocessing((1, 4, 4), scale=16.0, levels=17))
    assert categorical(context=few).network_output((1, 4, 4)) == (17, 4, 4)
    many = BuildContext(2, preprocessing=Preprocessing((1, 4, 4), scale=4095.0, levels=4096))
    with pytest.raises(ValueError, match="at most 256 gray levels, but the data have 4,096"):
        categorical(context=many)
