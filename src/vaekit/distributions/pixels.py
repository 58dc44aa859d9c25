"""Distributions of pixel values in [0, 1].

- `Bernoulli`: binary pixels, log p(x) = l x - softplus(l), with a fast sum over all pixels.
- `ContinuousBernoulli`: a density C(l) exp(l x) on [0, 1]. Its normalizer C(l) = l / tanh(l / 2), up to
  sigmoid factors, is exact for every logit l, also where probabilities saturate in float32.
- `DiscretizedLogistic`, `DiscretizedGaussian`: gray levels k / (n - 1), k = 0 ... n - 1, as a logistic or a
  Gaussian density cut into bins. The outermost bins include the tails, so the probabilities of all gray
  levels sum to 1.
- `CategoricalLevels`: gray levels with one free probability each.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.special import log_ndtr

from vaekit.distributions.normal import SampleShape

LEVELS = 256


class Bernoulli(torch.distributions.Bernoulli):
    """A Bernoulli distribution with a fast sum of its log-probabilities, log p(x) = l x - softplus(l).

    Args:
        logits: l; any shape, which becomes the batch shape.

    >>> Bernoulli(torch.zeros(4)).total_log_prob(torch.ones(4), dims=1)  # 4 log(1/2)
    tensor(-2.7726)
    """

    def __init__(self, logits: Tensor):
        super().__init__(logits=logits, validate_args=False)

    def expand(self, batch_shape: SampleShape, _instance: Distribution | None = None) -> Bernoulli:
        return Bernoulli(self.logits.expand(batch_shape))

    def total_log_prob(self, value: Tensor, dims: int) -> Tensor:
        """The sum of log p over the last `dims` dimensions, dims >= 1.

        Without gradients it uses softplus(l) = max(l, 0) - log S(|l|), with S the sigmoid. Up to 64 sigmoids,
        each at least 1/2, are multiplied before one logarithm is taken. This halves the time.
        """
        logits, value = torch.broadcast_tensors(self.logits, value)
        if torch.is_grad_enabled():
            losses = F.binary_cross_entropy_with_logits(logits, value, reduction="none")
            return losses.flatten(-dims).sum(-1).neg()
        logs = _products(logits.abs().sigmoid_().flatten(-dims)).log_().sum(-1)
        return logs - logits.clamp_min(0).addcmul_(value, logits, value=-1).flatten(-dims).sum(-1)


def _products(factors: Tensor, most: int = 64) -> Tensor:
    """Factors (..., n) -> products (..., m) of equally many factors, at most `most` each."""
    together = 1
    while factors.shape[-1] % 2 == 0 and together < most:
        factors, together = torch.mul(*factors.chunk(2, -1)), together * 2
    return factors


class ContinuousBernoulli(Distribution):
    """The continuous Bernoulli on [0, 1] with logit l (Loaiza-Ganem and Cunningham 2019).

    log p(x) = l x - softplus(l) + log C(l), with C(l) = l / tanh(l / 2); the uniform density at l = 0.
    `torch.distributions.ContinuousBernoulli` clips its probabilities, and so its normalizer, beyond logits of
    about 16; this class is exact for any logit.

    Args:
        logits: l; any shape, which becomes the batch shape.

    >>> p = ContinuousBernoulli(torch.tensor([0.0, 100.0]))
    >>> p.mean
    tensor([0.5000, 0.9900])
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, logits: Tensor):
        self.logits = logits
        super().__init__(logits.shape, validate_args=False)

    @property
    def log_normalizer(self) -> Tensor:
        """log C(l), by its Taylor series near 0, where the formula is 0 / 0."""
        small = self.logits.abs() < 0.1
        safe = torch.where(small, torch.ones_like(self.logits), self.logits)
        square = self.logits.square()
        return torch.where(
            small,
            math.log(2.0) + square / 12 - 7 * square.square() / 1440,
            torch.log(safe / torch.tanh(safe / 2)),
        )

    def log_prob(self, value: Tensor) -> Tensor:
        return self.logits * value - F.softplus(self.logits) + self.log_normalizer

    @property
    def mean(self) -> Tensor:
        small = self.logits.abs() < 0.1
        safe = torch.where(small, torch.ones_like(self.logits), self.logits)
        series = 0.5 + self.logits / 12 - self.logits**3 / 720
        return torch.where(small, series, 0.5 + 0.5 / torch.tanh(safe / 2) - 1 / safe)

    def rsample(self, sample_shape: SampleShape = ()) -> Tensor:
        """The inverse CDF at uniform u: log(1 + u (exp(l) - 1)) / l."""
        shape = torch.Size(sample_shape) + self.batch_shape
        u = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
        magnitude = self.logits.abs().clamp_min(1e-3)
        low = -torch.log1p(u * torch.expm1(-magnitude)) / magnitude
        return torch.where(self.logits < 0, low, 1 - low).clamp(0, 1)


