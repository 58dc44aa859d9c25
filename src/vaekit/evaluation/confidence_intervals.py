"""How far a mean over images, or over seeds, may be from the truth.

    mean ± t s / sqrt n,        s the standard deviation of n values, t the quantile of Student's t

covers the true mean 95 times of 100 where the values are independent draws, exactly for normal ones. Two
models that are measured on the same images differ by the mean of their differences, image by image, whose
interval is often much narrower than that of either: what is hard about an image is hard for both.
Trainings from several seeds have nothing that pairs them; there Welch's interval is that of the difference.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

LEVEL = 0.95


class Interval(NamedTuple):
    """A mean, and the ends of its interval."""

    mean: float
    low: float
    high: float


def confidence_interval(values: np.ndarray, level: float = LEVEL) -> Interval:
    """The mean of values (n,), n > 1, and its interval.

    Raises:
        ValueError: for fewer than two values, which do not say how far they spread.

    Source: Student 1908, "The probable error of a mean".
    """
    from scipy import stats

    values = np.asarray(values, float)
    if len(values) < 2:
        raise ValueError(f"values: expected two or more, got {len(values)}, which have no spread")
    mean = float(values.mean())
    half = float(stats.t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)


def paired_interval(first: np.ndarray, second: np.ndarray, level: float = LEVEL) -> Interval:
    """How much higher the first is than the second on the same images (n,), and the interval of that."""
    return confidence_interval(np.asarray(first, float) - np.asarray(second, float), level)


def welch_interval(first: np.ndarray, second: np.ndarray, level: float = LEVEL) -> Interval:
    """How much higher the mean of values (n,) is than that of others (m,), n and m > 1, and its interval.

        a - b ± t sqrt(s_a² / n + s_b² / m),        t with the degrees of freedom of Welch and Satterthwaite

    Source: Welch 1947, "The generalization of Student's problem when several different population variances
    are involved".
    """
    from scipy import stats

    samples = [np.asarray(values, float) for values in (first, second)]
    errors = np.array([values.var(ddof=1) / len(values) for values in samples])
    below = sum(error**2 / (len(values) - 1) for error, values in zip(errors, samples, strict=True))
    freedom = errors.sum() ** 2 / below if below else 1.0  # without any spread the interval is a point
    difference = float(samples[0].mean() - samples[1].mean())
    half = float(stats.t.ppf((1 + level) / 2, freedom) * math.sqrt(errors.sum()))
    return Interval(difference, difference - half, difference + half)
