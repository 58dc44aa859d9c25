"""Densities of model values as densities in the units of the data.

If x = f(v) elementwise with an increasing f, the density of v is p(x) dx / dv, so

    log p(v) = log p(x) + log dx / dv.

The logarithm of the slope is constant (-log of the scale) or, for a piecewise linear f, constant between
edges. `DataUnits` adds it to each element, so a sum over observed elements counts only theirs.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent

from vaekit.distributions.normal import SampleShape
from vaekit.distributions.operations import IndependentEvent
from vaekit.errors import InvalidError
from vaekit.spec import Preprocessing


class DataUnits(nn.Module):
    """log dx / dv of each element of model values x, as a `Preprocessing` maps them.

    Args:
        preprocessing: that of the model.

    >>> units = DataUnits(Preprocessing((2,), scale=2.0))
    >>> units.log_slope(torch.zeros(5, 2)).unique()
    tensor([-0.6931])
    """

    constant: Tensor

    def __init__(self, preprocessing: Preprocessing):
        super().__init__()
        self.pieces: list[tuple[int, Tensor, Tensor]] = [
            (j, torch.tensor(column.log_slopes()[0]), torch.tensor(column.log_slopes()[1]))
            for j, column in enumerate(preprocessing.columns)
            if column.is_numeric and column.knots
        ]
        constant = [
            float(column.log_slopes()[1][0]) if column.is_numeric and not column.knots else 0.0
            for column in preprocessing.columns
        ] or [-preprocessing.log_scale]
        self.register_buffer("constant", torch.tensor(constant), persistent=False)

    @property
    def is_identity(self) -> bool:
        """Whether all slopes are 1, so that densities are in units of the data already."""
        return not self.pieces and not bool(self.constant.any())

    def log_slope(self, x: Tensor) -> Tensor:
        """log dx / dv at model values x (..., *shape), of the same shape."""
        total = self.constant.to(x).expand(x.shape)
        if not self.pieces:
            return total
        total = total.clone()
        for j, edges, slopes in self.pieces:
            place = torch.bucketize(x[..., j].contiguous(), edges.to(x), right=True)
            total[..., j] = slopes.to(x)[place]
        return total

    def forward(self, distribution: Distribution) -> InDataUnits:
        """The distribution with densities in units of the data; its samples stay model values."""
        return InDataUnits(distribution, self)


class InDataUnits(Distribution):
    """A distribution over elements x whose log-density is that of the data; samples and means stay x.

    Args:
        base: the distribution of x, over single elements or whole data points.
        units: the slopes.

    >>> from torch.distributions import Normal
    >>> units = DataUnits(Preprocessing((1,), scale=10.0))
    >>> p = units(Normal(torch.zeros(1), 1.0))  # of the data: N(0, 10^2)
    >>> torch.allclose(p.log_prob(torch.zeros(1)), Normal(0.0, 10.0).log_prob(torch.zeros(1)))
    True
    """

    arg_constraints: ClassVar[dict] = {}

    def __init__(self, base: Distribution, units: DataUnits):
        self.base, self.units = base, units
        if hasattr(base, "with_mask"):
            self.with_mask = lambda mask: InDataUnits(base.with_mask(mask), units)
        super().__init__(base.batch_shape, base.event_shape, validate_args=False)

    @property
    def support(self) -> Any:
        return self.base.support

    @property
    def mean(self) -> Tensor:
        return self.base.mean

    @property
    def variance(self) -> Tensor:
        return self.base.variance

    @property
    def stddev(self) -> Tensor:
        return self.base.stddev

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        return self.base.sample(torch.Size(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        slope = self.units.log_slope(value)
        dims = len(self.event_shape)
        return self.base.log_prob(value) + (slope.flatten(-dims).sum(-1) if dims else slope)


class DataUnitsHook:
    """A forward hook that gives the densities of any decoder over data points in units of the data.

    Args:
        preprocessing: that of the model.

    Raises:
        InvalidError: when called, if the distribution has no `support`.

    >>> from torch.distributions import Independent, Normal
    >>> class Decoder(nn.Module):
    ...     def forward(self, z):
    ...         return Independent(Normal(z, 1.0), 1)
    >>> decoder = Decoder()
    >>> _ = decoder.register_forward_hook(DataUnitsHook(Preprocessing((2,), scale=10.0)))
    >>> p = decoder(torch.zeros(1, 2))  # of the data: N(0, 10^2), twice
    >>> torch.allclose(p.log_prob(torch.zeros(1, 2)), 2 * Normal(0.0, 10.0).log_prob(torch.zeros(1)))
    True
    """

    def __init__(self, preprocessing: Preprocessing):
        self.units = DataUnits(preprocessing)

    def __call__(self, module: nn.Module, inputs: Any, output: Any) -> Any:
        if self.units.is_identity or _is_discrete(output):
            return output
        if isinstance(output, Independent):
            return IndependentEvent(self.units(output.base_dist), output.reinterpreted_batch_ndims)
        return self.units(output)


def _is_discrete(distribution: Distribution) -> bool:
    """Whether a distribution has probabilities rather than densities.

    Raises:
        InvalidError: it does not say so by its support.
    """
    try:
        support: Any = distribution.support
        return bool(support.is_discrete)
    except NotImplementedError:
        raise InvalidError(
            f"decoder: expected a distribution with `support`, got {type(distribution).__name__}; it says "
            "whether these are densities, which depend on the units of the data"
        ) from None
