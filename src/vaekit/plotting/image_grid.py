"""A figure made of images: one mosaic, drawn pixel for pixel, with labels at its sides.

Every grid of images is laid out here, in three steps: data points -> tiles of one size -> mosaic -> figure.
Data points have any event shape; those of one figure share one range of values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.pictures import Limits
from vaekit.plotting.style import DPI, figure_frame, place, text_width
from vaekit.plotting.tiles import TileGrid, enlarge, tiles

THIN, WIDE = 6, 24  # pixels of the figure: the gap between neighbors, and between groups
LINE = 0.18  # inches: the height of a line of labels
_MAX_TILE, _MAX_ROW = 180, 2000  # pixels of the figure: the largest side of a tile, and of a row of tiles
_EDGE = 0.12  # inches: the white margin
_MIN_WIDTH = 3.0  # inches: room for a title


def show(
    grid: TileGrid,
    title: str,
    subtitle: str,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    x_label: str = "",
    y_label: str = "",
    rim: float = 0.0,
) -> tuple[Figure, Axes]:
    """Draw a mosaic pixel for pixel, with labels at the left and below.

    A mosaic that is wider than a page is drawn smaller.

    Args:
        grid: the mosaic.
        title, subtitle: of the figure.
        row_labels, column_labels: one per row or column of tiles, or none.
        x_label, y_label: what the columns and rows stand for.
        rim: free space above the mosaic in inches, for `write_over`.

    Returns:
        The figure, and its axes. Their units are pixels of the mosaic, from its upper left corner.

    Example:
        >>> from vaekit.plotting.tiles import tile_grid
        >>> grid = tile_grid(fit(np.zeros((2, 3, 1, 8, 8)), columns=3, leading=2), THIN, THIN)
        >>> figure, axes = show(grid, "Two models", "", row_labels=["VAE", "IWAE"], x_label="sample")
        >>> [label.get_text() for label in axes.get_yticklabels()], axes.get_xlabel()
        (['VAE', 'IWAE'], 'sample')
    """
    down, across = grid.pixels.shape[:2]
    inch = DPI * max(1.0, across / _MAX_ROW / 1.1)
    left = (
        _EDGE + text_width("\n".join(row_labels).split("\n")) + LINE * bool(y_label) + 0.06 * bool(row_labels)
    )
    bottom = _EDGE + LINE * (bool(column_labels) + bool(x_label))
    size = (max(left + across / inch + _EDGE, _MIN_WIDTH), bottom + down / inch + rim)
    figure = figure_frame(*size, title, subtitle)
    axes = place(figure, left, bottom, across / inch, down / inch)
    axes.imshow(grid.pixels, extent=(0, across, down, 0), aspect="auto", interpolation="auto")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, pad=3)
    axes.set_yticks(grid.rows if len(row_labels) else [], row_labels)
    axes.set_xticks(grid.columns if len(column_labels) else [], column_labels)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return figure, axes


def fit(points: np.ndarray, columns: int, leading: int = 1, limits: Limits | None = None) -> np.ndarray:
    """Turn data points into tiles, enlarged by the largest factor at which a row of `columns` fits a page.

    Args:
        points: (..., *event), data points of any shape, see `pictures.pictures`.
        columns: tiles per row.
        leading: the number of dimensions before the event.
        limits: the values that are drawn as 0 and 1; by default those of `value_limits`.

    Returns:
        (..., h, w, 3), uint8.

    Example:
        >>> fit(np.zeros((2, 1, 28, 28)), columns=5).shape
        (2, 168, 168, 3)
        >>> fit(np.zeros((2, 1, 28, 28)), columns=20).shape
        (2, 84, 84, 3)
    """
    drawn = tiles(points, leading, limits)
    return enlarge(drawn, max(1, min(_MAX_TILE, _MAX_ROW // columns) // max(drawn.shape[-3:-1])))


def write_over(axes: Axes, x: float, y: float, text: str, align: str = "center", rotation: float = 0) -> None:
    """Write small text just above a pixel (x, y) of the mosaic.

    Args:
        axes: of `show`.
        x, y: the pixel, from the upper left corner.
        text: what to write.
        align: which side of the text is at x: "left", "center" or "right".
        rotation: in degrees.

    Example:
        >>> from vaekit.plotting.tiles import tile_grid
        >>> grid = tile_grid(fit(np.zeros((1, 2, 1, 8, 8)), 2, leading=2), THIN, THIN)
        >>> figure, axes = show(grid, "Title", "", rim=LINE)
        >>> write_over(axes, 0, 0, "original", "left")
        >>> axes.texts[0].get_text()
        'original'
    """
    looks: Any = {"ha": align, "va": "bottom", "fontsize": 7, "rotation": rotation}
    axes.annotate(text, (x, y), (0, 1.5), textcoords="offset points", **looks)


def name_columns(axes: Axes, grid: TileGrid, names: Sequence[str]) -> None:
    """Write a name above each column; all are turned by 90 degrees if one is wider than a column.

    Args:
        axes: of `show`, called with the `rim` of `rim_for`.
        grid: the mosaic.
        names: one per column.

    Example:
        >>> from vaekit.plotting.tiles import tile_grid
        >>> grid = tile_grid(fit(np.zeros((1, 2, 1, 8, 8)), 2, leading=2), THIN, THIN)
        >>> figure, axes = show(grid, "Classes", "", rim=rim_for(grid, ["cat", "dog"]))
        >>> name_columns(axes, grid, ["cat", "dog"])
        >>> [(text.get_text(), text.get_rotation()) for text in axes.texts]
        [('cat', 0.0), ('dog', 0.0)]
    """
    rotation = 90 if _small_text_width(names) > grid.tile[1] / DPI else 0
    for x, name in zip(grid.columns, names, strict=True):
        write_over(axes, float(x), 0, name, rotation=rotation)


def rim_for(grid: TileGrid, names: Sequence[str]) -> float:
    """The space in inches that `name_columns` needs above the mosaic.

    Example:
        >>> from vaekit.plotting.tiles import tile_grid
        >>> grid = tile_grid(fit(np.zeros((1, 2, 1, 8, 8)), 2, leading=2), THIN, THIN)
        >>> rim_for(grid, []), rim_for(grid, ["cat", "dog"])
        (0.0, 0.18)
        >>> rim_for(grid, ["cat", "a class with a long name"]) > 1
        True
    """
    width = _small_text_width(names)
    return width + 0.1 if width > grid.tile[1] / DPI else LINE * bool(len(names))


def expect_shape(name: str, images: np.ndarray, shape: tuple[int, ...]) -> None:
    """Check the shape of images.

    Raises:
        InvalidError: the shape is another one.

    Example:
        >>> expect_shape("rows", np.zeros((2, 1, 8, 8)), (3, 1, 8, 8))
        Traceback (most recent call last):
        ...
        vaekit.errors.InvalidError: rows: expected shape (3, 1, 8, 8), got (2, 1, 8, 8)
    """
    if np.shape(images) != shape:
        raise InvalidError(f"{name}: expected shape {shape}, got {np.shape(images)}")


def expect_count(name: str, values: Sequence[object], expected: int) -> None:
    """Check the number of values.

    Raises:
        InvalidError: there are more or fewer values.

    Example:
        >>> expect_count("names", ["a", "b"], 3)
        Traceback (most recent call last):
        ...
        vaekit.errors.InvalidError: names: expected 3 of them, got 2
    """
    if len(values) != expected:
        raise InvalidError(f"{name}: expected {expected} of them, got {len(values)}")


def _small_text_width(names: Sequence[str]) -> float:
    """The width in inches of the longest name at 7 points."""
    return 0.76 * text_width(names)
