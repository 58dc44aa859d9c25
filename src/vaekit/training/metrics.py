"""Means over images of the terms of the bound, over an epoch or over the validation images.

The sums stay on the device, in double precision (float32 on MPS), so that no training step waits for a
number.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from vaekit.models.context import Context
from vaekit.models.elbo import ELBOTerms
from vaekit.models.objectives import Objective
from vaekit.models.vae import VAE
from vaekit.parallel.model import WholeBatch
from vaekit.parallel.processes import Processes
from vaekit.training.accumulation import iterate_steps
from vaekit.training.batches import ImageSource, observed_mask, visits
from vaekit.utils.random import seeded


class ELBOMeter:
    """Sums over images of 1, the gradient norm, the loss, the reconstruction term and the KL of each layer.

    Args:
        layers: L, the number of latent layers.
        device: the device of the sums.

    Attributes:
        sums: (4 + L,), in the order above.

    >>> from types import SimpleNamespace
    >>> meter = ELBOMeter(layers=1, device=torch.device("cpu"))
    >>> terms = SimpleNamespace(log_px=torch.full((1, 2), -80.0), kl=torch.full((1, 2), 20.0))
    >>> meter.update(torch.tensor(100.0), terms)
    >>> meter.means()
    {'loss': 100.0, 'reconstruction': 80.0, 'kl': 20.0, 'kl_layers': [20.0]}
    """

    def __init__(self, layers: int, device: torch.device):
        precision = torch.float32 if device.type == "mps" else torch.float64  # MPS has no float64
        self.sums = torch.zeros(4 + layers, dtype=precision, device=device)
        self._zero, self._one = torch.tensor([0.0, 1.0], device=device)

    @property
    def images(self) -> int:
        """The number of images so far; synchronizes with the device."""
        return int(self.sums[0])

    @torch.no_grad()
    def update(self, loss: Tensor, terms: ELBOTerms, norm: Tensor | None = None) -> None:
        """Add a batch.

        Args:
            loss: its loss, a scalar.
            terms: its terms, with `log_px` (K, B) and `kl` (L, B).
            norm: the norm of its gradient; None counts as 0.
        """
        images = terms.log_px.shape[1]
        norm = self._zero if norm is None else norm
        means = torch.stack([self._one, norm, loss, -terms.log_px.mean()])
        self.sums.add_(torch.cat([means, terms.kl.mean(1)]), alpha=images)

    def is_finite(self) -> bool:
        """Whether all numbers so far are finite; synchronizes with the device."""
        return math.isfinite(self.sums.sum())

    def means(self, bound: bool = True) -> dict[str, Any]:
        """Means per image, in nats; synchronizes with the device.

        Args:
            bound: whether the KL is defined; if not, it is None.

        Returns:
            loss, reconstruction, kl and kl_layers.
        """
        images, _, *sums = self.sums.tolist()
        loss, reconstruction, *layers = [value / max(images, 1) for value in sums]
        kl = {"kl": sum(layers), "kl_layers": layers} if bound else {"kl": None, "kl_layers": None}
        return {"loss": loss, "reconstruction": reconstruction, **kl}


@torch.no_grad()
def validate(
    model: VAE,
    objective: Objective,
    images: ImageSource,
    size: int,
    seed: int,
    bound: bool = True,
    parts: WholeBatch | None = None,
) -> dict[str, float | None]:
    """The objective at its final beta, and the terms of the bound, on held-out images.

    Args:
        model: the model, in evaluation mode.
        objective: the objective of the training.
        images: the held-out images.
        size: the number of images per batch.
        seed: the seed of the noise; the random state of the training does not change.
        bound: whether the KL is defined.
        parts: computes the terms of a batch by several processes; this one alone if None.

    Returns:
        validation_loss, validation_elbo, validation_reconstruction and validation_kl, in nats per image.

    >>> import numpy as np
    >>> from vaekit.config.build import build_model
    >>> from vaekit.config.loading import load_recipe
    >>> from vaekit.data import load_dataset, observe
    >>> images = observe(load_dataset("digits"), np.arange(8), "static")
    >>> model = build_model(load_recipe("digits").model, images.shape).eval()
    >>> list(validate(model, Objective(), images, size=4, seed=0))
    ['validation_loss', 'validation_elbo', 'validation_reconstruction', 'validation_kl']
    """
    meter = ELBOMeter(len(model.layer_dims), images.device)
    parts = WholeBatch(model, Processes()) if parts is None else parts
    with seeded(seed):
        order = visits(images, torch.arange(len(images)), seed)
        for n, batch in iterate_steps(images, order, size, rows_of=parts.rows_of):
            ((x, y),) = batch
            context = Context(label=y, mask=observed_mask(images, x))
            terms = parts.elbo_terms(x, context, objective.samples, objective.need | {"kl"}, parts.shard(n))
            meter.update(objective.loss(terms, objective.final_beta), terms)
    means = meter.means(bound)
    elbo = -means["reconstruction"] - means["kl"] if bound else None
    return {
        "validation_loss": means["loss"],
        "validation_elbo": elbo,
        "validation_reconstruction": means["reconstruction"],
        "validation_kl": means["kl"],
    }
