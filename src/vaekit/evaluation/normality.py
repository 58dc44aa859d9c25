"""How close the latents of a dataset are to N(0, I), latent by latent.

If a VAE has learned its prior, samples of q(z | x) over all x follow N(0, I). An inactive latent does so
trivially, because its q equals the prior; only active latents show what was learned.

    ks_distance = mean over latents of max_t |F(t) - Phi(t)|        (Kolmogorov 1933)

with F the empirical distribution function.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from vaekit.errors import InvalidError


class Normality(NamedTuple):
    """Statistics of k latents. N(0, 1) has mean 0, standard deviation 1, and 0.954 of its mass within two.

    Attributes:
        max_mean: the largest absolute mean of a latent.
        min_std, max_std: the smallest and the largest standard deviation of a latent.
        within_two: the fraction of values between -2 and 2.
        ks_distance: Kolmogorov distance from N(0, 1), from 0 to 1; N samples of it have about 0.87 / sqrt(N).

    Example:
        >>> Normality(max_mean=0.1, min_std=0.9, max_std=1.1, within_two=0.95, ks_distance=0.02).ks_distance
        0.02
    """

    max_mean: float
    min_std: float
    max_std: float
    within_two: float
    ks_distance: float


def normality(latents: np.ndarray) -> Normality:
    """Compare latents with N(0, 1).

    Args:
        latents: (N, k).

    Raises:
        InvalidError: the array is empty, has another shape, or has values that are not finite.

    Example:
        >>> samples = np.random.default_rng(0).normal(size=(10_000, 2))
        >>> found = normality(samples)
        >>> abs(found.within_two - 0.954) < 0.01, found.ks_distance < 0.02
        (True, True)
    """
    latents = np.asarray(latents, float)
    if latents.ndim != 2 or not latents.size or not np.isfinite(latents).all():
        raise InvalidError(f"latents: expected finite values of shape (N, k), got shape {latents.shape}")
    stds = latents.std(0)
    normal = torch.special.ndtr(torch.from_numpy(np.sort(latents, axis=0))).numpy()
    steps = np.arange(len(latents) + 1)[:, None] / len(latents)
    distances = np.maximum(steps[1:] - normal, normal - steps[:-1]).max(0)
    return Normality(
        max_mean=float(np.abs(latents.mean(0)).max()),
        min_std=float(stds.min()),
        max_std=float(stds.max()),
        within_two=float((np.abs(latents) < 2).mean()),
        ks_distance=float(distances.mean()),
    )
