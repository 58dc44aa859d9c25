"""The product of unlike distributions over the columns of a data point,

    p(x) = prod_j p_j(x_j),        x = (x_1 ... x_P) along the last dimension.

A table has such a likelihood: a Gaussian for one column, a Bernoulli for the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, constraints

from vaekit.distributions.normal import SampleShape


class Product(Distribution):
    """Independent parts with distributions of any kind, side by side along the last dimension.

    Args:
        parts: distributions over the elements of each part, with equal batch shapes apart from the last
            dimension: part j has batch shape (..., n_j).
        event_dims: the number of trailing dimensions that make one data point.

    >>> from torch.distributions import Bernoulli, Normal
    >>> columns = [Normal(torch.zeros(4, 2), 1.0), Bernoulli(logits=torch.zeros(4, 1))]
    >>> p = Product(columns, event_dims=1)
    >>> p.event_shape, p.sample((5,)).shape
    (torch.Size([3]), torch.Size([5, 4, 3]))
    >>> p.log_prob_parts(torch.zeros(4, 3)).shape
    torch.Size([2, 4])
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real_vector

    def __init__(self, parts: Sequence[Distribution], event_dims: int):
        self.parts, self.sizes = list(parts), [part.batch_shape[-1] for part in parts]
        shape = (*self.parts[0].batch_shape[:-1], sum(self.sizes))
        split = len(shape) - event_dims
        super().__init__(torch.Size(shape[:split]), torch.Size(shape[split:]), validate_args=False)

    def __repr__(self) -> str:
        kinds = " x ".join(type(part).__name__ for part in self.parts)
        return f"Product({kinds}, event_shape={tuple(self.event_shape)})"

    @property
    def mean(self) -> Tensor:
        return torch.cat([part.mean for part in self.parts], -1)

    @property
    def variance(self) -> Tensor:
        return torch.cat([part.variance for part in self.parts], -1)

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        shape = torch.Size(sample_shape)
        return torch.cat([part.sample(shape).to(part.mean.dtype) for part in self.parts], -1)

    def log_prob(self, value: Tensor) -> Tensor:
        return self.log_prob_parts(value).sum(0)

    def log_prob_parts(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """(P, ...): the log-probability of each part, in nats; where the mask is False, values count 0."""
        masks: Sequence[Tensor | None] = [None] * len(self.sizes)
        if mask is not None:
            masks = mask.expand(*mask.shape[:-1], sum(self.sizes)).split(self.sizes, -1)
        dims = tuple(range(-len(self.event_shape), 0))
        logs = [
            _log_prob(part, column, known).sum(dims)
            for part, column, known in zip(self.parts, value.split(self.sizes, -1), masks, strict=True)
        ]
        return torch.stack(torch.broadcast_tensors(*logs))

    def masked_log_prob(self, value: Tensor, mask: Tensor) -> Tensor:
        """The log-probability of the values where the mask is True."""
        return self.log_prob_parts(value, mask).sum(0)


def _log_prob(part: Distribution, value: Tensor, mask: Tensor | None) -> Tensor:
    """The log-probability of each element; 0 where the mask is False."""
    base = part.base_dist if isinstance(part, Independent) else part
    if mask is None:
        return base.log_prob(value)
    return torch.where(mask, base.log_prob(value), 0.0)
