"""The likelihoods p(x | z): each a function that returns a head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Normal

from vaekit.distributions.normal import LogScaleNormal, OptimalNormal
from vaekit.distributions.operations import Bounds, soft_clamp
from vaekit.distributions.pixels import (
    LEVELS,
    Bernoulli,
    CategoricalLevels,
    ContinuousBernoulli,
    DiscretizedLogistic,
)
from vaekit.models.head import Head


def bernoulli() -> Head:
    """p(x | z) of black and white pixels: one logit a pixel."""
    return Head(Bernoulli, 1, 3, "binary")


def continuous_bernoulli() -> Head:
    """A density on [0, 1] with a logit a pixel (Loaiza-Ganem and Cunningham 2019)."""
    return Head(ContinuousBernoulli, 1, 3, "unit")


def discretized_logistic(bounds: Bounds | None = (-4.5, 0.0)) -> Head:
    """256 gray levels by a logistic in bins: a center and a log-scale a pixel (Salimans et al. 2017).

    The bounds of the log-scale are those of Tomczak and Welling 2018, here smooth.
    """
    return Head(
        lambda loc, log_scale: DiscretizedLogistic(loc, soft_clamp(log_scale, bounds)), 2, 3, "levels"
    )


def categorical() -> Head:
    """256 gray levels with a free probability each: 256 logits a pixel (van den Oord et al. 2016)."""
    return Head(lambda *logits: CategoricalLevels(torch.stack(logits, -1)), LEVELS, 3, "levels")


def gaussian(
    sigma: float | Literal["learned", "global", "optimal"] = "global", bounds: Bounds | None = (-6.0, 2.0)
) -> Head:
    """A density on the reals with center a pixel, and a scale that is fixed, learned or optimal.

    Args:
        sigma: a number, fixed: the squared error with weight 1 / (2 sigma^2); `learned`, one a pixel from
            the network; `global`, one parameter for all; `optimal`, in closed form from the errors of the
            batch in training and their running mean afterwards (Rybkin et al. 2021).
        bounds: smooth bounds of a learned log sigma; without them the density has no maximum.

    Raises:
        ValueError: for a sigma that is none of these.
    """
    if sigma == "learned":
        return Head(lambda loc, log_sigma: LogScaleNormal(loc, soft_clamp(log_sigma, bounds)), 2, 3)
    if sigma == "global":
        return Head(_GlobalSigma(bounds), 1, 3)
    if sigma == "optimal":
        return Head(_OptimalSigma(), 1, 3)
    if isinstance(sigma, str) or not sigma > 0:
        raise ValueError(f"sigma: expected a number > 0, 'learned', 'global' or 'optimal', got {sigma!r}")
    warning = f"sigma = {sigma:g} was chosen, not learned: the log-density depends on that choice"
    return Head(
        lambda loc: Normal(loc, torch.full_like(loc, sigma), validate_args=False), 1, 3, warning=warning
    )


class _GlobalSigma(nn.Module):
    """One log sigma for every pixel, learned with everything else."""

    def __init__(self, bounds: Bounds | None):
        super().__init__()
        self.bounds = bounds
        self.log_sigma = nn.Parameter(torch.tensor(-1.0))

    def forward(self, loc: Tensor) -> Normal:
        return LogScaleNormal(loc, soft_clamp(self.log_sigma, self.bounds).expand_as(loc))


class _OptimalSigma(nn.Module):
    """The closed-form sigma of the batch while training; the running mean of its square afterwards."""

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
        """An exponential mean, started without bias: the weights of all batches seen sum to 1."""
        self.weight.mul_(self.decay).add_(1 - self.decay)
        self.variance.lerp_(variance.to(self.variance), (1 - self.decay) / self.weight)


LIKELIHOODS: dict[str, Callable[..., Head]] = {
    f.__name__: f for f in (bernoulli, continuous_bernoulli, gaussian, discretized_logistic, categorical)
}
