"""The posteriors q(z | x): each a function that returns a head."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal

from vaekit.distributions.normal import CholeskyNormal, LogScaleNormal
from vaekit.distributions.operations import Bounds, Delta, soft_clamp
from vaekit.models.flows import FlowPosterior
from vaekit.models.head import LOG_SCALE_BOUNDS, Head
from vaekit.utils.device import to_float32


def log_variance(bounds: Bounds | None = None) -> Head:
    """A diagonal Gaussian from its mean and log sigma^2 (Kingma and Welling 2014)."""
    return Head(lambda mean, logvar: LogScaleNormal(mean, 0.5 * soft_clamp(logvar, bounds)), 2, 1)


def log_sigma(bounds: Bounds | None = None) -> Head:
    """A diagonal Gaussian from its mean and log sigma."""
    return Head(lambda mean, log_scale: LogScaleNormal(mean, soft_clamp(log_scale, bounds)), 2, 1)


def sigma() -> Head:
    """A diagonal Gaussian from its mean and sigma, kept positive by softplus."""
    return Head(lambda mean, scale: Normal(mean, F.softplus(scale) + 1e-6, validate_args=False), 2, 1)


def signed_sigma() -> Head:
    """A diagonal Gaussian from its mean and a number s of either sign: z = mean + s noise, sigma = |s|.

    Nothing keeps s away from 0, where log sigma falls without end: the plainest form, to compare with.
    """
    return Head(lambda mean, s: Normal(mean, s.abs() + 1e-6, validate_args=False), 2, 1)


def dirac() -> Head:
    """A point: with beta = 0 the model is an autoencoder."""
    warning = "the posterior is a point (an autoencoder): the bound and the log-likelihood are not defined"
    return Head(Delta, 1, 1, warning=warning)


class FullCovariance(nn.Module):
    """Numbers -> a Gaussian: a mean, the logarithm of the diagonal of L, and what is below it.

    What is below the diagonal is divided by d, so that at first the covariance is nearly diagonal.

    Args:
        bounds: smooth bounds of the logarithm of the diagonal.
    """

    def __init__(self, bounds: Bounds | None = LOG_SCALE_BOUNDS):
        super().__init__()
        self.bounds = bounds

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """d (d + 3) / 2 numbers for d latents."""
        return (event[0] * (event[0] + 3) // 2,)

    def forward(self, numbers: Tensor) -> CholeskyNormal:
        count = numbers.shape[-1]
        d = (math.isqrt(9 + 8 * count) - 3) // 2
        mean, log_diagonal, below = to_float32(numbers).split([d, d, count - 2 * d], -1)
        cholesky = torch.diag_embed(soft_clamp(log_diagonal, self.bounds).exp())
        rows, columns = torch.tril_indices(d, d, -1, device=numbers.device)
        cholesky[..., rows, columns] = below / d
        return CholeskyNormal(mean, cholesky)


Posterior = Head | FullCovariance | FlowPosterior


POSTERIORS: dict[str, Callable[..., Posterior]] = {
    "log_variance": log_variance,
    "log_sigma": log_sigma,
    "sigma": sigma,
    "signed_sigma": signed_sigma,
    "full_covariance": FullCovariance,
    "flow": FlowPosterior,
    "dirac": dirac,
}
