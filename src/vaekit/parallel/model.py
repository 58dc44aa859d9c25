"""The terms of the bound of a whole batch, computed by several processes.

Each process runs the model on its rows of the batch, with its rows of the noise of the whole batch, and all
gather the terms. An objective then sees the batch that one process would see.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vaekit.errors import InvalidError
from vaekit.models.context import Context
from vaekit.models.elbo import ELBOTerms
from vaekit.models.vae import VAE
from vaekit.parallel.batch_norm import whole_batch_norm
from vaekit.parallel.noise import TRIALS, DrawLayout, RecordDraws, WholeNoise, layouts_of
from vaekit.parallel.processes import Processes
from vaekit.parallel.rows import Shard, shard_of, sum_over_processes
from vaekit.parallel.terms import gather_terms
from vaekit.utils.batch_sums import Sums, reduced_by
from vaekit.utils.random import seeded


class WholeBatch:
    """Computes the terms of whole batches with a model.

    Args:
        model: the model, with the same weights in all processes.
        processes: the group.

    >>> from vaekit.config.build import build_model
    >>> from vaekit.config.loading import load_recipe
    >>> whole = WholeBatch(build_model(load_recipe("digits").model, (1, 8, 8)), Processes())
    >>> x = torch.zeros(4, 1, 8, 8)
    >>> whole.elbo_terms(x, Context(), 1, {"kl"}, whole.shard(4))
    ELBOTerms(n_samples=1, batch_size=4)
    """

    def __init__(self, model: VAE, processes: Processes):
        self.model, self.processes = model, processes
        self._layouts: dict[Any, list[DrawLayout]] = {}

    def shard(self, n: int) -> Shard:
        """The part of a batch of n data points that this process computes."""
        return shard_of(self.processes, n)

    @property
    def rows_of(self) -> Callable[[int], slice] | None:
        """From the size of a batch to its rows that this process computes; None if it computes all."""
        return None if self.processes.size == 1 else lambda n: self.shard(n).rows

    def elbo_terms(
        self, x: Tensor, context: Context, n_samples: int, need: Collection[str], shard: Shard | None = None
    ) -> ELBOTerms:
        """The terms of the whole batch, the same in all processes.

        Args:
            x: the rows of this process, (shard.length, *event).
            context: what they are conditioned on.
            n_samples, need: as for `VAE.elbo_terms`.
            shard: the part of the batch; all of it if None.

        Raises:
            InvalidError: the random numbers of the model cannot be divided by data points.
        """
        if shard is None or shard.size == 1:
            return self.model.elbo_terms(x, context, n_samples, need)
        layouts = self._layouts_for(x, context, n_samples, need)
        sum_all = lambda sums: _sum_over_processes(sums, shard)
        with reduced_by(sum_all), whole_batch_norm(self.model), WholeNoise(layouts, shard):
            terms = self.model.elbo_terms(x, context, n_samples, need)
        return gather_terms(terms, shard)

    def _layouts_for(
        self, x: Tensor, context: Context, n_samples: int, need: Collection[str]
    ) -> list[DrawLayout]:
        """Where the data points are in the random tensors of the model, by trials on a copy of it."""
        key = (self.model.training, n_samples, frozenset(need), x.shape[1:], context.mask is None)
        if key not in self._layouts:
            trials = []
            for n in TRIALS:
                rows = torch.zeros(n, dtype=torch.int64, device=x.device)
                with torch.no_grad(), seeded(0), RecordDraws() as recorded:
                    copy.deepcopy(self.model).elbo_terms(x[rows], _rows(context, rows), n_samples, need)
                trials.append(recorded.draws)
            try:
                self._layouts[key] = layouts_of(trials)
            except ValueError as error:
                raise InvalidError(
                    f"model: its random numbers cannot be divided by data points ({error}); train it with "
                    "one process"
                ) from error
        return self._layouts[key]


def _rows(context: Context, rows: Tensor) -> Context:
    """The context of some of the data points."""
    fields = ("label", "covariates", "offset", "mask")
    values = {name: getattr(context, name) for name in fields}
    return replace(context, **{name: value[rows] for name, value in values.items() if value is not None})


def _sum_over_processes(sums: Sums, shard: Shard) -> Sums:
    """The sums of each process, added up with gradients; one without data points adds nothing."""
    counts = float(shard.sizes[shard.rank] > 0)
    own = torch.cat([each.reshape(1, -1) * counts for each in sums], 1)
    parts = sum_over_processes(own[0]).split([each.numel() for each in sums])
    return tuple(part.reshape(each.shape) for part, each in zip(parts, sums, strict=True))
