"""From latents of any dimension to points in a plane or in space.

- Principal components: the directions along which the latents vary most.
- Kernel principal components (Schölkopf et al. 1998): the same in the space in which the kernel
  k(a, b) = exp(-gamma |a - b|^2) is the scalar product. Curved shapes unroll there.
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np

from vaekit.errors import InvalidError, VaekitError

Method = Literal["pca", "tsne", "umap"]
EMBEDDED = ("t-SNE", "UMAP")  # how the names of axes begin whose values have no meaning
METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}

JITTER = "random jitter"  # the name of an axis whose values have no meaning
_MAX_KERNEL = 1500  # latents in the kernel matrix, which has as many rows and columns


def project(latents: np.ndarray) -> tuple[np.ndarray, tuple[str, str], tuple[float, float] | None]:
    """Project latents of any dimension to a plane.

    Two dimensions stay as they are. More are reduced to the first two principal components. In one dimension
    the second axis is random jitter, which only separates the points.

    Args:
        latents: (N, d), N >= 2.

    Returns:
        The points (N, 2), the names of the two axes, and the share of the variance (0 to 1) that each
        principal component explains (None for up to two dimensions).

    Raises:
        InvalidError: the latents have another shape, or there are fewer than two.

    Example:
        >>> points, names, explained = project(np.random.default_rng(0).normal(size=(50, 8)))
        >>> points.shape, names, sum(explained) < 1
        ((50, 2), ('first component', 'second component'), True)
        >>> project(np.array([[0.5], [1.5]]))[1:]
        (('z0', 'random jitter'), None)
    """
    latents = _check_latents(latents, 1)
    if latents.shape[1] == 1:
        reach = 0.15 * max(np.ptp(latents), 1e-12)
        jitter = np.random.default_rng(0).uniform(-reach, reach, latents.shape)
        return np.hstack([latents, jitter]), ("z0", JITTER), None
    if latents.shape[1] == 2:
        return latents, ("z0", "z1"), None
    points, (first, second) = principal_components(latents, 2)
    return points, ("first component", "second component"), (first, second)


def embed(
    latents: np.ndarray, method: Method = "pca", dims: int = 2, seed: int = 0
) -> tuple[np.ndarray, tuple[str, ...], tuple[float, ...] | None]:
    """Place latents of any dimension in a plane or in space.

    Args:
        latents: (N, d), N >= 2.
        method: "pca", which keeps up to `dims` latents as they are; "tsne"; or "umap".
        dims: 2 or 3.
        seed: of t-SNE and UMAP.

    Returns:
        The points (N, dims), the names of the axes, and the share of the variance (0 to 1) that each
        principal component explains (None for other axes).

    Raises:
        InvalidError: the latents have another shape, or there is no such method or number of dimensions.
        VaekitError: umap-learn is not installed.

    Sources: van der Maaten and Hinton, "Visualizing Data using t-SNE", 2008; McInnes, Healy and Melville,
    "UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction", 2018.

    Example:
        >>> latents = np.random.default_rng(0).normal(size=(40, 5))
        >>> embed(latents, dims=3)[1]
        ('first component', 'second component', 'third component')
        >>> points, names, _ = embed(latents, "tsne")
        >>> points.shape, names
        ((40, 2), ('t-SNE 1', 't-SNE 2'))
    """
    if dims not in (2, 3) or method not in METHODS:
        raise InvalidError(f"latents: expected pca, tsne or umap in 2 or 3 dims, got {method!r} in {dims}")
    latents = _check_latents(latents, 1)
    if method == "pca":
        return _principal_axes(latents, dims)
    names = tuple(f"{METHODS[method]} {axis + 1}" for axis in range(dims))
    if method == "umap":
        return _umap(latents, dims, seed), names, None
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(latents) - 1) / 3)
    return (
        TSNE(dims, perplexity=perplexity, init="pca", random_state=seed).fit_transform(latents),
        names,
        None,
    )


def principal_components(latents: np.ndarray, dims: int = 3) -> tuple[np.ndarray, list[float]]:
    """Project latents to the directions along which they vary most.

    Args:
        latents: (N, d), with N and d at least k.
        dims: k, the number of components.

    Returns:
        The points (N, k), and the share of the variance (0 to 1) that each component explains.

    Raises:
        InvalidError: the latents have another shape.

    Example:
        >>> latents = np.array([[0.0, 0, 0], [3, 3, 0], [0, 3, 0], [3, 0, 0]])
        >>> points, shares = principal_components(latents, 2)
        >>> points.shape, [round(share, 2) for share in shares]
        ((4, 2), [0.5, 0.5])
    """
    from sklearn.decomposition import PCA

    latents = _check_latents(latents, dims)
    with np.errstate(invalid="ignore"):  # the share is 0 / 0 if all latents are equal
        pca = PCA(n_components=dims, svd_solver="full").fit(latents)
    return pca.transform(latents), np.nan_to_num(pca.explained_variance_ratio_).tolist()


def kernel_components(latents: np.ndarray, dims: int = 3, seed: int = 0) -> np.ndarray:
    """Project latents to the principal components of a Gaussian kernel, with gamma = 1 / (d var).

    The kernel matrix is computed from at most 1500 latents, drawn at random. All latents are projected.

    Args:
        latents: (N, d), N >= 2.
        dims: k, the number of components.
        seed: of the random choice.

    Returns:
        The points (N, k).

    Raises:
        InvalidError: the latents have another shape.

    Source: Schölkopf, Smola and Müller, "Nonlinear Component Analysis as a Kernel Eigenvalue Problem", 1998.

    Example:
        >>> angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        >>> kernel_components(np.stack([np.cos(angles), np.sin(angles)], 1), dims=3).shape
        (40, 3)
    """
    from sklearn.decomposition import KernelPCA

    latents = _check_latents(latents, 1)
    chosen = np.random.default_rng(seed).permutation(len(latents))[:_MAX_KERNEL]
    gamma = 1 / max(latents.shape[1] * latents.var(), 1e-12)
    pca = KernelPCA(n_components=dims, kernel="rbf", gamma=gamma, random_state=seed)
    points = pca.fit(latents[chosen]).transform(latents)
    return np.pad(points, ((0, 0), (0, dims - points.shape[1])))


def _principal_axes(
    latents: np.ndarray, dims: int
) -> tuple[np.ndarray, tuple[str, ...], tuple[float, ...] | None]:
    if dims == 2:
        return project(latents)
    if latents.shape[1] < 3:
        raise InvalidError(f"latents: 3 dims need at least 3 latents, this model has {latents.shape[1]}")
    if latents.shape[1] == 3:
        return latents, ("z0", "z1", "z2"), None
    points, shares = principal_components(latents, 3)
    return points, tuple(f"{place} component" for place in ("first", "second", "third")), tuple(shares)


def _umap(latents: np.ndarray, dims: int, seed: int) -> np.ndarray:
    try:
        from umap import UMAP
    except ImportError:
        raise VaekitError(
            'umap is not installed; run: pip install "vaekit[umap]", or choose another method'
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a seed means one thread
        return UMAP(n_components=dims, random_state=seed).fit_transform(latents)


def _check_latents(latents: np.ndarray, dims: int) -> np.ndarray:
    latents = np.asarray(latents)
    least = max(2, dims)
    if latents.ndim != 2 or latents.shape[0] < least or latents.shape[1] < dims:
        expected = f"(N, d) with N >= {least} and d >= {dims}"
        raise InvalidError(f"latents: expected shape {expected}, got shape {latents.shape}")
    return latents
