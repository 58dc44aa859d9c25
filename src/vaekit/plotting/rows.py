"""Grids of images that compare several models, classes or imputations."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.image_grid import (
    LINE,
    THIN,
    WIDE,
    expect_count,
    expect_shape,
    fit,
    name_columns,
    rim_for,
    show,
    write_over,
)
from vaekit.plotting.style import styled
from vaekit.plotting.tiles import tile_grid

_LABEL_LETTERS = 24  # per line of a row label


@styled
def image_rows(
    rows: Mapping[str, np.ndarray],
    title: str,
    top: tuple[str, np.ndarray] | None = None,
    column_labels: Sequence[str] = (),
    subtitle: str = "",
) -> Figure:
    """Plot a row of images per run, with its label at the left.

    Args:
        rows: label -> (n, *event), data points of any shape; all rows have the same shape.
        title: what is shown, such as the data and what differs between the rows.
        top: a label and a row of the same shape, set apart above the others, such as the originals.
        column_labels: n names above the columns, such as the epochs.
        subtitle: a second line in gray.

    Returns:
        A figure with one mosaic.

    Raises:
        InvalidError: there are no rows, their shapes differ or are none of data points, or the number of
            names does not match.

    Example:
        >>> images = np.random.default_rng(0).random((3, 1, 8, 8))
        >>> figure = image_rows({"VAE": images, "IWAE": images}, "Reconstructions", top=("original", images))
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['original', 'VAE', 'IWAE']
    """
    if not rows:
        raise InvalidError("rows: expected images of at least one run, got none")
    labels, images = zip(*([top] if top else []), *rows.items(), strict=True)
    for label, row in zip(labels, images, strict=True):
        expect_shape(f"rows: {label}", row, np.shape(images[0]))
    columns = np.shape(images[0])[0]
    expect_count("column_labels", column_labels, columns if len(column_labels) else 0)
    gaps = [WIDE] * bool(top) + [THIN] * (len(rows) - 1)
    grid = tile_grid(fit(np.stack(images), columns, leading=2), gaps, THIN)
    rim = rim_for(grid, column_labels)
    figure, axes = show(grid, title, subtitle, _wrap(labels), rim=rim)
    if len(column_labels):
        name_columns(axes, grid, column_labels)
    return figure


@styled
def class_grid(
    images: np.ndarray, names: Sequence[str], title: str, row_labels: Sequence[str] = (), subtitle: str = ""
) -> Figure:
    """Plot a column per class and a row per latent: each row decodes the same z under every class label.

    Args:
        images: (rows, classes, *event).
        names: of the classes, above the columns.
        title: what is shown, such as the model and the data.
        row_labels: one per row, or none.
        subtitle: a second line in gray.

    Returns:
        A figure with one mosaic.

    Raises:
        InvalidError: the shape is none of a data point, or the number of names or labels does not match.

    Example:
        >>> figure = class_grid(np.random.default_rng(0).random((2, 3, 1, 8, 8)), ["0", "1", "2"], "Classes")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['0', '1', '2']
    """
    expect_count("names", names, np.shape(images)[1])
    expect_count("row_labels", row_labels, np.shape(images)[0] if len(row_labels) else 0)
    grid = tile_grid(fit(images, len(names), leading=2), THIN, THIN)
    figure, axes = show(grid, title, subtitle, _wrap(row_labels), rim=rim_for(grid, names))
    name_columns(axes, grid, names)
    return figure


@styled
def interpolation_rows(
    paths: Mapping[str, np.ndarray],
    title: str,
    ends: tuple[np.ndarray, np.ndarray] | None = None,
    subtitle: str = "",
) -> Figure:
    """Plot interpolations between the same pairs of images by several models, one model per row.

    Args:
        paths: label of the model -> (P, S, *event), P paths of S steps.
        title: what is shown, such as the data and what the paths connect.
        ends: the original images at both ends of the paths, (P, *event) each, shown at the sides.
        subtitle: a second line in gray.

    Returns:
        A figure with one mosaic. The rows of a pair of images are next to each other.

    Raises:
        InvalidError: there are no models, or the shapes differ or are none of data points.

    Example:
        >>> paths = np.random.default_rng(0).random((2, 5, 1, 8, 8))
        >>> figure = interpolation_rows({"AE": paths, "VAE": paths}, "Interpolation")
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['AE', 'VAE', 'AE', 'VAE']
    """
    if not paths:
        raise InvalidError("paths: expected those of at least one model, got none")
    shape = np.shape(next(iter(paths.values())))
    for label, path in paths.items():
        expect_shape(f"paths: {label}", path, shape)
    blocks = np.stack(list(paths.values()), axis=1)
    gaps = ([THIN] * (len(paths) - 1) + [WIDE]) * shape[0]
    labels = _wrap(paths) * shape[0]
    if ends is None:
        rows = fit(blocks.reshape(-1, *shape[1:]), shape[1], leading=2)
        return show(tile_grid(rows, gaps[:-1], THIN), title, subtitle, labels)[0]
    for end in ends:
        expect_shape("ends", end, (shape[0], *shape[2:]))
    first, last = (np.asarray(end)[:, None, None].repeat(len(paths), axis=1) for end in ends)
    blocks = np.concatenate([first, blocks, last], axis=2)
    rows = fit(blocks.reshape(-1, *blocks.shape[2:]), blocks.shape[2], leading=2)
    grid = tile_grid(rows, gaps[:-1], [WIDE, *[THIN] * (shape[1] - 1), WIDE])
    figure, axes = show(grid, title, subtitle, labels, rim=LINE)
    write_over(axes, 0, 0, "original", "left")
    write_over(axes, grid.pixels.shape[1], 0, "original", "right")
    return figure


@styled
def imputations(
    observed: np.ndarray,
    imputed: np.ndarray,
    mean: np.ndarray,
    title: str,
    originals: np.ndarray | None = None,
    subtitle: str = "",
) -> Figure:
    """Plot a row per image: the original, its observed part, samples of the rest, and the mean.

    Args:
        observed: (N, *event), NaN for values that were not observed.
        imputed: (N, M, *event), M samples of each image given its observed part.
        mean: (N, *event), the mean of each image given its observed part.
        title: what is shown, such as the model and the data.
        originals: (N, *event), or None if they are unknown.
        subtitle: a second line in gray.

    Returns:
        A figure with one mosaic.

    Raises:
        InvalidError: the shapes differ or are none of data points.

    Example:
        >>> images = np.random.default_rng(0).random((2, 3, 1, 8, 8))
        >>> observed = np.where(np.arange(8) < 4, images[:, 0], np.nan)  # the left half
        >>> figure = imputations(observed, images, images.mean(1), "Imputations")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['observed', 'sample 1', 'sample 2', 'sample 3', 'mean']
    """
    known = [("original", originals)] if originals is not None else []
    singles = [*known, ("observed", observed), ("mean", mean)]
    shape = (np.shape(imputed)[0], *np.shape(imputed)[2:])
    for name, images in singles:
        expect_shape(name, images, shape)
    *before, after = [np.asarray(images)[:, None] for _, images in singles]
    rows = np.concatenate([*before, imputed, after], axis=1)
    count = np.shape(imputed)[1]
    gaps = [*[THIN] * len(known), WIDE, *[THIN] * (count - 1), WIDE]
    grid = tile_grid(fit(rows, rows.shape[1], leading=2), THIN, gaps)
    names = [*(name for name, _ in singles[:-1]), *(f"sample {i + 1}" for i in range(count)), "mean"]
    figure, axes = show(grid, title, subtitle, rim=rim_for(grid, names))
    name_columns(axes, grid, names)
    return figure


def _wrap(labels: Iterable[str]) -> list[str]:
    return [textwrap.fill(label, _LABEL_LETTERS) for label in labels]
