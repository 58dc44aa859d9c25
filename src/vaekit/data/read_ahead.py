"""Read the batches of an epoch before they are asked for, in threads, while the model computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

DEPTH = 6  # batches that are read before they are asked for
THREADS = 2


class Hint(NamedTuple):
    """Rows of the dataset that are needed from a place in the order on.

    Attributes:
        place: in the order.
        ranges: (first, last + 1) rows.

    >>> Hint(0, [(3, 5)]).ranges
    [(3, 5)]
    """

    place: int
    ranges: Sequence[tuple[int, int]]


class ReadAhead:
    """The batches of an order, read in advance.

    Args:
        read: from indices (B,) into the dataset to values; called in threads.
        rows: (N,) indices into the dataset of the split.
        batches: indices (B,) into the split, of each batch.
        size: how far a batch moves on in the order.
        hints: rows that are needed soon, in ascending order of their places.
        will_need: called with (first, last + 1) of each range of a hint, in a thread, well before its place.

    >>> ahead = ReadAhead(lambda rows: rows * 10, np.arange(5), [torch.tensor([3, 1])], 2)
    >>> ahead.take(torch.tensor([3, 1])).tolist(), ahead.take(torch.tensor([0])) is None
    ([30, 10], True)
    """

    def __init__(
        self,
        read: Callable[[np.ndarray], np.ndarray],
        rows: np.ndarray,
        batches: Sequence[Tensor],
        size: int,
        hints: Sequence[Hint] = (),
        will_need: Callable[[int, int], None] | None = None,
    ):
        self._read, self._rows, self._size = read, rows, size
        self._batches = deque(batches)
        self._place = self._announced = 0
        self._hints, self._will_need = deque(hints), will_need
        self._read_soon: deque[tuple[Tensor, Future]] = deque()
        self._fill()

    def take(self, indices: Tensor) -> Tensor | None:
        """The values of the next batch, if it has these indices; None if it has others."""
        if not self._read_soon or not torch.equal(self._read_soon[0][0], indices.cpu()):
            return None
        future = self._read_soon.popleft()[1]
        self._fill()
        return torch.from_numpy(future.result())

    def _fill(self) -> None:
        while self._batches and len(self._read_soon) < DEPTH:
            batch = self._batches.popleft()
            self._hint()
            self._place += self._size
            self._read_soon.append((batch, _pool().submit(self._read, self._rows[batch.numpy()])))

    def _hint(self) -> None:
        """Announce the rows of the next part of the order as soon as this one begins."""
        while self._will_need and self._hints and self._announced <= self._place:
            hint = self._hints.popleft()
            self._announced = hint.place
            for first, last in hint.ranges:
                _pool().submit(self._will_need, first, last)


@lru_cache(1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, "vaekit-read")
