"""Heads for the likelihood p(x | z).

Each function returns a `Head` over a data point with independent elements given z,

    log p(x | z) = sum_i log p(x_i | z).

The data point has `event_dims` dimensions: 3 for an image (C, H, W), 1 for a vector.
A recipe names them by their functions. Which one fits depends on the data: `bernoulli` for binary
pixels, `discretized_logistic` or `categorical` for 256 gray levels, `continuous_bernoulli` or `gaussian`
(densities) for real values.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Normal

from vaekit.distributions.normal import LogScaleNormal, OptimalNormal
from vaekit.distributions.operations import soft_clamp
from vaekit.distributions.pixels import (
    LEVELS,
    Bernoulli,
    CategoricalLevels,
    ContinuousBernoulli,
    DiscretizedLogistic,
)
from vaekit.models.head import Head
from vaekit.registry import register
from vaekit.utils.schema import Bounds, Positive


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
def discretized_logistic(bounds: Bounds | None = (-4.5, 0.0), event_dims: int = 3) -> Head:
    """256 gray levels as a logistic density in bins, with a center and a log-scale per pixel.

    After Salimans et al. 2017.

    Args:
        bounds: smooth bounds of the log-scale; the default values are those of Tomczak and Welling 2018.

    >>> head = discretized_logistic()
    >>> head.network_output((1, 28, 20)), head.support
    ((2, 28, 20), 'discrete')
    """
    return Head(
        lambda loc, log_scale: DiscretizedLogistic(loc, soft_clamp(log_scale, bounds)),
        2,
        event_dims,
        "discrete",
    )


@register("likelihood", support="discrete")
def categorical(event_dims: int = 3) -> Head:
    """256 gray levels with one logit each per pixel (van den Oord et al. 2016).

    >>> categorical().network_output((1, 28, 28))
    (256, 28, 28)
    """
    return Head(lambda *logits: CategoricalLevels(torch.stack(logits, -1)), LEVELS, event_dims, "discrete")


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
        return Head(lambda loc, log_sigma: LogScaleNormal(loc, soft_clamp(log_sigma, bounds)), 2, event_dims)
    if sigma == "global":
        return Head(_GlobalSigma(bounds), 1, event_dims)
    if sigma == "optimal":
        return Head(_OptimalSigma(), 1, event_dims)
    if isinstance(sigma, str) or not sigma > 0:
        raise ValueError(f"sigma: expected a number > 0, 'learned', 'global' or 'optimal', got {sigma!r}")
    warning = f"sigma = {sigma:g} was chosen, not learned: the log-density depends on that choice"
    return Head(
        lambda loc: Normal(loc, torch.full_like(loc, sigma), validate_args=False),
        1,
        event_dims,
        warning=warning,
    )


class _GlobalSigma(nn.Module):
    """One learned log sigma for all pixels."""

    def __init__(self, bounds: Bounds | None):
        super().__init__()
        self.bounds = bounds
        self.log_sigma = nn.Parameter(torch.tensor(-1.0))

    def forward(self, loc: Tensor) -> Normal:
        return LogScaleNormal(loc, soft_clamp(self.log_sigma, self.bounds).expand_as(loc))


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
