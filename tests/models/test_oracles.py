"""Models of which log p(x) is known: the evidence must find it.

- A linear-Gaussian model, z ~ N(0, I), x ~ N(W z + b, s^2 I), has x ~ N(b, W W' + s^2 I) and a Gaussian
  posterior. With that as the encoder every importance weight is p(x), whatever z was drawn.
- So has a ladder of linear-Gaussian levels.
- With one latent and any decoder, log p(x) is an integral over a line.
"""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from scipy import stats
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from cases import SHAPE as SHAPE_OF_CASES
from cases import images, make_vae
from vaekit.distributions.mixture import Mixture
from vaekit.models import likelihoods, posteriors
from vaekit.models.conditional import Chain, Conditional
from vaekit.models.elbo import Evidence
from vaekit.models.imputation import impute
from vaekit.models.objectives import elbo, importance_weighted
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.nn.networks import Dense
from vaekit.utils.random import seeded

SHAPE, PIXELS, LATENT, NOISE = (1, 2, 3), 6, 2, 0.6


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def eye(n: int) -> Tensor:
    return torch.eye(n, dtype=torch.float64)


class LinearGaussian(nn.Module):
    """N(A v + c, S) with v the context's vectors, and flattened images, side by side."""

    def __init__(self, matrix: Tensor, offset: Tensor, covariance: Tensor):
        super().__init__()
        self.matrix, self.offset, self.covariance = matrix, offset, covariance

    def forward(self, *context: Tensor) -> MultivariateNormal:
        flat = [v.flatten(-3) if v.shape[-3:] == SHAPE else v for v in context]
        leading = torch.broadcast_shapes(*(v.shape[:-1] for v in flat))
        v = torch.cat([v.expand(*leading, v.shape[-1]) for v in flat], -1)
        return MultivariateNormal(v @ self.matrix.T + self.offset, self.covariance)


def given(joint_mean: Tensor, joint: Tensor, wanted: range, known: list[int]) -> LinearGaussian:
    """The conditional of some numbers of a Gaussian given others."""
    w, k = list(wanted), known
    gain = joint[w][:, k] @ torch.linalg.inv(joint[k][:, k])
    covariance = joint[w][:, w] - gain @ joint[k][:, w]
    return LinearGaussian(gain, joint_mean[w] - gain @ joint_mean[k], (covariance + covariance.T) / 2)


def linear_decoder(weight: Tensor, bias: Tensor) -> Conditional:
    """N(weight z + bias, NOISE^2 I) over images, from the package's own linear network and head."""
    network = Dense([(weight.shape[1],)], SHAPE, width=()).double()
    with torch.no_grad():
        network.join.maps[0].weight.copy_(weight)
        network.join.maps[0].bias.copy_(bias)
    return Conditional(network, likelihoods.gaussian(NOISE))


