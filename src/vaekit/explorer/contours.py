"""Where points lie densely: the smallest regions that hold a share of them, by their outlines.

The density is a histogram, smoothed by a Gaussian of a width after Scott 1992. Its level sets in the order of
height hold ever more points; the outline of a share is the level at which that much is reached.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vaekit.explorer.projection import bounds

SHARES = (0.95, 0.75, 0.5, 0.25)
_CELLS = 128


def contours(points: np.ndarray) -> dict[str, Any]:
    """Outlines of the regions that hold 95, 75, 50 and 25 of 100 points (N, 2).

    Returns:
        `levels`, the shares, and `paths`, for each the outlines as [[x, y], ...], all outlines of all shares
        in one list beside `of`, which says the place of the share of each.
    """
    import contourpy

    x, y, density = _density(points)
    lines = contourpy.contour_generator(x, y, density)
    found = [
        (k, np.round(np.asarray(line), 4).tolist())
        for k, share in enumerate(SHARES)
        for line in lines.lines(_height(density, share))
    ]
    return {"levels": list(SHARES), "of": [k for k, _ in found], "paths": [path for _, path in found]}


def _density(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The middles of cells along x and y, and the density over them, [y][x]."""
    from scipy.ndimage import gaussian_filter

    x0, x1, y0, y1 = bounds(points)
    counts, xs, ys = np.histogram2d(points[:, 0], points[:, 1], bins=_CELLS, range=((x0, x1), (y0, y1)))
    cell = np.array([x1 - x0, y1 - y0]) / _CELLS
    width = points.std(0) * len(points) ** (-1 / 6) / cell
    return (xs[:-1] + xs[1:]) / 2, (ys[:-1] + ys[1:]) / 2, gaussian_filter(counts, np.maximum(width, 1)).T


def _height(density: np.ndarray, share: float) -> float:
    """The height above which that share of the density lies."""
    falling = np.sort(density, axis=None)[::-1]
    return float(falling[np.searchsorted(np.cumsum(falling), share * falling.sum())])
