"""Figures that are grids of images: what a model reconstructs, samples and decodes along its latents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.figures.style import DPI, place, sheet, styled, text_width
from vaekit.figures.tiles import Mosaic, enlarge, fold, mosaic, square_columns, tiles

_TILE, _ACROSS = 180, 2000  # device pixels: the largest side of a tile, and of a row of tiles
_THIN, _WIDE = 6, 24  # device pixels: the gap between neighbours, and between groups
_EDGE, _LINE = 0.12, 0.18  # inches: the white rim, and a line of labels
_PAIRS = 10  # originals in a row
_NARROWEST = 3.0  # inches: room for a title


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
    _same_shape("reconstructions", reconstructions, np.shape(originals))
    names = [] if labels is None else [str(label) for label in labels]
    _count("labels", names, len(originals) if names else 0)
    columns = min(len(originals), _PAIRS)
    pairs = np.stack([fold(_fit(each, columns), columns) for each in (originals, reconstructions)], axis=1)
    between = 2 * _WIDE if names else _WIDE
    gaps = ([_THIN, between] * len(pairs))[:-1]
    grid = mosaic(pairs.reshape(-1, *pairs.shape[2:]), gaps, _THIN)
    figure, axes = _show(grid, title, subtitle, ("original", "reconstruction") * len(pairs), rim=bool(names))
    for (pair, column), name in zip(np.ndindex(len(pairs), columns), names, strict=False):
        _write_over(axes, float(grid.columns[column]), float(grid.tops[2 * pair]), name)
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
    figure, _ = _show(mosaic(fold(_fit(images, columns), columns), _THIN, _THIN), title, subtitle)
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
        return _show(mosaic(_fit(rows, np.shape(rows)[1]), _THIN, _THIN), title, subtitle)[0]
    first, last = (_end(each, rows) for each in ends)
    whole = np.concatenate([first, rows, last], axis=1)
    steps = np.shape(rows)[1]
    grid = mosaic(_fit(whole, steps + 2), _THIN, [_WIDE, *[_THIN] * (steps - 1), _WIDE])
    figure, axes = _show(grid, title, subtitle, rim=True)
    _write_over(axes, 0, 0, "original", "left")
    _write_over(axes, grid.pixels.shape[1], 0, "original", "right")
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
    _count("row_labels", row_labels, np.shape(rows)[0])
    grid = mosaic(_fit(rows, np.shape(rows)[1]), _THIN, _THIN)
    if not len(values):
        return _show(grid, title, subtitle, row_labels)[0]
    _count("values", values, np.shape(rows)[1])
    return _show(grid, title, subtitle, row_labels, _numbers(values), axis_name)[0]


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
    _count("quantiles", quantiles, np.shape(images)[0])
    grid = mosaic(_fit(np.asarray(images)[::-1], np.shape(images)[1]), _THIN // 3, _THIN // 3)
    names = _sparse(_numbers(quantiles))
    return _show(grid, title, subtitle, names[::-1], names, "z0", "z1")[0]


def _show(
    grid: Mosaic,
    title: str,
    subtitle: str,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    across_name: str = "",
    up_name: str = "",
    rim: bool = False,
) -> tuple[Figure, Axes]:
    """The mosaic pixel for pixel (smaller only where wider than a page), with labels at its left and foot."""
    down, across = grid.pixels.shape[:2]
    inch = DPI * max(1.0, across / _ACROSS / 1.1)
    left = _EDGE + text_width(row_labels) + _LINE * bool(up_name) + 0.06 * bool(row_labels)
    bottom = _EDGE + _LINE * (bool(column_labels) + bool(across_name))
    size = (max(left + across / inch + _EDGE, _NARROWEST), bottom + down / inch + _LINE * rim)
    figure = sheet(*size, title, subtitle)
    axes = place(figure, left, bottom, across / inch, down / inch)
    axes.imshow(grid.pixels, extent=(0, across, down, 0), aspect="auto", interpolation="auto")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, pad=3)
    axes.set_yticks(grid.rows if len(row_labels) else [], row_labels)
    axes.set_xticks(grid.columns if len(column_labels) else [], column_labels)
    axes.set_xlabel(across_name)
    axes.set_ylabel(up_name)
    return figure, axes


def _fit(images: np.ndarray, columns: int) -> np.ndarray:
    """Images as tiles, enlarged by the whole factor that best fills a row of `columns`."""
    pictures = tiles(images)
    return enlarge(pictures, max(1, min(_TILE, _ACROSS // columns) // max(pictures.shape[-3:-1])))


def _write_over(axes: Axes, across: float, down: float, text: str, align: str = "center") -> None:
    axes.annotate(
        text, (across, down), (0, 1.5), textcoords="offset points", ha=align, va="bottom", fontsize=7
    )


def _end(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    shape = np.shape(rows)
    _same_shape("ends", images, (shape[0], *shape[2:]))
    return np.asarray(images)[:, None]


def _numbers(values: Sequence[float]) -> list[str]:
    return [f"{round(value, 1) + 0.0:.1f}".replace("-", "−") for value in values]


def _sparse(names: list[str], most: int = 11) -> list[str]:
    """About `most` of the names, counted from both ends so that they lie symmetric; the others empty."""
    last, stride = len(names) - 1, -(-len(names) // most)
    return [name if min(i, last - i) % stride == 0 else "" for i, name in enumerate(names)]


def _same_shape(name: str, images: np.ndarray, shape: tuple[int, ...]) -> None:
    if np.shape(images) != shape:
        raise InvalidError(f"{name}: expected shape {shape}, got {np.shape(images)}")


def _count(name: str, values: Sequence[object], expected: int) -> None:
    if len(values) != expected:
        raise InvalidError(f"{name}: expected {expected} of them, got {len(values)}")
