"""Clusters against classes: an image of each cluster, and the classes of the images assigned to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.image_grid import THIN, expect_count, fit
from vaekit.plotting.style import BLUE, DPI, INK, MUTED, figure_frame, place, styled, text_width
from vaekit.plotting.tiles import tile_grid

_ROW, _EDGE, _FOOT, _GAP = 0.23, 0.12, 0.36, 0.06  # inches
_MIN_SHARE = 0.005  # smaller shares round to 0% and are not written
_DARK = 0.7  # text on larger shares is white
_TINT = np.array(to_rgb(BLUE)) - 1  # added to white for a share of 1


@styled
def clusters(
    counts: np.ndarray, images: np.ndarray, class_names: Sequence[str], title: str, subtitle: str = ""
) -> Figure:
    """Plot a column per cluster: its image, and the share of each class among the images assigned to it.

    Columns are sorted by their most common class. Clusters that match classes then lie on a diagonal. Empty
    clusters come last.

    Args:
        counts: (C, K), the number of images of class k in cluster c.
        images: (C, *event), one data point per cluster.
        class_names: K names.
        title: what is shown, such as the model and the data.
        subtitle: a second line in gray.

    Returns:
        A figure with two panels: the images, and the table of shares.

    Raises:
        InvalidError: all counts are 0, or the number of images or names does not match.

    Example:
        >>> counts, images = np.array([[0, 8], [9, 1]]), np.random.default_rng(0).random((2, 1, 8, 8))
        >>> table = clusters(counts, images, ["cat", "dog"], "Clusters").axes[1]
        >>> [text.get_text() for text in table.texts]  # the cluster of cats comes first
        ['90', '10', '100']
        >>> [label.get_text() for label in table.get_yticklabels()]
        ['cat', 'dog']
    """
    if np.ndim(counts) != 2 or not np.sum(counts):
        raise InvalidError(
            f"counts: expected shape (clusters, classes) and at least one image, "
            f"got shape {np.shape(counts)} and {np.sum(counts)} images"
        )
    expect_count("images", list(images), len(counts))
    expect_count("class_names", class_names, np.shape(counts)[1])
    order = by_class(counts)
    counts, grid = counts[order], tile_grid(fit(np.asarray(images)[order], len(counts))[None], THIN, THIN)
    (height, width), table_height = np.array(grid.pixels.shape[:2]) / DPI, _ROW * counts.shape[1]
    left = _EDGE + text_width(class_names) + _GAP
    figure = figure_frame(left + width + _EDGE, height + _GAP + table_height + _FOOT, title, subtitle)
    pictures = place(figure, left, _FOOT + table_height + _GAP, width, height)
    pictures.imshow(grid.pixels, aspect="auto", interpolation="auto")
    pictures.set_axis_off()

    sizes = counts.sum(1)
    shares = (counts / np.maximum(sizes, 1)[:, None]).T
    table = place(figure, left, _FOOT, width, table_height)
    table.imshow(1 + shares[..., None] * _TINT, aspect="auto", interpolation="nearest")
    for (k, c), share in np.ndenumerate(shares):
        if share >= _MIN_SHARE:
            color = "white" if share > _DARK else INK
            table.text(c, k, f"{100 * share:.0f}", ha="center", va="center", fontsize=6.5, color=color)
    table.set_yticks(range(len(class_names)), class_names)
    table.set_xticks(range(len(sizes)), [str(n) for n in sizes], fontsize=6.5, color=MUTED)
    table.set_xlabel("images per cluster (table: % of them)")
    table.tick_params(length=0, pad=3)
    table.spines[:].set_visible(False)
    return figure


def by_class(counts: np.ndarray) -> np.ndarray:
    """Sort clusters by their most common class, larger clusters first, empty ones last.

    Args:
        counts: (C, K), the number of images of class k in cluster c.

    Returns:
        The order of the clusters, (C,).

    Example:
        >>> by_class(np.array([[0, 8], [0, 0], [5, 0], [1, 9]])).tolist()
        [2, 3, 0, 1]
    """
    return np.lexsort((-counts.max(1), counts.argmax(1), counts.sum(1) == 0))
