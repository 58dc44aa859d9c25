"""A figure made of images: one mosaic, drawn pixel for pixel, with labels at its sides.

Every grid of images is laid out here, in three steps: data points -> tiles of one size -> mosaic -> figure.
Data points have any event shape; those of one figure share one range of values.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vaekit.errors import InvalidError
from vaekit.plotting.look import current_look
from vaekit.plotting.pictures import Limits
from vaekit.plotting.style import DPI, MUTED, draw_title, figure_frame, figure_of, place, text_width
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
    foot: float = 0.0,
) -> tuple[Figure, Axes]:
    """Draw a mosaic pixel for pixel, with labels at the left and below.

    A mosaic that is wider than a page is drawn smaller, and one of a given width is drawn at that width.
    With axes of the caller, the mosaic fills them.

    Args:
        grid: the mosaic.
        title, subtitle: of the figure.
        row_labels, column_labels: one per row or column of tiles, or none.
        x_label, y_label: what the columns and rows stand for.
        rim: free space above the mosaic in inches, for `write_over`.
        foot: free space below the mosaic in inches, for `write_under`.

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
    left = (
        _EDGE + text_width("\n".join(row_labels).split("\n")) + LINE * bool(y_label) + 0.06 * bool(row_labels)
    )
    given, inch = current_look().axes, _pixels_per_inch(grid, left)
    if given is not None:
        figure, axes = figure_of(given), given
        draw_title(axes, title, subtitle, rim)
    else:
        bottom = _EDGE + foot + LINE * (bool(column_labels) + bool(x_label))
        width = left + across / inch + _EDGE
        if current_look().title and not current_look().width:
            width = max(width, _MIN_WIDTH)
        figure = figure_frame(width, bottom + down / inch + rim, title, subtitle)
        axes = place(figure, left, bottom, across / inch, down / inch)
    aspect: Any = "auto" if given is None else "equal"
    axes.imshow(grid.pixels, extent=(0, across, down, 0), aspect=aspect, interpolation="auto")
    _cover_gaps(axes, grid)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, pad=3)
    axes.set_yticks(grid.rows if len(row_labels) else [], row_labels)
    names = _thinned(column_labels, grid.tile[1] / inch)
    axes.set_xticks(grid.columns if len(names) else [], names)
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


def write_under(axes: Axes, x: float, y: float, text: str) -> None:
    """Write small gray text just below a pixel (x, y) of the mosaic, such as the index of a picture.

    Args:
        axes: of `show`, called with a `foot` if the text is below the last row.
        x, y: the pixel, from the upper left corner.
        text: what to write.

    Example:
        >>> from vaekit.plotting.tiles import tile_grid
        >>> grid = tile_grid(fit(np.zeros((1, 2, 1, 8, 8)), 2, leading=2), THIN, THIN)
        >>> figure, axes = show(grid, "Title", "", foot=LINE)
        >>> write_under(axes, 90, 180, "18")
        >>> axes.texts[0].get_text()
        '18'
    """
    looks: Any = {"ha": "center", "va": "top", "fontsize": 7, "color": MUTED}
    axes.annotate(text, (x, y), (0, -1.5), textcoords="offset points", **looks)


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
    rotation = 90 if _small_text_width(names) > grid.tile[1] / _pixels_per_inch(grid) else 0
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
    return width + 0.1 if width > grid.tile[1] / _pixels_per_inch(grid) else LINE * bool(len(names))


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


def _pixels_per_inch(grid: TileGrid, left: float = _EDGE) -> float:
    """At which the mosaic is drawn: as wide as the caller wants it, or pixel for pixel up to a page."""
    across, width = grid.pixels.shape[1], current_look().width
    if width is None:
        return DPI * max(1.0, across / _MAX_ROW / 1.1)
    return across / max(width - left - _EDGE, 0.3 * width)


def _thinned(names: Sequence[str], room: float) -> Sequence[str]:
    """The names of columns, with every second, third, ... left where all would overlap; symmetric."""
    stride = int(_small_text_width(names) / room) + 1
    if stride == 1 or len(names) < 3:
        return names
    last = len(names) - 1
    return [name if min(i, last - i) % stride == 0 else "" for i, name in enumerate(names)]


def _small_text_width(names: Sequence[str]) -> float:
    """The width in inches of the longest name at 7 points."""
    return 0.76 * text_width(names)


def _cover_gaps(axes: Axes, grid: TileGrid) -> None:
    """Draw the gaps between tiles as white shapes, which a page can give its own ground."""
    (down, across), (height, width) = grid.pixels.shape[:2], grid.tile
    looks: Any = {"facecolor": "white", "linewidth": 0, "zorder": 0.5}
    for top, below in pairwise(grid.tops):
        axes.add_patch(Rectangle((0, top + height), across, below - top - height, **looks))
    for left, right in pairwise(grid.lefts):
        axes.add_patch(Rectangle((left + width, 0), right - left - width, down, **looks))
