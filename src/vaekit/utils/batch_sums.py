"""Sums over a whole batch, also where several processes compute parts of it.

A function whose result for one data point depends on the others, such as a variance in closed form, adds up
what it needs by `batch_sums`. One process returns its sums as they are. `vaekit.parallel` puts the sums over
all processes in their place, with gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor

Sums = tuple[Tensor, ...]
_reduce: list[Callable[[Sums], Sums]] = []


def batch_sums(*sums: Tensor) -> Sums:
    """Tensors that were summed over the data points of this process, summed over the whole batch.

    >>> import torch
    >>> batch_sums(torch.tensor(3.0))
    (tensor(3.),)
    """
    return _reduce[-1](sums) if _reduce else sums


@contextmanager
def reduced_by(reduce: Callable[[Sums], Sums]) -> Iterator[None]:
    """Inside the block, `batch_sums` returns what this function returns.

    >>> import torch
    >>> with reduced_by(lambda sums: tuple(2 * each for each in sums)):
    ...     batch_sums(torch.tensor(3.0))
    (tensor(6.),)
    """
    _reduce.append(reduce)
    try:
        yield
    finally:
        _reduce.pop()
