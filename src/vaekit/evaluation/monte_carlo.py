"""The Monte Carlo error of an estimate of log p(x), and confidence intervals that include it.

An estimate t_n of log p(x_n) is random in two ways: the image x_n is one of many, and the draws from q are
some of many. Each image has its own draws, so with v_n the variance of t_n over its draws,

    Var(mean of t_n) = (variance of log p(x) over images + mean of v_n) / N,

and the standard error over images, s / sqrt N, is the root of all of it: nothing is to be added. Its Monte
Carlo part, sqrt(sum_n v_n) / N, is all there is for the mean over these very images. The estimates are also
too low by b_n on average, since the logarithm is concave. Both intervals are around the mean of t_n + b_n:

    population   mean ± t s / sqrt N,                s the deviation of t_n + b_n
    images       mean ± 1.96 sqrt(sum_n v_n) / N

v_n and b_n come from the jackknife over importance weights or annealed chains (see
`vaekit.evaluation.importance_weights`), or from repeating the whole estimate R times:

    v_n = variance over repeats / R,        b_n = R / (R - 1) (log mean exp t_nr - mean of t_nr).

Neither sees what no draw has reached: where the Pareto shape of the weights is above 0.7, both are too small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vaekit.evaluation.confidence_intervals import LEVEL, Interval
from vaekit.evaluation.results import PerImageMetrics

REPEAT_SEEDS = 7919  # between the seeds of two repeats


def combine_repeats(repeats: Sequence[PerImageMetrics]) -> PerImageMetrics:
    """Average the metrics of the same images over repeats with other draws.

    Args:
        repeats: R of them, each of the same N images in the same order.

    Returns:
        The means over the repeats. Variance and shortfall of the log-likelihood are those of its mean over
        the repeats; with one repeat they stay as they are.

    Example:
        >>> zeros = torch.zeros(1)
        >>> first = PerImageMetrics(
        ...     zeros, zeros[None], zeros, zeros, zeros, zeros[None], zeros, zeros[None], zeros, zeros[None],
        ...     zeros, zeros,
        ... )
        >>> both = combine_repeats([first, first._replace(log_likelihood=zeros + 2)])
        >>> both.log_likelihood.item(), both.mc_variance.item(), round(both.shortfall.item(), 2)
        (1.0, 1.0, 0.87)
    """
    if len(repeats) == 1:
        return repeats[0]
    values = torch.stack([repeat.log_likelihood.double() for repeat in repeats])
    n, mean = len(values), values.mean(0)
    pooled = values.logsumexp(0) - math.log(n)
    columns = (torch.stack(column).double().mean(0) for column in zip(*repeats, strict=True))
    return PerImageMetrics(*columns)._replace(
        mc_variance=values.var(0) / n, shortfall=(pooled - mean).clamp_min(0) * n / (n - 1)
    )


def monte_carlo_error(variance: Tensor, weights: Tensor | None = None) -> float | None:
    """The standard error of a mean over images that comes from the draws alone; None if it is not known.

    Args:
        variance: of the estimate of each image over its draws, (N,).
        weights: (N,), how much each image counts; None for equal weights.

    Example:
        >>> monte_carlo_error(torch.tensor([1.0, 1.0, 1.0, 1.0]))
        0.5
    """
    share = _shares(variance, weights)
    return _finite((share.square() * variance.double().cpu()).sum().sqrt().item())


def evidence_interval(
    values: Tensor, shortfall: Tensor, weights: Tensor | None = None, level: float = LEVEL
) -> Interval | None:
    """The confidence interval of the mean of log p(x) over the population that the images are drawn from.

    It includes the Monte Carlo error and the shortfall of the estimates.

    Args:
        values: the estimates of log p(x), (N,).
        shortfall: by how much each is too low on average, (N,).
        weights: (N,), how much each image counts; None for equal weights.
        level: the probability that the interval covers the true mean.

    Returns:
        The corrected mean and the ends of its interval; None for one image, or if the shortfall is not known.

    Example:
        >>> mean, low, high = evidence_interval(torch.tensor([-3.0, -5.0]), torch.tensor([0.5, 0.5]))
        >>> mean, low < -4 < high
        (-3.5, True)
    """
    from scipy import stats

    corrected, share = (values + shortfall).double().cpu(), _shares(values, weights)
    n = len(corrected)
    mean = (share * corrected).sum()
    square = (share * (corrected - mean)).square().sum().item() * n / max(n - 1, 1)
    if n < 2 or not math.isfinite(square):
        return None
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * math.sqrt(square)
    return Interval(mean.item(), mean.item() - half, mean.item() + half)


def images_interval(
    values: np.ndarray, shortfall: np.ndarray, variance: np.ndarray, level: float = LEVEL
) -> Interval | None:
    """The confidence interval of the mean of log p(x) over these very images: Monte Carlo error alone.

    Args:
        values: the estimates of log p(x), (N,).
        shortfall: by how much each is too low on average, (N,).
        variance: of each over its draws, (N,).
        level: the probability that the interval covers the true mean.

    Returns:
        The corrected mean and the ends of its interval; None if shortfall or variance are not known.

    Example:
        >>> found = images_interval(np.array([-3.0, -5.0]), np.array([0.5, 0.5]), np.array([0.02, 0.02]))
        >>> found.mean, round(found.high - found.mean, 3)
        (-3.5, 0.196)
    """
    from scipy import stats

    mean, error = float((values + shortfall).mean()), math.sqrt(variance.sum()) / len(values)
    if not math.isfinite(mean + error):
        return None
    half = float(stats.norm.ppf((1 + level) / 2)) * error
    return Interval(mean, mean - half, mean + half)


def _shares(values: Tensor, weights: Tensor | None) -> Tensor:
    """(N,), which sum to 1."""
    if weights is None:
        return torch.full((len(values),), 1 / len(values), dtype=torch.float64)
    return weights.double().cpu() / weights.double().sum().cpu()


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
