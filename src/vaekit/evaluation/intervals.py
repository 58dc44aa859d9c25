"""How far a mean over images, or over seeds, may be from the truth.

    mean ± t s / sqrt n,        s the standard deviation of n values, t the quantile of Student's t

covers the true mean 95 times of 100 where the values are independent draws, exactly for normal ones. Two
models that are measured on the same images differ by the mean of their differences, image by image, whose
interval is often much narrower than that of either: what is hard about an image is hard for both.
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


def interval(values: np.ndarray, level: float = LEVEL) -> Interval:
    """The mean of values (n,), n > 1, and its interval.

    Source: Student 1908, "The probable error of a mean".
    """
    from scipy import stats

    values = np.asarray(values, float)
    mean = float(values.mean())
    half = float(stats.t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)


def paired(first: np.ndarray, second: np.ndarray, level: float = LEVEL) -> Interval:
    """How much higher the first is than the second on the same images (n,), and the interval of that."""
    return interval(np.asarray(first, float) - np.asarray(second, float), level)
