"""Gaussians, in fewer steps than torch's own, or with more freedom.

`LogScaleNormal` is known by the logarithm of its scale, so that nothing takes that of an exponential; with
`UnitNormal`, N(0, 1), it has the divergence

    KL(N(m, s^2), N(0, 1)) = (m^2 + s^2 - 1) / 2 - log s        (Kingma and Welling 2014, appendix B).

`OptimalNormal` has the scale that is best for what it is asked about, `CholeskyNormal` any covariance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import (
    Distribution,
    Independent,
    MultivariateNormal,
    Normal,
    constraints,
    register_kl,
)

SampleShape = torch.Size | list[int] | tuple[int, ...]

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


class LogScaleNormal(Normal):
    """N(loc, scale^2) by the logarithm of its scale.

    Args:
        loc, log_scale: of one shape, which becomes the batch shape.
    """

    def __init__(self, loc: Tensor, log_scale: Tensor):
        self.loc, self.scale, self.log_scale = loc, log_scale.exp(), log_scale
        Distribution.__init__(self, loc.shape, validate_args=False)

    def expand(self, batch_shape: SampleShape, _instance: Distribution | None = None) -> LogScaleNormal:
        return LogScaleNormal(self.loc.expand(batch_shape), self.log_scale.expand(batch_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        return -0.5 * ((value - self.loc) / self.scale).square() - self.log_scale - _LOG_SQRT_2PI


class UnitNormal(Normal):
    """N(0, 1).

    Args:
        zeros, ones: of the batch shape; its mean and its scale.
    """

    def __init__(self, zeros: Tensor, ones: Tensor):
        self.loc, self.scale = zeros, ones
        Distribution.__init__(self, zeros.shape, validate_args=False)

    def expand(self, batch_shape: SampleShape, _instance: Distribution | None = None) -> UnitNormal:
        return UnitNormal(self.loc.expand(batch_shape), self.scale.expand(batch_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        return -0.5 * (value - self.loc).square() - _LOG_SQRT_2PI


def diagonal(distribution: Distribution) -> Normal | None:
    """The numbers of an event that are Gaussians independent of each other; None for any other event."""
    base = distribution.base_dist if isinstance(distribution, Independent) else None
    return base if isinstance(base, Normal) else None


@register_kl(LogScaleNormal, UnitNormal)
def _kl_to_unit(q: LogScaleNormal, p: UnitNormal) -> Tensor:
    kl = torch.addcmul(q.loc.square(), q.scale, q.scale).sub(1).mul(0.5) - q.log_scale
    return torch.broadcast_tensors(kl, p.loc)[0]


class OptimalNormal(Distribution):
    """A Gaussian whose one scale is the best for the values it is asked about (Rybkin et al. 2021).

    sigma^2 = mean of (x - loc)^2 over all values, so that log p(x) = -n/2 (log(2 pi sigma^2) + 1): training
    on it is training on the logarithm of the mean squared error. Because the scale looks at x, this is an
    objective for training; `record` receives the scale, so that a Gaussian with a fixed one, a real
    likelihood, can take its place afterwards.

    Args:
        loc: center; any shape.
        record: called with sigma^2, a detached scalar tensor.
        mask: True where a value counts; None for all.
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real

    def __init__(self, loc: Tensor, record: Callable[[Tensor], None], mask: Tensor | None = None):
        self.loc, self.record, self.mask = loc, record, mask
        super().__init__(loc.shape, validate_args=False)

    def restricted(self, mask: Tensor) -> OptimalNormal:
        """The same, with the scale found from the values where `mask` is True."""
        return OptimalNormal(self.loc, self.record, mask)

    def log_prob(self, value: Tensor) -> Tensor:
        square = (value - self.loc).square()
        weight = torch.ones_like(square) if self.mask is None else self.mask.expand(square.shape).to(square)
        variance = ((square * weight).sum() / weight.sum().clamp_min(1)).clamp_min(1e-8)
        self.record(variance.detach())
        return -0.5 * (square / variance + torch.log(2 * math.pi * variance))

    @property
    def mean(self) -> Tensor:
        return self.loc

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        raise NotImplementedError("no scale without values: call .eval() on the model, then sample")


class CholeskyNormal(MultivariateNormal):
    """A Gaussian with any covariance L L^T, by its mean and the lower triangular L.

    Torch's own, with a divergence from a Gaussian whose numbers are independent.

    Args:
        mean: (..., d).
        cholesky: L, (..., d, d).
    """

    def __init__(self, mean: Tensor, cholesky: Tensor):
        super().__init__(mean, scale_tril=cholesky, validate_args=False)


@register_kl(CholeskyNormal, Independent)
def _kl_from_diagonal(q: CholeskyNormal, p: Independent) -> Tensor:
    """sum_i log(s_i / L_ii) + ((L L^T)_ii + (m_i - mu_i)^2) / (2 s_i^2) - 1/2."""
    base = diagonal(p)
    if base is None:
        raise NotImplementedError
    logs = base.scale.log() - q.scale_tril.diagonal(dim1=-2, dim2=-1).log()
    squares = q.variance + (q.loc - base.loc).square()
    return (logs + 0.5 * squares / base.scale.square() - 0.5).sum(-1)
