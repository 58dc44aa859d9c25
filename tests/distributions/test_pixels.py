"""The package's own distributions against mpmath, scipy and torch, and where float32 is about to fail."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor
from torch.distributions import Distribution, Gamma, Independent, Normal

from vaekit.distributions.normal import OptimalNormal
from vaekit.distributions.operations import Delta, IndependentEvent, with_temperature
from vaekit.distributions.pixels import Bernoulli, CategoricalLevels, ContinuousBernoulli, DiscretizedLogistic

LOGITS = [-200.0, -30.0, -3.0, -0.1001, -0.0999, -1e-4, 0.0, 1e-4, 0.0999, 0.1001, 0.7, 12.0, 88.0, 200.0]


def double(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def gradient(value: Tensor, *parameters: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(value.sum(), parameters))


# ----------------------------------------------------------------------------------------------- Bernoulli


def images(*shape: int) -> tuple[Tensor, Tensor]:
    """Logits, among them large ones, and black and white pixels."""
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    logits.view(-1)[:3] = double(-200.0, 200.0, 20.0)
    return logits, torch.randint(0, 2, shape, generator=generator).double()


@pytest.mark.parametrize("graded", [True, False])
@pytest.mark.parametrize("shape", [(1, 28, 28), (2, 1, 28, 20), (3, 7, 5), (1, 1, 1), (3, 64, 64)])
def test_total_log_prob_is_the_sum_over_binary_pixels(graded: bool, shape: tuple[int, ...]):
    logits, x = images(*shape)
    expected = torch.distributions.Bernoulli(logits=logits).log_prob(x).sum((-3, -2, -1))
    with torch.set_grad_enabled(graded):
        double_found = IndependentEvent(Bernoulli(logits), 3).log_prob(x)
        found = IndependentEvent(Bernoulli(logits.float()), 3).log_prob(x.float())
    torch.testing.assert_close(double_found, expected, rtol=1e-13, atol=1e-11)
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-4)


def test_total_log_prob_of_gray_pixels_is_the_cross_entropy():
    logits, x = images(1, 8, 6)
    x = x * 0.7 + 0.1
    p = IndependentEvent(Bernoulli(logits), 3)
    with torch.no_grad():
        torch.testing.assert_close(p.log_prob(x), p.base_dist.log_prob(x).sum((1, 2, 3)))
    torch.testing.assert_close(p.log_prob(x), p.base_dist.log_prob(x).sum((1, 2, 3)))


def test_total_log_prob_has_the_gradient_of_the_cross_entropy():
    logits, x = images(1, 5, 4)
    logits.requires_grad_()
    found = torch.autograd.grad(IndependentEvent(Bernoulli(logits), 3).log_prob(x).sum(), logits)[0]
    torch.testing.assert_close(found, x - torch.sigmoid(logits.detach()))


@pytest.mark.parametrize("graded", [True, False])
def test_without_event_dimensions_log_probs_are_not_summed(graded: bool):
    logits, x = images(1, 3, 2)
    with torch.set_grad_enabled(graded):
        assert torch.equal(IndependentEvent(Bernoulli(logits), 0).log_prob(x), Bernoulli(logits).log_prob(x))
        some = IndependentEvent(Bernoulli(logits), 1).log_prob(x)
    torch.testing.assert_close(some, Bernoulli(logits).log_prob(x).sum(-1))
    wide = IndependentEvent(Bernoulli(logits), 3).expand((2, 3))
    assert wide.log_prob(x).shape == (2, 3)


# ------------------------------------------------------------------------------------- continuous Bernoulli


def exact_log_density(logit: float, x: float) -> float:
    """log of l exp(l x) / (exp(l) - 1): an exponential density cut off at 1."""
    with mpmath.workdps(60):
        logit, x = mpmath.mpf(logit), mpmath.mpf(x)
        normalizer = mpmath.expm1(logit) / logit if logit else mpmath.mpf(1)
        return float(logit * x - mpmath.log(normalizer))


def exact_mean(logit: float) -> float:
    with mpmath.workdps(60):
        logit = mpmath.mpf(logit)
        return float(1 / (1 - mpmath.exp(-logit)) - 1 / logit) if logit else 0.5


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_is_exact_for_every_logit(logit: float):
    p = ContinuousBernoulli(double(logit))
    for x in (0.0, 0.013, 0.5, 0.9, 1.0):
        assert p.log_prob(double(x)).item() == pytest.approx(exact_log_density(logit, x), abs=1e-9)
    assert p.mean.item() == pytest.approx(exact_mean(logit), abs=1e-9)


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_integrates_to_one_with_its_mean(logit: float):
    p = ContinuousBernoulli(double(logit))
    density = lambda x: math.exp(p.log_prob(double(x)).item())
    steps = [0.02, 0.1, 0.9, 0.98]
    assert integrate.quad(density, 0, 1, points=steps)[0] == pytest.approx(1, abs=1e-9)
    mean = integrate.quad(lambda x: x * density(x), 0, 1, points=steps)[0]
    assert p.mean.item() == pytest.approx(mean, abs=1e-9)


def test_continuous_bernoulli_agrees_with_torch_where_torch_is_right():
    logits, x = torch.linspace(-8, 8, 40, dtype=torch.float64), torch.rand(40, dtype=torch.float64)
    ours, theirs = ContinuousBernoulli(logits), torch.distributions.ContinuousBernoulli(logits=logits)
    torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x), rtol=0, atol=1e-8)
    torch.testing.assert_close(ours.mean, theirs.mean, rtol=0, atol=1e-8)


def test_continuous_bernoulli_to_float32():
    logits = torch.tensor(LOGITS).requires_grad_()
    p = ContinuousBernoulli(logits)
    exact = [[exact_log_density(logit, x) for logit in LOGITS] for x in (0.0, 0.25, 1.0)]
    torch.testing.assert_close(
        p.log_prob(torch.tensor([[0.0], [0.25], [1.0]])), torch.tensor(exact), rtol=2e-6, atol=2e-6
    )
    means = torch.tensor([exact_mean(logit) for logit in LOGITS])
    torch.testing.assert_close(p.mean, means, rtol=0, atol=2e-6)
    # d log p(x) / dl = x - E[x]; d E[x] / dl = Var[x] > 0
    slope = gradient(p.log_prob(torch.full_like(logits, 0.25)), logits)[0]
    torch.testing.assert_close(slope, 0.25 - means, rtol=0, atol=2e-5)
    curvature = gradient(p.mean, logits)[0]
    assert torch.isfinite(curvature).all()
    torch.testing.assert_close(curvature[6], torch.tensor(1 / 12))


@pytest.mark.parametrize("logit", [-200.0, -4.0, 0.0, 1.0, 30.0])
def test_continuous_bernoulli_draws_follow_the_distribution_function(logit: float):
    draws = ContinuousBernoulli(torch.tensor(logit)).sample((5000,)).double()
    assert draws.min() >= 0
    assert draws.max() <= 1
    below = lambda x: np.expm1(logit * x) / np.expm1(logit) if logit else x
    assert stats.kstest(draws.numpy(), below).pvalue > 1e-3


def test_continuous_bernoulli_draws_carry_the_gradient_of_their_mean():
    logits = double(-5.0, -0.5, 0.5, 20.0).requires_grad_()
    p = ContinuousBernoulli(logits)
    draws = p.rsample((20_000,))
    slope = gradient(draws.mean(0), logits)[0]
    variance = gradient(p.mean, logits)[0]  # of an exponential family: d E[x] / dl = Var[x]
    torch.testing.assert_close(slope, variance, rtol=0.03, atol=0)
    torch.testing.assert_close(draws.var(0), variance, rtol=0.05, atol=0)


# ------------------------------------------------------------------------------------- discretized logistic

ALL_LEVELS = torch.arange(256, dtype=torch.float64)[:, None] / 255
LOCS = [-3.0, 0.0, 0.4999, 100.5 / 255, 1.0, 2.5]


@pytest.mark.parametrize("log_scale", [-20.0, -8.0, -4.5, -2.0, 0.0, 5.0])
def test_discretized_logistic_levels_sum_to_one(log_scale: float):
    p = DiscretizedLogistic(double(*LOCS), double(log_scale))
    total = p.log_prob(ALL_LEVELS).exp().sum(0)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-11)
    single = DiscretizedLogistic(p.loc.float(), p.log_scale.float()).log_prob(ALL_LEVELS.float())
    torch.testing.assert_close(single.exp().sum(0), torch.ones(len(LOCS)), rtol=0, atol=3e-5)


@pytest.mark.parametrize("log_scale", [-4.5, -2.0, 0.0])
def test_discretized_logistic_is_a_difference_of_distribution_functions(log_scale: float):
    loc, scale = 0.37, math.exp(log_scale)
    edges = (np.arange(257) - 0.5) / 255
    edges[0], edges[-1] = -np.inf, np.inf
    expected = np.diff(stats.logistic.cdf(edges, loc, scale))
    got = DiscretizedLogistic(double(loc), double(log_scale)).log_prob(ALL_LEVELS[:, 0]).exp()
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("level", "loc", "log_scale"), [(3, 0.9, -5.0), (250, -1.0, -4.0), (0, 1.0, -6.0)])
def test_discretized_logistic_is_exact_far_in_a_tail(level: int, loc: float, log_scale: float):
    with mpmath.workdps(400):
        below = lambda k: 1 / (1 + mpmath.exp(-((k / mpmath.mpf(255)) - loc) / mpmath.exp(log_scale)))
        low = below(level - mpmath.mpf("0.5")) if level else 0
        expected = float(mpmath.log(below(level + mpmath.mpf("0.5")) - low))
    assert expected < -50
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        p = DiscretizedLogistic(torch.tensor(loc, dtype=dtype), torch.tensor(log_scale, dtype=dtype))
        got = p.log_prob(torch.tensor(level / 255, dtype=dtype)).item()
        assert got == pytest.approx(expected, rel=tolerance)


def test_discretized_logistic_is_finite_with_its_gradient_at_extremes():
    loc = torch.tensor([-200.0, 0.0, 0.5, 1.0, 200.0])[:, None, None].requires_grad_()
    log_scale = torch.tensor([-20.0, -5.0, 0.0, 5.0])[:, None].requires_grad_()
    values = torch.tensor([0, 1, 128, 254, 255]) / 255
    log_prob = DiscretizedLogistic(loc, log_scale).log_prob(values)
    for number in (log_prob, *gradient(log_prob, loc, log_scale)):
        assert torch.isfinite(number).all()


def test_discretized_logistic_mean_is_that_of_its_levels():
    p = DiscretizedLogistic(double(*LOCS), double(-4.5)[:, None])
    probabilities = p.log_prob(ALL_LEVELS[:, None]).exp()
    torch.testing.assert_close(p.mean, (probabilities * ALL_LEVELS[:, None]).sum(0), rtol=0, atol=1e-12)


def test_discretized_logistic_draws_have_the_probabilities_of_the_levels():
    p = DiscretizedLogistic(torch.tensor(0.8), torch.tensor(-1.5), levels=6)
    levels = torch.arange(6) / 5
    counts = (p.sample((20_000, 1)) == levels).sum(0)
    assert counts.sum() == 20_000
    expected = p.log_prob(levels).double().softmax(0) * 20_000
    assert stats.chisquare(counts.numpy(), expected.numpy()).pvalue > 1e-3


def test_discretized_logistic_with_two_levels_is_a_bernoulli():
    loc, log_scale = double(0.3), double(-0.7)
    p = DiscretizedLogistic(loc, log_scale, levels=2)
    bernoulli = torch.distributions.Bernoulli(logits=(loc - 0.5) / log_scale.exp())
    for x in (double(0.0), double(1.0)):
        torch.testing.assert_close(p.log_prob(x), bernoulli.log_prob(x))


def test_every_8_bit_gray_level_is_found_in_float32():
    exact = torch.arange(256, dtype=torch.uint8).float() / 255
    levels = torch.nextafter(exact, torch.zeros(()))  # a rounding error below
    identity = CategoricalLevels(torch.eye(256) * 50)
    assert (identity.log_prob(levels) > -1e-6).all()
    sharp = DiscretizedLogistic(exact, torch.tensor(-12.0))
    assert (sharp.log_prob(levels) > -1e-6).all()


# ------------------------------------------------------------------------------------------ free categories


def test_categorical_levels_are_a_softmax():
    logits = torch.randn(3, 5, dtype=torch.float64)
    p = CategoricalLevels(logits)
    probabilities = logits.softmax(-1)
    log_probs = p.log_prob(torch.arange(5, dtype=torch.float64)[:, None] / 4)  # (5, 3)
    torch.testing.assert_close(log_probs.exp(), probabilities.T)
    torch.testing.assert_close(p.mean, probabilities @ double(0, 0.25, 0.5, 0.75, 1))


def test_categorical_levels_broadcast_samples_over_images_and_back():
    logits = torch.randn(2, 1, 4, 5)
    value = torch.tensor([[0.0], [0.5], [1.0]])
    log_prob = CategoricalLevels(logits).log_prob(value)
    assert log_prob.shape == (2, 3, 4)
    torch.testing.assert_close(log_prob, logits.log_softmax(-1)[..., [0, 2, 4]].squeeze(1).mT)


def test_categorical_draws_have_the_probabilities():
    logits = torch.tensor([0.0, 1.0, -1.0, 2.0])
    draws = CategoricalLevels(logits).sample((20_000, 1))
    counts = (draws == torch.arange(4) / 3).sum(0)
    assert stats.chisquare(counts.numpy(), logits.double().softmax(0).numpy() * 20_000).pvalue > 1e-3


# -------------------------------------------------------------------------------- point and optimal Gaussian


def test_delta_is_its_point():
    point = torch.tensor([0.25, -3.0], requires_grad=True)
    p = Delta(point)
    draws = p.rsample((4,))
    assert torch.equal(draws, point.expand(4, 2))
    assert torch.equal(gradient(draws, point)[0], torch.tensor([4.0, 4.0]))
    assert torch.equal(p.log_prob(draws), torch.zeros(4, 2))
    assert torch.equal(p.log_prob(torch.tensor([0.25, 3.0])), torch.tensor([0.0, -math.inf]))
    assert torch.equal(p.mean, point)
    assert torch.equal(p.stddev, torch.zeros(2))


def test_optimal_normal_is_the_logarithm_of_the_squared_error():
    loc, x = torch.randn(2, 5, 4, dtype=torch.float64, requires_grad=True), torch.randn(5, 4).double()
    recorded: list[Tensor] = []
    log_prob = OptimalNormal(loc, recorded.append).log_prob(x).sum()
    error, n = (x - loc).square().mean(), loc.numel()
    torch.testing.assert_close(log_prob, -n / 2 * (torch.log(2 * math.pi * error) + 1))
    expected = gradient(-n / 2 * torch.log(error), loc)[0]
    torch.testing.assert_close(gradient(log_prob, loc)[0], expected)
    torch.testing.assert_close(recorded, [error.detach()])
    assert not recorded[0].requires_grad


def test_optimal_normal_is_the_best_of_all_scales():
    x, loc = torch.randn(50, dtype=torch.float64), torch.zeros(50, dtype=torch.float64)
    best = OptimalNormal(loc, lambda variance: None).log_prob(x).sum()
    others = [Normal(loc, scale).log_prob(x).sum() for scale in torch.linspace(0.2, 4, 100)]
    assert best > max(others)
    assert best < max(others) + 0.05


def test_optimal_normal_uses_observed_values_only():
    loc, x, mask = torch.zeros(3, 4), torch.randn(3, 4), torch.rand(1, 4) < 0.5
    recorded: list[Tensor] = []
    masked = OptimalNormal(loc, recorded.append).with_mask(mask).log_prob(x)
    chosen = x[:, mask[0]]
    torch.testing.assert_close(recorded[0], chosen.square().mean())
    torch.testing.assert_close(
        masked[:, mask[0]], Normal(0.0, chosen.square().mean().sqrt()).log_prob(chosen)
    )


def test_optimal_normal_survives_a_perfect_fit_and_an_empty_mask():
    x = torch.ones(2, 3, requires_grad=True)
    for mask in (None, torch.zeros(2, 3, dtype=torch.bool)):
        log_prob = OptimalNormal(x, lambda variance: None, mask).log_prob(torch.ones(2, 3))
        assert torch.isfinite(log_prob).all()
        assert torch.isfinite(gradient(log_prob, x)[0]).all()


def test_optimal_normal_cannot_be_sampled():
    with pytest.raises(NotImplementedError, match=r"no scale without data: call model\.eval\(\)"):
        OptimalNormal(torch.zeros(2), lambda variance: None).sample()


# -------------------------------------------------------------------------------------------------- tempered


def test_temperature_multiplies_the_spread_and_keeps_the_center():
    p = Independent(Normal(torch.tensor([1.0, 2.0]), torch.tensor([0.5, 4.0])), 1)
    narrow = with_temperature(p, 0.25)
    torch.testing.assert_close(narrow.mean, p.mean)
    torch.testing.assert_close(narrow.stddev, p.stddev / 4)
    assert narrow.event_shape == p.event_shape
    assert torch.equal(with_temperature(p, 0.0).sample((3,)), p.mean.expand(3, 2))


def test_temperature_of_an_unsupported_family_is_an_error():
    with pytest.raises(ValueError, match="expected 1 for a Gamma, whose spread cannot be scaled"):
        with_temperature(Gamma(1.0, 1.0), 0.5)


# ------------------------------------------------------------------------------------------ as torch's own do


@pytest.mark.parametrize(
    "p",
    [
        ContinuousBernoulli(torch.zeros(2, 3)),
        DiscretizedLogistic(torch.zeros(2, 1), torch.zeros(3)),
        CategoricalLevels(torch.zeros(2, 3, 7)),
        Delta(torch.zeros(2, 3)),
    ],
    ids=lambda p: type(p).__name__,
)
def test_shapes_and_repr_are_those_of_torch(p: Distribution):
    assert p.batch_shape == (2, 3)
    assert p.event_shape == ()
    assert p.sample().shape == p.mean.shape == (2, 3)
    assert p.sample((4, 5)).shape == (4, 5, 2, 3)
    assert p.log_prob(p.sample((4, 5))).shape == (4, 5, 2, 3)
    assert type(p).__name__ in repr(p)
    joint = Independent(p, 1)
    assert joint.log_prob(joint.sample((4,))).shape == (4, 2)