class _GrayLevels(Distribution):
    """Gray levels k / (n - 1) of a location-scale density that is cut into bins."""

    arg_constraints: ClassVar[dict] = {}
    support = constraints.unit_interval

    def __init__(self, loc: Tensor, log_scale: Tensor, levels: int = LEVELS):
        self.loc, self.log_scale = torch.broadcast_tensors(loc, log_scale)
        self.levels = levels
        super().__init__(self.loc.shape, validate_args=False)


class DiscretizedLogistic(_GrayLevels):
    """A logistic density cut into equal bins about the gray levels k / (n - 1) (Salimans et al. 2017).

    P(k) = S((x + h - loc) / s) - S((x - h - loc) / s), with S the sigmoid, x = k / (n - 1) and half a bin
    h = 1 / (2 (n - 1)). The first bin extends to minus infinity, the last to plus infinity. Computed as
    log S(a) + log S(-b) + log(1 - exp(b - a)), which is exact however far the bin lies in a tail.

    Args:
        loc: center, in units of x; any shape.
        log_scale: log s, broadcastable with `loc`.
        levels: n, the number of gray levels.

    >>> p = DiscretizedLogistic(torch.tensor(0.5), torch.tensor(-3.0), levels=4)
    >>> round(float(p.log_prob(torch.arange(4) / 3).exp().sum()), 4)
    1.0
    """

    def log_prob(self, value: Tensor) -> Tensor:
        last = self.levels - 1
        level = (value * last).round()
        inverse_scale = torch.exp(-self.log_scale)
        upper = ((level + 0.5) / last - self.loc) * inverse_scale
        lower = ((level - 0.5) / last - self.loc) * inverse_scale
        log_below_upper, log_above_lower = F.logsigmoid(upper), F.logsigmoid(-lower)
        log_width = torch.log(-torch.expm1(-inverse_scale / last))
        inside = log_below_upper + log_above_lower + log_width
        return torch.where(level <= 0, log_below_upper, torch.where(level >= last, log_above_lower, inside))

    @property
    def mean(self) -> Tensor:
        """The mean in [0, 1]: the sum over k > 0 of P(K >= k), divided by n - 1.

        For more than 256 levels this sum is a midpoint rule, and its integral is used instead:
        s (softplus(loc / s) - softplus((loc - 1) / s)). The difference is at most half a level, and at most
        h^2 / (96 s) with h = 1 / (n - 1) where s is above 2 h.
        """
        inverse_scale = torch.exp(-self.log_scale)
        if self.levels > LEVELS:
            upper, lower = self.loc * inverse_scale, (self.loc - 1) * inverse_scale
            return (F.softplus(upper) - F.softplus(lower)) / inverse_scale
        total = torch.zeros_like(self.loc)
        for k in range(1, self.levels):
            total += torch.sigmoid((self.loc - (k - 0.5) / (self.levels - 1)) * inverse_scale)
        return total / (self.levels - 1)

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        shape = torch.Size(sample_shape) + self.batch_shape
        with torch.no_grad():
            u = torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device)
            x = self.loc + self.log_scale.exp() * torch.logit(u, eps=torch.finfo(u.dtype).tiny)
            return (x * (self.levels - 1)).round().clamp(0, self.levels - 1) / (self.levels - 1)


