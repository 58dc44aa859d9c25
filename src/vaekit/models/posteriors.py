"""The posteriors q(z | x): each a function that returns a head."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal

from vaekit.distributions.normal import CholeskyNormal, LogScaleNormal
from vaekit.distributions.operations import Bounds, Delta, soft_clamp
from vaekit.models.flows import FlowPosterior
from vaekit.models.head import LOG_SCALE_BOUNDS, Head
from vaekit.utils.device import to_float32

Parametrization = Literal["log_var", "log_std", "softplus", "unconstrained"]


def gaussian(parametrization: Parametrization = "log_var", bounds: Bounds | None = None) -> Head:
    """A diagonal Gaussian from its mean and one more number for its scale (Kingma and Welling 2014).

    Args:
        parametrization: what that number s is: `log_var`, log sigma^2; `log_std`, log sigma; `softplus`,
            sigma = softplus(s); `unconstrained`, z = mean + s noise, so that sigma = |s|. Nothing keeps the
            last away from 0, where log sigma falls without end: the plainest form, to compare with.
        bounds: smooth bounds of log sigma^2 or log sigma.

    Raises:
        ValueError: another parametrization, or bounds of one without a logarithm.
    """
    if parametrization == "log_var":
        return Head(lambda mean, log_var: LogScaleNormal(mean, 0.5 * soft_clamp(log_var, bounds)), 2, 1)
    if parametrization == "log_std":
        return Head(lambda mean, log_std: LogScaleNormal(mean, soft_clamp(log_std, bounds)), 2, 1)
    if parametrization not in ("softplus", "unconstrained"):
        raise ValueError(
            f"parametrization: expected log_var, log_std, softplus or unconstrained, got {parametrization!r}"
        )
    if bounds is not None:
        raise ValueError(f"bounds: only log_var and log_std have them, got {bounds} with {parametrization}")
    if parametrization == "softplus":
        return Head(lambda mean, s: Normal(mean, F.softplus(s) + 1e-6, validate_args=False), 2, 1)
    return Head(lambda mean, s: Normal(mean, s.abs() + 1e-6, validate_args=False), 2, 1)


def delta() -> Head:
    """A point: with beta = 0 the model is an autoencoder."""
    warning = "the posterior is a point (an autoencoder): the bound and the log-likelihood are not defined"
    return Head(Delta, 1, 1, warning=warning)


class FullCovariance(nn.Module):
    """A Gaussian with any covariance, by its Cholesky factor L (Kingma and Welling 2019, section 2.5.1).

    The network gives a mean, the logarithm of the diagonal of L, and what is below it.

    What is below the diagonal is divided by d, so that at first the covariance is nearly diagonal.

    Args:
        bounds: smooth bounds of the logarithm of the diagonal; without them several layers in a row can begin
            with divergences beyond what float32 holds.
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
    "gaussian": gaussian,
    "full_covariance": FullCovariance,
    "flow": FlowPosterior,
    "delta": delta,
}
