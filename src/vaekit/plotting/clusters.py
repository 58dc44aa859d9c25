"""Clusters against classes: what each cluster looks like, and of which classes its images are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.image_grid import THIN, expect_count, fit
from vaekit.plotting.style import BLUE, DPI, INK, MUTED, figure_frame, place, styled, text_width
from vaekit.plotting.tiles import tile_grid

_ROW, _EDGE, _FOOT, _GAP = 0.23, 0.12, 0.36, 0.06  # inches
_WRITTEN = 0.005  # shares below this round to 0 per cent and are not written
_DARK = 0.7  # on shares above this the writing is white
_TINT = np.array(to_rgb(BLUE)) - 1  # added to white where the share is 1


@styled
def clusters(
    counts: np.ndarray, images: np.ndarray, class_names: Sequence[str], title: str, subtitle: str = ""
) -> Figure:
    """A column a cluster: its picture, and the shares of the classes among its images.

    Columns stand in the order of their commonest class, so that clusters that are classes lie on a diagonal;
    those without an image come last.

    Args:
        counts: (C, K), how many images of class k are in cluster c.
        images: (C, channels, H, W) in [0, 1], the picture of each cluster.
        class_names: K.
        title: what is shown: model and data.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: no count at all, or other numbers of pictures or names.
    """
    if np.ndim(counts) != 2 or not np.sum(counts):
        raise InvalidError(f"counts: expected (clusters, classes), not all 0, got shape {np.shape(counts)}")
    expect_count("images", list(images), len(counts))
    expect_count("class_names", class_names, np.shape(counts)[1])
    order = by_class(counts)
    counts, grid = counts[order], tile_grid(fit(np.asarray(images)[order], len(counts))[None], THIN, THIN)
    (down, across), rows = np.array(grid.pixels.shape[:2]) / DPI, _ROW * counts.shape[1]
    left = _EDGE + text_width(class_names) + _GAP
    figure = figure_frame(left + across + _EDGE, down + _GAP + rows + _FOOT, title, subtitle)
    pictures = place(figure, left, _FOOT + rows + _GAP, across, down)
    pictures.imshow(grid.pixels, aspect="auto", interpolation="auto")
    pictures.set_axis_off()
    _shares(place(figure, left, _FOOT, across, rows), counts, class_names)
    return figure


def by_class(counts: np.ndarray) -> np.ndarray:
    """The order of clusters (C,) by their commonest class, the larger first, those without images last."""
    return np.lexsort((-counts.max(1), counts.argmax(1), counts.sum(1) == 0))


def _shares(axes: Axes, counts: np.ndarray, class_names: Sequence[str]) -> None:
    """Shares within a cluster as shades, written in per cent; under each column how many images it has."""
    sizes = counts.sum(1)
    shares = (counts / np.maximum(sizes, 1)[:, None]).T
    axes.imshow(1 + shares[..., None] * _TINT, aspect="auto", interpolation="nearest")
    for (k, c), share in np.ndenumerate(shares):
        if share >= _WRITTEN:
            color = "white" if share > _DARK else INK
            axes.text(c, k, f"{100 * share:.0f}", ha="center", va="center", fontsize=6.5, color=color)
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set_xticks(range(len(sizes)), [str(n) for n in sizes], fontsize=6.5, color=MUTED)
    axes.set_xlabel("images in the cluster; shares in per cent")
    axes.tick_params(length=0, pad=3)
    axes.spines[:].set_visible(False)
