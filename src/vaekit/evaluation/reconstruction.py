"""How far reconstructions are from the images themselves, a number that an autoencoder has too.

    mse = mean over images and pixels of (E[x | E_q z] - u)^2          u in [0, 1], the grey value as stored

It is taken against the grey values, however the model observed them: a model of black and white has learned
probabilities of white, which are what the grey values stand for. It is no likelihood, and knows no rate.
"""

from __future__ import annotations

import torch

from vaekit.data.observation import ObservedImages
from vaekit.evaluation import labelling
from vaekit.models.vae import VAE

AT_ONCE = 500


@torch.no_grad()
def squared_error(model: VAE, seen: ObservedImages, stored: ObservedImages) -> float:
    """The mean squared error of reconstructions, a pixel.

    Args:
        seen: the images as the model sees them.
        stored: the same images in their own values, in [0, 1]; where they are NaN, nothing is counted.
    """
    total = count = 0.0
    for (x, y), (u, _) in zip(seen.batches(AT_ONCE), stored.batches(AT_ONCE), strict=True):
        errors = (model.reconstruct(x, labelling.told(model, x, y)) - u).square()
        total += errors.nansum(dtype=torch.float64).item()
        count += (~errors.isnan()).sum().item()
    return total / max(count, 1.0)
