"""Whether the scale of a likelihood has run into its bounds, where it says nothing of the data any more."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vaekit.models.vae import VAE

NEAR = 0.02  # of the range between the bounds


@torch.no_grad()
def saturated(model: VAE, x: Tensor, y: Tensor | None, bounds: tuple[float, float]) -> float | None:
    """The share of pixels whose log-scale is at a bound, in reconstructions; None without a scale.

    Args:
        x, y: some images (B, C, H, W), and their labels.
        bounds: of the log-scale.
    """
    scale = _log_scale(model.decode(model.encode(x, y).mean, y))
    if scale is None:
        return None
    low, high = bounds
    margin = NEAR * (high - low)
    return ((scale < low + margin) | (scale > high - margin)).double().mean().item()


def _log_scale(px: Distribution) -> Tensor | None:
    base = px.base_dist if isinstance(px, Independent) else px
    if hasattr(base, "log_scale"):
        return base.log_scale
    return base.scale.log() if hasattr(base, "scale") else None
