"""Which likelihood suits an array of counts.

The mean profile gives each row its expected counts, m_ij = total_i share_j. Around it,

    variance near the mean                     poisson
    more, and as many zeros as that explains   negative_binomial, of dispersion theta_j by moments
    more zeros than those                      zero_inflated_negative_binomial

Few columns have no meaningful total: then m_j is the mean of the column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.spec import Column

_SAMPLE = 10**6  # counts that are looked at
_FEW_COLUMNS = 8  # with fewer, the total is hardly more than its largest column
_NEAR_MEAN = 1.2  # variance over mean, up to which a Poisson is proposed
_EXCESS = 0.05  # of all counts: zeros beyond those of a negative binomial


class CountFacts(NamedTuple):
    """The likelihood that suits an array of counts.

    Attributes:
        likelihood: `poisson`, `negative_binomial` or `zero_inflated_negative_binomial`.
        offset: `total`, or `none` if there are few columns.
        reason: of the likelihood, one line.

    >>> CountFacts("poisson", "total", "the variance is 1.0 times the mean").offset
    'total'
    """

    likelihood: str
    offset: str
    reason: str


def count_facts(values: np.ndarray) -> CountFacts:
    """Choose a likelihood for counts.

    Args:
        values: (N, D), whole numbers from 0; NaN where missing.

    >>> random = np.random.default_rng(0)
    >>> count_facts(random.poisson(3.0, (500, 20))).likelihood
    'poisson'
    >>> count_facts(random.negative_binomial(2, 0.4, (500, 20))).reason[:60]
    'the variance is 2.5 times the mean given the totals, and 16%'
    """
    x = _sample(values)
    offset = "none" if x.shape[1] < _FEW_COLUMNS else "total"
    mean, known = _expected(x, offset == "total"), ~np.isnan(x)
    seen = known.sum(0).clip(1)
    square = np.where(known, (x - mean) ** 2, 0.0).sum(0) / seen
    average = np.where(known, mean, 0.0).sum(0) / seen
    if offset == "total":  # of a Poisson given the total, the variance is m (1 - share)
        square = square / (1 - average / max(average.sum(), 1e-12)).clip(1e-12)
    ratio = float(square.sum() / max(average.sum(), 1e-12))
    zeros = float((x == 0).sum() / max(known.sum(), 1))
    spread = f"the variance is {ratio:.1f} times the mean"
    given = " given the totals" if offset == "total" else ""
    if ratio < _NEAR_MEAN:
        return CountFacts("poisson", offset, f"{spread}{given}, as in a Poisson")
    theta = (np.where(known, mean**2, 0.0).sum(0) / seen) / (square - average).clip(1e-12)
    theta = theta.clip(1e-3, 1e6)
    explained = np.where(known, (theta / (theta + mean)) ** theta, 0.0)
    excess = zeros - float(explained.sum() / max(known.sum(), 1))
    if excess > _EXCESS:
        return CountFacts(
            "zero_inflated_negative_binomial",
            offset,
            f"{spread}{given}, and {zeros:.0%} of the values are zero, {excess:.0%} more than in a negative "
            "binomial",
        )
    reason = f"{spread}{given}, and {zeros:.0%} of the values are zero, as in a negative binomial"
    return CountFacts("negative_binomial", offset, reason)


def has_counts_only(dataset: Dataset) -> bool:
    """Whether all columns of a dataset are counts.

    >>> columns = count_columns(2)
    >>> has_counts_only(Dataset("own", "Own", np.ones((3, 2), np.float32), None, (), columns=columns))
    True
    """
    return bool(dataset.columns) and all(column.kind == "count" for column in dataset.columns)


def count_columns(n: int, names: Sequence[str] = ()) -> tuple[Column, ...]:
    """The columns of a table of counts.

    Args:
        n: D, the number of columns.
        names: of the columns, such as genes; x0, x1, ... if there are not n of them.

    >>> [column.name for column in count_columns(2)]
    ['x0', 'x1']
    """
    known = list(names) if len(names) == n else [f"x{j}" for j in range(n)]
    return tuple(Column(name, "count", resolution=1.0) for name in known)


def _sample(values: np.ndarray) -> np.ndarray:
    """Some of the rows, (n, D) float64."""
    n = min(len(values), max(2, _SAMPLE // values.shape[1]))
    if n == len(values):
        return np.asarray(values, np.float64)
    chosen = np.sort(np.random.default_rng(0).choice(len(values), n, replace=False))
    return np.asarray(values[chosen], np.float64)


def _expected(x: np.ndarray, by_total: bool) -> np.ndarray:
    """m (n, D), of the mean profile."""
    known = ~np.isnan(x)
    filled = np.where(known, x, 0.0)
    mean = filled.sum(0) / known.sum(0).clip(1)
    if not by_total:
        return np.broadcast_to(mean, x.shape)
    share = mean / max(mean.sum(), 1e-12)
    total = filled.sum(1) / np.where(known, share, 0.0).sum(1).clip(1e-12)
    return total[:, None] * share
