"""The KL of each latent in nats, for any prior: how much information a latent carries about the image.

In a layer whose posterior and prior are diagonal Gaussians it is the mean over images of KL(q(z_i | x),
p(z_i)), and the latents of the layer sum to its KL. Other priors do not factorize over latents. Then it is

    E_x KL(q(z_i | x), N(m_i, v_i)) = (log v_i - E log s_i^2) / 2,

with m_i and v_i the mean and variance of z_i over all images: an upper bound of the mutual information of
z_i and x, and 0 for a latent that is the same for all images. A point posterior has neither; its latents
are ordered by their variance.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution, kl_divergence

from vaekit.distributions.normal import diagonal
from vaekit.evaluation.latent import Latents
from vaekit.models.conditional import HierarchicalDistribution
from vaekit.utils.random import seeded


def divergences(posterior: HierarchicalDistribution, prior: HierarchicalDistribution) -> Tensor:
    """KL(q, p) of each latent and image.

    Args:
        posterior: q(z | x) of B images.
        prior: p(z).

    Returns:
        (d, B), in nats; NaN in layers that are not diagonal Gaussians.

    Example:
        >>> from vaekit.explorer.session import demo
        >>> model, y = demo().model, torch.tensor([3])
        >>> posterior = model.encode(torch.zeros(1, 1, 28, 28), y)
        >>> divergences(posterior, model.conditional_prior(y)).shape
        torch.Size([2, 1])
    """
    with seeded(0):
        q = posterior.rsample_layers((1,))
    layers = zip(q.layers, prior.condition_on(q.z).layers, posterior.layer_dims, strict=True)
    return torch.cat([_layer_divergences(a, b, size, len(q.z[0])) for a, b, size in layers], -1).T


def per_latent(divergences: np.ndarray, latents: Latents) -> np.ndarray:
    """The mean KL of each latent, or its substitute for priors that do not factorize.

    Args:
        divergences: (d, N), in nats, NaN where there is none.
        latents: the posteriors of the N images.

    Returns:
        (d,), in nats; the variance of each latent for a point posterior.

    Example:
        >>> latents = Latents(np.zeros((2, 1)), np.ones((2, 1)), None)
        >>> per_latent(np.array([[0.5, 1.5]]), latents)
        array([1.])
    """
    if not latents.stddev.any():
        return latents.mean.var(0)
    log_variance = np.log(latents.mean.var(0) + np.square(latents.stddev).mean(0))
    substitute = 0.5 * (log_variance - np.log(np.square(latents.stddev)).mean(0))
    means = divergences.mean(1)
    return np.where(np.isfinite(means), means, substitute)


def _layer_divergences(q: Distribution, p: Distribution, size: int, images: int) -> Tensor:
    """(B, size), from distributions over z (..., size)."""
    posterior, prior = diagonal(q), diagonal(p)
    if posterior is None or prior is None:
        return torch.full((images, size), torch.nan)
    return kl_divergence(posterior, prior).reshape(-1, images, size).mean(0).cpu()
