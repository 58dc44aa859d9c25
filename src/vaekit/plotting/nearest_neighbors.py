"""Images over what is nearest to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.image_grid import LINE, THIN, WIDE, expect_shape, fit, show, write_over
from vaekit.plotting.style import styled
from vaekit.plotting.tiles import fold, tile_grid

_PAIRS = 10  # in a row


@styled
def nearest_neighbors(
    groups: Mapping[str, Sequence[np.ndarray]], of: str, title: str, subtitle: str = ""
) -> Figure:
    """Groups of images, each over its nearest image, with the distance over both.

    Args:
        groups: for each label images and their nearest, (N, C, H, W) in [0, 1] each, and the distances (N,).
        of: a label for the rows of nearest images.
        title: what is shown: model and data.
        subtitle: a second, quieter line.

    Returns:
        The figure, ten pairs a row.

    Raises:
        InvalidError: no group, shapes that differ, what is no images, or another number of distances.
    """
    if not groups:
        raise InvalidError("groups: expected at least one, got none")
    columns = min(_PAIRS, max(len(images) for images, _, _ in groups.values()))
    blocks, labels, numbers = [], [], []
    for label, (images, nearest, distances) in groups.items():
        expect_shape(f"groups: {label}", nearest, np.shape(images))
        expect_shape(f"distances: {label}", distances, (len(images),))
        pairs = np.stack([fold(fit(each, columns), columns) for each in (images, nearest)], axis=1)
        blocks.append(pairs.reshape(-1, *pairs.shape[2:]))
        labels += [label, of] * len(pairs)
        numbers += _in_rows(distances, columns)
    rows = np.concatenate(blocks)
    grid = tile_grid(rows, ([THIN, 3 * WIDE] * len(rows))[: len(rows) - 1], THIN)
    figure, axes = show(grid, title, subtitle, labels, rim=LINE)
    for top, row in zip(grid.tops[::2], numbers, strict=True):
        for across, number in zip(grid.columns, row, strict=False):
            write_over(axes, float(across), float(top), f"{number:.2f}")
    return figure


def _in_rows(distances: np.ndarray, columns: int) -> list[np.ndarray]:
    return [distances[start : start + columns] for start in range(0, len(distances), columns)]
