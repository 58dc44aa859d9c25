"""How much a code tells of the class of its image, by what simple methods can read out of it.

    linear       share right of a linear classifier (logistic regression)
    neighbors   share right of a vote among the 5 nearest codes
    silhouette   mean of (b - a) / max(a, b), a the mean distance to codes of the same class, b to those of
                 the nearest other class: 1 for clusters far apart, 0 for none (Rousseeuw 1987)

Each share is of codes that the method was not fitted on, in five parts of which each is left out once.
Coordinates are scaled to variance 1 beforehand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vaekit.errors import InvalidError

FOLDS, NEIGHBORS = 5, 5


class ProbeAccuracy(NamedTuple):
    """Shares and the mean silhouette."""

    linear: float
    neighbors: float
    silhouette: float


def probe_accuracy(codes: np.ndarray, labels: np.ndarray, seed: int = 0) -> ProbeAccuracy:
    """How well classes are told apart by codes.

    Args:
        codes: (N, d).
        labels: (N,), of at least two classes, each with at least five codes.
        seed: of the parts.

    Raises:
        InvalidError: too few classes or codes.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import silhouette_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < FOLDS:
        raise InvalidError(
            f"labels: expected at least 2 classes of at least {FOLDS} codes, got classes of {counts.tolist()}"
        )
    scaled = StandardScaler().fit_transform(codes)
    linear = _cross_validated_accuracy(LogisticRegression(max_iter=300), scaled, labels, seed)
    neighbors = _cross_validated_accuracy(KNeighborsClassifier(NEIGHBORS), scaled, labels, seed)
    return ProbeAccuracy(linear, neighbors, float(silhouette_score(scaled, labels)))


def _cross_validated_accuracy(method: object, codes: np.ndarray, labels: np.ndarray, seed: int) -> float:
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    parts = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return float(cross_val_score(method, codes, labels, cv=parts).mean())
