"""Confidence intervals for means over images or over seeds.

    mean ± t s / sqrt n,        s the standard deviation of n values, t the quantile of Student's t

covers the true mean in 95 % of cases for independent normal values, and approximately for others. To compare
two models on the same images, take the mean of the differences per image: its interval is often much
narrower than that of either model, because an image that is hard for one is hard for both. Trainings from
several seeds are not paired; for their difference take Welch's interval.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from torch import Tensor

LEVEL = 0.95


class Interval(NamedTuple):
    """A mean and the ends of its confidence interval.

    Example:
        >>> Interval(mean=1.0, low=0.5, high=1.5)
        Interval(mean=1.0, low=0.5, high=1.5)
    """

    mean: float
    low: float
    high: float


def confidence_interval(values: np.ndarray, level: float = LEVEL) -> Interval:
    """The mean of values and its confidence interval.

    Args:
        values: (n,), n > 1.
        level: the probability that the interval covers the true mean.

    Raises:
        ValueError: there are fewer than two values.

    Source: Student 1908, "The probable error of a mean".

    Example:
        >>> mean, low, high = confidence_interval(np.array([1.0, 2.0, 3.0]))
        >>> mean, round(low, 2), round(high, 2)
        (2.0, -0.48, 4.48)
    """
    from scipy import stats

    values = np.asarray(values, float)
    if len(values) < 2:
        raise ValueError(
            f"values: expected two or more, got {len(values)}; one value has no standard deviation"
        )
    mean = float(values.mean())
    half = float(stats.t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)


def paired_interval(first: np.ndarray, second: np.ndarray, level: float = LEVEL) -> Interval:
    """The mean of first - second on the same images, and its confidence interval.

    Args:
        first, second: (n,), n > 1, of the same images in the same order.
        level: the probability that the interval covers the true mean.

    Example:
        >>> paired_interval(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
        Interval(mean=1.0, low=1.0, high=1.0)
    """
    return confidence_interval(np.asarray(first, float) - np.asarray(second, float), level)


def welch_interval(first: np.ndarray, second: np.ndarray, level: float = LEVEL) -> Interval:
    """The difference of the means of independent values, and its confidence interval.

        a - b ± t sqrt(s_a^2 / n + s_b^2 / m),        t with the degrees of freedom of Welch and Satterthwaite

    Args:
        first, second: (n,) and (m,), n > 1 and m > 1.
        level: the probability that the interval covers the true difference.

    Source: Welch 1947, "The generalization of Student's problem when several different population variances
    are involved".

    Example:
        >>> mean, low, high = welch_interval(np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0]))
        >>> mean, round(low, 2), round(high, 2)
        (1.5, -0.99, 3.99)
    """
    a, b = (np.asarray(values, float) for values in (first, second))
    one, other = ((float(values.mean()), float(values.std(ddof=1)), len(values)) for values in (a, b))
    return welch_interval_of(one, other, level)


def welch_interval_of(
    first: tuple[float, float, int], second: tuple[float, float, int], level: float = LEVEL
) -> Interval:
    """The same from means, standard deviations (with n - 1) and numbers of values.

    Args:
        first, second: (mean, standard deviation, n), n > 1.
        level: the probability that the interval covers the true difference.

    Example:
        >>> mean, low, high = welch_interval_of((3.0, 1.0, 3), (1.5, 0.5**0.5, 2))
        >>> mean, round(low, 2), round(high, 2)
        (1.5, -0.99, 3.99)
    """
    from scipy import stats

    counts = [first[2], second[2]]
    errors = np.array([first[1] ** 2 / counts[0], second[1] ** 2 / counts[1]])
    denominator = sum(error**2 / (n - 1) for error, n in zip(errors, counts, strict=True))
    dof = errors.sum() ** 2 / denominator if denominator else 1.0  # no variance: a point
    difference = float(first[0] - second[0])
    half = float(stats.t.ppf((1 + level) / 2, dof) * math.sqrt(errors.sum()))
    return Interval(difference, difference - half, difference + half)


def mean_and_stderr(values: Tensor, weights: Tensor | None = None) -> tuple[float, float | None]:
    """The mean of (N,) and its standard error, None if N = 1; with weights (N,), those of the weighted mean.

        m = sum(w x) / sum(w),        stderr^2 = N / (N - 1) sum(w^2 (x - m)^2) / sum(w)^2

    Example:
        >>> import torch
        >>> mean, stderr = mean_and_stderr(torch.tensor([3.0, 5.0]))
        >>> mean, round(stderr, 3)
        (4.0, 1.0)
    """
    if weights is not None:
        share = weights.double().cpu() / weights.double().sum().cpu()
        mean = (share * values.double().cpu()).sum()
        square = (share * (values.double().cpu() - mean)).square().sum().item()
        n = len(values)
        return mean.item(), math.sqrt(square * n / (n - 1)) if n > 1 else None
    stderr = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else None
    return values.mean().item(), stderr
