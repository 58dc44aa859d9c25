"""The exponential moving average of the weights, often a better model than the weights themselves.

    a <- d a + (1 - d) w,     d = min(decay, (1 + t) / (10 + t)) after step t,

so that a short training does not keep its first, random weights (Polyak and Juditsky 1992 for the average;
the rise of d as in TensorFlow's ExponentialMovingAverage, 2015).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Average:
    """The moving average of some weights.

    Args:
        weights: the parameters it follows.
        decay: d, in (0, 1).
    """

    def __init__(self, weights: Iterable[Tensor], decay: float):
        self._weights = [weight.detach() for weight in weights]
        self.values = [weight.clone() for weight in self._weights]
        self._decay = decay

    def update(self, step: int) -> None:
        """Move towards the weights as they are after `step`, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, self._weights, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, the model's weights are the average; after it they are its own again."""
        own = [weight.clone() for weight in self._weights]
        torch._foreach_copy_(self._weights, self.values)
        try:
            yield
        finally:
            torch._foreach_copy_(self._weights, own)
