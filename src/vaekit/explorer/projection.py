"""The map: a latent space brought to a plane, and points of the plane brought back.

With orthonormal rows A (2, d) and an origin m (d,), a code z lies at

    p = A (z - m),          and a point p is lifted from a code b to          z = b + A^T (p - A (b - m)),

the code nearest to b that lies at p. Two latents are drawn as they are, A = I and m = 0; of more, A holds the
first two principal components and m is the mean. One latent has A = (1, 0)^T.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vaekit.errors import InvalidError, VaekitError
from vaekit.plotting import project

_MARGIN, _OUTLIERS = 0.08, 0.001  # of the map's width; share of the codes that may lie beyond each edge
_NEIGHBORS = 8


@dataclass(frozen=True)
class FlatProjection:
    """A plane in the latent space itself.

    Attributes:
        kind: "codes" or "pca".
        points: (N, 2), where the codes of the data lie.
        names: of the two axes.
        explained: the shares of the variance that the two axes explain; None where that means nothing.
        axes: A, (2, d) with orthonormal rows.
        origin: m, (d,).
    """

    kind: str
    points: np.ndarray
    names: tuple[str, str]
    explained: tuple[float, float] | None
    axes: np.ndarray = field(repr=False)
    origin: np.ndarray = field(repr=False)

    def place(self, codes: np.ndarray) -> np.ndarray:
        """Codes (n, d) -> points (n, 2)."""
        return (codes - self.origin) @ self.axes.T

    def lift(self, points: np.ndarray, base: np.ndarray | None = None) -> np.ndarray:
        """Points (n, 2) -> codes (n, d), nearest to a code `base` (d,), or to the origin."""
        start = self.origin if base is None else base
        return start + (points - self.place(start)) @ self.axes

    def spread(self, covariance: np.ndarray) -> np.ndarray | None:
        """The covariance (d, d) of a code as that of its point, (2, 2)."""
        return self.axes @ covariance @ self.axes.T


@dataclass(frozen=True)
class Neighbors:
    """Any embedding of N codes: what lies between them is a mean of the nearest, by inverse distance.

    Attributes:
        codes: (N, d), the codes that lie at `points`; for the other attributes see `Flat`.
    """

    kind: str
    points: np.ndarray
    names: tuple[str, str]
    codes: np.ndarray = field(repr=False)
    explained: tuple[float, float] | None = None

    def place(self, codes: np.ndarray) -> np.ndarray:
        """Codes (n, d) -> points (n, 2)."""
        return _between(codes, self.codes, self.points)

    def lift(self, points: np.ndarray, base: np.ndarray | None = None) -> np.ndarray:
        """Points (n, 2) -> codes (n, d); `base` makes no difference."""
        return _between(points, self.points, self.codes)

    def spread(self, covariance: np.ndarray) -> np.ndarray | None:
        """None: a posterior is no ellipse there."""
        return None


Projection = FlatProjection | Neighbors


def fit_projection(codes: np.ndarray, kind: str | None = None) -> Projection:
    """The map of codes (N, d).

    Args:
        kind: "codes" for at most two latents, "pca", or "umap"; None for the first that is possible.

    Raises:
        InvalidError: another kind, or one that these codes have not.
        VaekitError: UMAP is asked for, and not installed.
    """
    kind = kind or kinds(codes.shape[1])[0]
    if kind == "umap":
        return Neighbors("umap", _umap(codes), ("first axis", "second axis"), codes)
    if kind not in kinds(codes.shape[1]):
        raise InvalidError(f"map: expected {' or '.join(kinds(codes.shape[1]))}, got {kind!r}")
    return _principal(codes) if kind == "pca" else _as_they_are(codes)


def kinds(latents: int) -> tuple[str, ...]:
    """The maps that so many latents can have, the usual one first."""
    return ("codes",) if latents == 1 else ("codes", "pca", "umap") if latents == 2 else ("pca", "umap")


def bounds(points: np.ndarray) -> list[float]:
    """[x0, x1, y0, y1] around nearly all points (N, 2), with a margin."""
    low, high = np.quantile(points, [_OUTLIERS, 1 - _OUTLIERS], axis=0)
    center, half = (low + high) / 2, np.maximum((high - low) * (0.5 + _MARGIN), 1e-3)
    (x0, y0), (x1, y1) = center - half, center + half
    return [float(x0), float(x1), float(y0), float(y1)]


def ellipse(center: np.ndarray, covariance: np.ndarray | None) -> dict[str, Any] | None:
    """The curve of one standard deviation: center x, y, half axes a >= b, and the angle of a in radians."""
    if covariance is None:
        return None
    values, vectors = np.linalg.eigh(covariance)
    b, a = np.sqrt(np.maximum(values, 0)).tolist()
    angle = float(np.arctan2(vectors[1, 1], vectors[0, 1]))
    return {"x": float(center[0]), "y": float(center[1]), "a": a, "b": b, "angle": angle}


def _as_they_are(codes: np.ndarray) -> FlatProjection:
    points, names, _ = project(codes)
    axes = np.eye(2, codes.shape[1])
    return FlatProjection("codes", points, names, None, axes, np.zeros(codes.shape[1]))


def _principal(codes: np.ndarray) -> FlatProjection:
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):  # codes that are all equal explain 0 of 0
        analysis = PCA(n_components=2, svd_solver="full").fit(codes)
    first, second = np.nan_to_num(analysis.explained_variance_ratio_).tolist()
    names = ("first component", "second component")
    axes, origin = analysis.components_, analysis.mean_
    return FlatProjection("pca", (codes - origin) @ axes.T, names, (first, second), axes, origin)


def _umap(codes: np.ndarray) -> np.ndarray:
    try:
        from umap import UMAP
    except ImportError:
        raise VaekitError("umap is not installed; run: pip install umap-learn, or use the map pca") from None
    return UMAP(random_state=0).fit_transform(codes)


def _between(places: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (N, k) known at places (N, d), taken at places (n, d)."""
    from scipy.spatial import cKDTree

    distance, index = cKDTree(known).query(places, min(_NEIGHBORS, len(known)))
    distance, index = distance.reshape(len(places), -1), index.reshape(len(places), -1)
    weights = 1 / np.maximum(distance, 1e-9)
    weights /= weights.sum(1, keepdims=True)
    return np.einsum("nk,nkd->nd", weights, values[index])
