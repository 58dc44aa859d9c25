"""The optimal standard deviation of a Gaussian decoder, and the ELBO with it.

For x of D values, a decoder N(m(z), sigma^2 I) and E = E_q |x - m(z)|^2,

    -E_q log p(x | z) = E / (2 sigma^2) + D/2 log(2 pi sigma^2),

which is smallest at sigma^2 = E / D, where it is D/2 (1 + log(2 pi E / D)) (Rybkin et al. 2021). The weight
beta of the KL is equivalent to a choice of sigma: up to a factor, E + beta KL is the negative ELBO with
sigma^2 = beta / 2. So the ELBOs of models trained with different beta are comparable once each has its
optimal sigma; with one sigma for all, the ELBO favors the beta that belongs to it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from vaekit.distributions.normal import diagonal
from vaekit.models.vae import VAE


class OptimalSigma(NamedTuple):
    """The squared error E per image, the optimal sigma, and the ELBO with it in nats.

    Example:
        >>> OptimalSigma(squared_error=64.0, sigma=1.0, elbo=-100.0).sigma
        1.0
    """

    squared_error: float
    sigma: float
    elbo: float


def optimal_sigma(sigma: float, dimensions: int, reconstruction: float, kl: float) -> OptimalSigma:
    """The optimal sigma, from the numbers of a model that was measured with another sigma.

    Args:
        sigma: of the decoder.
        dimensions: D, values per image.
        reconstruction: E_q log p(x | z) with that sigma, a mean over images, in nats.
        kl: KL(q, p), in nats.

    Example:
        >>> reconstruction = -math.log(2 * math.pi) - 4.0  # of two values, with a squared error of 8
        >>> found = optimal_sigma(sigma=1.0, dimensions=2, reconstruction=reconstruction, kl=3.0)
        >>> round(found.squared_error, 6), round(found.sigma, 6)
        (8.0, 2.0)
    """
    constant = dimensions / 2 * math.log(2 * math.pi * sigma**2)
    error = -2 * sigma**2 * (reconstruction + constant)
    best = math.sqrt(max(error, 1e-12) / dimensions)
    return OptimalSigma(error, best, -dimensions / 2 * (1 + math.log(2 * math.pi * best**2)) - kl)


@torch.no_grad()
def decoder_sigma(model: VAE) -> float | None:
    """The sigma of a Gaussian decoder with one sigma for all pixels and no labels; None for other decoders.

    Args:
        model: any VAE.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> decoder_sigma(model) is None  # a Bernoulli decoder
        True
    """
    if model.conditioned_parts:
        return None
    device = next(model.parameters()).device
    pixels = diagonal(model.decode(torch.ones(1, model.latent_dim, device=device)))
    if pixels is None:
        return None
    return float(pixels.scale.mean()) if torch.allclose(pixels.scale, pixels.scale.mean()) else None
