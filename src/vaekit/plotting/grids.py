"""Grids of images of one model: reconstructions, samples, interpolations and traversals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vaekit.plotting.image_grid import (
    LINE,
    THIN,
    WIDE,
    expect_count,
    expect_shape,
    fit,
    show,
    write_over,
    write_under,
)
from vaekit.plotting.look import current_look
from vaekit.plotting.pictures import value_limits
from vaekit.plotting.style import styled
from vaekit.plotting.tiles import fold, square_columns, tile_grid, tiles

_PAIRS = 10  # per row
_MAX_TICKS = 11  # quantiles named at each axis of a decoded grid


@styled
def reconstructions(
    originals: np.ndarray,
    reconstructions: np.ndarray,
    title: str,
    labels: Sequence[object] | None = None,
    subtitle: str = "",
    indices: Sequence[object] | None = None,
) -> Figure:
    """Plot originals above their reconstructions, ten pairs per row.

    Args:
        originals: (N, *event), data points of any shape; two rows (N = 20) read well.
        reconstructions: of the same shape.
        title: what is shown, such as the model and the data.
        labels: one per original, written above it.
        subtitle: a second line in gray.
        indices: one per original, written below its pair.

    Returns:
        A figure with one mosaic.

    Raises:
        InvalidError: the shapes differ or are none of data points, or the number of labels does not match.

    Example:
        >>> images = np.random.default_rng(0).random((4, 1, 8, 8))
        >>> figure = reconstructions(images, images, "Reconstructions", labels=[7, 2, 1, 0])
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['original', 'reconstruction']
    """
    expect_shape("reconstructions", reconstructions, np.shape(originals))
    names = [] if labels is None else [str(label) for label in labels]
    expect_count("labels", names, len(originals) if names else 0)
    columns, both = min(len(originals), current_look().columns or _PAIRS), (originals, reconstructions)
    limits = value_limits(*both, event_dims=np.ndim(originals) - 1)
    pairs = np.stack([fold(fit(each, columns, limits=limits), columns) for each in both], axis=1)
    below = [] if indices is None else [str(index) for index in indices]
    expect_count("indices", below, len(originals) if below else 0)
    between = (1 + bool(names) + bool(below)) * WIDE
    gaps = ([THIN, between] * len(pairs))[:-1]
    grid = tile_grid(pairs.reshape(-1, *pairs.shape[2:]), gaps, THIN)
    rows, rim, foot = ("original", "reconstruction") * len(pairs), LINE * bool(names), LINE * bool(below)
    figure, axes = show(grid, title, subtitle, rows, rim=rim, foot=foot)
    for (pair, column), name in zip(np.ndindex(len(pairs), columns), below, strict=False):
        bottom = float(grid.tops[2 * pair + 1] + grid.tile[0])
        write_under(axes, float(grid.columns[column]), bottom, name)
    for (pair, column), name in zip(np.ndindex(len(pairs), columns), names, strict=False):
        write_over(axes, float(grid.columns[column]), float(grid.tops[2 * pair]), name)
    return figure


@styled
def samples(images: np.ndarray, title: str, columns: int | None = None, subtitle: str = "") -> Figure:
    """Plot a grid of images, such as samples of a model.

    Args:
        images: (N, *event), data points of any shape; images in [0, 1].
        title: what is shown, such as the model and the data.
        columns: images per row. Default: as many as make the grid about square.
        subtitle: a second line in gray.

    Returns:
        A figure with one mosaic.

    Raises:
        InvalidError: the shape is none of a data point.

    Example:
        >>> figure = samples(np.random.default_rng(0).random((6, 1, 8, 8)), "Samples", columns=3)
        >>> figure.axes[0].images[0].get_array().shape  # 2 x 3 tiles of 176 pixels, with gaps of 6
        (358, 540, 3)
    """
    one = tiles(np.asarray(images)[:1])
    columns = (
        columns
        or current_look().columns
        or square_columns(np.broadcast_to(one, (len(images), *one.shape[1:])))
    )
    figure, _ = show(tile_grid(fold(fit(images, columns), columns), THIN, THIN), title, subtitle)
    return figure


@styled
def interpolation(
    rows: np.ndarray,
    title: str,
    ends: tuple[np.ndarray, np.ndarray] | None = None,
    subtitle: str = "",
    end_names: Sequence[tuple[str, str]] = (),
) -> Figure:
    """Plot rows of images, decoded along a path between the latents of two images.

    Args:
        rows: (R, S, *event), R paths of S steps.
        title: what is shown, such as the model and the data.
        ends: the original images at both ends of the paths, (R, *event) each, shown at the sides.
        subtitle: a second line in gray.
        end_names: of both originals of each row, such as their indices, written below them.

    Returns:
        A figure with one mosaic.

    Raises:
        InvalidError: the shape is none of a data point, or the shape of the ends does not match.

    Example:
        >>> paths = np.random.default_rng(0).random((2, 5, 1, 8, 8))
        >>> figure = interpolation(paths, "Interpolation", ends=(paths[:, 0], paths[:, -1]))
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['original', 'original']
    """
    if ends is None:
        return show(tile_grid(fit(rows, np.shape(rows)[1], leading=2), THIN, THIN), title, subtitle)[0]
    count, steps, *image = np.shape(rows)
    for images in ends:
        expect_shape("ends", images, (count, *image))
    first, last = (np.asarray(images)[:, None] for images in ends)
    whole = np.concatenate([first, rows, last], axis=1)
    expect_count("end_names", end_names, count if len(end_names) else 0)
    between, foot = (2 * WIDE, LINE) if len(end_names) else (THIN, 0.0)
    grid = tile_grid(fit(whole, steps + 2, leading=2), between, [WIDE, *[THIN] * (steps - 1), WIDE])
    figure, axes = show(grid, title, subtitle, rim=LINE, foot=foot)
    for top, names in zip(grid.tops, end_names, strict=False):
        for x, name in zip(grid.columns[[0, -1]], names, strict=True):
            write_under(axes, float(x), float(top + grid.tile[0]), name)
    write_over(axes, 0, 0, "original", "left")
    write_over(axes, grid.pixels.shape[1], 0, "original", "right")
    return figure


@styled
def traversal(
    rows: np.ndarray,
    title: str,
    row_labels: Sequence[str],
    values: Sequence[float] = (),
    axis_name: str = "value of the latent",
    subtitle: str = "",
) -> Figure:
    """Plot one latent per row: its value changes from left to right, the other latents stay fixed.

    Args:
        rows: (R, S, *event), R latents at S values.
        title: what is shown, such as the model and the data.
        row_labels: one per row, such as the name of the latent and its KL.
        values: the S values of the latent, one per column.
        axis_name: the label of the x axis.
        subtitle: a second line in gray.

    Returns:
        A figure with one mosaic.

    Raises:
        InvalidError: the shape is none of a data point, or the number of labels or values does not match.

    Example:
        >>> rows = np.random.default_rng(0).random((2, 3, 1, 8, 8))
        >>> axes = traversal(rows, "Traversal", ["z4", "z0"], values=[-1.5, 0, 1.5]).axes[0]
        >>> axes.get_xlabel(), [label.get_text() for label in axes.get_xticklabels()]
        ('value of the latent', ['−1.5', '0.0', '1.5'])
    """
    expect_count("row_labels", row_labels, np.shape(rows)[0])
    grid = tile_grid(fit(rows, np.shape(rows)[1], leading=2), THIN, THIN)
    if not len(values):
        return show(grid, title, subtitle, row_labels)[0]
    expect_count("values", values, np.shape(rows)[1])
    return show(grid, title, subtitle, row_labels, _numbers(values), axis_name)[0]


@styled
def decoded_grid(images: np.ndarray, quantiles: Sequence[float], title: str, subtitle: str = "") -> Figure:
    """Plot the images that a model with two latents decodes over its latent plane.

    Args:
        images: (n, n, *event); `images[i, j]` decodes z1 = quantiles[i], z0 = quantiles[j].
        quantiles: n values of each latent, such as evenly spaced quantiles of N(0, 1).
        title: what is shown, such as the model and the data.
        subtitle: a second line in gray.

    Returns:
        A figure with one mosaic: z0 increases to the right, z1 upwards.

    Raises:
        InvalidError: the shape is none of a data point, or the number of quantiles does not match.

    Example:
        >>> images = np.random.default_rng(0).random((3, 3, 1, 8, 8))
        >>> axes = decoded_grid(images, [-1, 0, 1], "Decoded latent space").axes[0]
        >>> [label.get_text() for label in axes.get_yticklabels()]  # from the top
        ['1.0', '0.0', '−1.0']
    """
    expect_count("quantiles", quantiles, np.shape(images)[0])
    grid = tile_grid(fit(np.asarray(images)[::-1], np.shape(images)[1], leading=2), THIN // 3, THIN // 3)
    names, last, stride = _numbers(quantiles), len(quantiles) - 1, -(-len(quantiles) // _MAX_TICKS)
    names = [name if min(i, last - i) % stride == 0 else "" for i, name in enumerate(names)]  # symmetric
    return show(grid, title, subtitle, names[::-1], names, "z0", "z1")[0]


def _numbers(values: Sequence[float]) -> list[str]:
    return [f"{round(value, 1) + 0.0:.1f}".replace("-", "−") for value in values]
