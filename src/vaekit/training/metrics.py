"""What an epoch, or a pass over the validation images, comes to: means over images of the terms of the bound.

The sums stay on the device, in double precision, so that no step waits for a number.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from vaekit.models.elbo import ELBOTerms
from vaekit.models.objectives import Objective
from vaekit.models.vae import VAE
from vaekit.training.batches import ImageSource, iterate_batches, observed_mask
from vaekit.utils.random import seeded


class ELBOMeter:
    """Sums over images of 1, the gradient's norm, the loss, the reconstruction, and the KL of each level.

    Args:
        levels: L, the number of latent levels.
        device: where the sums are kept.
    """

    def __init__(self, levels: int, device: torch.device):
        precision = torch.float32 if device.type == "mps" else torch.float64  # which mps has not
        self.sums = torch.zeros(4 + levels, dtype=precision, device=device)
        self._zero, self._one = torch.tensor([0.0, 1.0], device=device)

    @property
    def images(self) -> int:
        """How many were counted; waits for the device."""
        return int(self.sums[0])

    @torch.no_grad()
    def add(self, loss: Tensor, elbo_terms_: ELBOTerms, norm: Tensor | None = None) -> None:
        """Count a batch: its loss, its evidence, and the norm of its gradient where there was one."""
        images = elbo_terms_.log_px.shape[1]
        norm = self._zero if norm is None else norm
        terms = torch.stack([self._one, norm, loss, -elbo_terms_.log_px.mean()])
        self.sums.add_(torch.cat([terms, elbo_terms_.kl.mean(1)]), alpha=images)

    def finite(self) -> bool:
        """Whether everything counted so far was finite; waits for the device."""
        return math.isfinite(self.sums.sum())

    def means(self, bound: bool = True) -> dict[str, Any]:
        """Means over the images counted, in nats: loss, reconstruction, kl, kl_layers; waits for the device.

        Args:
            bound: whether the KL is defined; None stands for it where it is not.
        """
        images, _, *sums = self.sums.tolist()
        loss, reconstruction, *levels = [value / max(images, 1) for value in sums]
        kl = {"kl": sum(levels), "kl_layers": levels} if bound else {"kl": None, "kl_layers": None}
        return {"loss": loss, "reconstruction": reconstruction, **kl}


@torch.no_grad()
def validate(
    model: VAE, objective: Objective, images: ImageSource, size: int, seed: int, bound: bool = True
) -> dict[str, float | None]:
    """The objective at its final beta, and the terms of the bound, on images held out.

    Args:
        model: in evaluation mode.
        size: images a batch.
        seed: of the noise; that of training stays where it is.
        bound: whether the KL is defined.

    Returns:
        validation_loss, validation_elbo, validation_reconstruction, validation_kl, in nats an image.
    """
    meter = ELBOMeter(len(model.layer_dims), images.device)
    with seeded(seed):
        for x, y in iterate_batches(images, torch.arange(len(images)), size):
            elbo_terms_ = model.elbo_terms(x, y, objective.samples, mask=observed_mask(images, x))
            meter.add(objective.loss(elbo_terms_, objective.final_beta), elbo_terms_)
    means = meter.means(bound)
    elbo = -means["reconstruction"] - means["kl"] if bound else None
    return {
        "validation_loss": means["loss"],
        "validation_elbo": elbo,
        "validation_reconstruction": means["reconstruction"],
        "validation_kl": means["kl"],
    }
