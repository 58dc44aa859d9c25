"""Gaussians that are faster or more general than those of `torch.distributions`.

`LogScaleNormal` is parametrized by log sigma, so that no code takes the logarithm of an exponential. Its
divergence from `UnitNormal`, N(0, 1), has the closed form

    KL(N(m, s^2), N(0, 1)) = (m^2 + s^2 - 1) / 2 - log s        (Kingma and Welling 2014, appendix B).

`OptimalNormal` sets its scale to the maximum-likelihood value for the data it is evaluated on.
`CholeskyNormal` has a full covariance matrix.
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

from vaekit.utils.batch_sums import batch_sums

SampleShape = torch.Size | list[int] | tuple[int, ...]

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


class LogScaleNormal(Normal):
    """N(loc, scale^2), parametrized by the logarithm of its scale.

    Args:
        loc: mean; its shape becomes the batch shape.
        log_scale: log sigma, same shape.

    >>> LogScaleNormal(torch.zeros(3), torch.full((3,), 2.0).log()).scale
    tensor([2., 2., 2.])
    """

    def __init__(self, loc: Tensor, log_scale: Tensor):
        self.loc, self.scale, self.log_scale = loc, log_scale.exp(), log_scale
        Distribution.__init__(self, loc.shape, validate_args=False)

    def expand(self, batch_shape: SampleShape, _instance: Distribution | None = None) -> LogScaleNormal:
        return LogScaleNormal(self.loc.expand(batch_shape), self.log_scale.expand(batch_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        return -0.5 * ((value - self.loc) / self.scale).square() - self.log_scale - _LOG_SQRT_2PI


class UnitNormal(Normal):
    """N(0, 1), which skips the division by a scale of one.

    Args:
        zeros, ones: the mean and the scale; their shape becomes the batch shape.

    >>> q = LogScaleNormal(torch.ones(2), torch.zeros(2))
    >>> torch.distributions.kl_divergence(q, UnitNormal(torch.zeros(2), torch.ones(2)))
    tensor([0.5000, 0.5000])
    """

    def __init__(self, zeros: Tensor, ones: Tensor):
        self.loc, self.scale = zeros, ones
        Distribution.__init__(self, zeros.shape, validate_args=False)

    def expand(self, batch_shape: SampleShape, _instance: Distribution | None = None) -> UnitNormal:
        return UnitNormal(self.loc.expand(batch_shape), self.scale.expand(batch_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        return -0.5 * (value - self.loc).square() - _LOG_SQRT_2PI


def diagonal(distribution: Distribution) -> Normal | None:
    """The one-dimensional Gaussians of a diagonal Gaussian; None for any other distribution.

    >>> diagonal(Independent(Normal(torch.zeros(3), 1.0), 1)).batch_shape
    torch.Size([3])
    >>> diagonal(CholeskyNormal(torch.zeros(3), torch.eye(3))) is None
    True
    """
    base = distribution.base_dist if isinstance(distribution, Independent) else None
    return base if isinstance(base, Normal) else None


@register_kl(LogScaleNormal, UnitNormal)
def _kl_to_unit(q: LogScaleNormal, p: UnitNormal) -> Tensor:
    kl = torch.addcmul(q.loc.square(), q.scale, q.scale).sub(1).mul(0.5) - q.log_scale
    return torch.broadcast_tensors(kl, p.loc)[0]


class OptimalNormal(Distribution):
    """A Gaussian with one scale, set to its maximum-likelihood value for the data (Rybkin et al. 2021).

    sigma^2 = mean of (x - loc)^2 over all values, so that log p(x) = -n/2 (log(2 pi sigma^2) + 1). Training
    on it minimizes the logarithm of the mean squared error. The scale depends on x, so this is a training
    objective and not a likelihood. `record` receives the variance; a Gaussian with a fixed scale can then
    replace this one for evaluation.

    Args:
        loc: mean; any shape.
        record: called with sigma^2, a detached scalar tensor.
        mask: True where a value counts; None counts all values.

    >>> variances = []
    >>> p = OptimalNormal(torch.zeros(4), variances.append)
    >>> log_prob = p.log_prob(torch.tensor([1.0, -1.0, 3.0, -3.0]))
    >>> variances
    [tensor(5.)]
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real

    def __init__(self, loc: Tensor, record: Callable[[Tensor], None], mask: Tensor | None = None):
        self.loc, self.record, self.mask = loc, record, mask
        super().__init__(loc.shape, validate_args=False)

    def with_mask(self, mask: Tensor) -> OptimalNormal:
        """Return a copy whose scale is computed from the values where `mask` is True."""
        return OptimalNormal(self.loc, self.record, mask)

    def log_prob(self, value: Tensor) -> Tensor:
        square = (value - self.loc).square()
        weight = torch.ones_like(square) if self.mask is None else self.mask.expand(square.shape).to(square)
        total, count = batch_sums((square * weight).sum(), weight.sum())
        variance = (total / count.clamp_min(1)).clamp_min(1e-8)
        self.record(variance.detach())
        return -0.5 * (square / variance + torch.log(2 * math.pi * variance))

    @property
    def mean(self) -> Tensor:
        return self.loc

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        raise NotImplementedError(
            "OptimalNormal has no scale without data: call model.eval() before sampling"
        )


class CholeskyNormal(MultivariateNormal):
    """A Gaussian with covariance L L^T, parametrized by its mean and the Cholesky factor L.

    Adds to `MultivariateNormal` a closed-form KL divergence from a diagonal Gaussian.

    Args:
        mean: (..., d).
        cholesky: L, (..., d, d), lower triangular with a positive diagonal.

    >>> CholeskyNormal(torch.zeros(2), torch.tensor([[2.0, 0.0], [1.0, 1.0]])).covariance_matrix
    tensor([[4., 2.],
            [2., 2.]])
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
