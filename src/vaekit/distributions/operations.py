"""What several families of distributions share: events, temperature, selection, bounds, a point mass."""

from __future__ import annotations

import functools
import math
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal, constraints

from vaekit.distributions.normal import CholeskyNormal, SampleShape

Bounds = tuple[float, float]


def soft_clamp(value: Tensor, bounds: Bounds | None) -> Tensor:
    """Keep numbers between bounds by low + (high - low) sigmoid, which has slope 1 in the middle."""
    if bounds is None:
        return value
    low, high = bounds
    return low + (high - low) * torch.sigmoid((value - (low + high) / 2) * (4 / (high - low)))


class IndependentEvent(Independent):
    """Independent numbers as one event.

    Where their distribution has a faster way to sum their log-densities than one by one, a method
    `total_log_prob(value, dims)` over the last `dims` dimensions, it is by that.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        dims, total = self.reinterpreted_batch_ndims, getattr(self.base_dist, "total_log_prob", None)
        return total(value, dims) if total and dims else super().log_prob(value)


class Delta(Distribution):
    """A point mass, with density 1 at its point and 0 elsewhere: the posterior of an autoencoder.

    Against a continuous prior it has no finite Kullback-Leibler divergence, so no bound on log p(x) comes
    of it.
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real
    has_rsample = True

    def __init__(self, value: Tensor):
        self.value = value
        super().__init__(value.shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.value

    @property
    def variance(self) -> Tensor:
        return torch.zeros_like(self.value)

    def rsample(self, sample_shape: SampleShape = ()) -> Tensor:
        return self.value.expand(torch.Size(sample_shape) + self.batch_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return torch.where(value == self.value, 0.0, -math.inf).to(self.value.dtype)


@functools.singledispatch
def with_temperature(distribution: Distribution, temperature: float) -> Distribution:
    """The distribution with its spread about its center multiplied by `temperature`.

    Raises:
        NotImplementedError: where no such form is known for the family.
    """
    raise NotImplementedError(f"no temperature is known for {type(distribution).__name__}")


@with_temperature.register
def _(distribution: Normal, temperature: float) -> Distribution:
    return Normal(distribution.loc, distribution.scale * temperature, validate_args=False)


@with_temperature.register
def _(distribution: CholeskyNormal, temperature: float) -> Distribution:
    return CholeskyNormal(distribution.loc, distribution.scale_tril * temperature)


@with_temperature.register
def _(distribution: Independent, temperature: float) -> Distribution:
    base = with_temperature(distribution.base_dist, temperature)
    return Independent(base, distribution.reinterpreted_batch_ndims, validate_args=False)


@functools.singledispatch
def select(distribution: Distribution, index: Tensor) -> Distribution:
    """Those of a batch of distributions that `index` names, of the batch shape of `index`.

    Raises:
        NotImplementedError: for a family that is not known.
    """
    raise NotImplementedError(f"no selection is known for {type(distribution).__name__}")


@select.register
def _(distribution: Normal, index: Tensor) -> Distribution:
    return Normal(distribution.loc[index], distribution.scale[index], validate_args=False)


@select.register
def _(distribution: CholeskyNormal, index: Tensor) -> Distribution:
    return CholeskyNormal(distribution.loc[index], distribution.scale_tril[index])


@select.register
def _(distribution: Independent, index: Tensor) -> Distribution:
    base = select(distribution.base_dist, index)
    return Independent(base, distribution.reinterpreted_batch_ndims, validate_args=False)
