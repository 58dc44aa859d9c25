"""How near the codes of a dataset are to draws from N(0, 1), latent by latent.

A VAE's draws from q(z | x), taken over all x, follow the prior where the model has learned to. A latent that
says nothing does so by itself, since there q is the prior: only those in use show what was learned.

    distance = mean over latents of max_t |F(t) - Phi(t)|,    F the share of codes up to t   (Kolmogorov 1933)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from vaekit.errors import InvalidError


class Normality(NamedTuple):
    """Of k latents; draws from N(0, 1) have mean 0, deviation 1, and 0.954 of them within two.

    Attributes:
        mean: the greatest size of a latent's mean.
        least, most: the least and the greatest standard deviation of a latent.
        within: the share of all codes between -2 and 2.
        distance: from N(0, 1), 0 to 1; draws themselves have about 0.87 / sqrt(N).
    """

    max_mean: float
    min_std: float
    max_std: float
    within_two: float
    ks_distance: float


def normality(codes: np.ndarray) -> Normality:
    """How near codes (N, k) are to draws from N(0, 1).

    Raises:
        InvalidError: no codes, or such as are not finite.
    """
    codes = np.asarray(codes, float)
    if codes.ndim != 2 or not codes.size or not np.isfinite(codes).all():
        raise InvalidError(f"codes: expected finite ones of shape (N, k), got shape {codes.shape}")
    deviations = codes.std(0)
    return Normality(
        float(np.abs(codes.mean(0)).max()),
        float(deviations.min()),
        float(deviations.max()),
        float((np.abs(codes) < 2).mean()),
        float(_distances(codes).mean()),
    )


def _distances(codes: np.ndarray) -> np.ndarray:
    """Kolmogorov's distance of each latent, (k,)."""
    normal = torch.special.ndtr(torch.from_numpy(np.sort(codes, axis=0))).numpy()
    steps = np.arange(len(codes) + 1)[:, None] / len(codes)
    return np.maximum(steps[1:] - normal, normal - steps[:-1]).max(0)
