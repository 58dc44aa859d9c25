"""Images and their nearest images, such as samples and their neighbors in the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.image_grid import LINE, THIN, WIDE, expect_shape, fit, show, write_over
from vaekit.plotting.look import current_look
from vaekit.plotting.pictures import value_limits
from vaekit.plotting.style import styled
from vaekit.plotting.tiles import fold, tile_grid

_PAIRS = 10  # per row


@styled
def nearest_neighbors(
    groups: Mapping[str, Sequence[np.ndarray]], neighbor_label: str, title: str, subtitle: str = ""
) -> Figure:
    """Plot each image above its nearest image, with their distance above the pair.

    Args:
        groups: label -> images and their nearest images, (N, *event) each, and the distances (N,).
        neighbor_label: the label of the rows of nearest images.
        title: what is shown, such as the model and the data.
        subtitle: a second line in gray.

    Returns:
        A figure with one mosaic, ten pairs per row.

    Raises:
        InvalidError: there are no groups, the shapes differ or are none of data points, or the number of
            distances does not match.

    Example:
        >>> images = np.random.default_rng(0).random((3, 1, 8, 8))
        >>> groups = {"sample": (images, images[::-1], np.array([1.5, 0.0, 2.25]))}
        >>> axes = nearest_neighbors(groups, "nearest in training", "Nearest neighbors").axes[0]
        >>> [label.get_text() for label in axes.get_yticklabels()]
        ['sample', 'nearest in training']
        >>> [text.get_text() for text in axes.texts]
        ['1.50', '0.00', '2.25']
    """
    if not groups:
        raise InvalidError("groups: expected at least one, got none")
    shown = [np.asarray(part) for images, nearest, _ in groups.values() for part in (images, nearest)]
    limits = value_limits(*shown, event_dims=shown[0].ndim - 1)
    columns = min(current_look().columns or _PAIRS, max(len(images) for images, _, _ in groups.values()))
    blocks, labels, numbers = [], [], []
    for label, (images, nearest, distances) in groups.items():
        expect_shape(f"groups: {label}", nearest, np.shape(images))
        expect_shape(f"distances: {label}", distances, (len(images),))
        pairs = np.stack(
            [fold(fit(each, columns, limits=limits), columns) for each in (images, nearest)], axis=1
        )
        blocks.append(pairs.reshape(-1, *pairs.shape[2:]))
        labels += [label, neighbor_label] * len(pairs)
        numbers += [distances[start : start + columns] for start in range(0, len(distances), columns)]
    rows = np.concatenate(blocks)
    grid = tile_grid(rows, ([THIN, 3 * WIDE] * len(rows))[: len(rows) - 1], THIN)
    figure, axes = show(grid, title, subtitle, labels, rim=LINE)
    for top, row in zip(grid.tops[::2], numbers, strict=True):
        for x, number in zip(grid.columns, row, strict=False):
            write_over(axes, float(x), float(top), f"{number:.2f}")
    return figure