def log_evidence(x: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    normal = stats.multivariate_normal(mean.numpy(), covariance.numpy())
    return torch.from_numpy(normal.logpdf(x.flatten(1).numpy()))


def normal_vae(posterior: nn.Module, weight: Tensor, bias: Tensor) -> VAE:
    prior = Chain([StandardNormal(LATENT)], (LATENT,)).double()
    return VAE(prior, Chain([posterior], (LATENT,)), linear_decoder(weight, bias))


def factor_analysis(displaced: float = 0.0, widened: float = 1.0) -> tuple[VAE, Tensor, Tensor]:
    """A linear-Gaussian model with its exact posterior or one that is off; images; their log p(x)."""
    weight, bias = random(PIXELS, LATENT), random(PIXELS, seed=1)
    precision = eye(LATENT) + weight.T @ weight / NOISE**2
    covariance = torch.linalg.inv(precision)
    gain = covariance @ weight.T / NOISE**2
    posterior = LinearGaussian(gain, -gain @ bias + displaced, covariance * widened)
    x = random(5, *SHAPE, seed=2)
    exact = log_evidence(x, bias, weight @ weight.T + NOISE**2 * eye(PIXELS))
    return normal_vae(posterior, weight, bias), x, exact


# ---------------------------------------------------------------------------------------------------- exact


def test_with_the_exact_posterior_every_weight_is_the_evidence():
    model, x, exact = factor_analysis()
    e = model.evidence(x, samples=20)
    torch.testing.assert_close(e.log_weights, exact.expand(20, 5), rtol=0, atol=1e-10)
    torch.testing.assert_close(e.elbo, exact, rtol=0, atol=1e-10)
    torch.testing.assert_close(e.importance_weighted, exact, rtol=0, atol=1e-10)
    assert importance_weighted(e).item() == pytest.approx(-exact.mean().item(), abs=1e-10)
    assert e.log_px.std(0).min() > 0.1  # the terms vary, only their sum does not


@pytest.mark.parametrize("head", [posteriors.log_variance, posteriors.log_sigma, posteriors.sigma])
def test_with_the_packages_own_encoder_where_the_posterior_is_diagonal(head):
    """Orthogonal columns w of W make it so: variances 1 / (1 + |w|^2 / s^2). The KL is closed here too."""
    weight, bias = (
        torch.linalg.qr(random(PIXELS, LATENT))[0] * torch.tensor([2.0, 0.5]),
        random(PIXELS, seed=1),
    )
    variance = 1 / (1 + weight.square().sum(0) / NOISE**2)
    numbers = {
        "log_variance": variance.log(),
        "log_sigma": variance.log() / 2,
        "sigma": torch.log(torch.expm1(variance.sqrt() - 1e-6)),
    }[head.__name__]
    network = Dense([SHAPE], (2 * LATENT,), width=()).double()
    gain = variance[:, None] * weight.T / NOISE**2
    with torch.no_grad():
        network.join.maps[0].weight.copy_(torch.cat([gain, torch.zeros_like(gain)]))
        network.join.maps[0].bias.copy_(torch.cat([-gain @ bias, numbers]))
    model = normal_vae(Conditional(network, head()), weight, bias)
    x = random(5, *SHAPE, seed=2)
    exact = log_evidence(x, bias, weight @ weight.T + NOISE**2 * eye(PIXELS))
    with torch.no_grad():
        e = model.evidence(x, samples=4000)
    torch.testing.assert_close(e.log_weights, exact.expand(4000, 5), rtol=0, atol=1e-10)
    assert e.kl is not None
    error = e.log_px.std(0) / 4000**0.5
    assert ((e.elbo - exact).abs() < 5 * error).all()


def two_levels(displaced: float = 0.0) -> tuple[VAE, Tensor, Tensor]:
    """z_1 ~ N(0, I), z_2 ~ N(A z_1 + a, 0.5^2 I), x ~ N(W z_2 + b, s^2 I), with the exact posteriors."""
    a_matrix, a_offset = random(3, 2, seed=3), random(3, seed=4)
    weight, bias = random(PIXELS, 3, seed=5), random(PIXELS, seed=6)
    second = a_matrix @ a_matrix.T + 0.25 * eye(3)
    to_x = weight @ second
    top_x = weight @ a_matrix
    joint = torch.cat(
        [
            torch.cat([eye(2), a_matrix.T, top_x.T], 1),
            torch.cat([a_matrix, second, to_x.T], 1),
            torch.cat([top_x, to_x, weight @ second @ weight.T + NOISE**2 * eye(PIXELS)], 1),
        ]
    )
    mean = torch.cat([torch.zeros(2, dtype=torch.float64), a_offset, weight @ a_offset + bias])
    pixels = list(range(5, 11))
    top, below = given(mean, joint, range(2), pixels), given(mean, joint, range(2, 5), [*pixels, 0, 1])
    below.offset = below.offset + displaced
    prior = [StandardNormal(2).double(), LinearGaussian(a_matrix, a_offset, 0.25 * eye(3))]
    unseen = torch.cat([torch.zeros(PIXELS, 2, dtype=torch.float64), weight], 1)  # x depends on z_2 alone
    model = VAE(Chain(prior, (2, 3)), Chain([top, below], (2, 3)), linear_decoder(unseen, bias))
    x = random(4, *SHAPE, seed=7)
    return model, x, log_evidence(x, mean[5:], joint[5:, 5:])


def test_a_ladder_with_its_exact_posteriors_finds_the_evidence_too():
    model, x, exact = two_levels()
    e = model.evidence(x, samples=20)
    assert e.log_pz.shape == (2, 20, 4)
    torch.testing.assert_close(e.log_weights, exact.expand(20, 4), rtol=0, atol=1e-10)


# ------------------------------------------------------------------------------------------------- displaced


def bounds(model: VAE, x: Tensor, samples: int, repeats: int) -> tuple[Tensor, Tensor]:
    """The mean of the K-sample bound over repeats, and its standard error; (B,) each."""
    with torch.no_grad(), seeded(samples):
        e = model.evidence(x, samples=samples * repeats)
    parts = [each.unflatten(-2, (samples, repeats)).flatten(-2) for each in (e.log_px, e.log_pz, e.log_qz)]
    each = Evidence(*parts).importance_weighted.unflatten(0, (repeats, len(x)))
    return each.mean(0), each.std(0) / repeats**0.5


@pytest.mark.parametrize(
    "make",
    [lambda: factor_analysis(0.3, 1.5), lambda: factor_analysis(0.0, 3.0), lambda: two_levels(0.25)],
    ids=["displaced", "too wide", "ladder"],
)
def test_with_another_posterior_the_bound_rises_with_the_samples_towards_the_evidence(make):
    model, x, exact = make()
    found = [bounds(model, x, k, 16_000 // k) for k in (1, 4, 16)]
    for (low, low_error), (high, high_error) in pairwise(found):
        assert (high - low > 2 * (low_error + high_error)).all()
    for mean, error in found:
        assert (mean < exact + 4 * error).all()
    first, last = (exact - mean for mean, _ in (found[0], found[-1]))
    assert (first > 0.1).all()
    assert (last < first / 4).all()


def test_the_gap_of_a_displaced_posterior_is_its_divergence_from_the_exact_one():
    """log p(x) - ELBO = KL(q, p(z | x)): for equal covariances, half the squared distance of the means."""
    model, x, exact = factor_analysis(displaced=0.3)
    mean, error = bounds(model, x, 1, 40_000)
    link = model.encoder.links[0]
    shift = torch.full((LATENT,), 0.3, dtype=torch.float64)
    gap = shift @ torch.linalg.solve(link.covariance, shift) / 2
    assert ((exact - mean - gap).abs() < 5 * error).all()
    assert gap > 20 * error.max()


# ------------------------------------------------------------------------------------------------ on a line

GRID = torch.linspace(-9, 9, 6001, dtype=torch.float64).reshape(-1, 1, 1)  # (G, 1, 1)
STEP = 18 / 6000


def on_a_line(likelihood: str) -> tuple[VAE, Tensor]:
    """A model with one latent and a decoder that bends; 3 images."""
    model = make_vae(likelihood, "dense-gated", levels=(1,), shape=SHAPE).double().eval()
    with torch.no_grad():
        model.decoder.network.join.maps[0].weight.mul_(2)
    return model, images(model.decoder.head.support, SHAPE, 3).double()


@torch.no_grad()
def integrals(model: VAE, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """log p(x), the ELBO, and KL(q, p(z | x)), each by a sum over the grid; (3,)."""
    z = GRID.squeeze(-1)
    log_joint = model.decode(z).log_prob(x[:, None]) + model.prior().log_prob(z)
    log_p = torch.logsumexp(log_joint, -1) + math.log(STEP)
    log_q = model.encode(x).log_prob(GRID).T
    mass = log_q.exp() * STEP
    elbo = (mass * (log_joint - log_q)).sum(1)
    return log_p, elbo, (mass * (log_q - (log_joint - log_p[:, None]))).sum(1)


@torch.no_grad()
def sampled(model: VAE, x: Tensor, n: int = 20_000) -> Evidence:
    return model.evidence(x, samples=n)


line = pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian-learned", "discretised_logistic"])


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
    torch.testing.assert_close(e.importance_weighted, log_p, rtol=0, atol=0.1)


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


def test_beta_is_the_variance_of_a_gaussian_decoder_seen_otherwise():
    """Losses with beta at sigma, and with 1 at sigma sqrt(beta), differ by a factor and a constant."""
    beta, constants = 4.0, []
    for seed in range(3):
        model, wide = (make_vae("gaussian-fixed", seed=seed).double().eval() for _ in range(2))
        wide.decoder.head = likelihoods.gaussian(0.5 * beta**0.5)
        x = images("real", SHAPE_OF_CASES, seed=seed).double()
        weighted, plain = (elbo(m.evidence(x, seed=1), b).item() for m, b in ((model, beta), (wide, 1.0)))
        constants.append(weighted - beta * plain)
    assert constants == pytest.approx([constants[0]] * 3)


def test_a_posterior_that_shrinks_leaves_an_autoencoder_and_a_rate_without_limit():
    """E log p(x | z) -> log p(x | mu), and KL + d log sigma -> (|mu|^2 - d) / 2, for q = N(mu, sigma^2 I)."""
    gain, narrow = random(LATENT, PIXELS, seed=3), 1e-6
    posterior = LinearGaussian(gain, torch.zeros(LATENT, dtype=torch.float64), narrow**2 * eye(LATENT))
    x, model = random(5, *SHAPE, seed=2), normal_vae(posterior, random(PIXELS, LATENT), random(PIXELS))
    e, mean = model.evidence(x, samples=20_000, seed=0), model.encode(x).mean
    torch.testing.assert_close(e.log_px.mean(0), model.decode(mean).log_prob(x), rtol=1e-5, atol=1e-5)
    limit = (mean.square().sum(-1) - LATENT) / 2 - LATENT * math.log(narrow)
    torch.testing.assert_close(e.rates.mean(1)[0], limit, rtol=0, atol=0.05)
    assert (limit > 20).all()


def test_imputations_are_draws_from_the_normal_distribution_of_the_missing_given_the_observed():
    """Mean and spread of resampled draws are those in closed form, though the encoder saw holes as zeros."""
    model, x, _ = factor_analysis(widened=4.0)
    x = x[:3]  # of the others too few draws carry weight
    known = torch.tensor([True, True, False, True, False, True]).view(SHAPE)
    weight, bias = random(PIXELS, LATENT), random(PIXELS, seed=1)
    exact = given(bias, weight @ weight.T + NOISE**2 * eye(PIXELS), range(2, 5, 2), [0, 1, 3, 5])
    closed = exact(x.flatten(1)[:, [0, 1, 3, 5]])
    found = impute(model, x, mask=known, imputations=500, samples=4000, seed=0)
    drawn = found.images.flatten(2)[..., [2, 4]]
    assert (found.effective_sample_size > 600).all()
    torch.testing.assert_close(found.mean.flatten(1)[:, [2, 4]], closed.mean, rtol=0, atol=0.1)
    torch.testing.assert_close(drawn.mean(0), closed.mean, rtol=0, atol=0.15)
    torch.testing.assert_close(drawn.std(0), closed.stddev.expand(3, 2), rtol=0.15, atol=0)
