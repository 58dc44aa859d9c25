"""Contours of highest-density regions: the smallest regions that hold a given share of the points.

The density is a histogram, smoothed by a Gaussian kernel with Scott's bandwidth n^(-1/6) s (Scott 1992).
Sorted from the highest density down, its cells hold more and more points; the contour of a share is the
density at which that share is reached (Hyndman 1996).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vaekit.explorer.projection import bounds

COVERAGE = (0.95, 0.75, 0.5, 0.25)
_CELLS = 128


def contours(points: np.ndarray) -> dict[str, Any]:
    """The contours of the regions that hold 95, 75, 50 and 25% of the points.

    Args:
        points: (N, 2).

    Returns:
        `coverage`, the shares; `paths`, all contours as lists [[x, y], ...]; `region`, for each path the
        index of its share.

    Example:
        >>> points = np.random.default_rng(0).normal(size=(500, 2))
        >>> found = contours(points)
        >>> found["coverage"], len(found["paths"]) == len(found["region"])
        ([0.95, 0.75, 0.5, 0.25], True)
    """
    import contourpy

    x, y, density = _density(points)
    generator = contourpy.contour_generator(x, y, density)
    found = [
        (k, np.round(np.asarray(line), 4).tolist())
        for k, share in enumerate(COVERAGE)
        for line in generator.lines(_threshold(density, share))
    ]
    return {"coverage": list(COVERAGE), "region": [k for k, _ in found], "paths": [path for _, path in found]}


def _density(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The centers of the cells along x and y, and the density over them, [y][x]."""
    from scipy.ndimage import gaussian_filter

    x0, x1, y0, y1 = bounds(points)
    counts, xs, ys = np.histogram2d(points[:, 0], points[:, 1], bins=_CELLS, range=((x0, x1), (y0, y1)))
    cell = np.array([x1 - x0, y1 - y0]) / _CELLS
    width = points.std(0) * len(points) ** (-1 / 6) / cell
    return (xs[:-1] + xs[1:]) / 2, (ys[:-1] + ys[1:]) / 2, gaussian_filter(counts, np.maximum(width, 1)).T


def _threshold(density: np.ndarray, share: float) -> float:
    """The density above which that share of it lies."""
    falling = np.sort(density, axis=None)[::-1]
    return float(falling[np.searchsorted(np.cumsum(falling), share * falling.sum())])
