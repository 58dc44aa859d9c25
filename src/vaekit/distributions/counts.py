"""Distributions of counts k = 0, 1, 2, ..., by the logarithm of their mean.

- `Poisson`: log p(k) = k log m - m - log k!.
- `NegativeBinomial` (NB2): a Poisson whose rate is Gamma-distributed with mean m and shape theta, so that
  the variance is m + m^2 / theta. It tends to the Poisson as the dispersion theta grows.
- `ZeroInflatedNegativeBinomial`: 0 with probability pi, otherwise a negative binomial (Lambert 1992).

The textbook formulas subtract numbers of size k log k, which leaves no correct digit in float32 for k of a
million. The saddle-point form of Loader (2000) has no such difference. With the deviance
D(k, m) = k log(k / m) + m - k and Stirling's error d(k) = log k! - log((k / e)^k sqrt(2 pi k)), for k > 0

    log Poisson(k; m) = -D(k, m) - d(k) - log(2 pi k) / 2
    log NB(k; m, theta) = -D(theta, n q) - D(k, n p) + d(n) - d(theta) - d(k) + log(theta / (2 pi k n)) / 2,

with n = k + theta and p = 1 - q = m / (m + theta). Only the deviances depend on m. With r = n / (m + theta),
their gradients are

    d / d log m = theta (k - m) / (m + theta),      d / d log theta = theta (log r - r + 1).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints

from vaekit.distributions.normal import SampleShape

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_LARGE = 8.0  # from here on, four terms of Stirling's series are exact in float64 to 1e-10


class Poisson(Distribution):
    """The Poisson distribution of mean m.

    Args:
        log_mean: log m; any shape, which becomes the batch shape.

    >>> Poisson(torch.tensor(3.0).log()).log_prob(torch.tensor([0.0, 3.0]))
    tensor([-3.0000, -1.4959])
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.nonnegative_integer

    def __init__(self, log_mean: Tensor):
        self.log_mean = log_mean
        super().__init__(log_mean.shape, validate_args=False)

    def expand(self, batch_shape: SampleShape, _instance: Distribution | None = None) -> Poisson:
        return Poisson(self.log_mean.expand(batch_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        some = value.clamp_min(1)
        fixed = stirling_error(some) + 0.5 * some.log() + _HALF_LOG_2PI
        return torch.where(value > 0, -deviance(some, self.log_mean) - fixed, -self.log_mean.exp())

    @property
    def mean(self) -> Tensor:
        return self.log_mean.exp()

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        with torch.no_grad():
            return torch.poisson(self.mean.expand(torch.Size(sample_shape) + self.batch_shape))


class NegativeBinomial(Distribution):
    """The negative binomial of mean m and variance m + m^2 / theta.

    Args:
        log_mean: log m; any shape.
        log_dispersion: log theta, broadcastable with it.

    >>> p = NegativeBinomial(torch.tensor(3.0).log(), torch.tensor(2.0).log())
    >>> p.log_prob(torch.tensor([0.0, 3.0])).exp(), p.variance
    (tensor([0.1600, 0.1382]), tensor(7.5000))
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.nonnegative_integer

    def __init__(self, log_mean: Tensor, log_dispersion: Tensor):
        self.log_mean, self.log_dispersion = log_mean, log_dispersion
        shape = torch.broadcast_shapes(log_mean.shape, log_dispersion.shape)
        super().__init__(shape, validate_args=False)

    def expand(self, batch_shape: SampleShape, _instance: Distribution | None = None) -> NegativeBinomial:
        return NegativeBinomial(self.log_mean.expand(batch_shape), self.log_dispersion)

    def log_prob(self, value: Tensor) -> Tensor:
        fit = _NegativeDeviances.apply(value, self.log_mean, self.log_dispersion)
        value, log_theta = torch.broadcast_tensors(value, self.log_dispersion)
        positive = value > 0  # few, in a sparse table
        count, log_theta = value.masked_select(positive), log_theta.masked_select(positive)
        theta = log_theta.exp()
        n = count + theta
        errors = stirling_error(n) - stirling_error(theta) - stirling_error(count)
        normalizer = errors + 0.5 * (log_theta - (count * n).log()) - _HALF_LOG_2PI
        return fit + torch.zeros_like(value).masked_scatter(positive, normalizer)

    @property
    def mean(self) -> Tensor:
        return self.log_mean.exp()

    @property
    def variance(self) -> Tensor:
        return self.mean + (2 * self.log_mean - self.log_dispersion).exp()

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        with torch.no_grad():
            shape = torch.Size(sample_shape) + self.batch_shape
            theta = self.log_dispersion.exp().expand(shape)
            return torch.poisson(torch._standard_gamma(theta) * (self.log_mean - self.log_dispersion).exp())


class ZeroInflatedNegativeBinomial(Distribution):
    """0 with probability pi, and otherwise a negative binomial of mean m (Lambert 1992; Lopez et al. 2018).

    Args:
        log_mean: log m, the mean of the negative binomial; any shape.
        log_dispersion: log theta, broadcastable with it.
        zero_logits: the logit of pi, broadcastable with it.

    >>> m, theta, logit = torch.tensor(3.0).log(), torch.tensor(2.0).log(), torch.tensor(0.0)
    >>> p = ZeroInflatedNegativeBinomial(m, theta, logit)
    >>> p.log_prob(torch.tensor(0.0)).exp(), p.mean
    (tensor(0.5800), tensor(1.5000))
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.nonnegative_integer

    def __init__(self, log_mean: Tensor, log_dispersion: Tensor, zero_logits: Tensor):
        self.counts, self.zero_logits = NegativeBinomial(log_mean, log_dispersion), zero_logits
        shape = torch.broadcast_shapes(self.counts.batch_shape, zero_logits.shape)
        super().__init__(shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        log_p = self.counts.log_prob(value)
        inflated = torch.where(value > 0, log_p, torch.logaddexp(self.zero_logits, log_p))
        return inflated - F.softplus(self.zero_logits)

    @property
    def mean(self) -> Tensor:
        return torch.sigmoid(-self.zero_logits) * self.counts.mean

    @property
    def variance(self) -> Tensor:
        kept, mean = torch.sigmoid(-self.zero_logits), self.counts.mean
        return kept * (self.counts.variance + torch.sigmoid(self.zero_logits) * mean.square())

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        with torch.no_grad():
            shape = torch.Size(sample_shape) + self.batch_shape
            zero = torch.rand(shape, dtype=self.mean.dtype, device=self.mean.device).logit()
            missing = len(shape) - len(self.counts.batch_shape)
            drawn = self.counts.sample(shape[:missing]) if missing else self.counts.sample()
            return torch.where(zero < self.zero_logits, 0.0, drawn)


class _NegativeDeviances(torch.autograd.Function):
    """-D(theta, n q) - D(k, n p), with its gradients in closed form; -theta log(1 + m / theta) for k = 0."""

    @staticmethod
    def forward(value: Tensor, log_mean: Tensor, log_theta: Tensor) -> Tensor:
        at_zero = -log_theta.exp() * F.softplus(log_mean - log_theta)
        value, log_mean, log_theta = torch.broadcast_tensors(value, log_mean, log_theta)
        positive = value > 0
        count, a, b = (each.masked_select(positive) for each in (value, log_mean, log_theta))
        theta = b.exp()
        u = torch.logaddexp(a, b) - (count + theta).log()
        fit = -theta * _excess(u) - count * _excess(count.log() - a + u)
        return at_zero.expand(value.shape).masked_scatter(positive, fit)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor]:
        value, log_mean, log_theta = ctx.saved_tensors
        theta, log_sum = log_theta.exp(), torch.logaddexp(log_mean, log_theta)
        by_mean = (log_theta - log_sum).exp() * (value - log_mean.exp())
        by_theta = -theta * _excess(log_sum - (value + theta).log())
        return (
            None,
            (gradient * by_mean).sum_to_size(log_mean.shape),
            (gradient * by_theta).sum_to_size(log_theta.shape),
        )


def _excess(u: Tensor) -> Tensor:
    """u + exp(-u) - 1, which is u^2 / 2 near 0; there it is a series."""
    near = u.clamp(-0.1, 0.1)
    series = near * (1 / 40320) - 1 / 5040
    for coefficient in (1 / 720, -1 / 120, 1 / 24, -1 / 6, 1 / 2):
        series = series * near + coefficient
    return torch.where(near == u, series * near.square(), u + torch.expm1(-u))


def deviance(count: Tensor, log_mean: Tensor) -> Tensor:
    """D(k, m) = k log(k / m) + m - k, with no cancellation where m is near k (Loader 2000).

    With u = log(k / m) it is k (u + exp(-u) - 1), and k u^2 / 2 to first order.

    Args:
        count: k > 0.
        log_mean: log m.

    >>> deviance(torch.tensor(1e6), torch.tensor(1e6).log())
    tensor(0.)
    """
    return count * _excess(count.log() - log_mean)


def stirling_error(x: Tensor) -> Tensor:
    """log Gamma(x + 1) - (x + 1/2) log x + x - log(2 pi) / 2, which is near 1 / (12 x).

    By Stirling's series for x >= 8; below, for x + 8 and Gamma(x + 9) = (x + 8) ... (x + 1) Gamma(x + 1).
    The gradient of `torch.lgamma` is several times slower.

    Args:
        x: positive numbers.

    >>> stirling_error(torch.tensor([1.0, 1e6]))
    tensor([8.1062e-02, 8.3333e-08])
    """
    is_large = x >= _LARGE
    small = x.clamp_max(_LARGE)
    y = torch.where(is_large, x, x + _LARGE)
    square = y.square().reciprocal()
    series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / y
    pairs = small * (small + 9)  # (x + i) (x + 9 - i) = x (x + 9) + i (9 - i)
    product = (pairs + 8) * (pairs + 14) * (pairs + 18) * (pairs + 20)
    up = (y + 0.5) * y.log() - (small + 0.5) * small.log() - _LARGE - product.log()
    return torch.where(is_large, series, series + up)
