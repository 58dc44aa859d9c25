"""The two equations that a VAE rests on, with numbers put in.

- The KL of a Gaussian posterior is the mean of what its draws say (Kingma and Welling 2014, appendix B):

      1/2 sum_j (mu_j^2 + sigma_j^2 - 1 - log sigma_j^2) = E_q [log q(z | x) - log p(z)].

- The evidence is the bound and its gap: log p(x) = ELBO + KL(q(z | x), p(z | x)), for every q.

The second has the posterior in it, which a network's decoder hides. In a linear-Gaussian model, z ~ N(0, I)
and x | z ~ N(W z, s^2 I), all is known: x ~ N(0, W W' + s^2 I), and z | x ~ N(m, S) with
S = (I + W' W / s^2)^-1 and m = S W' x / s^2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from vaekit.errors import InvalidError
from vaekit.models.conditional import LatentSample
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded


class KLComparison(NamedTuple):
    """KL(q, p) in two ways, means over images, in nats.

    Attributes:
        analytic: by the closed form.
        sampled: by draws, the mean of log q - log p.
        stderr: the standard error of `sampled`, from the draws alone: the images are the same.
        std: the standard deviation of log q - log p of one draw, root mean square over images.
    """

    analytic: float
    sampled: float
    stderr: float
    std: float


class ELBOIdentity(NamedTuple):
    """The terms of log p(x) = ELBO + KL(q, p(z | x)), in nats.

    Attributes:
        t: where q lies between the prior (0) and the exact posterior (1).
        log_evidence: log p(x).
        elbo: the lower bound.
        gap: KL(q, p(z | x)).
    """

    t: float
    log_evidence: float
    elbo: float
    gap: float

    @property
    def error(self) -> float:
        """ELBO + KL - log p(x), which should be 0."""
        return self.elbo + self.gap - self.log_evidence


@torch.no_grad()
def compare_kl(
    model: VAE, batches: Iterable[tuple[Tensor, Tensor | None]], samples: int = 100, seed: int = 0
) -> KLComparison:
    """The mean KL(q, p) of images under a trained model, in closed form and by draws from q.

    Args:
        model: with a closed form at each of its levels.
        batches: of images (B, C, H, W) and labels or None.
        samples: K >= 2, draws an image.
        seed: of the draws.

    Returns:
        Both numbers. Of a hierarchical model the closed form of a lower level is a mean over the draws of
        those above.

    Raises:
        InvalidError: a posterior and prior without a closed form between them.
    """
    closed, sampled, variance = [], [], []
    with seeded(seed):
        for x, y in batches:
            q = model.encode(x, y).rsample_layers((samples,))
            p = model.conditional_prior(y).condition_on(q.z)
            draws = (q.log_prob - p.log_prob).sum(0).double()
            closed.append(_analytic_kl(q, p))
            sampled.append(draws.mean(0))
            variance.append(draws.var(0))
    images, spread = len(torch.cat(sampled)), torch.cat(variance).mean().item()
    error = math.sqrt(spread / (samples * images))
    return KLComparison(
        torch.cat(closed).mean().item(), torch.cat(sampled).mean().item(), error, math.sqrt(spread)
    )


def elbo_identity(
    latents: int = 2, pixels: int = 6, noise: float = 0.6, steps: int = 5, seed: int = 0
) -> list[ELBOIdentity]:
    """The evidence of one image of a linear-Gaussian model, split by several q, from bad to exact.

    Each q is a Gaussian on the way from the prior to the posterior, q_t = N(t m, (1 - t) I + t S).

    Args:
        latents, pixels: the size of the model.
        noise: s, the standard deviation of a pixel.
        steps: how many q, at least two, t going evenly from 0 to 1.
        seed: of W and x.

    Returns:
        A row for each q, every term in closed form.
    """
    model = _LinearGaussian.random(latents, pixels, noise, seed)
    log_evidence = model.marginal.log_prob(model.x).item()
    rows = []
    for t in torch.linspace(0, 1, steps, dtype=torch.float64).tolist():
        q = _interpolate(model.prior, model.posterior, t)
        gap = kl_divergence(q, model.posterior).item()
        rows.append(ELBOIdentity(t, log_evidence, model.elbo(q).item(), gap))
    return rows


class _LinearGaussian(NamedTuple):
    """z ~ N(0, I), x | z ~ N(W z, s^2 I), and one x."""

    weight: Tensor
    noise: float
    x: Tensor

    @classmethod
    def random(cls, latents: int, pixels: int, noise: float, seed: int) -> _LinearGaussian:
        generator = torch.Generator().manual_seed(seed)
        numbers = torch.randn(pixels, latents + 1, dtype=torch.float64, generator=generator)
        return cls(numbers[:, :-1], noise, numbers[:, -1])

    @property
    def prior(self) -> MultivariateNormal:
        return _normal(torch.zeros(self.weight.shape[1], dtype=torch.float64))

    @property
    def marginal(self) -> MultivariateNormal:
        """p(x)."""
        whole = self.weight @ self.weight.T + self.noise**2 * torch.eye(len(self.x), dtype=torch.float64)
        return _normal(torch.zeros_like(self.x), whole)

    @property
    def posterior(self) -> MultivariateNormal:
        """p(z | x)."""
        precision = self.prior.precision_matrix + self.weight.T @ self.weight / self.noise**2
        covariance = torch.linalg.inv(precision)
        return _normal(covariance @ self.weight.T @ self.x / self.noise**2, covariance)

    def elbo(self, q: MultivariateNormal) -> Tensor:
        """E_q log p(x | z) - KL(q, p), with E_q |x - W z|^2 = |x - W mu|^2 + tr(W Sigma W')."""
        spread = torch.trace(self.weight @ q.covariance_matrix @ self.weight.T)
        squares = (self.x - self.weight @ q.mean).square().sum() + spread
        normalizer = len(self.x) * math.log(2 * math.pi * self.noise**2)
        return -(squares / self.noise**2 + normalizer) / 2 - kl_divergence(q, self.prior)


def _normal(mean: Tensor, covariance: Tensor | None = None) -> MultivariateNormal:
    return MultivariateNormal(mean, torch.eye(len(mean)).to(mean) if covariance is None else covariance)


def _interpolate(a: MultivariateNormal, b: MultivariateNormal, t: float) -> MultivariateNormal:
    return _normal(torch.lerp(a.mean, b.mean, t), torch.lerp(a.covariance_matrix, b.covariance_matrix, t))


def _analytic_kl(q: LatentSample, p: LatentSample) -> Tensor:
    """KL(q, p) an image, (B,)."""
    try:
        levels = [kl_divergence(a, b) for a, b in zip(q.layers, p.layers, strict=True)]
    except NotImplementedError:
        kinds = ", ".join(sorted({type(link).__name__ for draw in (q, p) for link in draw.layers}))
        raise InvalidError(
            f"model: expected a closed form of KL(q, p) at each level, got none among {kinds}"
        ) from None
    return sum((kl.double().mean(0) if kl.dim() > 1 else kl.double() for kl in levels), torch.tensor(0.0))
