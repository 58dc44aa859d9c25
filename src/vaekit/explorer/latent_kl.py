"""How much each latent tells of an image, in nats, whatever the prior is.

Of a level whose posterior and prior are Gaussians with independent numbers it is the mean KL(q, p) of the
latent, a part of the rate. Any other prior has no part for each latent; then it is

    KL(q(z_i | x), N(m_i, v_i)) on average = (log v_i - E log s_i^2) / 2,

with m_i and v_i the mean and variance of the latent over all images: no less than the mutual information of
latent and image, and 0 for one that is the same for all. A point posterior has neither; its latents are
ordered by their variance.
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
    """KL(q, p) of each latent and image, (d, B); NaN in levels that have no such parts."""
    with seeded(0):
        q = posterior.rsample_layers((1,))
    pairs = zip(q.layers, prior.condition_on(q.z).layers, posterior.layer_dims, strict=True)
    return torch.cat([_parts(a, b, size, len(q.z[0])) for a, b, size in pairs], -1).T


def per_latent(divergences: np.ndarray, codes: Latents) -> np.ndarray:
    """(d,): the mean of the divergences (d, N) of a latent, or what stands for it."""
    if not codes.stddev.any():
        return codes.mean.var(0)
    spread = np.log(codes.mean.var(0) + np.square(codes.stddev).mean(0))
    told = 0.5 * (spread - np.log(np.square(codes.stddev)).mean(0))
    parts = divergences.mean(1)
    return np.where(np.isfinite(parts), parts, told)


def _parts(q: Distribution, p: Distribution, size: int, images: int) -> Tensor:
    """(B, size), from distributions over z (..., size)."""
    posterior, prior = diagonal(q), diagonal(p)
    if posterior is None or prior is None:
        return torch.full((images, size), torch.nan)
    return kl_divergence(posterior, prior).reshape(-1, images, size).mean(0).cpu()
