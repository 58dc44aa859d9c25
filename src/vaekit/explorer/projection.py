"""The map: a projection of the latent space to a plane or to space, and back.

With orthonormal rows A (k, d) and an origin m (d,), a latent vector z lies at

    p = A (z - m),  k = 2 or 3.

A point p of the map is unprojected from a base b to

    z = b + A^T (p - A (b - m)),

the latent vector nearest to b that lies at p. Two latents are their own map, A = I and m = 0. For more, A
holds the first principal components and m is the mean. One latent has A = (1, 0)^T.

Such a plane is a slice: what it decodes need not resemble the data that are drawn there, which lie above
and below it. UMAP and t-SNE have no plane at all. `NeighborProjection` therefore decodes a point as a mean of
the latents of its nearest data points, which it names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from vaekit.errors import InvalidError
from vaekit.plotting import Method, embed, project

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

_MARGIN = 0.08  # of the width of the map
_OUTLIERS = 0.001  # share of the points that may lie beyond each edge
_NEIGHBORS = 8
EMBEDDINGS = ("umap", "tsne")  # the kinds that take long to compute


@dataclass(frozen=True)
class LinearProjection:
    """A plane, or a space of three dimensions, in the latent space.

    Attributes:
        kind: "latents" or "pca".
        points: (N, k), the latents of the data.
        names: of the k axes.
        explained_variance_ratio: of the k axes; None for "latents".
        axes: A, (k, d) with orthonormal rows.
        origin: m, (d,).

    Example:
        >>> fit_projection(np.eye(2)).kind
        'latents'
    """

    kind: str
    points: np.ndarray = field(repr=False)
    names: tuple[str, ...]
    explained_variance_ratio: tuple[float, ...] | None
    axes: np.ndarray = field(repr=False)
    origin: np.ndarray = field(repr=False)

    def project(self, z: np.ndarray) -> np.ndarray:
        """Latents (n, d) to points (n, k)."""
        return (z - self.origin) @ self.axes.T

    def unproject(self, points: np.ndarray, base: np.ndarray | None = None) -> np.ndarray:
        """Points (n, k) to the nearest latents (n, d) to a base (d,), or to the origin."""
        start = self.origin if base is None else base
        return start + (points - self.project(start)) @ self.axes

    def project_covariance(self, covariance: np.ndarray) -> np.ndarray | None:
        """The covariance (d, d) of a latent vector as that of its point, A C A^T, (k, k)."""
        return self.axes @ covariance @ self.axes.T


@dataclass(frozen=True)
class NeighborProjection:
    """Any embedding of N latent vectors; values between them are means of the nearest, by inverse distance.

    Attributes:
        latents: (N, d), the latent vectors at `points`; for the other attributes see `LinearProjection`.
        fitted: how many of the N were embedded; the others lie among their nearest neighbors of these.

    Example:
        >>> z = np.eye(3)
        >>> embedding = NeighborProjection("umap", z[:, :2], ("first axis", "second axis"), z)
        >>> embedding.project(z[:1]).round(3)
        array([[1., 0.]])
    """

    kind: str
    points: np.ndarray = field(repr=False)
    names: tuple[str, ...]
    latents: np.ndarray = field(repr=False)
    explained_variance_ratio: tuple[float, ...] | None = None
    fitted: int = 0

    @cached_property
    def _by_point(self) -> cKDTree:
        from scipy.spatial import cKDTree

        return cKDTree(self.points)

    @cached_property
    def _by_latent(self) -> cKDTree:
        from scipy.spatial import cKDTree

        return cKDTree(self.latents)

    def project(self, z: np.ndarray) -> np.ndarray:
        """Latents (n, d) to points (n, k)."""
        index, weight = _nearest(self._by_latent, z)
        return np.einsum("nk,nkd->nd", weight, self.points[index])

    def unproject(self, points: np.ndarray, base: np.ndarray | None = None) -> np.ndarray:
        """Points (n, k) to latents (n, d); the base has no effect."""
        index, weight = self.sources(points)
        return np.einsum("nk,nkd->nd", weight, self.latents[index])

    def sources(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The data points whose latents are averaged at points (n, k): indices and weights, nearest first."""
        return _nearest(self._by_point, points)

    def project_covariance(self, covariance: np.ndarray) -> np.ndarray | None:
        """None: a Gaussian posterior has no ellipse in this embedding."""
        return None


Projection = LinearProjection | NeighborProjection


def fit_projection(latents: np.ndarray, kind: str | None = None, dims: int = 2) -> Projection:
    """Fit the map of latent vectors.

    Args:
        latents: (N, d).
        kind: "latents" for at most two latents, "pca", "umap" or "tsne"; None for the default of d latents.
        dims: k, 2 or 3.

    Returns:
        The projection.

    Raises:
        InvalidError: d latents do not have this kind of map.
        VaekitError: umap-learn is not installed.

    Example:
        >>> fit_projection(np.eye(3)).kind
        'pca'
        >>> fit_projection(np.eye(4), "pca", dims=3).points.shape
        (4, 3)
        >>> fit_projection(np.eye(3), "latents")
        Traceback (most recent call last):
        vaekit.errors.InvalidError: map: expected pca, umap or tsne, got 'latents'
    """
    kind = checked_kind(latents.shape[1], kind, dims)
    if kind in ("umap", "tsne"):
        points, names, _ = embed(latents, cast(Method, kind), dims)
        return NeighborProjection(kind, points, names, latents, fitted=len(latents))
    if kind == "pca":
        return _principal_components(latents, dims)
    d = latents.shape[1]
    points, names, _ = project(latents)
    return LinearProjection("latents", points, names, None, np.eye(2, d), np.zeros(d))


