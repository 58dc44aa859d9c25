"""Numbers become a distribution: the likelihoods p(x | z) and the posteriors q(z | x).

A network ends in plain numbers. A head takes `maps` of them for each element of the event and says what they
mean. A likelihood, or a posterior, is a function here that returns a `Head`; its name is the name it has in
a recipe.

- For an image event (C, H, W) the network gives (..., maps * C, H, W), for d latents (..., maps * d).
- `support` says what kind of data a likelihood gives probabilities to: `binary` {0, 1}, `levels` (k / 255),
  `unit` [0, 1] or `real` (densities). Evaluation compares it with the observation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vaekit.distributions import (
    LEVELS,
    Bernoulli,
    Bounds,
    CategoricalLevels,
    ContinuousBernoulli,
    Dirac,
    DiscretisedLogistic,
    Event,
    soft_clamp,
)
from vaekit.flows import FlowPosterior, Form
from vaekit.normals import CholeskyNormal, LogScaleNormal, OptimalNormal
from vaekit.utils.precision import in_single_precision

Support = Literal["binary", "levels", "real", "unit"]

SPREAD: Bounds = (-6.0, 2.0)  # of log sigma, where nothing else is said


class Head(nn.Module):
    """`maps` numbers an element -> one distribution over the whole event.

    Args:
        function: takes `maps` tensors of the event's shape, returns a distribution over its elements.
        maps: how many numbers it takes for each element.
        event_dims: 1 for a latent vector, 3 for an image.
        support: what values the elements take.
        caveat: why its log-density, however exact, says little about data by itself; empty if it does.
    """

    def __init__(
        self,
        function: Callable[..., Distribution],
        maps: int,
        event_dims: int,
        support: Support = "real",
        caveat: str = "",
    ):
        super().__init__()
        self.function, self.maps, self.event_dims = function, maps, event_dims
        self.support, self.caveat = support, caveat

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that the network before the head must give for an event."""
        return (self.maps * event[0], *event[1:])

    def forward(self, numbers: Tensor) -> Independent:
        """Numbers (..., maps * C, H, W) or (..., maps * d) -> a distribution, in float32 or better."""
        numbers = in_single_precision(numbers)
        axis = numbers.dim() - self.event_dims
        parameters = [numbers] if self.maps == 1 else numbers.unflatten(axis, (self.maps, -1)).unbind(axis)
        return Event(self.function(*parameters), self.event_dims, validate_args=False)


# ---------------------------------------------------------------------------------------------- likelihoods


def bernoulli() -> Head:
    """p(x | z) of black and white pixels: one logit a pixel."""
    return Head(Bernoulli, 1, 3, "binary")


def continuous_bernoulli() -> Head:
    """A density on [0, 1] with a logit a pixel (Loaiza-Ganem and Cunningham 2019)."""
    return Head(ContinuousBernoulli, 1, 3, "unit")


def discretised_logistic(bounds: Bounds | None = (-4.5, 0.0)) -> Head:
    """256 grey levels by a logistic in bins: a centre and a log-scale a pixel (Salimans et al. 2017).

    The bounds of the log-scale are those of Tomczak and Welling 2018, here smooth.
    """
    return Head(
        lambda loc, log_scale: DiscretisedLogistic(loc, soft_clamp(log_scale, bounds)), 2, 3, "levels"
    )


def categorical() -> Head:
    """256 grey levels with a free probability each: 256 logits a pixel (van den Oord et al. 2016)."""
    return Head(lambda *logits: CategoricalLevels(torch.stack(logits, -1)), LEVELS, 3, "levels")


