"""The rows of a batch that each process computes, and the whole batch from its parts, with gradients.

A batch of n data points is cut into N parts whose sizes differ by one at most. Each process computes a
function of its rows; `gather_rows` returns the rows of all, in order, so each process computes the same loss
L of the whole batch. With G = dL/d(rows), process r passes N G_r back to its own rows. The mean over
processes of the gradients of the weights, which `DistributedDataParallel` takes, is then

    1/N sum_r N G_r d(rows_r)/dw = dL/dw,

for any loss, also one that is no mean over data points, and also for weights that L depends on directly. A
sum S over processes inside the model is used by each process for its own rows, so that what is passed back to
S is a part of N dL/dS; `sum_over_processes` adds up the parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaekit.parallel.processes import Processes


@dataclass(frozen=True)
class Shard:
    """The part of a batch that a process computes.

    A process without data points, because the batch is too small, computes the first one; `gather_rows` drops
    it.

    Args:
        n: the number of data points in the batch.
        rank, size: the process, and their number.

    >>> [Shard(5, rank, 2).rows for rank in (0, 1)]
    [slice(0, 3, None), slice(3, 5, None)]
    """

    n: int
    rank: int
    size: int

    @property
    def sizes(self) -> list[int]:
        """The numbers of data points of all processes.

        >>> Shard(5, 0, 4).sizes
        [2, 1, 1, 1]
        """
        least, more = divmod(self.n, self.size)
        return [least + (rank < more) for rank in range(self.size)]

    @property
    def own(self) -> slice:
        """The data points of this process; maybe none."""
        start = sum(self.sizes[: self.rank])
        return slice(start, start + self.sizes[self.rank])

    @property
    def rows(self) -> slice:
        """The data points that this process computes; at least one.

        >>> Shard(1, rank=1, size=2).rows
        slice(0, 1, None)
        """
        return self.own if self.sizes[self.rank] else slice(0, 1)

    @property
    def length(self) -> int:
        """The number of data points that this process computes."""
        return max(1, self.sizes[self.rank])


def shard_of(processes: Processes, n: int) -> Shard:
    """The part of a batch of n data points that this process computes.

    >>> shard_of(Processes(), 5).rows
    slice(0, 5, None)
    """
    return Shard(n, processes.rank, processes.size)


def gather_rows(rows: Tensor, shard: Shard) -> Tensor:
    """The rows of all processes, with gradients to those of this one.

    Args:
        rows: (shard.length, ...), of this process.
        shard: the part of the batch.

    Returns:
        (n, ...), the same in all processes.

    >>> gather_rows(torch.arange(3.0), Shard(3, 0, 1))
    tensor([0., 1., 2.])
    """
    return rows if shard.size == 1 else _GatherRows.apply(rows, shard)


def sum_over_processes(values: Tensor) -> Tensor:
    """The sum of a tensor over processes, of which each uses it for its own rows only, with gradients.

    Args:
        values: of this process, of one shape in all.
    """
    return _Sum.apply(values)


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        torch.distributed.all_reduce(total)
        return total


class _GatherRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, shard: Shard) -> Tensor:
        ctx.shard = shard
        sizes = shard.sizes
        padded = rows.new_zeros(max(sizes), *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in sizes]
        torch.distributed.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        shard = ctx.shard
        own = gradient[shard.own] * shard.size
        return own if len(own) else gradient.new_zeros(1, *gradient.shape[1:]), None
