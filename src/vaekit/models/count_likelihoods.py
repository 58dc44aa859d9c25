"""Likelihoods of counts, relative to the total of each row.

The total l of a row, such as that of the genes of a cell, measures how much was counted rather than what. It
is a known factor of the mean (Lopez et al. 2018), and its logarithm is the offset of a generalized linear
model (McCullagh and Nelder 1989):

    x_j | z, l  ~  Poisson, negative binomial, or zero-inflated negative binomial of mean
    m_j         =  l softmax(a + f(z))_j,        a_j = log of the share of column j in training.

So the network begins at the mean profile of the training rows. The dispersion theta_j is one parameter per
column, which begins at its moment estimate, sum m^2 / sum ((x - m)^2 - m) over training rows.

All numbers are of log p(x | l). Since l is read from x itself, they are comparable only with those of models
that take the total as given. `offset="none"` leaves it out: m_j = exp(b_j + f(z)_j), with b_j the log of the
column's mean in training.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent

from vaekit.distributions.counts import NegativeBinomial, Poisson, ZeroInflatedNegativeBinomial
from vaekit.distributions.operations import IndependentEvent, soft_clamp
from vaekit.models.build_context import BuildContext
from vaekit.models.head import Support
from vaekit.registry import register
from vaekit.utils.device import to_float32

Offset = Literal["total", "none"]

DISPERSION_BOUNDS = (-9.0, 16.0)  # smooth bounds of log theta: from 1e-4 to 9e6, where it is a Poisson
_QUANTILES = 256  # of the totals of training rows
_MAX_LOG_MEAN = 30.0  # of a mean without a total: 1e13
_FEW_ZEROS = -3.0  # logit of the probability of an extra zero at the start: 5 %
_EXAMPLES, _MAX_ROWS = 2**24, 100_000  # counts and rows that are looked at to start from


@register("likelihood")
def poisson(
    offset: Offset = "total", context: BuildContext | None = None, event_dims: int = 3
) -> CountLikelihood:
    """Counts whose variance is their mean.

    Args:
        offset: `total` makes the mean a share of the row's total; `none` leaves the total free.

    >>> head = poisson()
    >>> head(torch.zeros(1, 2, 2), torch.tensor(100.0).log()).mean.round()  # 100 counts in four equal shares
    tensor([[[25., 25.],
             [25., 25.]]])
    """
    return CountLikelihood("poisson", offset, context, event_dims)


@register("likelihood")
def negative_binomial(
    offset: Offset = "total", context: BuildContext | None = None, event_dims: int = 3
) -> CountLikelihood:
    """Counts of variance m + m^2 / theta, with one dispersion theta per column (Lopez et al. 2018).

    Args:
        offset: `total` makes the mean a share of the row's total; `none` leaves the total free.

    >>> context = BuildContext(2, event_shape=(3,))
    >>> negative_binomial(context=context, event_dims=1).log_dispersion.shape
    torch.Size([3])
    """
    return CountLikelihood("negative_binomial", offset, context, event_dims)


@register("likelihood")
def zero_inflated_negative_binomial(
    offset: Offset = "total", context: BuildContext | None = None, event_dims: int = 3
) -> CountLikelihood:
    """A negative binomial with extra zeros, whose logit comes from the network (Lopez et al. 2018).

    Args:
        offset: `total` makes the mean of the negative binomial a share of the row's total; `none` leaves the
            total free.

    >>> zero_inflated_negative_binomial(event_dims=1).network_output((2000,))
    (4000,)
    """
    return CountLikelihood("zero_inflated_negative_binomial", offset, context, event_dims)


class CountLikelihood(nn.Module):
    """The output of a network, and the log of the total -> a distribution over counts.

    Args:
        family: `poisson`, `negative_binomial` or `zero_inflated_negative_binomial`.
        offset: `total` or `none`.
        context: gives the shape of a data point, and training rows to start from.
        event_dims: the number of dimensions of a data point; 1 for a row.

    Attributes:
        support: `count`.
        takes_offset: whether the head is called with the log of the total.
        base: the log of each column's share in training, or of its mean.
        log_totals: quantiles of the log totals of training rows, from which `sample_offset` samples.

    >>> rows = torch.tensor([[10.0, 30.0], [20.0, 20.0]])
    >>> head = CountLikelihood("poisson", "total", BuildContext(2, None, (2,), lambda n: (rows, None)), 1)
    >>> head(torch.zeros(2), head.typical_offset()).mean.round()  # the mean profile of the training rows
    tensor([15., 25.])
    """

    support: Support = "count"
    warning = ""
    base: Tensor
    log_totals: Tensor

    def __init__(self, family: str, offset: Offset, context: BuildContext | None, event_dims: int):
        super().__init__()
        if offset not in ("total", "none"):
            raise ValueError(f"offset: expected 'total' or 'none', got {offset!r}")
        self.family, self.event_dims, self.takes_offset = family, event_dims, offset == "total"
        self.n_params = 2 if family == "zero_inflated_negative_binomial" else 1
        shape = (1,) * event_dims if context is None or context.event_shape is None else context.event_shape
        x = _examples(context, shape)
        self.register_buffer("base", _log_base(x, self.takes_offset))
        if self.takes_offset:
            at = torch.linspace(0, 1, _QUANTILES)
            self.register_buffer("log_totals", torch.quantile(self.offset_of(x), at))
        if family != "poisson":
            self.log_dispersion = nn.Parameter(_inverse_soft_clamp(self._moment_dispersion(x).log()))

    def extra_repr(self) -> str:
        offset = "total" if self.takes_offset else "none"
        return f"{self.family}, offset={offset!r}, event_dims={self.event_dims}"

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """The output shape that the network must have, for an event of this shape."""
        return (self.n_params * event[0], *event[1:])

    def forward(self, output: Tensor, offset: Tensor | None = None) -> Independent:
        """Output (..., n_params * D, *rest), and log totals (...) if there are any -> p(x | z)."""
        output = to_float32(output)
        axis = output.dim() - self.event_dims
        output, *zeros = output.unflatten(axis, (self.n_params, -1)).unbind(axis)
        log_mean = self._log_mean(output, offset)
        return IndependentEvent(self._distribution(log_mean, *zeros), self.event_dims, validate_args=False)

    def offset_of(self, x: Tensor) -> Tensor:
        """The log of the total of each row, (B,); that of a row without counts is 0.

        The share of columns that are missing (NaN) is added, as it was in training: the total is then that
        of a whole row with the mean profile.

        >>> head = poisson(context=BuildContext(1, event_shape=(4,)), event_dims=1)
        >>> head.offset_of(torch.tensor([[5.0, 5.0, torch.nan, torch.nan]])).exp()
        tensor([20.])
        """
        dims = tuple(range(-self.event_dims, 0))
        total, missing = x.nansum(dims), x.isnan()
        share = self.base.exp() / self.base.exp().sum()
        seen = torch.where(missing, 0.0, share).sum(dims).clamp_min(torch.finfo(total.dtype).eps)
        return torch.where(seen < 1 - 1e-6, total / seen, total).clamp_min(1).log()

    def sample_offset(self, n: int) -> Tensor:
        """(n,) log totals, sampled from the quantiles of those of training rows."""
        place = torch.rand(n, dtype=self.log_totals.dtype, device=self.log_totals.device) * (_QUANTILES - 1)
        below = place.long().clamp_max(_QUANTILES - 2)
        return torch.lerp(self.log_totals[below], self.log_totals[below + 1], place - below)

    def typical_offset(self) -> Tensor:
        """The median of the log totals of training rows."""
        return self.log_totals.median()

    def _log_mean(self, output: Tensor, offset: Tensor | None) -> Tensor:
        """log m (..., *event)."""
        if not self.takes_offset:
            return (output + self.base).clamp_max(_MAX_LOG_MEAN)
        if offset is None:
            raise ValueError("offset: expected the log of the total of each row, got None")
        share = (output + self.base).flatten(-self.event_dims).log_softmax(-1).view_as(output)
        return share + to_float32(offset).reshape(*offset.shape, *[1] * self.event_dims)

    def _distribution(self, log_mean: Tensor, zeros: Tensor | None = None) -> Distribution:
        if self.family == "poisson":
            return Poisson(log_mean)
        log_dispersion = soft_clamp(self.log_dispersion, DISPERSION_BOUNDS)
        if zeros is None:
            return NegativeBinomial(log_mean, log_dispersion)
        return ZeroInflatedNegativeBinomial(log_mean, log_dispersion, zeros + _FEW_ZEROS)

    def _moment_dispersion(self, x: Tensor) -> Tensor:
        """theta per column, from the excess of its variance over its mean given the totals."""
        zeros = torch.zeros_like(x)
        log_mean = self._log_mean(zeros, self.offset_of(x) if self.takes_offset else None)
        mean = log_mean.exp()
        excess = ((x - mean).square() - mean).sum(0)
        theta = mean.square().sum(0) / excess.clamp_min(torch.finfo(x.dtype).tiny)
        return theta.clamp(1e-2, 1e4)


def _examples(context: BuildContext | None, shape: tuple[int, ...]) -> Tensor:
    """Training rows to start from; rows of ones without data."""
    if context is None or context.sample_training is None:
        return torch.ones(2, *shape)
    return context.sample_training(min(max(256, _EXAMPLES // math.prod(shape)), _MAX_ROWS))[0]


def _log_base(x: Tensor, shares: bool) -> Tensor:
    """The log of each column's share of all counts, or of its mean; half a count is added to each column."""
    counts = x.sum(0) + 0.5
    return (counts / (counts.sum() if shares else len(x) + 0.5)).log()


def _inverse_soft_clamp(value: Tensor) -> Tensor:
    """The parameter that `soft_clamp` takes to this log theta."""
    low, high = DISPERSION_BOUNDS
    return torch.logit((value - low) / (high - low)) * (high - low) / 4 + (low + high) / 2
