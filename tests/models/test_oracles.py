"""Models of which log p(x) is known: the evidence must find it.

- A linear-Gaussian model, z ~ N(0, I), x ~ N(W z + b, s^2 I), has x ~ N(b, W W' + s^2 I) and a Gaussian
  posterior. With that as the encoder every importance weight is p(x), whatever z was drawn.
- So has a hierarchy of linear-Gaussian layers.
- With one latent and any decoder, log p(x) is an integral over a line.
"""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from cases import SHAPE as SHAPE_OF_CASES
from cases import images, make_vae
from exact_models import (
    GRID,
    LATENT,
    NOISE,
    PIXELS,
    SHAPE,
    STEP,
    LinearGaussian,
    eye,
    factor_analysis,
    given,
    integrals,
    log_evidence,
    normal_vae,
    on_a_line,
    random,
    two_layers,
)
from vaekit.distributions.mixture import Mixture
from vaekit.models import likelihoods, posteriors
from vaekit.models.conditional import Conditional
from vaekit.models.context import Context
from vaekit.models.elbo import ELBOTerms
from vaekit.models.imputation import impute
from vaekit.models.objectives import elbo, iwae
from vaekit.models.vae import VAE
from vaekit.nn.networks import Dense
from vaekit.utils.random import seeded

# ---------------------------------------------------------------------------------------------------- exact


def test_with_the_exact_posterior_every_weight_is_the_evidence():
    model, x, exact = factor_analysis()
    e = model.elbo_terms(x, n_samples=20)
    torch.testing.assert_close(e.log_weights, exact.expand(20, 5), rtol=0, atol=1e-10)
    torch.testing.assert_close(e.elbo, exact, rtol=0, atol=1e-10)
    torch.testing.assert_close(e.iwae_bound, exact, rtol=0, atol=1e-10)
    assert iwae(e).item() == pytest.approx(-exact.mean().item(), abs=1e-10)
    assert e.log_px.std(0).min() > 0.1  # the terms vary, only their sum does not


@pytest.mark.parametrize("parametrization", ["log_var", "log_std", "softplus"])
def test_with_the_packages_own_encoder_where_the_posterior_is_diagonal(parametrization):
    """Orthogonal columns w of W make it so: variances 1 / (1 + |w|^2 / s^2). The KL is closed here too."""
    weight, bias = (
        torch.linalg.qr(random(PIXELS, LATENT))[0] * torch.tensor([2.0, 0.5]),
        random(PIXELS, seed=1),
    )
    variance = 1 / (1 + weight.square().sum(0) / NOISE**2)
    numbers = {
        "log_var": variance.log(),
        "log_std": variance.log() / 2,
        "softplus": torch.log(torch.expm1(variance.sqrt() - 1e-6)),
    }[parametrization]
    network = Dense([SHAPE], (2 * LATENT,), hidden_sizes=()).double()
    gain = variance[:, None] * weight.T / NOISE**2
    with torch.no_grad():
        network.join.linears[0].weight.copy_(torch.cat([gain, torch.zeros_like(gain)]))
        network.join.linears[0].bias.copy_(torch.cat([-gain @ bias, numbers]))
    model = normal_vae(Conditional(network, posteriors.gaussian(parametrization)), weight, bias)
    x = random(5, *SHAPE, seed=2)
    exact = log_evidence(x, bias, weight @ weight.T + NOISE**2 * eye(PIXELS))
    with torch.no_grad():
        e = model.elbo_terms(x, n_samples=4000)
    torch.testing.assert_close(e.log_weights, exact.expand(4000, 5), rtol=0, atol=1e-10)
    assert e.analytic_kl is not None
    error = e.log_px.std(0) / 4000**0.5
    assert ((e.elbo - exact).abs() < 5 * error).all()


