"""An anomaly score of table rows from several views, each a number that grows with how odd a row is.

    likelihood   -log p(x), the importance-weighted bound of the model
    neighbors    the mean distance to the nearest 15 % of the training rows, in robust units: numbers minus
                 their median, divided by the quartile range over 1.349
    ellipsoid    the Mahalanobis distance with mean and covariance of the half of the training rows that lies
                 closest together (Rousseeuw 1984)

A likelihood alone trusts whatever the training rows hold, anomalies included, and the other two views do not:
a small cluster of anomalies has few neighbors among 15 % of the rows, and lies outside the closest half.

Each view v becomes a surprise, -log of the share of n training rows that are at least as odd,

    surprise = -log ((1 + number of training rows with at least v) / (n + 1)),

and the anomaly score is their mean, in nats (Fisher 1932, up to a factor): one half for the neighbors, which
assume nothing, and one half for the two models, VAE and ellipsoid. Beyond all training rows, a surprise grows
further, in proportion to the distance. A mean keeps what only one view sees, such as a broken relation of
columns that are each in their usual range; a median would lose it.

The p-value of a row against m held-out rows is (1 + number of those at least as odd) / (m + 1). It is uniform
for rows like the held-out ones, since all of this is found from the training rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from vaekit.evaluation.anomaly import RowTerms
from vaekit.nn.columns import ColumnFeatures
from vaekit.spec import Column

NEIGHBORHOOD = 0.15  # of the training rows
FEWEST_NEIGHBORS = 5
MAX_REFERENCE = 2000  # training rows that distances are measured to
MAX_ELLIPSOID = 500  # features with a full covariance
RIDGE = 1e-3  # added to the variances of standardized features
QUARTILES = 1.349  # the quartile range of N(0, 1)


class Neighbors:
    """The mean distance to the nearest 15 % of reference rows.

    Args:
        reference: (n, F); at most 2000 of them are kept, chosen at random.
        seed: of the choice.

    >>> neighbors = Neighbors(np.arange(10.0)[:, None])
    >>> neighbors(np.array([[0.0], [100.0]])), neighbors(np.array([[0.0]]), same=np.array([0]))
    (array([ 2., 93.]), array([3.]))
    """

    def __init__(self, reference: np.ndarray, seed: int = 0):
        n = len(reference)
        kept = np.sort(np.random.default_rng(seed).permutation(n)[:MAX_REFERENCE])
        self.reference, self.kept = reference[kept], kept
        self.k = min(len(kept), max(FEWEST_NEIGHBORS, round(NEIGHBORHOOD * len(kept))))

    def __call__(self, rows: np.ndarray, same: np.ndarray | None = None) -> np.ndarray:
        """The mean distances, (N,).

        Args:
            rows: (N, F).
            same: for training rows, which of them they are, (N,): no row is its own neighbor.
        """
        from scipy.spatial.distance import cdist

        means = []
        for start in range(0, len(rows), 1000):
            block = slice(start, start + 1000)
            distances = cdist(rows[block], self.reference)
            k = self.k
            if same is not None:
                distances[same[block, None] == self.kept] = np.inf
                k = min(k, len(self.reference) - 1)
            means.append(np.partition(distances, max(k - 1, 0), axis=1)[:, :k].mean(1))
        return np.concatenate(means)


class Ellipsoid:
    """The squared Mahalanobis distance with the mean and covariance of the closest half of the rows.

    From all rows, the half with the smallest distances is chosen again and again until it stays the same
    (Rousseeuw and Van Driessen 1999), with a ridge for features that hang together.

    Args:
        rows: (n, F).

    >>> rows = np.random.default_rng(0).normal(size=(500, 2))
    >>> rows[:100] += 20  # a fifth are outliers
    >>> ellipsoid = Ellipsoid(rows)
    >>> bool(np.abs(ellipsoid.mean).max() < 0.3), bool(ellipsoid(np.array([[20.0, 20.0]]))[0] > 100)
    (True, True)
    """

    def __init__(self, rows: np.ndarray, rounds: int = 20):
        half = np.arange(len(rows))
        size = len(rows) // 2 + 1
        scale = np.square(rows - np.median(rows, 0)).mean(0) + 1e-12
        for _ in range(rounds):
            self.mean = rows[half].mean(0)
            covariance = np.atleast_2d(np.cov(rows[half].T, bias=True)) + RIDGE * np.diag(scale)
            self.precision = np.linalg.inv(covariance)
            closest = np.sort(np.argsort(self(rows), kind="stable")[:size])
            if np.array_equal(closest, half):
                break
            half = closest

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """The squared distances, (N,)."""
        difference = rows - self.mean
        return np.einsum("ni,ij,nj->n", difference, self.precision, difference)


@dataclass(frozen=True)
class Surprise:
    """-log of the share of training rows with at least this value, increasing beyond the largest, too.

    Beyond the largest it adds the distance in units of the largest minus the median.

    Args:
        values: of the training rows, sorted, (n,).

    >>> surprise = Surprise(np.array([1.0, 2.0, 3.0]))
    >>> np.exp(-surprise(np.array([0.0, 2.0, 3.0, 3.5])))
    array([1.        , 0.75      , 0.5       , 0.15163266])
    >>> surprise(np.array([4.0])) > surprise(np.array([3.5]))
    array([ True])
    """

    values: np.ndarray

    def __call__(self, v: np.ndarray) -> np.ndarray:
        n = len(self.values)
        at_least = n - np.searchsorted(self.values, v, side="left")
        largest, spread = self.values[-1], self.values[-1] - np.median(self.values)
        beyond = np.maximum(v - largest, 0) / (spread if spread > 0 else 1.0)
        return np.log(n + 1) - np.log(1 + at_least) + beyond


class TableViews:
    """The views of table rows, found from the training rows, and their mean surprise.

    Args:
        training: the terms of the training rows.
        columns: of the table; all real numbers if empty.
        seed: of the choice of reference rows.

    Attributes:
        names: of the views.

    >>> one, x = np.zeros(100), np.random.default_rng(0).normal(size=(100, 2))
    >>> x[7] = 6.0
    >>> terms = RowTerms(x, -(x**2).sum(1), one, one, one, -(x**2), x)
    >>> views = TableViews(terms)
    >>> scores = views.score(views.measure(terms))
    >>> views.names, int(scores.argmax())
    (('likelihood', 'neighbors', 'ellipsoid'), 7)
    """

    def __init__(self, training: RowTerms, columns: tuple[Column, ...] = (), seed: int = 0):
        self.features = ColumnFeatures(columns) if columns else None
        rows = self._numbers(training.x)
        self.center, self.scale = robust_scale(rows)
        scaled = self._scaled(training.x)
        self.numeric = [j for j in range(scaled.shape[1]) if self._is_number(j, columns)]
        self.neighbors = Neighbors(scaled, seed)
        small = 0 < len(self.numeric) <= MAX_ELLIPSOID
        self.ellipsoid = Ellipsoid(self._standard(rows)) if small else None
        values = self.measure(training, own=True)
        self.names = tuple(values)
        self.surprises = {name: Surprise(np.sort(value)) for name, value in values.items()}

    def measure(self, terms: RowTerms, own: bool = False) -> dict[str, np.ndarray]:
        """The value of each view, (N,) each, to the precision of float32.

        A training row thus ties with itself, whatever the rounding errors of the batch that it came in.

        Args:
            terms: of the rows.
            own: whether these are the training rows themselves.
        """
        same = np.arange(len(terms)) if own else None
        values = {
            "likelihood": -terms.log_likelihood,
            "neighbors": self.neighbors(self._scaled(terms.x), same),
        }
        if self.ellipsoid is not None:
            values["ellipsoid"] = self.ellipsoid(self._standard(self._numbers(terms.x)))
        return {name: value.astype(np.float32).astype(np.float64) for name, value in values.items()}

    def score(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """The mean surprise, (N,), in nats: one half neighbors, one half the mean of the models."""
        surprise = {name: self.surprises[name](value) for name, value in values.items()}
        models = [value for name, value in surprise.items() if name != "neighbors"]
        return 0.5 * (surprise["neighbors"] + np.mean(models, axis=0))

    def _numbers(self, x: np.ndarray) -> np.ndarray:
        """Features (N, F) of model values (N, D), NaN for missing numbers."""
        if self.features is None:
            return x
        found = self.features(torch.tensor(x)).numpy()
        return found.reshape(len(x), -1)

    def _is_number(self, feature: int, columns: tuple[Column, ...]) -> bool:
        return self.features is None or columns[int(self.features.source[feature])].is_numeric

    def _scaled(self, x: np.ndarray) -> np.ndarray:
        """Features in robust units; a missing number is at the median."""
        return np.nan_to_num((self._numbers(x) - self.center) / self.scale, nan=0.0)

    def _standard(self, rows: np.ndarray) -> np.ndarray:
        """The numbers among the features, in units of x, which are standard deviations for most columns."""
        chosen = rows[:, self.numeric]
        return np.where(np.isnan(chosen), self.center[self.numeric], chosen)


def robust_scale(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and scale of each feature: the quartile range / 1.349, else the deviation, else 1.

    Args:
        rows: (N, F), NaN where missing.

    >>> center, scale = robust_scale(np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [99.0, 1.0]]))
    >>> center, scale.round(2)
    (array([2., 1.]), array([1.48, 1.  ]))
    """
    known = np.where(np.isfinite(rows).any(0), rows, 0.0)
    low, center, high = np.nanpercentile(known, [25, 50, 75], axis=0)
    spread, deviation = (high - low) / QUARTILES, np.nanstd(known, axis=0)
    return center, np.where(spread > 0, spread, np.where(deviation > 0, deviation, 1.0))


