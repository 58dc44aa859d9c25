"""The two parts of the rate against sums on a grid, and against limits that are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from cases import images, images_for, make_hierarchical, make_vae
from exact_models import GRID, SHAPE, STEP, LinearGaussian, linear_decoder, on_a_line, random
from vaekit.evaluation.elbo_surgery import elbo_surgery, is_at_cap
from vaekit.evaluation.reconstruction import saturated_fraction
from vaekit.models.conditional import Hierarchy
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE


def in_batches(x: torch.Tensor, size: int = 100):
    return ((part, None) for part in x.split(size))


def test_with_one_latent_both_parts_are_the_integrals():
    """Many copies of three images: the aggregated posterior is that of the three."""
    model, x = on_a_line("bernoulli")
    with torch.no_grad():
        model.encoder.layers[0].network.join.linears[0].weight.mul_(5)  # codes that differ
        log_q = model.encode(x).log_prob(GRID).squeeze(-1).T  # (3, G)
        log_p = model.conditional_prior().log_prob(GRID.squeeze(-1)).flatten()
    log_mean = log_q.logsumexp(0) - math.log(3)
    information = (log_q.exp() * (log_q - log_mean)).sum(1).mean() * STEP
    gap = (log_mean.exp() * (log_mean - log_p)).sum() * STEP
    found = elbo_surgery(model, in_batches(x.repeat(700, 1, 1, 1)))
    assert found.images == 2100
    assert information > 0.1
    assert found.mutual_information == pytest.approx(information.item(), abs=0.05)
    assert found.marginal_kl == pytest.approx(gap.item(), abs=0.05)
    assert found.kl == pytest.approx(found.mutual_information + found.marginal_kl)


def test_distinct_posteriors_have_log_n_nats_and_the_prior_none():
    def with_gain(gain: float, variance: float) -> VAE:
        posterior = LinearGaussian(
            gain * random(2, 6), torch.zeros(2).double(), variance * torch.eye(2).double()
        )
        prior = Hierarchy([StandardNormal(2).double()], (2,))
        return VAE(prior, Hierarchy([posterior], (2,)), linear_decoder(random(6, 2), random(6)))

    x = random(50, 1, 2, 3)
    apart, nothing = (elbo_surgery(with_gain(*each), in_batches(x, 20)) for each in ((50, 1e-4), (0, 1)))
    assert apart.mutual_information == pytest.approx(math.log(50))
    assert apart.log_n == math.log(50)
    assert (nothing.mutual_information, nothing.marginal_kl, nothing.kl) == pytest.approx((0, 0, 0), abs=1e-9)


def test_surgery_uses_at_most_max_images_and_the_top_layer():
    for model in (
        make_vae("bernoulli"),
        make_hierarchical(),
        make_vae(posterior="flow"),
        make_vae(prior="vamp"),
    ):
        counts = {
            most: elbo_surgery(model, in_batches(images("binary", n=30), 10), most).images
            for most in (15, 20)
        }
        assert counts == {15: 20, 20: 20}
        found = elbo_surgery(model, in_batches(images("binary", n=30), 10))
        assert found.images == 30
        assert 0 <= found.mutual_information <= found.log_n


@pytest.mark.parametrize("posterior", ["gaussian", "full_covariance", "flow"])
def test_batches_of_different_sizes_are_weighted_by_images(posterior: str):
    model, x = make_vae(posterior=posterior), images("binary", n=30)
    whole, parts = (elbo_surgery(model, in_batches(x, size), seed=0) for size in (30, 7))
    with torch.no_grad():
        torch.manual_seed(0)
        z, q = model.encode(x).top.sample(), model.encode(x).top
        expected = (q.log_prob(z) - q.log_prob(z.unsqueeze(1)).logsumexp(1) + math.log(30)).mean().item()
    assert whole.mutual_information == pytest.approx(expected, abs=1e-5)
    assert parts.images == 30
    assert 0 < parts.mutual_information <= parts.log_n


class Scales(nn.Module):
    """A decoder whose pixels have these log-scales for all latents."""

    def __init__(self, log_scales: list[float]):
        super().__init__()
        self.log_scales = torch.tensor(log_scales).view(SHAPE)

    def forward(self, z: torch.Tensor) -> Independent:
        return Independent(Normal(torch.zeros(len(z), *SHAPE), self.log_scales.exp()), 3)


@pytest.mark.parametrize(
    ("log_scales", "share"),
    [
        ([-2.9, 0.0, 0.5, 1.0, -1.0, 0.9], 0),  # of bounds -3 and 2, with 0.1 at either end
        ([-2.95, 0.0, 0.0, 1.95, 1.95, 0.0], 1 / 2),
        ([-2.99, -2.99, -2.99, -2.99, -2.99, 1.85], 5 / 6),
    ],
)
def test_a_saturated_scale_is_detected(log_scales: list[float], share: float):
    model = make_vae("gaussian-learned", shape=SHAPE)
    model.decoder = Scales(log_scales)
    assert saturated_fraction(model, torch.zeros(4, *SHAPE), None, (-3.0, 2.0)) == pytest.approx(share)


def test_every_likelihood_with_a_scale_is_checked():
    for likelihood in ("gaussian-learned", "gaussian-global", "discretized_logistic"):
        model = make_vae(likelihood)
        assert saturated_fraction(model, images_for(model), None, (30.0, 40.0)) == 1
    assert saturated_fraction(make_vae("bernoulli"), images("binary"), None, (-6.0, 2.0)) is None


def test_standard_errors_are_those_of_many_repetitions():
    """Posteriors that overlap: the spread of both parts over seeds is not above their standard errors."""
    model, x = on_a_line("bernoulli")
    found = [elbo_surgery(model, in_batches(x.repeat(30, 1, 1, 1)), seed=seed) for seed in range(200)]
    for name in ("mutual_information", "marginal_kl"):
        spread = torch.tensor([getattr(each, name) for each in found]).std().item()
        errors = torch.tensor([getattr(each, f"{name}_stderr") for each in found]).mean().item()
        assert 0.5 * errors < spread < 1.15 * errors  # they include the choice of images, which is fixed here


def test_the_cap_is_said_for_posteriors_that_do_not_overlap():
    model, x = on_a_line("bernoulli")
    assert not elbo_surgery(model, in_batches(x.repeat(30, 1, 1, 1))).at_cap
    assert [is_at_cap(value, 1000) for value in (6.90, 6.25, 6.20, 4.0)] == [True, True, False, False]
    assert not is_at_cap(0.0, 1)
