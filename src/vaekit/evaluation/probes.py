"""Probes: how well simple classifiers read the class of an image from its latents.

    linear       accuracy of logistic regression
    neighbors    accuracy of a vote among the 5 nearest neighbors
    silhouette   mean of (b - a) / max(a, b), with a the mean distance to latents of the same class and b to
                 those of the nearest other class: 1 for distant clusters, 0 for none (Rousseeuw 1987)

Accuracies are from 5-fold cross-validation. Latents are scaled to variance 1 first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vaekit.errors import InvalidError

FOLDS, NEIGHBORS = 5, 5


class ProbeAccuracy(NamedTuple):
    """Two accuracies, from 0 to 1, and the mean silhouette, from -1 to 1.

    Example:
        >>> ProbeAccuracy(linear=0.95, neighbors=0.97, silhouette=0.2).linear
        0.95
    """

    linear: float
    neighbors: float
    silhouette: float


def probe_accuracy(latents: np.ndarray, labels: np.ndarray, seed: int = 0) -> ProbeAccuracy:
    """Fit the probes, and score them by cross-validation.

    Args:
        latents: (N, d).
        labels: (N,), of at least two classes with at least five latents each.
        seed: of the folds.

    Raises:
        InvalidError: there are too few classes, or too few latents of a class.

    Example:
        >>> latents = np.repeat([[0.0], [9.0]], 10, axis=0) + np.linspace(0, 1, 20)[:, None]
        >>> found = probe_accuracy(latents, labels=np.repeat([0, 1], 10))
        >>> found.linear, found.neighbors, found.silhouette > 0.9
        (1.0, 1.0, True)
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import silhouette_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < FOLDS:
        raise InvalidError(
            f"labels: expected at least 2 classes of at least {FOLDS} latents each, got classes of sizes "
            f"{counts.tolist()}"
        )
    scaled = StandardScaler().fit_transform(latents)
    linear = _cross_validated_accuracy(LogisticRegression(max_iter=300), scaled, labels, seed)
    neighbors = _cross_validated_accuracy(KNeighborsClassifier(NEIGHBORS), scaled, labels, seed)
    return ProbeAccuracy(linear, neighbors, float(silhouette_score(scaled, labels)))


def _cross_validated_accuracy(method: object, latents: np.ndarray, labels: np.ndarray, seed: int) -> float:
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return float(cross_val_score(method, latents, labels, cv=folds).mean())
