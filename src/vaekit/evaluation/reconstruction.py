"""The error of reconstructions, which an autoencoder has too, and the saturation of a likelihood's scale.

    mse = mean over images and pixels of (E[x | E_q z] - u)^2          u in [0, 1], the stored gray value

The target is the gray value even if the model observes binary pixels: such a model learns probabilities of
white, which the gray values stand for. The error is not a likelihood and does not depend on the KL.

A scale is saturated if it is at one of its bounds; then it no longer describes the data.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vaekit.data.observation import ObservedImages
from vaekit.evaluation.label_inference import labels_or_prediction
from vaekit.models.context import as_context
from vaekit.models.vae import VAE

BATCH_SIZE = 500


@torch.no_grad()
def reconstruction_mse(model: VAE, observed: ObservedImages, stored: ObservedImages) -> float:
    """The mean squared error of reconstructions per pixel.

    Args:
        model: any VAE or autoencoder.
        observed: the images as the model observes them.
        stored: the same images with their stored values in [0, 1]; NaN values are left out.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> from vaekit.data import load_dataset
        >>> from vaekit.data.observation import observe
        >>> import numpy as np
        >>> model = build_model(load_recipe("digits").model, (1, 8, 8)).eval()
        >>> digits, first = load_dataset("digits"), np.arange(5)
        >>> mse = reconstruction_mse(
        ...     model, observe(digits, first, "threshold"), observe(digits, first, "continuous")
        ... )
        >>> 0 < mse < 1
        True
    """
    total = count = 0.0
    for (x, y), (u, _) in zip(observed.batches(BATCH_SIZE), stored.batches(BATCH_SIZE), strict=True):
        errors = (model.reconstruct(x, labels_or_prediction(model, x, y)) - u).square()
        total += errors.nansum(dtype=torch.float64).item()
        count += (~errors.isnan()).sum().item()
    return total / max(count, 1.0)


MARGIN = 0.02  # at a bound: closer than this fraction of the range


@torch.no_grad()
def saturated_fraction(model: VAE, x: Tensor, y: Tensor | None, bounds: tuple[float, float]) -> float | None:
    """The fraction of pixels of reconstructions whose log-scale is at a bound; None without a scale.

    Args:
        model: any VAE.
        x: images (B, C, H, W).
        y: their labels (B,) or attributes (B, M), or None.
        bounds: of the log-scale.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> # a Bernoulli decoder has no scale
        >>> saturated_fraction(model, model.sample(2, seed=0), None, (-6.0, 2.0)) is None
        True
    """
    scale = _log_scale(model.decode(model.encode(x, y).mean, model.with_offset(as_context(y), x)))
    if scale is None:
        return None
    low, high = bounds
    margin = MARGIN * (high - low)
    return ((scale < low + margin) | (scale > high - margin)).double().mean().item()


def _log_scale(px: Distribution) -> Tensor | None:
    base = px.base_dist if isinstance(px, Independent) else px
    if hasattr(base, "log_scale"):
        return base.log_scale
    return base.scale.log() if hasattr(base, "scale") else None
