"""A plate: a mosaic of images on a sheet, drawn pixel for pixel, with labels at its sides.

Every figure that is made of images is laid out here: images -> tiles of one size -> mosaic -> plate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.style import DPI, figure_frame, place, text_width
from vaekit.plotting.tiles import TileGrid, enlarge, tiles

THIN, WIDE = 6, 24  # device pixels: the gap between neighbors, and between groups
LINE = 0.18  # inches: a line of labels
_TILE, _ACROSS = 180, 2000  # device pixels: the largest side of a tile, and of a row of tiles
_EDGE = 0.12  # inches: the white rim
_NARROWEST = 3.0  # inches: room for a title


def show(
    grid: TileGrid,
    title: str,
    subtitle: str,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    across_name: str = "",
    up_name: str = "",
    rim: float = 0.0,
) -> tuple[Figure, Axes]:
    """The mosaic pixel for pixel (smaller only where wider than a page), with labels at its left and foot.

    Args:
        grid: the mosaic.
        title, subtitle: of the sheet.
        row_labels, column_labels: one for each row and column of tiles, or none.
        across_name, up_name: what the columns and rows stand for.
        rim: inches left free over the mosaic, for `write_over`.

    Returns:
        The figure, and axes whose units are the pixels of the mosaic, from its upper left corner.
    """
    down, across = grid.pixels.shape[:2]
    inch = DPI * max(1.0, across / _ACROSS / 1.1)
    left = (
        _EDGE + text_width("\n".join(row_labels).split("\n")) + LINE * bool(up_name) + 0.06 * bool(row_labels)
    )
    bottom = _EDGE + LINE * (bool(column_labels) + bool(across_name))
    size = (max(left + across / inch + _EDGE, _NARROWEST), bottom + down / inch + rim)
    figure = figure_frame(*size, title, subtitle)
    axes = place(figure, left, bottom, across / inch, down / inch)
    axes.imshow(grid.pixels, extent=(0, across, down, 0), aspect="auto", interpolation="auto")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, pad=3)
    axes.set_yticks(grid.rows if len(row_labels) else [], row_labels)
    axes.set_xticks(grid.columns if len(column_labels) else [], column_labels)
    axes.set_xlabel(across_name)
    axes.set_ylabel(up_name)
    return figure, axes


def fit(images: np.ndarray, columns: int) -> np.ndarray:
    """Images as tiles, enlarged by the whole factor that best fills a row of `columns`."""
    pictures = tiles(images)
    return enlarge(pictures, max(1, min(_TILE, _ACROSS // columns) // max(pictures.shape[-3:-1])))


def write_over(
    axes: Axes, across: float, down: float, text: str, align: str = "center", rotation: float = 0
) -> None:
    """Small words over a pixel of the mosaic."""
    looks: Any = {"ha": align, "va": "bottom", "fontsize": 7, "rotation": rotation}
    axes.annotate(text, (across, down), (0, 1.5), textcoords="offset points", **looks)


def name_columns(axes: Axes, grid: TileGrid, names: Sequence[str]) -> None:
    """Names over the columns, upright where one is wider than a column."""
    rotation = _rotation(grid, names)
    for across, name in zip(grid.columns, names, strict=True):
        write_over(axes, float(across), 0, name, rotation=rotation)


def rim_for(grid: TileGrid, names: Sequence[str]) -> float:
    """Inches that `name_columns` needs over the mosaic."""
    return _width(names) + 0.1 if _rotation(grid, names) else LINE * bool(len(names))


def expect_shape(name: str, images: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse images of another shape."""
    if np.shape(images) != shape:
        raise InvalidError(f"{name}: expected shape {shape}, got {np.shape(images)}")


def expect_count(name: str, values: Sequence[object], expected: int) -> None:
    """Refuse more or fewer values."""
    if len(values) != expected:
        raise InvalidError(f"{name}: expected {expected} of them, got {len(values)}")


def _rotation(grid: TileGrid, names: Sequence[str]) -> int:
    return 90 if _width(names) > grid.tile[1] / DPI else 0


def _width(names: Sequence[str]) -> float:
    return 0.76 * text_width(names)  # 7 points, and few letters are the widest
