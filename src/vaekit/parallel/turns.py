"""Work in pieces, each done by one process, with the results in order in all of them.

An evaluation measures batch after batch, with random numbers that depend on the number of the batch. The
result is therefore the same to the last digit whichever process measures which batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import torch

from vaekit.parallel.processes import current

T = TypeVar("T")
R = TypeVar("R")


def in_turns(items: Iterable[T], compute: Callable[[T], R]) -> Iterator[R]:
    """The results of all items in order; of N processes each computes one of N items.

    Args:
        items: the same in all processes.
        compute: from an item to a result, which can be sent to other processes.

    >>> list(in_turns([1, 2, 3], lambda n: n * n))
    [1, 4, 9]
    """
    processes = current()
    if processes.size == 1:
        yield from map(compute, items)
        return
    left = iter(items)
    while turn := list(islice(left, processes.size)):
        own = compute(turn[processes.rank]) if processes.rank < len(turn) else None
        results: list[Any] = [None] * processes.size
        torch.distributed.all_gather_object(results, own)
        yield from results[: len(turn)]
