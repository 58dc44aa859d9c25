"""Every likelihood is a distribution over its kind of data, every posterior the Gaussian it says it is."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from scipy import integrate, stats
from torch import Tensor, nn
from torch.distributions import (
    Bernoulli,
    Independent,
    Laplace,
    MultivariateNormal,
    Normal,
    kl_divergence,
)  # fmt: skip

import cases
from vaekit.distributions.normal import CholeskyNormal
from vaekit.distributions.operations import soft_clamp, with_temperature
from vaekit.models import likelihoods, posteriors
from vaekit.testing import check_likelihood, check_posterior

PIXELS = 40
each_likelihood = pytest.mark.parametrize("name", cases.LIKELIHOODS)
gaussians = pytest.mark.parametrize(
    "name", [name for name in cases.POSTERIORS if name not in ("full_covariance", "flow", "delta")]
)


@each_likelihood
@pytest.mark.parametrize("event_shape", [(2, 3, 4), (1, 1, 40), (5,)], ids=str)
def test_every_likelihood_has_the_properties_of_a_likelihood(name: str, event_shape: tuple[int, ...]):
    """Probabilities sum or integrate to one and give the mean, samples have both, and so on."""
    check_likelihood(cases.LIKELIHOODS[name], event_shape=event_shape)


@pytest.mark.parametrize("name", cases.POSTERIORS)
def test_every_posterior_has_the_properties_of_a_posterior(name: str):
    check_posterior(cases.POSTERIORS[name])


@each_likelihood
def test_dimensions_of_samples_images_channels_and_pixels_are_kept_apart(name: str):
    head, shape = cases.LIKELIHOODS[name]().eval(), (2, 3, 4)
    numbers = torch.randn(5, 6, *head.network_output(shape))
    x = cases.images(head.support, shape, n=6)
    p = head(numbers)
    assert isinstance(p, Independent)
    assert (p.batch_shape, p.event_shape) == ((5, 6), shape)
    assert p.log_prob(x).shape == (5, 6)
    assert p.mean.shape == p.sample().shape == (5, 6, *shape)
    planes = numbers[4, 2].reshape(head.n_params, *shape)  # each map holds all the channels
    pixel = head(planes[:, 1, 2, 3].reshape(head.n_params, 1, 1))
    torch.testing.assert_close(p.mean[4, 2, 1, 2, 3], pixel.mean.squeeze())
    one = p.base_dist.log_prob(x)[4, 2, 1, 2, 3]
    torch.testing.assert_close(one, pixel.log_prob(x[2, 1, 2, 3].reshape(1, 1, 1)))


# ------------------------------------------------------------------------------------ the likelihoods singly


def test_bernoulli_is_that_of_scipy():
    logits, x = torch.randn(1, 3, 4, dtype=torch.float64), (torch.rand(1, 3, 4) < 0.5).double()
    expected = stats.bernoulli.logpmf(x.numpy(), logits.sigmoid().numpy()).sum()
    assert likelihoods.bernoulli()(logits).log_prob(x).item() == pytest.approx(expected)


def test_bernoulli_is_exact_where_probabilities_saturate():
    log_prob = likelihoods.bernoulli()(torch.full((1, 1, 1), 200.0)).log_prob(torch.zeros(1, 1, 1))
    assert log_prob.item() == pytest.approx(-200)


def test_gaussian_with_a_fixed_sigma_is_that_of_scipy_and_warns_that_it_was_chosen():
    loc, x = torch.randn(2, 3, 4, dtype=torch.float64), torch.randn(2, 3, 4, dtype=torch.float64)
    head = likelihoods.gaussian(0.3)
    expected = stats.norm.logpdf(x.numpy(), loc.numpy(), 0.3).sum()
    assert head(loc).log_prob(x).item() == pytest.approx(expected)
    assert "sigma = 0.3 was chosen" in head.warning
    assert likelihoods.gaussian("learned").warning == likelihoods.gaussian("global").warning == ""


@pytest.mark.parametrize("sigma", [0, -1.0, math.nan, "Learned", ""])
def test_gaussian_refuses_any_other_sigma(sigma):
    with pytest.raises(ValueError, match=r"sigma: expected a number > 0, 'learned', 'global' or 'optimal'"):
        likelihoods.gaussian(sigma)


def test_gaussian_learns_one_sigma_per_pixel_within_bounds():
    loc, log_sigma = torch.zeros(1, 1, 3), torch.tensor([[[-500.0, -2.0, 500.0]]])
    scales = likelihoods.gaussian("learned", (-6, 2))(torch.cat([loc, log_sigma])).stddev
    torch.testing.assert_close(scales.log().flatten(), torch.tensor([-6.0, -2.0, 2.0]))
    free = likelihoods.gaussian("learned", None)(torch.cat([loc, log_sigma / 100])).stddev
    torch.testing.assert_close(free.log().flatten(), torch.tensor([-5.0, -0.02, 5.0]))


def test_gaussian_with_one_sigma_learns_the_spread_of_the_data():
    head = likelihoods.gaussian("global")
    optimizer = torch.optim.Adam(head.parameters(), 0.1)
    x = 0.2 * torch.randn(20, 1, 5, 5)
    for _ in range(60):
        optimizer.zero_grad()
        (-head(torch.zeros(20, 1, 5, 5)).log_prob(x).mean()).backward()
        optimizer.step()
    torch.testing.assert_close(
        head(torch.zeros(1, 5, 5)).stddev.mean(), x.square().mean().sqrt(), rtol=0.02, atol=0
    )


def test_gaussian_with_the_optimal_sigma_keeps_a_running_mean_without_bias():
    head, loc = likelihoods.gaussian("optimal"), torch.zeros(2, 1, 3, 4)
    errors = [4.0, 1.0, 0.25]
    for error in errors:
        head(loc).log_prob(torch.full_like(loc, math.sqrt(error)))
        if error == 4.0:
            assert head.function.variance.item() == pytest.approx(4)  # the first batch alone
    weights = [0.99**2, 0.99, 1.0]
    mean = sum(w * e for w, e in zip(weights, errors, strict=True)) / sum(weights)
    assert head.function.variance.item() == pytest.approx(mean)
    x = torch.rand(2, 1, 3, 4)
    expected = Independent(Normal(0.0, torch.full_like(loc, math.sqrt(mean))), 3).log_prob(x)
    torch.testing.assert_close(head.eval()(loc).log_prob(x), expected)
    assert head.function.variance.item() == pytest.approx(mean)  # looking on changes nothing


@pytest.mark.parametrize("name", ["discretized_logistic", "categorical"])
def test_the_256_gray_levels_sum_to_one_for_extreme_outputs(name: str):
    head = cases.LIKELIHOODS[name]().double()
    numbers = 30 * torch.randn(head.n_params, 1, PIXELS, dtype=torch.float64)
    levels = torch.arange(256, dtype=torch.float64).reshape(-1, 1, 1, 1) / 255
    total = head(numbers).base_dist.log_prob(levels).exp().sum(0)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-10)


def test_soft_clamp_has_slope_one_in_the_middle_and_never_leaves_its_bounds():
    value = torch.tensor([-1e3, -2.0, 0.0, 1e3], requires_grad=True)
    clamped = soft_clamp(value, (-6.0, 2.0))
    torch.testing.assert_close(clamped[[0, 1, 3]], torch.tensor([-6.0, -2.0, 2.0]))
    assert torch.autograd.grad(clamped[1], value)[0][1].item() == pytest.approx(1)
    assert soft_clamp(value, None) is value


# ------------------------------------------------------------------------------------------------ posteriors


def posterior(name: str, mean: Tensor, sigma: Tensor) -> Independent:
    """The posterior of a name, from those numbers that describe this mean and sigma."""
    number = {
        "gaussian": lambda s: 2 * s.log(),
        "gaussian-bounded": lambda s: -2 + 2 * torch.logit((2 * s.log() + 6) / 8),
        "gaussian-log_std": torch.log,
        "gaussian-softplus": lambda s: torch.log(torch.expm1(s - 1e-6)),
        "gaussian-unconstrained": lambda s: 1e-6 - s,
    }[name](sigma)
    return cases.POSTERIORS[name]()(torch.cat([mean, number], -1))


@gaussians
def test_posteriors_agree_on_the_same_mean_and_sigma(name: str):
    mean, sigma = torch.randn(7, 4, dtype=torch.float64), 0.1 + torch.rand(7, 4, dtype=torch.float64)
    q, z = posterior(name, mean, sigma), torch.randn(3, 7, 4, dtype=torch.float64)
    torch.testing.assert_close(q.mean, mean)
    torch.testing.assert_close(q.stddev, sigma)
    expected = stats.norm.logpdf(z.numpy(), mean.numpy(), sigma.numpy()).sum(-1)
    torch.testing.assert_close(q.log_prob(z), torch.from_numpy(expected))


@gaussians
def test_the_kl_from_the_standard_normal_is_the_integral(name: str):
    q = posterior(name, *torch.tensor([[[0.7]], [[0.4]]], dtype=torch.float64))
    p = Independent(Normal(torch.zeros(1).double(), torch.ones(1).double()), 1)
    log_q, log_p = stats.norm(0.7, 0.4).logpdf, stats.norm.logpdf
    by_hand = integrate.quad(lambda z: math.exp(log_q(z)) * (log_q(z) - log_p(z)), -5, 5)[0]
    assert kl_divergence(q, p).item() == pytest.approx(by_hand, abs=1e-9)


@gaussians
def test_samples_have_the_gradient_of_the_second_moment(name: str):
    mean = torch.tensor([[0.5, -1.0]]).double().requires_grad_()
    sigma = torch.tensor([[0.3, 1.2]]).double().requires_grad_()
    z = posterior(name, mean, sigma).rsample((40_000,))
    by_mean, by_sigma = torch.autograd.grad(z.square().mean(0).sum(), [mean, sigma])
    torch.testing.assert_close(by_mean, 2 * mean.detach(), rtol=0, atol=0.04)  # E z^2 = mean^2 + sigma^2
    torch.testing.assert_close(by_sigma, 2 * sigma.detach(), rtol=0, atol=0.06)


@gaussians
def test_the_first_half_of_the_output_is_the_mean_and_sigma_is_positive(name: str):
    q = cases.POSTERIORS[name]()(torch.tensor([[1.0, 2.0, 3.0, -40.0, 0.0, 10.0]]))
    assert q.mean.tolist() == [[1.0, 2.0, 3.0]]
    assert (q.stddev > 0).all()
    assert (q.stddev.diff() > 0).all() or name == "gaussian-unconstrained"
    assert torch.isfinite(q.log_prob(q.rsample())).all()


def test_the_delta_posterior_is_a_point_and_has_a_warning():
    head = posteriors.delta()
    q = head(torch.tensor([[1.0, 2.0]]))
    assert torch.equal(q.rsample((3,)), torch.tensor([[[1.0, 2.0]]] * 3))
    assert q.log_prob(q.rsample((3,))).tolist() == [[0.0]] * 3
    assert "an autoencoder" in head.warning
    with pytest.raises(NotImplementedError):
        kl_divergence(q, Independent(Normal(torch.zeros(2), torch.ones(2)), 1))


# ------------------------------------------------------------------------------------------- a head as module


def full(d: int = 3, dtype: torch.dtype = torch.float64) -> CholeskyNormal:
    """Seven Gaussians with covariances, from random numbers."""
    head = posteriors.FullCovariance()
    return head(3 * torch.randn(7, *head.network_output((d,)), dtype=dtype))


def test_a_full_covariance_is_that_of_scipy():
    q, z = full(), torch.randn(5, 7, 3, dtype=torch.float64)
    for i in range(7):
        expected = stats.multivariate_normal(q.mean[i].numpy(), q.covariance_matrix[i].numpy()).logpdf(
            z[:, i].numpy()
        )
        torch.testing.assert_close(q.log_prob(z)[:, i], torch.from_numpy(expected))
    correlated = q.covariance_matrix - torch.diag_embed(q.variance)
    assert correlated.abs().amax((1, 2)).min() > 0.01


def test_the_kl_of_a_full_covariance_is_that_of_torch():
    q, mean, scale = full(), torch.randn(3, dtype=torch.float64), torch.tensor([0.5, 1.0, 2.0]).double()
    diagonal, same = Independent(Normal(mean, scale), 1), MultivariateNormal(mean, scale_tril=scale.diag())
    torch.testing.assert_close(kl_divergence(q, diagonal), kl_divergence(q, same))
    with pytest.raises(NotImplementedError):
        kl_divergence(q, Independent(Laplace(mean, scale), 1))


@pytest.mark.parametrize("bounds", [None, (-6.0, 2.0)])
def test_a_full_covariance_with_zeros_below_the_diagonal_is_diagonal(bounds):
    numbers = torch.randn(7, 6)
    q = posteriors.FullCovariance(bounds)(torch.cat([numbers, torch.zeros(7, 3)], -1))
    z = torch.randn(7, 3)
    torch.testing.assert_close(q.log_prob(z), posteriors.gaussian("log_std", bounds)(numbers).log_prob(z))


def test_a_full_covariance_is_at_least_float32_and_takes_a_temperature():
    assert full(dtype=torch.bfloat16).mean.dtype == torch.float32
    q = full()
    torch.testing.assert_close(with_temperature(q, 0.5).covariance_matrix, q.covariance_matrix / 4)
    assert torch.equal(with_temperature(q, 0.0).rsample(), q.mean)


@pytest.mark.parametrize("name", [*cases.LIKELIHOODS, *cases.POSTERIORS])
def test_a_head_reports_the_size_of_the_network_output(name: str):
    head = cases.posterior_head(name, 2) if name in cases.POSTERIORS else cases.LIKELIHOODS[name]()
    event = (2, 3, 4) if name in cases.LIKELIHOODS else (2,)
    shape = head.network_output(event)
    assert head(torch.zeros(6, *shape)).event_shape == event
    maps = {"full_covariance": 2.5, "flow": 3}.get(name) or head.n_params
    assert math.prod(shape) == maps * math.prod(event)


def test_a_copy_of_a_head_has_its_own_parameters():
    head = likelihoods.gaussian("optimal")
    other = copy.deepcopy(head)
    other(torch.zeros(1, 1, 1)).log_prob(torch.full((1, 1, 1), 3.0))
    assert other.function.variance.item() == pytest.approx(9)
    assert head.function.variance.item() == 1
    assert isinstance(head.function, nn.Module)


def test_heads_do_not_change_the_distributions_of_torch():
    assert isinstance(likelihoods.bernoulli()(torch.zeros(1, 2, 2)).base_dist, Bernoulli)
    assert isinstance(likelihoods.gaussian(1.0)(torch.zeros(1, 2, 2)).base_dist, Normal)
