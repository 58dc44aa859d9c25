"""Numerical checks of the two identities behind a VAE.

- The analytic KL of a Gaussian posterior equals the mean over its samples (Kingma and Welling 2014, app. B):

      1/2 sum_j (mu_j^2 + sigma_j^2 - 1 - log sigma_j^2) = E_q [log q(z | x) - log p(z)].

- The evidence is the bound plus its gap: log p(x) = ELBO + KL(q(z | x), p(z | x)), for every q.

The second identity contains the posterior, which is unknown for a neural decoder. In a linear-Gaussian model,
z ~ N(0, I) and x | z ~ N(W z, s^2 I), it is known: x ~ N(0, W W' + s^2 I), and z | x ~ N(m, S) with
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
    """KL(q, p) by the closed form and by samples: means over images, in nats.

    Attributes:
        analytic: the closed form.
        sampled: the mean of log q - log p over samples.
        stderr: the standard error of `sampled`, from the samples only: the images are the same.
        std: the standard deviation of log q - log p of one sample, root mean square over images.

    Example:
        >>> found = KLComparison(analytic=10.0, sampled=10.1, stderr=0.2, std=4.0)
        >>> abs(found.sampled - found.analytic) < 2 * found.stderr
        True
    """

    analytic: float
    sampled: float
    stderr: float
    std: float


class ELBOIdentity(NamedTuple):
    """The terms of log p(x) = ELBO + KL(q, p(z | x)), in nats.

    Attributes:
        t: the position of q between the prior (0) and the exact posterior (1).
        log_evidence: log p(x).
        elbo: the lower bound.
        gap: KL(q, p(z | x)).

    Example:
        >>> ELBOIdentity(t=0.5, log_evidence=-10.0, elbo=-12.0, gap=2.0).error
        0.0
    """

    t: float
    log_evidence: float
    elbo: float
    gap: float

    @property
    def error(self) -> float:
        """ELBO + gap - log p(x), which should be 0."""
        return self.elbo + self.gap - self.log_evidence


@torch.no_grad()
def compare_kl(
    model: VAE, batches: Iterable[tuple[Tensor, Tensor | None]], samples: int = 100, seed: int = 0
) -> KLComparison:
    """Compare the mean KL(q, p) of images in closed form with its estimate by samples of q.

    Args:
        model: with a closed form of KL(q, p) in each layer.
        batches: of images (B, C, H, W) and labels or None.
        samples: K >= 2, posterior samples per image.
        seed: of the samples.

    Returns:
        Both numbers. In a hierarchical model the closed form of a lower layer is a mean over samples of the
        layers above.

    Raises:
        InvalidError: KL(q, p) has no closed form.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> x = model.sample(4, seed=0, sample_pixels=True)
        >>> found = compare_kl(model, [(x, None)], samples=1000)
        >>> abs(found.sampled - found.analytic) < 5 * found.stderr
        True
    """
    analytic, sampled, variance = [], [], []
    with seeded(seed):
        for x, y in batches:
            q = model.encode(x, y).rsample_layers((samples,))
            p = model.conditional_prior(y).condition_on(q.z)
            log_ratio = (q.log_prob - p.log_prob).sum(0).double()
            analytic.append(_analytic_kl(q, p))
            sampled.append(log_ratio.mean(0))
            variance.append(log_ratio.var(0))
    images, mean_variance = len(torch.cat(sampled)), torch.cat(variance).mean().item()
    return KLComparison(
        analytic=torch.cat(analytic).mean().item(),
        sampled=torch.cat(sampled).mean().item(),
        stderr=math.sqrt(mean_variance / (samples * images)),
        std=math.sqrt(mean_variance),
    )


def elbo_identity(
    latents: int = 2, pixels: int = 6, noise: float = 0.6, steps: int = 5, seed: int = 0
) -> list[ELBOIdentity]:
    """Split the evidence of one image of a linear-Gaussian model, for several q.

    Each q is a Gaussian between the prior and the posterior, q_t = N(t m, (1 - t) I + t S).

    Args:
        latents, pixels: the size of the model.
        noise: s, the standard deviation of a pixel.
        steps: the number of q, at least two, with t evenly from 0 to 1.
        seed: of W and x.

    Returns:
        The terms for each q, all in closed form.

    Example:
        >>> rows = elbo_identity(steps=3)
        >>> [row.t for row in rows], all(abs(row.error) < 1e-9 for row in rows)
        ([0.0, 0.5, 1.0], True)
        >>> round(rows[-1].gap, 6) + 0.0  # q is the posterior
        0.0
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
    """z ~ N(0, I), x | z ~ N(W z, s^2 I), and one observed x."""

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
        variance = torch.trace(self.weight @ q.covariance_matrix @ self.weight.T)
        squares = (self.x - self.weight @ q.mean).square().sum() + variance
        normalizer = len(self.x) * math.log(2 * math.pi * self.noise**2)
        return -(squares / self.noise**2 + normalizer) / 2 - kl_divergence(q, self.prior)


def _normal(mean: Tensor, covariance: Tensor | None = None) -> MultivariateNormal:
    return MultivariateNormal(mean, torch.eye(len(mean)).to(mean) if covariance is None else covariance)


def _interpolate(a: MultivariateNormal, b: MultivariateNormal, t: float) -> MultivariateNormal:
    return _normal(torch.lerp(a.mean, b.mean, t), torch.lerp(a.covariance_matrix, b.covariance_matrix, t))


def _analytic_kl(q: LatentSample, p: LatentSample) -> Tensor:
    """KL(q, p) per image, (B,)."""
    try:
        layers = [kl_divergence(a, b) for a, b in zip(q.layers, p.layers, strict=True)]
    except NotImplementedError:
        kinds = ", ".join(sorted({type(layer).__name__ for layer in (*q.layers, *p.layers)}))
        raise InvalidError(
            f"model: expected a closed form of KL(q, p) in each layer, got distributions without one: {kinds}"
        ) from None
    return sum((kl.double().mean(0) if kl.dim() > 1 else kl.double() for kl in layers), torch.tensor(0.0))