class DiscretizedGaussian(_GrayLevels):
    """A Gaussian density cut into equal bins about the gray levels k / (n - 1).

    P(k) = Phi((x + h - loc) / s) - Phi((x - h - loc) / s), with x = k / (n - 1) and half a bin
    h = 1 / (2 (n - 1)). The first bin extends to minus infinity, the last to plus infinity.

    With m = (x - loc) / s and w = 2 h / s, narrow bins (w < 0.2) are integrated by

        log P = log phi(m) + log w + log(sinh(m w / 2) / (m w / 2)) - w^2 E[u^2] / 2,

    with an error below w^4 / 100 nats; E is the mean under exp(-m w u) on [-1/2, 1/2]. Others are differences
    of log Phi, in the tail where they are exact.

    Args:
        loc: center, in units of x; any shape.
        log_scale: log s, broadcastable with `loc`.
        levels: n, the number of gray levels.

    >>> p = DiscretizedGaussian(torch.tensor(0.5), torch.tensor(-3.0), levels=4)
    >>> round(float(p.log_prob(torch.arange(4) / 3).exp().sum()), 4)
    1.0
    """

    def log_prob(self, value: Tensor) -> Tensor:
        last = self.levels - 1
        level = (value * last).round()
        inverse_scale = torch.exp(-self.log_scale)
        middle, width = (level / last - self.loc) * inverse_scale, inverse_scale / last
        inside = torch.where(width < 0.2, _log_narrow(middle, width), _log_wide(middle, width))
        below, above = log_ndtr(middle + width / 2), log_ndtr(width / 2 - middle)
        return torch.where(level <= 0, below, torch.where(level >= last, above, inside))

    @property
    def mean(self) -> Tensor:
        """The mean in [0, 1]: the sum over k > 0 of P(K >= k), divided by n - 1.

        For more than 256 levels it is the integral s (G(loc / s) - G((loc - 1) / s)), G(u) = u Phi(u) +
        phi(u). The difference is at most half a level, and at most h^2 / (60 s) with h = 1 / (n - 1) where
        s is above 2 h.
        """
        scale = torch.exp(self.log_scale)
        if self.levels > LEVELS:
            upper, lower = self.loc / scale, (self.loc - 1) / scale
            return scale * (_ndtr_integral(upper) - _ndtr_integral(lower))
        total = torch.zeros_like(self.loc)
        for k in range(1, self.levels):
            total += torch.special.ndtr((self.loc - (k - 0.5) / (self.levels - 1)) / scale)
        return total / (self.levels - 1)

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        shape = torch.Size(sample_shape) + self.batch_shape
        with torch.no_grad():
            noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
            x = self.loc + self.log_scale.exp() * noise
            return (x * (self.levels - 1)).round().clamp(0, self.levels - 1) / (self.levels - 1)


def _log_narrow(middle: Tensor, width: Tensor) -> Tensor:
    """log of the integral of the standard Gaussian over a narrow bin."""
    width = width.clamp_max(0.2)
    half = (middle * width).abs() / 2
    small = half < 0.1
    safe = torch.where(small, torch.ones_like(half), half)
    square = torch.where(small, half, torch.zeros_like(half)).square()
    log_sinhc = torch.where(
        small,
        square / 6 - square.square() / 180,
        safe + torch.log(-torch.expm1(-2 * safe)) - torch.log(2 * safe),
    )
    second = torch.where(
        small,
        1 / 12 + square / 90,
        0.25 + 0.5 / safe.square() - 0.5 / (safe * torch.tanh(safe)),
    )
    density = -middle.square() / 2 - 0.5 * math.log(2 * math.pi)
    return density + torch.log(width) + log_sinhc - width.square() * second / 2


def _log_wide(middle: Tensor, width: Tensor) -> Tensor:
    """log of the integral of the standard Gaussian over a bin, by the tail that the bin lies in."""
    width = width.clamp_min(0.2)
    upper = log_ndtr(width / 2 - middle.abs())
    lower = log_ndtr(-width / 2 - middle.abs())
    return upper + torch.log(-torch.expm1(lower - upper))


def _ndtr_integral(u: Tensor) -> Tensor:
    """The integral of Phi from minus infinity to u: u Phi(u) + phi(u)."""
    return u * torch.special.ndtr(u) + torch.exp(-u.square() / 2) / math.sqrt(2 * math.pi)


class CategoricalLevels(Distribution):
    """A categorical distribution over n gray levels k / (n - 1).

    Args:
        logits: (..., n); the last axis runs over the gray levels.

    >>> p = CategoricalLevels(torch.tensor([0.0, 0.0, 0.0]))
    >>> p.values, p.mean
    (tensor([0.0000, 0.5000, 1.0000]), tensor(0.5000))
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.unit_interval

    def __init__(self, logits: Tensor):
        self.log_probs = F.log_softmax(logits, -1)
        super().__init__(logits.shape[:-1], validate_args=False)

    @property
    def values(self) -> Tensor:
        """The gray levels as values in [0, 1], (n,)."""
        n = self.log_probs.shape[-1]
        return torch.arange(n, device=self.log_probs.device, dtype=self.log_probs.dtype) / (n - 1)

    def log_prob(self, value: Tensor) -> Tensor:
        level = (value * (self.log_probs.shape[-1] - 1)).round().long()
        shape = torch.broadcast_shapes(level.shape, self.batch_shape)
        log_probs = self.log_probs.expand(*shape, -1)
        return log_probs.gather(-1, level.expand(shape).unsqueeze(-1)).squeeze(-1)

    @property
    def mean(self) -> Tensor:
        return (self.log_probs.exp() * self.values).sum(-1)

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        with torch.no_grad():
            levels = torch.distributions.Categorical(logits=self.log_probs, validate_args=False)
            return self.values[levels.sample(torch.Size(sample_shape))]