def p_values(scores: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """(1 + number of held-out scores at least as high) / (m + 1), for each of N scores.

    It is valid in finite samples: if a row is exchangeable with the m held-out rows, the chance of a p-value
    of at most a is at most a (Bates et al. 2023, "Testing for outliers with conformal p-values").

    Args:
        scores: (N,).
        held_out: (m,); all p-values are 1 if m = 0.

    >>> p_values(np.array([0.5, 9.0]), np.array([1.0, 2.0, 0.0]))
    array([0.75, 0.25])
    """
    ordered = np.sort(held_out)
    at_least = len(ordered) - np.searchsorted(ordered, scores, side="left")
    return (1 + at_least) / (len(ordered) + 1)


def flag(scores: np.ndarray, p: np.ndarray, threshold: str | float) -> tuple[np.ndarray, str]:
    """Which rows are anomalies, (N,) of booleans, and the rule in words.

    Args:
        scores: (N,).
        p: p-values, (N,).
        threshold: a share of the rows between 0 and 1, the most anomalous of which are flagged; or "p:VALUE",
            which flags rows with a p-value of at most VALUE.

    Raises:
        ValueError: the threshold is neither.

    >>> flag(np.array([0.1, 0.9, 0.3, 0.2]), np.array([0.5, 0.01, 0.2, 0.3]), 0.25)[0].tolist()
    [False, True, False, False]
    >>> flag(np.array([0.1, 0.9]), np.array([0.5, 0.01]), "p:0.05")
    (array([False,  True]), 'p-value at most 0.05')
    """
    text: Any = str(threshold).strip()
    by_p = text.startswith("p:")
    try:
        value = float(text.removeprefix("p:"))
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise ValueError(
            f"threshold: expected a share of the rows between 0 and 1, or p:VALUE for a p-value, got {text!r}"
        )
    if by_p:
        return p <= value, f"p-value at most {value:g}"
    n = round(value * len(scores))
    flagged = np.zeros(len(scores), bool)
    flagged[np.argsort(-scores, kind="stable")[:n]] = True
    return flagged, f"the {n} highest scores, {value:.3g} of the rows"
