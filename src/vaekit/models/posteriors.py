"""Heads for the posterior q(z | x).

A recipe names them: `gaussian` (diagonal covariance, four parametrizations of
sigma), `full_covariance`, `flow` (`FlowPosterior`, in `vaekit.models.flows`) and `delta`, the point mass of
an autoencoder.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal

from vaekit.distributions.normal import CholeskyNormal, LogScaleNormal
from vaekit.distributions.operations import Delta, soft_clamp
from vaekit.models.flows import FlowPosterior
from vaekit.models.head import LOG_SCALE_BOUNDS, Head, log_scale_normal
from vaekit.registry import register
from vaekit.utils.device import to_float32
from vaekit.utils.schema import Bounds

if TYPE_CHECKING:
    from vaekit.models.build_context import BuildContext

Parametrization = Literal["log_var", "log_std", "softplus", "unconstrained"]


def _check_gaussian(options: Any, context: BuildContext) -> None:
    if options.bounds is not None and not options.parametrization.startswith("log_"):
        raise ValueError(
            f"bounds apply to the parametrizations log_var and log_std, not to {options.parametrization}; "
            "leave them out"
        )


@register("posterior", validate=_check_gaussian)
def gaussian(parametrization: Parametrization = "log_var", bounds: Bounds | None = None) -> Head:
    """A diagonal Gaussian, with two outputs per latent: the mean, and s for sigma (Kingma and Welling 2014).

    Args:
        parametrization: the meaning of s. `log_var`: s = log sigma^2. `log_std`: s = log sigma. `softplus`:
            sigma = softplus(s). `unconstrained`: z = mean + s * noise, so sigma = |s|; it can reach 0, where
            log sigma has no bound, and is meant for comparison only.
        bounds: smooth bounds of log sigma^2 or log sigma, for the parametrizations that have them; null for
            none.

    Raises:
        ValueError: an unknown parametrization, or bounds for one that is not a logarithm.

    >>> q = gaussian()(torch.tensor([1.0, 2.0, 0.0, 0.0]))  # mean, then log sigma^2
    >>> q.mean, q.stddev
    (tensor([1., 2.]), tensor([1., 1.]))
    """
    if parametrization == "log_var":
        return Head(partial(_of_log_var, bounds=bounds), 2, 1)
    if parametrization == "log_std":
        return Head(partial(log_scale_normal, bounds=bounds), 2, 1)
    if parametrization not in ("softplus", "unconstrained"):
        raise ValueError(
            f"parametrization: expected log_var, log_std, softplus or unconstrained, got {parametrization!r}"
        )
    if bounds is not None:
        raise ValueError(f"bounds: only log_var and log_std have them, got {bounds} with {parametrization}")
    if parametrization == "softplus":
        return Head(_of_softplus, 2, 1)
    return Head(_of_absolute_value, 2, 1)


def _of_log_var(mean: Tensor, log_var: Tensor, bounds: Bounds | None) -> LogScaleNormal:
    return LogScaleNormal(mean, 0.5 * soft_clamp(log_var, bounds))


def _of_softplus(mean: Tensor, s: Tensor) -> Normal:
    return Normal(mean, F.softplus(s) + 1e-6, validate_args=False)


def _of_absolute_value(mean: Tensor, s: Tensor) -> Normal:
    return Normal(mean, s.abs() + 1e-6, validate_args=False)


@register("posterior", latent_kind="point")
def delta() -> Head:
    """A point mass; with beta = 0 the model is an autoencoder.

    >>> delta()(torch.tensor([1.0, 2.0])).variance
    tensor([0., 0.])
    """
    warning = "the posterior is a point (an autoencoder): the bound and the log-likelihood are not defined"
    return Head(Delta, 1, 1, warning=warning)


@register("posterior", "full_covariance")
class FullCovariance(nn.Module):
    """A Gaussian with a full covariance matrix L L^T (Kingma and Welling 2019, section 2.5.1).

    The network returns the mean, the logarithm of the diagonal of L, and the entries below the diagonal.
    These entries are divided by d, so the initial covariance is nearly diagonal.

    Args:
        bounds: smooth bounds of the logarithm of the diagonal. Without them the initial KL of a model with
            several latent layers can overflow in float32.

    >>> q = FullCovariance()
    >>> q.network_output((2,))  # 2 means, 2 diagonal entries, 1 below
    (5,)
    >>> q(torch.zeros(4, 5)).event_shape
    torch.Size([2])
    """

    def __init__(self, bounds: Bounds | None = LOG_SCALE_BOUNDS):
        super().__init__()
        self.bounds = bounds

    def network_output(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """The output shape that the network must have: d (d + 3) / 2 values for d latents."""
        return (event[0] * (event[0] + 3) // 2,)

    def forward(self, output: Tensor) -> CholeskyNormal:
        count = output.shape[-1]
        d = (math.isqrt(9 + 8 * count) - 3) // 2
        mean, log_diagonal, below = to_float32(output).split([d, d, count - 2 * d], -1)
        cholesky = torch.diag_embed(soft_clamp(log_diagonal, self.bounds).exp())
        rows, columns = torch.tril_indices(d, d, -1, device=output.device)
        cholesky[..., rows, columns] = below / d
        return CholeskyNormal(mean, cholesky)


Posterior = Head | FullCovariance | FlowPosterior
