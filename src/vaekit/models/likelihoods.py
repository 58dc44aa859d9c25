"""Heads for the likelihood p(x | z).

Each function returns a `Head` over a data point with independent elements given z,

    log p(x | z) = sum_i log p(x_i | z).

The data point has `event_dims` dimensions: 3 for an image (C, H, W), 1 for a vector.
A recipe names them by their functions. Which one fits depends on the data: `bernoulli` for binary
pixels, `discretized_logistic`, `discretized_gaussian` or `categorical` for gray levels,
`continuous_bernoulli` or `gaussian` (densities) for real values.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.distributions import Distribution, Normal

from vaekit.distributions.normal import LogScaleNormal, OptimalNormal
from vaekit.distributions.operations import soft_clamp
from vaekit.distributions.pixels import (
    LEVELS,
    Bernoulli,
    CategoricalLevels,
    ContinuousBernoulli,
    DiscretizedGaussian,
    DiscretizedLogistic,
)
from vaekit.models.build_context import BuildContext
from vaekit.models.head import Head, log_scale_normal
from vaekit.registry import register
from vaekit.utils.schema import Bounds, Positive

Levels = Annotated[int, Field(ge=2, le=65536)]


@register("likelihood")
def bernoulli(event_dims: int = 3) -> Head:
    """Binary pixels, with one logit per pixel.

    >>> p = bernoulli()(torch.zeros(1, 2, 2))
    >>> p.mean
    tensor([[[0.5000, 0.5000],
             [0.5000, 0.5000]]])
    """
    return Head(Bernoulli, 1, event_dims, "binary")


@register("likelihood")
def continuous_bernoulli(event_dims: int = 3) -> Head:
    """A density on [0, 1], with one logit per pixel (Loaiza-Ganem and Cunningham 2019).

    >>> continuous_bernoulli()(torch.full((1, 1, 1), 100.0)).mean
    tensor([[[0.9900]]])
    """
    return Head(ContinuousBernoulli, 1, event_dims, "unit_interval")


@register("likelihood", support="discrete")
def discretized_logistic(
    bounds: Bounds | None = (-4.5, 0.0),
    levels: Levels | None = None,
    event_dims: int = 3,
    context: BuildContext | None = None,
) -> Head:
    """Gray levels as a logistic density in bins, with a center and a log-scale per pixel.

    After Salimans et al. 2017.

    Args:
        bounds: smooth bounds of the log-scale, for 256 levels; with more levels the lower one falls as their
            width does. The default values are those of Tomczak and Welling 2018.
        levels: the number of gray levels; by default that of the data, or 256.

    >>> head = discretized_logistic()
    >>> head.network_output((1, 28, 20)), head.support
    ((2, 28, 20), 'discrete')
    >>> discretized_logistic(levels=4096)(torch.zeros(2, 1, 1)).base_dist.levels
    4096
    """
    n = _levels(levels, context)
    limits = _bounds_of_levels(bounds, n)
    return Head(partial(_in_bins, DiscretizedLogistic, limits, n), 2, event_dims, "discrete")


@register("likelihood", support="discrete")
def discretized_gaussian(
    sigma: Literal["learned", "global"] = "learned",
    bounds: Bounds | None = (-5.0, 0.0),
    levels: Levels | None = None,
    event_dims: int = 3,
    context: BuildContext | None = None,
) -> Head:
    """Gray levels as a Gaussian density in bins, whose tails are lighter than those of a logistic.

    Args:
        sigma: `learned`: a log sigma per pixel from the network. `global`: one parameter for all pixels.
        bounds: smooth bounds of log sigma, for 256 levels; with more levels the lower one falls as their
            width does.
        levels: the number of gray levels; by default that of the data, or 256.

    >>> head = discretized_gaussian(levels=4096)
    >>> head.network_output((1, 28, 20)), head.support
    ((2, 28, 20), 'discrete')
    """
    n = _levels(levels, context)
    limits = _bounds_of_levels(bounds, n)
    if sigma == "global":
        return Head(_GlobalSigmaOfLevels(limits, n), 1, event_dims, "discrete")
    return Head(partial(_in_bins, DiscretizedGaussian, limits, n), 2, event_dims, "discrete")


def _in_bins(
    family: type[DiscretizedLogistic | DiscretizedGaussian],
    bounds: Bounds | None,
    levels: int,
    loc: Tensor,
    log_scale: Tensor,
) -> Distribution:
    """A density in bins from its center and its log-scale."""
    return family(loc, soft_clamp(log_scale, bounds), levels)


@register("likelihood", support="discrete")
def categorical(event_dims: int = 3, context: BuildContext | None = None) -> Head:
    """Up to 256 gray levels with one logit each per pixel (van den Oord et al. 2016).

    Raises:
        ValueError: the data have more gray levels.

    >>> categorical().network_output((1, 28, 28))
    (256, 28, 28)
    """
    n = _levels(None, context)
    if n > LEVELS:
        raise ValueError(
            f"likelihood categorical: expected at most {LEVELS} gray levels, but the data have {n:,}, which "
            "needs as many outputs per pixel; use discretized_logistic or discretized_gaussian"
        )
    return Head(_of_logits, n, event_dims, "discrete")


def _of_logits(*logits: Tensor) -> CategoricalLevels:
    return CategoricalLevels(torch.stack(logits, -1))


def _levels(given: int | None, context: BuildContext | None) -> int:
    """The number of gray levels: as given, that of the data, or 256."""
    known = context.preprocessing.levels if context is not None and context.preprocessing else 0
    return given or known or LEVELS


def _bounds_of_levels(bounds: Bounds | None, levels: int) -> Bounds | None:
    """Bounds of a log-scale for more than 256 levels: the lower one as far below as levels are narrower."""
    if bounds is None or levels <= LEVELS:
        return bounds
    return bounds[0] - math.log((levels - 1) / (LEVELS - 1)), bounds[1]


@register("likelihood")
def gaussian(
    sigma: Positive | Literal["learned", "global", "optimal"] = "global",
    bounds: Bounds | None = (-6.0, 2.0),
    event_dims: int = 3,
) -> Head:
    """A Gaussian density with one mean per pixel, and a fixed, learned or optimal scale.

    Args:
        sigma: a number keeps sigma fixed: the squared error with weight 1 / (2 sigma^2). `learned`: one sigma
            per pixel from the network. `global`: one parameter for all pixels. `optimal`: in closed form from
            the errors of the batch in training, and the running mean of sigma^2 in evaluation (Rybkin et al.
            2021).
        bounds: smooth bounds of a learned log sigma; without them the density has no maximum.

    Raises:
        ValueError: sigma is none of these.

    >>> gaussian(0.5)(torch.zeros(1, 1, 2)).stddev
    tensor([[[0.5000, 0.5000]]])
    >>> gaussian("learned").network_output((3, 32, 32))
    (6, 32, 32)
    """
    if sigma == "learned":
        return Head(partial(log_scale_normal, bounds=bounds), 2, event_dims)
    if sigma == "global":
        return Head(_GlobalSigma(bounds), 1, event_dims)
    if sigma == "optimal":
        return Head(_OptimalSigma(), 1, event_dims)
    if isinstance(sigma, str) or not sigma > 0:
        raise ValueError(f"sigma: expected a number > 0, 'learned', 'global' or 'optimal', got {sigma!r}")
    warning = f"sigma = {sigma:g} was chosen, not learned: the log-density depends on that choice"
    return Head(partial(_with_sigma, sigma=sigma), 1, event_dims, warning=warning)


def _with_sigma(loc: Tensor, sigma: float) -> Normal:
    return Normal(loc, torch.full_like(loc, sigma), validate_args=False)


class _GlobalSigma(nn.Module):
    """One learned log sigma for all pixels."""

    def __init__(self, bounds: Bounds | None):
        super().__init__()
        self.bounds = bounds
        self.log_sigma = nn.Parameter(torch.tensor(-1.0))

    def forward(self, loc: Tensor) -> Normal:
        return LogScaleNormal(loc, soft_clamp(self.log_sigma, self.bounds).expand_as(loc))


class _GlobalSigmaOfLevels(nn.Module):
    """One learned log sigma for all pixels of gray levels."""

    def __init__(self, bounds: Bounds | None, levels: int):
        super().__init__()
        self.bounds, self.levels = bounds, levels
        self.log_sigma = nn.Parameter(torch.tensor(-2.0))

    def forward(self, loc: Tensor) -> DiscretizedGaussian:
        return DiscretizedGaussian(loc, soft_clamp(self.log_sigma, self.bounds), self.levels)


class _OptimalSigma(nn.Module):
    """The closed-form sigma of the batch in training; the running mean of sigma^2 in evaluation."""

    decay = 0.99
    variance: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("variance", torch.tensor(1.0))
        self.register_buffer("weight", torch.tensor(0.0))

    def forward(self, loc: Tensor) -> Distribution:
        if self.training:
            return OptimalNormal(loc, self._record)
        return Normal(loc, self.variance.sqrt().expand_as(loc), validate_args=False)

    def _record(self, variance: Tensor) -> None:
        """Update the exponential mean; it is bias-corrected, so the weights of all batches sum to 1."""
        self.weight.mul_(self.decay).add_(1 - self.decay)
        self.variance.lerp_(variance.to(self.variance), (1 - self.decay) / self.weight)
