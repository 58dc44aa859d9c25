"""Figures that set images side by side: a row a run, a column a class, one way through several models."""

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

_LETTERS = 24  # in a line of a row's label


@styled
def image_rows(
    rows: Mapping[str, np.ndarray],
    title: str,
    top: tuple[str, np.ndarray] | None = None,
    column_labels: Sequence[str] = (),
    subtitle: str = "",
) -> Figure:
    """A row of images for each run, labeled at its left.

    Args:
        rows: (n, C, H, W) in [0, 1] for each label; the same shape for all.
        title: what is shown: the data, and what the rows stand for.
        top: a label and a row of the same shape set apart above the others, such as the originals.
        column_labels: n names over the columns, such as the epochs.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: no row, rows of different shapes, what is no images, or another number of names.
    """
    if not rows:
        raise InvalidError("rows: expected images of at least one run, got none")
    labels, images = zip(*([top] if top else []), *rows.items(), strict=True)
    for label, each in zip(labels, images, strict=True):
        expect_shape(f"rows: {label}", each, np.shape(images[0]))
    columns = np.shape(images[0])[0]
    expect_count("column_labels", column_labels, columns if len(column_labels) else 0)
    gaps = [WIDE] * bool(top) + [THIN] * (len(rows) - 1)
    grid = tile_grid(fit(np.stack(images), columns), gaps, THIN)
    rim = rim_for(grid, column_labels)
    figure, axes = show(grid, title, subtitle, _wrapped(labels), rim=rim)
    if len(column_labels):
        name_columns(axes, grid, column_labels)
    return figure


@styled
def class_grid(
    images: np.ndarray, names: Sequence[str], title: str, row_labels: Sequence[str] = (), subtitle: str = ""
) -> Figure:
    """A column a class, a row a style: the same latent under every label.

    Args:
        images: (rows, classes, C, H, W) in [0, 1].
        names: of the classes, over the columns.
        title: what is shown: model and data.
        row_labels: one for each row, or none.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: what is no images, or another number of names or labels.
    """
    expect_count("names", names, np.shape(images)[1])
    expect_count("row_labels", row_labels, np.shape(images)[0] if len(row_labels) else 0)
    grid = tile_grid(fit(images, len(names)), THIN, THIN)
    figure, axes = show(grid, title, subtitle, _wrapped(row_labels), rim=rim_for(grid, names))
    name_columns(axes, grid, names)
    return figure


@styled
def interpolation_rows(
    paths: Mapping[str, np.ndarray],
    title: str,
    ends: tuple[np.ndarray, np.ndarray] | None = None,
    subtitle: str = "",
) -> Figure:
    """The same ways by two models or more, one model above the other for each pair of images.

    Args:
        paths: (P, S, C, H, W) in [0, 1] for each model: P ways of S steps.
        title: what is shown: data, and between what the ways lead.
        ends: the originals that the ways begin and end at, (P, C, H, W) each, shown at the sides.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: no model, shapes that differ, or what is no images.
    """
    if not paths:
        raise InvalidError("paths: expected those of at least one model, got none")
    shape = np.shape(next(iter(paths.values())))
    for label, each in paths.items():
        expect_shape(f"paths: {label}", each, shape)
    blocks = np.stack(list(paths.values()), axis=1)
    gaps = ([THIN] * (len(paths) - 1) + [WIDE]) * shape[0]
    labels = _wrapped(paths) * shape[0]
    if ends is None:
        return show(tile_grid(_flat(blocks), gaps[:-1], THIN), title, subtitle, labels)[0]
    sides = [_beside(end, blocks) for end in ends]
    inner = [WIDE, *[THIN] * (shape[1] - 1), WIDE]
    grid = tile_grid(_flat(np.concatenate([sides[0], blocks, sides[1]], axis=2)), gaps[:-1], inner)
    figure, axes = show(grid, title, subtitle, labels, rim=LINE)
    write_over(axes, 0, 0, "original", "left")
    write_over(axes, grid.pixels.shape[1], 0, "original", "right")
    return figure


@styled
def imputations(
    observed: np.ndarray,
    filled: np.ndarray,
    mean: np.ndarray,
    title: str,
    originals: np.ndarray | None = None,
    subtitle: str = "",
) -> Figure:
    """A row an image: the original where it is known, what was observed of it, its fillings, their mean.

    Args:
        observed: (N, C, H, W) in [0, 1], NaN where not observed.
        filled: (N, M, C, H, W), M fillings of each.
        mean: (N, C, H, W), the mean of all that each could be.
        title: what is shown: model and data.
        originals: (N, C, H, W).
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: shapes that differ, or what is no images.
    """
    known = [("original", originals)] if originals is not None else []
    singles = [*known, ("observed", observed), ("mean", mean)]
    shape = (np.shape(filled)[0], *np.shape(filled)[2:])
    for name, images in singles:
        expect_shape(name, images, shape)
    *before, after = [np.asarray(images)[:, None] for _, images in singles]
    rows = np.concatenate([*before, filled, after], axis=1)
    draws = np.shape(filled)[1]
    grid = tile_grid(
        fit(rows, rows.shape[1]), THIN, [*[THIN] * len(known), WIDE, *[THIN] * (draws - 1), WIDE]
    )
    names = [*(name for name, _ in singles[:-1]), *(f"draw {i + 1}" for i in range(draws)), "mean"]
    figure, axes = show(grid, title, subtitle, rim=rim_for(grid, names))
    name_columns(axes, grid, names)
    return figure


def _flat(blocks: np.ndarray) -> np.ndarray:
    """(P, M, S, C, H, W) as rows of tiles."""
    return fit(blocks.reshape(-1, *blocks.shape[2:]), blocks.shape[2])


def _beside(end: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """The originals (P, C, H, W) as a column (P, M, 1, C, H, W) beside the blocks."""
    pairs, models, _, *image = blocks.shape
    expect_shape("ends", end, (pairs, *image))
    return np.broadcast_to(np.asarray(end)[:, None, None], (pairs, models, 1, *image))


def _wrapped(labels: Iterable[str]) -> list[str]:
    return [textwrap.fill(label, _LETTERS) for label in labels]