def test_a_hierarchy_with_its_exact_posteriors_finds_the_evidence():
    model, x, exact = two_layers()
    e = model.elbo_terms(x, n_samples=20)
    assert e.log_pz.shape == (2, 20, 4)
    torch.testing.assert_close(e.log_weights, exact.expand(20, 4), rtol=0, atol=1e-10)


# ------------------------------------------------------------------------------------------------- displaced


def bounds(model: VAE, x: Tensor, samples: int, repeats: int) -> tuple[Tensor, Tensor]:
    """The mean of the K-sample bound over repeats, and its standard error; (B,) each."""
    with torch.no_grad(), seeded(samples):
        e = model.elbo_terms(x, n_samples=samples * repeats)
    parts = [each.unflatten(-2, (samples, repeats)).flatten(-2) for each in (e.log_px, e.log_pz, e.log_qz)]
    each = ELBOTerms(*parts).iwae_bound.unflatten(0, (repeats, len(x)))
    return each.mean(0), each.std(0) / repeats**0.5


@pytest.mark.parametrize(
    "make",
    [lambda: factor_analysis(0.3, 1.5), lambda: factor_analysis(0.0, 3.0), lambda: two_layers(0.25)],
    ids=["displaced", "too wide", "hierarchical"],
)
def test_with_another_posterior_the_bound_rises_with_the_samples_toward_the_evidence(make):
    model, x, exact = make()
    found = [bounds(model, x, k, 16_000 // k) for k in (1, 4, 16)]
    for (low, low_error), (high, high_error) in pairwise(found):
        assert (high - low > 2 * (low_error + high_error)).all()
    for mean, error in found:
        assert (mean < exact + 4 * error).all()
    first, last = (exact - mean for mean, _ in (found[0], found[-1]))
    assert (first > 0.1).all()
    assert (last < first / 4).all()


def test_the_gap_of_a_displaced_posterior_is_its_kl_from_the_exact_one():
    """log p(x) - ELBO = KL(q, p(z | x)): for equal covariances, half the squared distance of the means."""
    model, x, exact = factor_analysis(displaced=0.3)
    mean, error = bounds(model, x, 1, 40_000)
    link = model.encoder.layers[0]
    shift = torch.full((LATENT,), 0.3, dtype=torch.float64)
    gap = shift @ torch.linalg.solve(link.covariance, shift) / 2
    assert ((exact - mean - gap).abs() < 5 * error).all()
    assert gap > 20 * error.max()


# ------------------------------------------------------------------------------------------------ on a line


@torch.no_grad()
def sampled(model: VAE, x: Tensor, n: int = 20_000) -> ELBOTerms:
    return model.elbo_terms(x, n_samples=n)


line = pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian-learned", "discretized_logistic"])


@line
def test_on_a_line_the_evidence_is_the_bound_and_its_gap(likelihood: str):
    model, x = on_a_line(likelihood)
    log_p, elbo, gap = integrals(model, x)
    torch.testing.assert_close(log_p, elbo + gap)
    assert (gap > 0.05).all()
    e = sampled(model, x)
    error = e.log_px.std(0) / len(e.log_px) ** 0.5
    assert ((e.elbo - elbo).abs() < 5 * error).all()
    assert (gap > 10 * error).all()


@line
def test_on_a_line_the_mean_weight_is_the_evidence(likelihood: str):
    model, x = on_a_line(likelihood)
    log_p, _, _ = integrals(model, x)
    e = sampled(model, x)
    weights = (e.log_weights - log_p).exp()
    error = weights.std(0) / len(weights) ** 0.5
    assert ((weights.mean(0) - 1).abs() < 5 * error).all()
    assert (error < 0.05).all()
    torch.testing.assert_close(e.iwae_bound, log_p, rtol=0, atol=0.1)


# ------------------------------------------------------------------------------------------- equalities


def test_the_aggregated_posterior_is_the_best_prior():
    """The mean KL from another prior p is larger by KL(aggregated, p), and by nothing else."""
    model, x = on_a_line("bernoulli")
    with torch.no_grad():
        vamp = Mixture(torch.zeros(3, dtype=torch.float64), model.encode(x).top)
        log_q = model.encode(x).log_prob(GRID).squeeze(-1).T
        log_mean, log_p = (p.log_prob(GRID.squeeze(-1)).flatten() for p in (vamp, model.prior()))
    torch.testing.assert_close(log_mean, log_q.logsumexp(0) - math.log(3))
    rate, least = ((log_q.exp() * (log_q - log)).sum(1).mean() * STEP for log in (log_p, log_mean))
    torch.testing.assert_close(rate - least, (log_mean.exp() * (log_mean - log_p)).sum() * STEP)
    assert rate > least > 0


def test_beta_is_equivalent_to_the_variance_of_a_gaussian_decoder():
    """Losses with beta at sigma, and with 1 at sigma sqrt(beta), differ by a factor and a constant."""
    beta, constants = 4.0, []
    for seed in range(3):
        model, wide = (make_vae("gaussian-fixed", seed=seed).double().eval() for _ in range(2))
        wide.decoder.head = likelihoods.gaussian(0.5 * beta**0.5)
        x = images("real", SHAPE_OF_CASES, seed=seed).double()
        weighted, plain = (elbo(m.elbo_terms(x, seed=1), b).item() for m, b in ((model, beta), (wide, 1.0)))
        constants.append(weighted - beta * plain)
    assert constants == pytest.approx([constants[0]] * 3)


def test_a_shrinking_posterior_becomes_an_autoencoder_with_unbounded_kl():
    """E log p(x | z) -> log p(x | mu), and KL + d log sigma -> (|mu|^2 - d) / 2, for q = N(mu, sigma^2 I)."""
    gain, narrow = random(LATENT, PIXELS, seed=3), 1e-6
    posterior = LinearGaussian(gain, torch.zeros(LATENT, dtype=torch.float64), narrow**2 * eye(LATENT))
    x, model = random(5, *SHAPE, seed=2), normal_vae(posterior, random(PIXELS, LATENT), random(PIXELS))
    e, mean = model.elbo_terms(x, n_samples=20_000, seed=0), model.encode(x).mean
    torch.testing.assert_close(e.log_px.mean(0), model.decode(mean).log_prob(x), rtol=1e-5, atol=1e-5)
    limit = (mean.square().sum(-1) - LATENT) / 2 - LATENT * math.log(narrow)
    torch.testing.assert_close(e.log_ratio.mean(1)[0], limit, rtol=0, atol=0.05)
    assert (limit > 20).all()


def test_imputations_are_draws_from_the_normal_distribution_of_the_missing_given_the_observed():
    """Mean and spread of resampled draws are those in closed form, though the encoder saw holes as zeros."""
    model, x, _ = factor_analysis(widened=4.0)
    x = x[:3]  # of the others too few draws carry weight
    known = torch.tensor([True, True, False, True, False, True]).view(SHAPE)
    weight, bias = random(PIXELS, LATENT), random(PIXELS, seed=1)
    exact = given(bias, weight @ weight.T + NOISE**2 * eye(PIXELS), range(2, 5, 2), [0, 1, 3, 5])
    closed = exact(x.flatten(1)[:, [0, 1, 3, 5]])
    found = impute(model, x, Context(mask=known), imputations=500, samples=4000, seed=0)
    drawn = found.images.flatten(2)[..., [2, 4]]
    assert (found.effective_sample_size > 600).all()
    torch.testing.assert_close(found.mean.flatten(1)[:, [2, 4]], closed.mean, rtol=0, atol=0.1)
    torch.testing.assert_close(drawn.mean(0), closed.mean, rtol=0, atol=0.15)
    torch.testing.assert_close(drawn.std(0), closed.stddev.expand(3, 2), rtol=0.15, atol=0)
