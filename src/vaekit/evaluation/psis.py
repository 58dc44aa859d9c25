"""The tail of importance weights, which shows whether their mean can be trusted (Pareto k).

Above a high threshold u, weights with a density follow a generalized Pareto distribution,

    P(w - u > x) ~ (1 + k x / sigma)^(-1/k),

and have finite moments up to the order 1/k: a mean for k < 1, a variance for k < 1/2. In practice the mean of
K weights is reliable where the estimated k is below 0.7 (Vehtari et al. 2024, "Pareto smoothed importance
sampling", first given in 2015).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MAX_RELIABLE_K = 0.7
MIN_TAIL = 5  # weights: a shorter tail is not fitted
_PRIOR_K, _PRIOR_WEIGHT = 0.5, 10  # mean of a weakly informative prior on k, and its weight in samples
_IMAGES_AT_ONCE = 16
_EQUAL_WEIGHTS = 1e-4  # what differs by less, relative to the largest, is rounding (log-weights in float32)
_MIN_QUARTILE = 1e-300  # the inverse of a smaller quartile is not finite


def tail_length(samples: int) -> int:
    """M, the number of weights in the tail of K weights: min(K / 5, 3 sqrt K), rounded up.

    Args:
        samples: K.

    Example:
        >>> tail_length(5000)
        213
    """
    return math.ceil(min(samples / 5, 3 * math.sqrt(samples)))


def pareto_k(log_weights: Tensor) -> Tensor:
    """The shape k of the tail of importance weights.

    The estimate of the fit is drawn towards 0.5 by a prior worth 10 weights: (M k + 10 * 0.5) / (M + 10).

    Args:
        log_weights: (M + 1, B), the largest log-weights of B images in any order; the smallest is the
            threshold.

    Returns:
        (B,): NaN for tails of fewer than 5 weights, minus infinity for equal weights.

    Source: Vehtari et al. 2024.

    Example:
        >>> uniform = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)[:, None]
        >>> pareto_k(-0.3 * uniform.log()).round(decimals=1).tolist()  # weights with P(w > x) = x^(-1 / 0.3)
        [0.3]
        >>> pareto_k(torch.zeros(20, 1)).tolist()
        [-inf]
    """
    length = len(log_weights) - 1
    if length < MIN_TAIL:
        return log_weights.new_full(log_weights.shape[1:], math.nan, dtype=torch.float64)
    ordered = log_weights.double().sort(0).values
    weights = (ordered - ordered[-1]).exp().T
    k = fit_generalized_pareto(weights[:, 1:] - weights[:, :1])[0]
    return (length * k + _PRIOR_WEIGHT * _PRIOR_K) / (length + _PRIOR_WEIGHT)


def fit_generalized_pareto(exceedances: Tensor) -> tuple[Tensor, Tensor]:
    """Fit the shape k and the scale sigma of a generalized Pareto distribution.

    With theta = -k / sigma, k = mean log(1 - theta x) maximizes the likelihood for a given theta. theta is
    averaged over the profile likelihood on a grid.

    Args:
        exceedances: (B, M), sorted, not negative.

    Returns:
        k and sigma, (B,) each. k is minus infinity if all exceedances are zero, infinity if most are.

    Source: Zhang and Stephens 2009, "A new and efficient estimation method for the generalized Pareto
    distribution"; their k has the opposite sign.

    Example:
        >>> u = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
        >>> exponential = -torch.log1p(-u)[None]  # k = 0, sigma = 1
        >>> [round(values.item(), 1) + 0.0 for values in fit_generalized_pareto(exponential)]
        [0.0, 1.0]
    """
    parts = [_fit(rows) for rows in exceedances.split(_IMAGES_AT_ONCE)]
    k, sigma = (torch.cat(column) for column in zip(*parts, strict=True))
    quartile, largest = _quartile(exceedances), exceedances[:, -1]
    k = torch.where(quartile > _MIN_QUARTILE, k, math.inf)
    return torch.where(largest > _EQUAL_WEIGHTS, k, -math.inf), sigma


def _fit(x: Tensor) -> tuple[Tensor, Tensor]:
    n = x.shape[1]
    points = 30 + math.isqrt(n)
    steps = torch.arange(1, points + 1, dtype=x.dtype, device=x.device) - 0.5
    theta = 1 / x[:, -1:] + (1 - (points / steps).sqrt()) / (3 * _quartile(x)[:, None])
    k = torch.log1p(-theta[..., None] * x[:, None]).mean(-1)
    weights = (n * (torch.log(-theta / k) - k - 1)).softmax(-1)
    mean = (weights * theta).sum(-1, keepdim=True)
    k = torch.log1p(-mean * x).mean(-1)
    return k, -k / mean[:, 0]


def _quartile(x: Tensor) -> Tensor:
    return x[:, int(x.shape[1] / 4 + 0.5) - 1]