def gaussian(
    sigma: float | Literal["learned", "global", "optimal"] = "global", bounds: Bounds | None = (-6.0, 2.0)
) -> Head:
    """A density on the reals with centre a pixel, and a scale that is fixed, learned or optimal.

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
    caveat = f"sigma = {sigma:g} was chosen, not learned: the log-density depends on that choice"
    return Head(lambda loc: _normal(loc, torch.full_like(loc, sigma)), 1, 3, caveat=caveat)


def _normal(loc: Tensor, scale: Tensor) -> Normal:
    return Normal(loc, scale, validate_args=False)


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
        return _normal(loc, self.variance.sqrt().expand_as(loc))

    def _record(self, variance: Tensor) -> None:
        """An exponential mean, started without bias: the weights of all batches seen sum to 1."""
        self.weight.mul_(self.decay).add_(1 - self.decay)
        self.variance.lerp_(variance.to(self.variance), (1 - self.decay) / self.weight)


# ----------------------------------------------------------------------------------------------- posteriors


def log_variance(bounds: Bounds | None = None) -> Head:
    """A diagonal Gaussian from its mean and log sigma^2 (Kingma and Welling 2014)."""
    return Head(lambda mean, logvar: LogScaleNormal(mean, 0.5 * soft_clamp(logvar, bounds)), 2, 1)


def log_sigma(bounds: Bounds | None = None) -> Head:
    """A diagonal Gaussian from its mean and log sigma."""
    return Head(lambda mean, log_scale: LogScaleNormal(mean, soft_clamp(log_scale, bounds)), 2, 1)


def sigma() -> Head:
    """A diagonal Gaussian from its mean and sigma, kept positive by softplus."""
    return Head(lambda mean, scale: _normal(mean, F.softplus(scale) + 1e-6), 2, 1)


def signed_sigma() -> Head:
    """A diagonal Gaussian from its mean and a number s of either sign: z = mean + s noise, sigma = |s|.

    Nothing keeps s away from 0, where log sigma falls without end: the plainest form, to compare with.
    """
    return Head(lambda mean, s: _normal(mean, s.abs() + 1e-6), 2, 1)


def dirac() -> Head:
    """A point: with beta = 0 the model is an autoencoder."""
    caveat = "the posterior is a point (an autoencoder): the bound and the log-likelihood are not defined"
    return Head(Dirac, 1, 1, caveat=caveat)


LIKELIHOODS: dict[str, Callable[..., Head]] = {
    f.__name__: f for f in (bernoulli, continuous_bernoulli, gaussian, discretised_logistic, categorical)
}


class FullCovariance(nn.Module):
    """Numbers -> a Gaussian: a mean, the logarithm of the diagonal of L, and what is below it.

    What is below the diagonal is divided by d, so that at first the covariance is nearly diagonal.

    Args:
        bounds: smooth bounds of the logarithm of the diagonal.
    """

    def __init__(self, bounds: Bounds | None = SPREAD):
        super().__init__()
        self.bounds = bounds

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """d (d + 3) / 2 numbers for d latents."""
        return (event[0] * (event[0] + 3) // 2,)

    def forward(self, numbers: Tensor) -> CholeskyNormal:
        count = numbers.shape[-1]
        d = (math.isqrt(9 + 8 * count) - 3) // 2
        mean, log_diagonal, below = in_single_precision(numbers).split([d, d, count - 2 * d], -1)
        cholesky = torch.diag_embed(soft_clamp(log_diagonal, self.bounds).exp())
        rows, columns = torch.tril_indices(d, d, -1, device=numbers.device)
        cholesky[..., rows, columns] = below / d
        return CholeskyNormal(mean, cholesky)


def full_covariance(bounds: Bounds | None = SPREAD) -> FullCovariance:
    """A Gaussian with any covariance, by its Cholesky factor (Kingma and Welling 2019, section 2.5.1).

    Args:
        bounds: smooth bounds of the logarithm of the factor's diagonal; without them several levels in a row
            can begin with divergences beyond what float32 holds.
    """
    return FullCovariance(bounds)


def flow(
    size: int,
    form: Form = "coupling",
    transforms: int = 2,
    width: Sequence[int] = (128,),
    bounds: Bounds | None = SPREAD,
) -> FlowPosterior:
    """A normalising flow about a mean, which its image conditions (Rezende and Mohamed 2015).

    Args:
        size: d; its weights are of this head, not of the network before it.
        form, transforms, width: see `flows.steps`.
        bounds: smooth bounds of log sigma.

    Raises:
        VaekitError: zuko is not installed.
    """
    return FlowPosterior(size, form, transforms, width, bounds)


Posterior = Head | FullCovariance | FlowPosterior

POSTERIORS: dict[str, Callable[..., Posterior]] = {
    f.__name__: f for f in (log_variance, log_sigma, sigma, signed_sigma, full_covariance, flow, dirac)
}
