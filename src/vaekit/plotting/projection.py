"""Codes of any dimension as points of a plane or of space.

- Principal components: the directions along which the codes vary most.
- Kernel principal components (Schoelkopf et al. 1998): the same after a map to a space in which
  k(a, b) = exp(-gamma |a - b|^2) is the scalar product; curved shapes unroll in it.
"""

from __future__ import annotations

import numpy as np

from vaekit.errors import InvalidError

AT_RANDOM = "spread at random"  # the name of an axis whose values mean nothing
_MOST = 1500  # codes that a kernel is made of: its matrix has as many rows and columns


def project(codes: np.ndarray) -> tuple[np.ndarray, tuple[str, str], tuple[float, float] | None]:
    """Codes of any dimension as points of a plane.

    Beyond two dimensions: principal component analysis, the share of a component being its variance over
    the whole variance. In one dimension the second axis is uniform noise, which only spreads the points.

    Args:
        codes: (N, d), N >= 2.

    Returns:
        The points (N, 2), the names of the two axes, and for principal components the two shares of the
        variance that they explain (0..1), else None.

    Raises:
        InvalidError: codes of another shape, or fewer than two.
    """
    codes = _checked(codes, 1)
    if codes.shape[1] == 1:
        return _spread(codes), ("z0", AT_RANDOM), None
    if codes.shape[1] == 2:
        return codes, ("z0", "z1"), None
    points, (first, second) = principal_components(codes, 2)
    return points, ("first component", "second component"), (first, second)


def principal_components(codes: np.ndarray, dimensions: int = 3) -> tuple[np.ndarray, list[float]]:
    """The coordinates of codes along the directions in which they vary most.

    Args:
        codes: (N, d), N and d not below k.
        dimensions: k, how many coordinates.

    Returns:
        The points (N, k), and the share of the variance (0..1) that each coordinate explains.

    Raises:
        InvalidError: codes of another shape.
    """
    from sklearn.decomposition import PCA

    codes = _checked(codes, dimensions)
    with np.errstate(invalid="ignore"):  # codes that are all equal explain 0 of 0
        analysis = PCA(n_components=dimensions, svd_solver="full").fit(codes)
    return analysis.transform(codes), np.nan_to_num(analysis.explained_variance_ratio_).tolist()


def kernel_components(codes: np.ndarray, dimensions: int = 3, seed: int = 0) -> np.ndarray:
    """The coordinates of codes along the principal directions of a Gaussian kernel.

    The width of the kernel follows the codes: gamma = 1 / (d var). It is made of 1500 codes at most, drawn at
    random, and then applied to all.

    Args:
        codes: (N, d), N >= 2.
        dimensions: k, how many coordinates.
        seed: of the draw.

    Returns:
        The points (N, k).

    Raises:
        InvalidError: codes of another shape.
    """
    from sklearn.decomposition import KernelPCA

    codes = _checked(codes, 1)
    chosen = np.random.default_rng(seed).permutation(len(codes))[:_MOST]
    gamma = 1 / max(codes.shape[1] * codes.var(), 1e-12)
    analysis = KernelPCA(n_components=dimensions, kernel="rbf", gamma=gamma, random_state=seed)
    points = analysis.fit(codes[chosen]).transform(codes)
    return np.pad(points, ((0, 0), (0, dimensions - points.shape[1])))


def _checked(codes: np.ndarray, dimensions: int) -> np.ndarray:
    codes = np.asarray(codes)
    least = max(2, dimensions)
    if codes.ndim != 2 or codes.shape[0] < least or codes.shape[1] < dimensions:
        wanted = f"(N, d) with N >= {least} and d >= {dimensions}"
        raise InvalidError(f"codes: expected shape {wanted}, got shape {codes.shape}")
    return codes


def _spread(codes: np.ndarray) -> np.ndarray:
    reach = 0.15 * max(np.ptp(codes), 1e-12)
    return np.hstack([codes, np.random.default_rng(0).uniform(-reach, reach, codes.shape)])
