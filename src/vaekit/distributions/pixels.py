"""Distributions that `torch.distributions` lacks, or computes where floating point fails.

An image x has values in [0, 1]. Three ways of saying how probable it is need care:

- *real values* with density C(l) exp(l x) on [0, 1], the continuous Bernoulli: its normalizer is
  C(l) = l / tanh(l / 2) up to sigmoid factors, which is exact for every logit l, also where probabilities
  saturate in float32;
- *levels* k / (n - 1), k = 0 ... n - 1, as a logistic density cut into bins, where the outermost bins own
  the tails, so that the probabilities of the levels sum to 1;
- *levels* with a free probability each.

Besides these: black and white pixels, whose log-probabilities are summed faster than one by one, and a point
mass (the posterior of an autoencoder). `Event` joins numbers to one event; `tempered` narrows or widens a
distribution about its center. Gaussians are in `normals`.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution, constraints

from vaekit.distributions.normal import SampleShape

LEVELS = 256


class Bernoulli(torch.distributions.Bernoulli):
    """0 or 1, with log p(x) = l x - softplus(l) for the logit l.

    Args:
        logits: any shape; becomes the batch shape.
    """

    def __init__(self, logits: Tensor):
        super().__init__(logits=logits, validate_args=False)

    def expand(self, batch_shape: SampleShape, _instance: Distribution | None = None) -> Bernoulli:
        return Bernoulli(self.logits.expand(batch_shape))

    def total_log_prob(self, value: Tensor, dims: int) -> Tensor:
        """The sum of log p over the last `dims` dimensions, at least one.

        Without a gradient by softplus(l) = max(l, 0) - log S(|l|), with S the sigmoid, whose values of up to
        64 numbers are multiplied before the logarithm: they are at least 1/2. It takes half the time.
        """
        logits, value = torch.broadcast_tensors(self.logits, value)
        if torch.is_grad_enabled():
            losses = F.binary_cross_entropy_with_logits(logits, value, reduction="none")
            return losses.flatten(-dims).sum(-1).neg()
        logs = _products(logits.abs().sigmoid_().flatten(-dims)).log_().sum(-1)
        return logs - logits.clamp_min(0).addcmul_(value, logits, value=-1).flatten(-dims).sum(-1)


def _products(factors: Tensor, most: int = 64) -> Tensor:
    """Numbers (..., n) -> (..., m), each the product of equally many of them, no more than `most`."""
    together = 1
    while factors.shape[-1] % 2 == 0 and together < most:
        factors, together = torch.mul(*factors.chunk(2, -1)), together * 2
    return factors


class ContinuousBernoulli(Distribution):
    """The continuous Bernoulli on [0, 1] with logit l (Loaiza-Ganem and Cunningham 2019).

    log p(x) = l x - softplus(l) + log C(l), with C(l) = l / tanh(l / 2); the uniform density at l = 0.
    `torch.distributions.ContinuousBernoulli` clips its probabilities, and with them the normalizer, beyond
    logits of about 16; this one holds for any.

    Args:
        logits: any shape; becomes the batch shape.
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, logits: Tensor):
        self.logits = logits
        super().__init__(logits.shape, validate_args=False)

    @property
    def log_normalizer(self) -> Tensor:
        """log C(l), by its series about 0, where the formula is 0 / 0."""
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
        """The inverse distribution function at uniform u: log(1 + u (exp(l) - 1)) / l."""
        shape = torch.Size(sample_shape) + self.batch_shape
        u = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
        magnitude = self.logits.abs().clamp_min(1e-3)
        low = -torch.log1p(u * torch.expm1(-magnitude)) / magnitude
        return torch.where(self.logits < 0, low, 1 - low).clamp(0, 1)


class DiscretizedLogistic(Distribution):
    """A logistic density cut into equal bins about the levels k / (n - 1) (Salimans et al. 2017).

    P(k) = S((x + h - loc) / s) - S((x - h - loc) / s), with S the sigmoid, x = k / (n - 1) and half a bin
    h = 1 / (2 (n - 1)); the first bin reaches to minus, the last to plus infinity. Computed as
    log S(a) + log S(-b) + log(1 - exp(b - a)), which loses nothing however far the bin lies in a tail.

    Args:
        loc: center, in units of x; any shape.
        log_scale: log s, broadcastable with `loc`.
        levels: n.
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.unit_interval

    def __init__(self, loc: Tensor, log_scale: Tensor, levels: int = LEVELS):
        self.loc, self.log_scale = torch.broadcast_tensors(loc, log_scale)
        self.levels = levels
        super().__init__(self.loc.shape, validate_args=False)

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
        """The mean level in [0, 1]: the sum over k > 0 of P(X >= k), divided by n - 1."""
        total = torch.zeros_like(self.loc)
        inverse_scale = torch.exp(-self.log_scale)
        for k in range(1, self.levels):
            total += torch.sigmoid((self.loc - (k - 0.5) / (self.levels - 1)) * inverse_scale)
        return total / (self.levels - 1)

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        shape = torch.Size(sample_shape) + self.batch_shape
        with torch.no_grad():
            u = torch.rand(shape, dtype=self.loc.dtype, device=self.loc.device)
            x = self.loc + self.log_scale.exp() * torch.logit(u, eps=torch.finfo(u.dtype).tiny)
            return (x * (self.levels - 1)).round().clamp(0, self.levels - 1) / (self.levels - 1)


class CategoricalLevels(Distribution):
    """A free probability for each of n levels k / (n - 1).

    Args:
        logits: (..., n); the last axis is that of the levels.
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.unit_interval

    def __init__(self, logits: Tensor):
        self.log_probs = F.log_softmax(logits, -1)
        super().__init__(logits.shape[:-1], validate_args=False)

    @property
    def values(self) -> Tensor:
        """The levels as values in [0, 1], shape (n,)."""
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
