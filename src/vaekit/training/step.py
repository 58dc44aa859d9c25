"""The forward pass of a training step: a batch, its terms, its loss.

Several processes each compute their rows of a batch (see `vaekit.parallel`), and `DistributedDataParallel`
averages their gradients while the backward pass runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vaekit.models.context import Context
from vaekit.models.elbo import ELBOTerms
from vaekit.models.objectives import Objective
from vaekit.models.vae import VAE
from vaekit.parallel.model import WholeBatch
from vaekit.parallel.rows import Shard
from vaekit.training.batches import ImageSource, observed_mask
from vaekit.training.compile import CompiledStep
from vaekit.training.settings import TrainingSettings


class TermsAndLoss(nn.Module):
    """From a batch to its terms and its loss.

    Args:
        objective: what is minimized.
        images: the split that the batches come from.
        settings: with the precision.
        parts: the model, and the processes that compute parts of a batch.

    >>> from types import SimpleNamespace
    >>> from vaekit.config.build import build_model
    >>> from vaekit.config.loading import load_recipe
    >>> from vaekit.parallel.processes import Processes
    >>> parts = WholeBatch(build_model(load_recipe("digits").model, (1, 8, 8)), Processes())
    >>> step = TermsAndLoss(Objective(), SimpleNamespace(has_missing=False), TrainingSettings(), parts)
    >>> step(torch.zeros(4, 1, 8, 8), None, 1.0, parts.shard(4))[1].shape
    torch.Size([])
    """

    def __init__(
        self, objective: Objective, images: ImageSource, settings: TrainingSettings, parts: WholeBatch
    ):
        super().__init__()
        self.model: VAE = parts.model
        self._objective, self._images, self._parts = objective, images, parts
        self._low = settings.precision == "bfloat16"

    def forward(
        self, x: Tensor, y: Tensor | None, beta: float | Tensor, shard: Shard | None = None
    ) -> tuple[ELBOTerms, Tensor]:
        """The terms and the loss of a whole batch, of which x and y are the rows of this process.

        Args:
            x, y: the rows and their labels.
            beta: the weight of the KL.
            shard: which rows of the batch they are; all if None.
        """
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self._low):
            context = Context(label=y, mask=observed_mask(self._images, x))
            objective = self._objective
            terms = self._parts.elbo_terms(x, context, objective.samples, objective.need | {"kl"}, shard)
            return terms, objective.loss(terms, beta)


def fast_step(
    step: TermsAndLoss, settings: TrainingSettings, parts: WholeBatch, note: Callable[[str], None]
) -> Callable[..., Any]:
    """The same function, compiled if the settings say so, or with gradients averaged over processes.

    Args:
        step: the function.
        settings: with `compile`.
        parts: the model and the processes.
        note: called with messages for the user.
    """
    if parts.processes.size > 1:
        if settings.compile:
            note("training.compile has no effect with several processes")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # a new name of broadcast_buffers
            # With find_unused_parameters the buckets of gradients are never rebuilt, so that sums keep their
            # order, and a resumed training its bits.
            return DistributedDataParallel(step, broadcast_buffers=False, find_unused_parameters=True)
    if not settings.compile:
        return step
    compiled = CompiledStep(step, next(parts.model.parameters()).device, note)
    return lambda x, y, beta, shard: compiled(x, y, beta)
