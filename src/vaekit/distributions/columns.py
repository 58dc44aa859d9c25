"""The distribution of a row of a table: a product over columns of different types,

    p(x) = prod_j p_j(x_j).

Numbers are model values, x = (value - offset) / scale. The density of a real column is one over the values in
units of the data, p(value) = p(x) |dx / dvalue|, so that totals of differently scaled models compare.
Integers, counts and categories have probabilities, which sum to 1 over their values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Normal, constraints
from torch.special import log_ndtr

from vaekit.distributions.normal import SampleShape

NARROW = 0.02  # width of an interval, in sigma, below which its probability is density times width


class DiscretizedNormal(Distribution):
    """A Gaussian whose mass in an interval around each lattice point is the probability of that point,

        P(x) = Phi((x + step / 2 - loc) / sigma) - Phi((x - step / 2 - loc) / sigma).

    It sums to 1 over a lattice of this step, wherever the lattice begins. It is computed in float64, since
    the gradient far from the center is a difference of large numbers.

    Args:
        loc: the center, any shape.
        scale: sigma.
        step: the distance of two values.

    >>> p = DiscretizedNormal(torch.tensor(0.3), torch.tensor(2.0), torch.tensor(1.0))
    >>> round(p.log_prob(torch.arange(-30.0, 31.0)).exp().sum().item(), 5)
    1.0
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real

    def __init__(self, loc: Tensor, scale: Tensor, step: Tensor):
        self.loc, self.scale = torch.broadcast_tensors(loc, scale)
        self.step = step
        super().__init__(self.loc.shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        scale = self.scale.double()
        center, half = (value.double() - self.loc) / scale, self.step / (2 * scale)
        narrow = half < NARROW / 2
        density = -0.5 * center.square() - 0.5 * math.log(2 * math.pi) + (2 * half).log()
        far = -center.abs()  # the interval and its mirror image have the same mass; take the left one
        wide = torch.where(narrow, torch.ones_like(half), half)
        high, low = log_ndtr(far + wide), log_ndtr(far - wide)
        return torch.where(narrow, density, high + torch.log1p(-(low - high).exp())).to(self.loc.dtype)

    @property
    def mean(self) -> Tensor:
        """The center, which for sigma well above the step is the mean."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.scale.square() + self.step.square() / 12

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        """Samples of the Gaussian, which `Columns` rounds to the lattice of the column."""
        shape = torch.Size(sample_shape) + self.loc.shape
        return Normal(self.loc.expand(shape), self.scale.expand(shape), validate_args=False).sample()


class ScaledCounts(Distribution):
    """A negative binomial distribution of k = 0, 1, 2 ..., over x = (k - offset) / scale.

        P(k) = Gamma(k + r) / (Gamma(r) k!) (r / (r + mu))^r (mu / (r + mu))^k

    Its mean is mu and its variance mu + mu^2 / r. The gamma functions are computed in float64.

    Args:
        rate: mu > 0, any shape.
        size: r > 0.
        offset, scale: of x.

    >>> p = ScaledCounts(torch.tensor(3.0), torch.tensor(2.0), torch.tensor(3.0), torch.tensor(0.5))
    >>> p.mean, p.variance  # of k: 3 and 7.5
    (tensor(0.), tensor(30.))
    >>> round(p.log_prob((torch.arange(200) - 3) / 0.5).exp().sum().item(), 5)
    1.0
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real

    def __init__(self, rate: Tensor, size: Tensor, offset: Tensor, scale: Tensor):
        self.rate, self.size = torch.broadcast_tensors(rate, size)
        self.offset, self.scale = offset, scale
        super().__init__(self.rate.shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        k = (value * self.scale + self.offset).round()
        rate, size, whole = self.rate.double(), self.size.double(), k.clamp_min(0).double()
        total = (rate + size).log()
        gammas = torch.lgamma(whole + size) - torch.lgamma(size) - torch.lgamma(whole + 1)
        logs = gammas + size * (size.log() - total) + whole * (rate.log() - total)
        return torch.where(k < 0, -math.inf, logs.to(self.rate.dtype))

    @property
    def mean(self) -> Tensor:
        return (self.rate - self.offset) / self.scale

    @property
    def variance(self) -> Tensor:
        return (self.rate + self.rate.square() / self.size) / self.scale.square()

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        shape = torch.Size(sample_shape) + self.rate.shape
        rate = torch._standard_gamma(self.size.expand(shape)) * (self.rate / self.size)
        return (torch.poisson(rate) - self.offset) / self.scale


class Categories(Distribution):
    """Categories as x = 1 + index; 0 stands for a missing value and has no probability.

    Args:
        logits: (..., n, C), of n columns with at most C categories; -inf for those a column lacks.

    >>> p = Categories(torch.zeros(1, 4))
    >>> p.log_prob(torch.tensor([3.0])).exp(), p.log_prob(torch.tensor([0.0]))
    (tensor([0.2500]), tensor([-inf]))
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real

    def __init__(self, logits: Tensor):
        self.log_probs = logits.log_softmax(-1)
        super().__init__(logits.shape[:-1], validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        index = value.round().long() - 1
        shape = torch.broadcast_shapes(index.shape, self.batch_shape)
        valid = (index >= 0) & (index < self.log_probs.shape[-1])
        chosen = index.clamp(0, self.log_probs.shape[-1] - 1).expand(shape)[..., None]
        logs = self.log_probs.expand(*shape, -1).gather(-1, chosen)[..., 0]
        return torch.where(valid, logs, -math.inf)

    @property
    def mean(self) -> Tensor:
        """The most probable category: categories have no mean."""
        return self.log_probs.argmax(-1).to(self.log_probs.dtype) + 1

    @property
    def variance(self) -> Tensor:
        """The probability of any other category than the most probable one."""
        return 1 - self.log_probs.amax(-1).exp()

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        index = Categorical(logits=self.log_probs, validate_args=False).sample(torch.Size(sample_shape))
        return index.to(self.log_probs.dtype) + 1


class Columns(Distribution):
    """Independent columns, each with a distribution of its type.

    Args:
        blocks: pairs of column indices (n,) and a distribution with batch shape (..., n); together they have
            each column once.
        log_slopes: a function of x (..., D) -> log |dx / dvalue| (..., D), 0 for probabilities.
        snap: a function of samples (..., D) that brings integers to their lattice.

    >>> normal = Normal(torch.zeros(5, 2), torch.ones(5, 2))
    >>> p = Columns([(torch.tensor([0, 2]), normal), (torch.tensor([1]), Categories(torch.zeros(5, 1, 4)))])
    >>> p.batch_shape, p.event_shape, p.sample((7,)).shape
    (torch.Size([5]), torch.Size([3]), torch.Size([7, 5, 3]))
    >>> p.log_prob_parts(torch.ones(5, 3)).shape
    torch.Size([3, 5])
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real_vector

    def __init__(
        self,
        blocks: Sequence[tuple[Tensor, Distribution]],
        log_slopes: Callable[[Tensor], Tensor] | None = None,
        snap: Callable[[Tensor], Tensor] | None = None,
    ):
        self.blocks, self.log_slopes, self.snap = list(blocks), log_slopes, snap
        self.order = torch.cat([index for index, _ in self.blocks]).argsort()
        super().__init__(
            self.blocks[0][1].batch_shape[:-1], torch.Size([len(self.order)]), validate_args=False
        )

    def __repr__(self) -> str:
        kinds = " x ".join(f"{len(index)} {type(block).__name__}" for index, block in self.blocks)
        return f"Columns({kinds})"

    def elementwise_log_prob(self, value: Tensor) -> Tensor:
        """(..., D): the log-probability of each value, in nats and in units of the data."""
        logs = self._join([block.log_prob(value[..., index]) for index, block in self.blocks])
        return logs if self.log_slopes is None else logs + self.log_slopes(value)

    def log_prob(self, value: Tensor) -> Tensor:
        return self.elementwise_log_prob(value).sum(-1)

    def log_prob_parts(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """(D, ...): the log-probability of each column; 0 where the mask is False."""
        logs = self.elementwise_log_prob(value)
        return (logs if mask is None else torch.where(mask, logs, 0.0)).movedim(-1, 0)

    def masked_log_prob(self, value: Tensor, mask: Tensor) -> Tensor:
        """The log-probability of the values where the mask is True."""
        return torch.where(mask, self.elementwise_log_prob(value), 0.0).sum(-1)

    @property
    def mean(self) -> Tensor:
        return self._join([block.mean for _, block in self.blocks])

    @property
    def variance(self) -> Tensor:
        return self._join([block.variance for _, block in self.blocks])

    def sample(self, sample_shape: SampleShape = ()) -> Tensor:
        x = self._join([block.sample(torch.Size(sample_shape)) for _, block in self.blocks])
        return x if self.snap is None else self.snap(x)

    def _join(self, values: Sequence[Tensor]) -> Tensor:
        """The values of all blocks, in the order of the columns."""
        return values[0] if len(values) == 1 else torch.cat(list(values), -1)[..., self.order]
