"""How far reconstructions are from the images themselves, a number that an autoencoder has too.

    mse = mean over images and pixels of (E[x | E_q z] - u)^2          u in [0, 1], the gray value as stored

It is taken against the gray values, however the model observed them: a model of black and white has learned
probabilities of white, which are what the gray values stand for. It is no likelihood, and knows no rate.

Whether the scale of a likelihood has run into its bounds, where it says nothing of the data any more.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vaekit.data.observation import ObservedImages
from vaekit.evaluation.label_inference import labels_or_prediction
from vaekit.models.vae import VAE

BATCH_SIZE = 500


@torch.no_grad()
def reconstruction_mse(model: VAE, seen: ObservedImages, stored: ObservedImages) -> float:
    """The mean squared error of reconstructions, a pixel.

    Args:
        seen: the images as the model sees them.
        stored: the same images in their own values, in [0, 1]; where they are NaN, nothing is counted.
    """
    total = count = 0.0
    for (x, y), (u, _) in zip(seen.batches(BATCH_SIZE), stored.batches(BATCH_SIZE), strict=True):
        errors = (model.reconstruct(x, labels_or_prediction(model, x, y)) - u).square()
        total += errors.nansum(dtype=torch.float64).item()
        count += (~errors.isnan()).sum().item()
    return total / max(count, 1.0)


MARGIN = 0.02  # of the range between the bounds


@torch.no_grad()
def saturated_fraction(model: VAE, x: Tensor, y: Tensor | None, bounds: tuple[float, float]) -> float | None:
    """The share of pixels whose log-scale is at a bound, in reconstructions; None without a scale.

    Args:
        x, y: some images (B, C, H, W), and their labels.
        bounds: of the log-scale.
    """
    scale = _log_scale(model.decode(model.encode(x, y).mean, y))
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
