"""The sigma that a Gaussian decoder should have had, and the lower bound with it.

For x of D values, a decoder N(m(z), sigma^2 I) and E = E_q |x - m(z)|^2,

    -E_q log p(x | z) = E / (2 sigma^2) + D/2 log(2 pi sigma^2),

which is least at sigma^2 = E / D, where it is D/2 (1 + log(2 pi E / D)) (Rybkin et al. 2021). The weight
beta of the rate is a choice of sigma in disguise: up to a factor, E + beta KL is the negative bound of
sigma^2 = beta / 2. So models that were trained with different beta have comparable bounds once each has its
best sigma; the bound of one sigma for all favors the beta that belongs to it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from vaekit.distributions.normal import diagonal
from vaekit.models.vae import VAE


class OptimalSigma(NamedTuple):
    """E, sigma and the bound: the squared error an image, and in nats."""

    squared_error: float
    sigma: float
    elbo: float


def optimal_sigma(sigma: float, dimensions: int, reconstruction: float, kl: float) -> OptimalSigma:
    """The best sigma in place of the one that a model was measured with.

    Args:
        sigma: of the decoder.
        dimensions: D, of an image.
        reconstruction: E_q log p(x | z) with that sigma, a mean over images, in nats.
        rate: KL(q, p), in nats.
    """
    constant = dimensions / 2 * math.log(2 * math.pi * sigma**2)
    error = -2 * sigma**2 * (reconstruction + constant)
    best = math.sqrt(max(error, 1e-12) / dimensions)
    return OptimalSigma(error, best, -dimensions / 2 * (1 + math.log(2 * math.pi * best**2)) - kl)


@torch.no_grad()
def decoder_sigma(model: VAE) -> float | None:
    """The one sigma of a Gaussian decoder that nothing is told; None for any other decoder."""
    if model.conditioned_parts:
        return None
    device = next(model.parameters()).device
    pixels = diagonal(model.decode(torch.ones(1, model.latent_dim, device=device)))
    if pixels is None:
        return None
    return float(pixels.scale.mean()) if torch.allclose(pixels.scale, pixels.scale.mean()) else None
