"""Figures that are grids of images: what a model reconstructs, samples and decodes along its latents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vaekit.plotting.image_grid import LINE, THIN, WIDE, expect_count, expect_shape, fit, show, write_over
from vaekit.plotting.style import styled
from vaekit.plotting.tiles import fold, square_columns, tile_grid, tiles

_PAIRS = 10  # originals in a row


@styled
def reconstructions(
    originals: np.ndarray,
    reconstructions: np.ndarray,
    title: str,
    labels: Sequence[object] | None = None,
    subtitle: str = "",
) -> Figure:
    """Originals over their reconstructions, ten pairs a row.

    Args:
        originals: (N, C, H, W) in [0, 1]; two rows (N = 20) read well.
        reconstructions: the same shape.
        title: what is shown: model and data.
        labels: one for each original, written over it.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: shapes that differ or are no images, or another number of labels.
    """
    expect_shape("reconstructions", reconstructions, np.shape(originals))
    names = [] if labels is None else [str(label) for label in labels]
    expect_count("labels", names, len(originals) if names else 0)
    columns = min(len(originals), _PAIRS)
    pairs = np.stack([fold(fit(each, columns), columns) for each in (originals, reconstructions)], axis=1)
    between = 2 * WIDE if names else WIDE
    gaps = ([THIN, between] * len(pairs))[:-1]
    grid = tile_grid(pairs.reshape(-1, *pairs.shape[2:]), gaps, THIN)
    figure, axes = show(
        grid, title, subtitle, ("original", "reconstruction") * len(pairs), rim=LINE * bool(names)
    )
    for (pair, column), name in zip(np.ndindex(len(pairs), columns), names, strict=False):
        write_over(axes, float(grid.columns[column]), float(grid.tops[2 * pair]), name)
    return figure


@styled
def samples(images: np.ndarray, title: str, columns: int | None = None, subtitle: str = "") -> Figure:
    """A grid of images.

    Args:
        images: (N, C, H, W) in [0, 1].
        title: what is shown: model and data.
        columns: images a row; by default the grid comes out about square.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: what is no images.
    """
    pictures = tiles(images)
    columns = columns or square_columns(pictures)
    figure, _ = show(tile_grid(fold(fit(images, columns), columns), THIN, THIN), title, subtitle)
    return figure


@styled
def interpolation(
    rows: np.ndarray, title: str, ends: tuple[np.ndarray, np.ndarray] | None = None, subtitle: str = ""
) -> Figure:
    """Rows of images decoded along a path between two codes.

    Args:
        rows: (R, S, C, H, W) in [0, 1], R paths of S steps.
        title: what is shown: model and data.
        ends: the originals whose codes the paths begin and end at, (R, C, H, W) each, shown at the sides.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: what is no images, or ends of another shape.
    """
    if ends is None:
        return show(tile_grid(fit(rows, np.shape(rows)[1]), THIN, THIN), title, subtitle)[0]
    first, last = (_end(each, rows) for each in ends)
    whole = np.concatenate([first, rows, last], axis=1)
    steps = np.shape(rows)[1]
    grid = tile_grid(fit(whole, steps + 2), THIN, [WIDE, *[THIN] * (steps - 1), WIDE])
    figure, axes = show(grid, title, subtitle, rim=LINE)
    write_over(axes, 0, 0, "original", "left")
    write_over(axes, grid.pixels.shape[1], 0, "original", "right")
    return figure


@styled
def traversal(
    rows: np.ndarray,
    title: str,
    row_labels: Sequence[str],
    values: Sequence[float] = (),
    axis_name: str = "value of the dimension",
    subtitle: str = "",
) -> Figure:
    """One latent dimension a row, moved from left to right while the others stay.

    Args:
        rows: (R, S, C, H, W) in [0, 1], R dimensions at S values.
        title: what is shown: model and data.
        row_labels: the name of each dimension, with its KL in nats.
        values: the S values that the columns stand for.
        axis_name: what the values are.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: what is no images, or another number of labels or values.
    """
    expect_count("row_labels", row_labels, np.shape(rows)[0])
    grid = tile_grid(fit(rows, np.shape(rows)[1]), THIN, THIN)
    if not len(values):
        return show(grid, title, subtitle, row_labels)[0]
    expect_count("values", values, np.shape(rows)[1])
    return show(grid, title, subtitle, row_labels, _numbers(values), axis_name)[0]


@styled
def decoded_grid(images: np.ndarray, quantiles: Sequence[float], title: str, subtitle: str = "") -> Figure:
    """What a model with two latent dimensions decodes over its latent plane.

    Args:
        images: (n, n, C, H, W) in [0, 1]; `images[i, j]` decodes z1 = quantiles[i], z0 = quantiles[j].
        quantiles: n values of z, such as the Gaussian quantiles of evenly spaced probabilities.
        title: what is shown: model and data.
        subtitle: a second, quieter line.

    Returns:
        The figure, z0 growing to the right and z1 upwards.

    Raises:
        InvalidError: what is no images, or another number of quantiles.
    """
    expect_count("quantiles", quantiles, np.shape(images)[0])
    grid = tile_grid(fit(np.asarray(images)[::-1], np.shape(images)[1]), THIN // 3, THIN // 3)
    names = _sparse(_numbers(quantiles))
    return show(grid, title, subtitle, names[::-1], names, "z0", "z1")[0]


def _end(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    shape = np.shape(rows)
    expect_shape("ends", images, (shape[0], *shape[2:]))
    return np.asarray(images)[:, None]


def _numbers(values: Sequence[float]) -> list[str]:
    return [f"{round(value, 1) + 0.0:.1f}".replace("-", "−") for value in values]


def _sparse(names: list[str], most: int = 11) -> list[str]:
    """About `most` of the names, counted from both ends so that they lie symmetric; the others empty."""
    last, stride = len(names) - 1, -(-len(names) // most)
    return [name if min(i, last - i) % stride == 0 else "" for i, name in enumerate(names)]