def among_neighbors(projection: Projection, latents: np.ndarray) -> NeighborProjection:
    """The same map, whose points decode as means of their nearest data.

    Args:
        projection: any map.
        latents: (N, d), of its points.

    Returns:
        The map.

    Example:
        >>> z = np.random.default_rng(0).normal(size=(40, 5))
        >>> flat = fit_projection(z)
        >>> bool(np.allclose(among_neighbors(flat, z).unproject(flat.points), z))
        True
    """
    if isinstance(projection, NeighborProjection):
        return projection
    shares = projection.explained_variance_ratio
    return NeighborProjection(
        projection.kind, projection.points, projection.names, latents, shares, len(latents)
    )


def checked_kind(latent_dim: int, kind: str | None, dims: int) -> str:
    """The kind of a map, by default the first of `projection_kinds`.

    Raises:
        InvalidError: d latents do not have this kind of map.

    Example:
        >>> checked_kind(2, None, 2)
        'latents'
        >>> checked_kind(2, "pca", 3)
        Traceback (most recent call last):
        vaekit.errors.InvalidError: map: 3 dims need at least 3 latents, this model has 2
    """
    kinds = projection_kinds(latent_dim)
    kind = kind or kinds[0]
    if kind not in kinds:
        raise InvalidError(f"map: expected {_listed(kinds)}, got {kind!r}")
    if dims == 3 and latent_dim < 3:
        raise InvalidError(f"map: 3 dims need at least 3 latents, this model has {latent_dim}")
    return kind


def projection_kinds(latent_dim: int) -> tuple[str, ...]:
    """The kinds of map that d latents can have; the first is the default.

    Example:
        >>> projection_kinds(2), projection_kinds(32)
        (('latents', 'pca', 'umap', 'tsne'), ('pca', 'umap', 'tsne'))
    """
    if latent_dim == 1:
        return ("latents",)
    return (*(("latents",) if latent_dim == 2 else ()), "pca", *EMBEDDINGS)


def missing_package(kind: str) -> str | None:
    """What must be installed for a kind of map; None if nothing is missing.

    Example:
        >>> missing_package("pca") is None
        True
    """
    return 'pip install "vaekit[umap]"' if kind == "umap" and find_spec("umap") is None else None


def _listed(words: tuple[str, ...]) -> str:
    return " or ".join([*([", ".join(words[:-1])] if words[:-1] else []), words[-1]])


def bounds(points: np.ndarray) -> list[float]:
    """The bounds of nearly all points, with a margin.

    Args:
        points: (N, 2), or more columns, of which the first two count.

    Returns:
        [x0, x1, y0, y1].

    Example:
        >>> [round(value, 2) for value in bounds(np.array([[0.0, 0.0], [1.0, 2.0]]))]
        [-0.08, 1.08, -0.16, 2.16]
    """
    low, high = np.quantile(points[:, :2], [_OUTLIERS, 1 - _OUTLIERS], axis=0)
    center, half = (low + high) / 2, np.maximum((high - low) * (0.5 + _MARGIN), 1e-3)
    (x0, y0), (x1, y1) = center - half, center + half
    return [float(x0), float(x1), float(y0), float(y1)]


def ellipse(center: np.ndarray, covariance: np.ndarray | None) -> dict[str, Any] | None:
    """The ellipse of one standard deviation of a Gaussian on the plane.

    Args:
        center: (2,).
        covariance: (2, 2) or larger, of which the first two rows count; or None.

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
    values, vectors = np.linalg.eigh(covariance[:2, :2])
    b, a = np.sqrt(np.maximum(values, 0)).tolist()
    angle = float(np.arctan2(vectors[1, 1], vectors[0, 1]))
    return {"x": float(center[0]), "y": float(center[1]), "a": a, "b": b, "angle": angle}


def _principal_components(latents: np.ndarray, dims: int) -> LinearProjection:
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):  # equal latents explain 0 of 0
        analysis = PCA(n_components=dims, svd_solver="full").fit(latents)
    shares = tuple(np.nan_to_num(analysis.explained_variance_ratio_).tolist())
    names = tuple(f"{place} component" for place in ("first", "second", "third")[:dims])
    axes, origin = analysis.components_, analysis.mean_
    return LinearProjection("pca", (latents - origin) @ axes.T, names, shares, axes, origin)


def _nearest(known: cKDTree, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest known positions of (n, d): indices (n, k), and weights that fall with the distance."""
    distance, index = known.query(positions, min(_NEIGHBORS, known.n))
    distance, index = distance.reshape(len(positions), -1), index.reshape(len(positions), -1)
    weights = 1 / np.maximum(distance, 1e-9)
    return index, weights / weights.sum(1, keepdims=True)
