"""The map: a projection of the latent space to a plane, and back.

With orthonormal rows A (2, d) and an origin m (d,), a latent vector z lies at

    p = A (z - m).

A point p of the map is unprojected from a base b to

    z = b + A^T (p - A (b - m)),

the latent vector nearest to b that lies at p. Two latents are their own map, A = I and m = 0. For more, A
holds the first two principal components and m is the mean. One latent has A = (1, 0)^T.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vaekit.errors import InvalidError
from vaekit.plotting import embed, project

_MARGIN = 0.08  # of the width of the map
_OUTLIERS = 0.001  # share of the points that may lie beyond each edge
_NEIGHBORS = 8


@dataclass(frozen=True)
class LinearProjection:
    """A plane in the latent space.

    Attributes:
        kind: "latents" or "pca".
        points: (N, 2), the latents of the data.
        names: of the two axes.
        explained_variance_ratio: of the two axes; None for "latents".
        axes: A, (2, d) with orthonormal rows.
        origin: m, (d,).

    Example:
        >>> fit_projection(np.eye(2)).kind
        'latents'
    """

    kind: str
    points: np.ndarray = field(repr=False)
    names: tuple[str, str]
    explained_variance_ratio: tuple[float, float] | None
    axes: np.ndarray = field(repr=False)
    origin: np.ndarray = field(repr=False)

    def project(self, z: np.ndarray) -> np.ndarray:
        """Latents (n, d) to points (n, 2)."""
        return (z - self.origin) @ self.axes.T

    def unproject(self, points: np.ndarray, base: np.ndarray | None = None) -> np.ndarray:
        """Points (n, 2) to the nearest latents (n, d) to a base (d,), or to the origin."""
        start = self.origin if base is None else base
        return start + (points - self.project(start)) @ self.axes

    def project_covariance(self, covariance: np.ndarray) -> np.ndarray | None:
        """The covariance (d, d) of a latent vector as that of its point, A C A^T, (2, 2)."""
        return self.axes @ covariance @ self.axes.T


@dataclass(frozen=True)
class NeighborProjection:
    """Any embedding of N latent vectors; values between them are means of the nearest, by inverse distance.

    Attributes:
        latents: (N, d), the latent vectors at `points`; for the other attributes see `LinearProjection`.

    Example:
        >>> z = np.eye(3)
        >>> embedding = NeighborProjection("umap", z[:, :2], ("first axis", "second axis"), z)
        >>> embedding.project(z[:1]).round(3)
        array([[1., 0.]])
    """

    kind: str
    points: np.ndarray = field(repr=False)
    names: tuple[str, str]
    latents: np.ndarray = field(repr=False)
    explained_variance_ratio: tuple[float, float] | None = None

    def project(self, z: np.ndarray) -> np.ndarray:
        """Latents (n, d) to points (n, 2)."""
        return _interpolate_neighbors(z, self.latents, self.points)

    def unproject(self, points: np.ndarray, base: np.ndarray | None = None) -> np.ndarray:
        """Points (n, 2) to latents (n, d); the base has no effect."""
        return _interpolate_neighbors(points, self.points, self.latents)

    def project_covariance(self, covariance: np.ndarray) -> np.ndarray | None:
        """None: a Gaussian posterior has no ellipse in this embedding."""
        return None


Projection = LinearProjection | NeighborProjection


def fit_projection(latents: np.ndarray, kind: str | None = None) -> Projection:
    """Fit the map of latent vectors.

    Args:
        latents: (N, d).
        kind: "latents" for at most two latents, "pca" or "umap"; None for the default of d latents.

    Returns:
        The projection.

    Raises:
        InvalidError: d latents do not have this kind of map.
        VaekitError: umap-learn is not installed.

    Example:
        >>> fit_projection(np.eye(3)).kind
        'pca'
        >>> fit_projection(np.eye(3), "latents")
        Traceback (most recent call last):
        vaekit.errors.InvalidError: map: expected pca or umap, got 'latents'
    """
    kinds = projection_kinds(latents.shape[1])
    kind = kind or kinds[0]
    if kind == "umap":
        return NeighborProjection("umap", embed(latents, "umap")[0], ("first axis", "second axis"), latents)
    if kind not in kinds:
        raise InvalidError(f"map: expected {' or '.join(kinds)}, got {kind!r}")
    if kind == "pca":
        return _principal_components(latents)
    d = latents.shape[1]
    points, names, _ = project(latents)
    return LinearProjection("latents", points, names, None, np.eye(2, d), np.zeros(d))


def projection_kinds(latent_dim: int) -> tuple[str, ...]:
    """The kinds of map that d latents can have; the first is the default.

    Example:
        >>> projection_kinds(2), projection_kinds(32)
        (('latents', 'pca', 'umap'), ('pca', 'umap'))
    """
    if latent_dim == 1:
        return ("latents",)
    return ("latents", "pca", "umap") if latent_dim == 2 else ("pca", "umap")


def bounds(points: np.ndarray) -> list[float]:
    """The bounds of nearly all points, with a margin.

    Args:
        points: (N, 2).

    Returns:
        [x0, x1, y0, y1].

    Example:
        >>> [round(value, 2) for value in bounds(np.array([[0.0, 0.0], [1.0, 2.0]]))]
        [-0.08, 1.08, -0.16, 2.16]
    """
    low, high = np.quantile(points, [_OUTLIERS, 1 - _OUTLIERS], axis=0)
    center, half = (low + high) / 2, np.maximum((high - low) * (0.5 + _MARGIN), 1e-3)
    (x0, y0), (x1, y1) = center - half, center + half
    return [float(x0), float(x1), float(y0), float(y1)]


def ellipse(center: np.ndarray, covariance: np.ndarray | None) -> dict[str, Any] | None:
    """The ellipse of one standard deviation of a Gaussian on the plane.

    Args:
        center: (2,).
        covariance: (2, 2), or None.

    Returns:
        The center `x`, `y`, the half axes `a` >= `b`, and the `angle` of a in radians; None without a
        covariance.

    Example:
        >>> found = ellipse(np.zeros(2), np.diag([4.0, 1.0]))
        >>> found["a"], found["b"]
        (2.0, 1.0)
    """
    if covariance is None:
        return None
    values, vectors = np.linalg.eigh(covariance)
    b, a = np.sqrt(np.maximum(values, 0)).tolist()
    angle = float(np.arctan2(vectors[1, 1], vectors[0, 1]))
    return {"x": float(center[0]), "y": float(center[1]), "a": a, "b": b, "angle": angle}


def _principal_components(latents: np.ndarray) -> LinearProjection:
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):  # equal latents explain 0 of 0
        analysis = PCA(n_components=2, svd_solver="full").fit(latents)
    first, second = np.nan_to_num(analysis.explained_variance_ratio_).tolist()
    names = ("first component", "second component")
    axes, origin = analysis.components_, analysis.mean_
    return LinearProjection("pca", (latents - origin) @ axes.T, names, (first, second), axes, origin)


def _interpolate_neighbors(positions: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (N, k) known at positions (N, d), interpolated at positions (n, d)."""
    from scipy.spatial import cKDTree

    distance, index = cKDTree(known).query(positions, min(_NEIGHBORS, len(known)))
    distance, index = distance.reshape(len(positions), -1), index.reshape(len(positions), -1)
    weights = 1 / np.maximum(distance, 1e-9)
    weights /= weights.sum(1, keepdims=True)
    return np.einsum("nk,nkd->nd", weights, values[index])
