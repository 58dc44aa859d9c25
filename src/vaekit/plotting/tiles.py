"""From data points of any shape to tiles of 8-bit RGB, and from tiles to one mosaic.

Every grid of images, drawn or saved, is made in the same steps:
data points (N, *event) -> pictures (N, 1 or 3, h, w) in [0, 1] -> tiles (N, h, w, 3), 8 bits -> a mosaic with
gaps between the tiles. NaN marks a value that was not observed: it is drawn as a blue pixel, which no gray
image has, or as a gap in a curve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np

from vaekit.errors import InvalidError
from vaekit.plotting.look import current_look
from vaekit.plotting.pictures import Limits, pictures

WHITE = 255
UNOBSERVED = (122, 160, 204)  # RGB of pixels that were not observed: distinct from black, white and gray


@dataclass(frozen=True)
class TileGrid:
    """A mosaic of tiles, and the positions of its tiles.

    Attributes:
        pixels: (H, W, 3), uint8.
        tops: the first pixel of each row of tiles.
        lefts: the first pixel of each column of tiles.
        tile: the height and width of one tile in pixels.

    Example:
        >>> grid = tile_grid(np.zeros((2, 3, 8, 8, 3), np.uint8), row_gaps=4, column_gaps=2)
        >>> grid
        TileGrid(2 x 3 tiles of 8 x 8 pixels)
        >>> grid.tops.tolist(), grid.lefts.tolist()
        ([0, 12], [0, 10, 20])
    """

    pixels: np.ndarray
    tops: np.ndarray
    lefts: np.ndarray
    tile: tuple[int, int]

    def __repr__(self) -> str:
        height, width = self.tile
        return f"TileGrid({len(self.tops)} x {len(self.lefts)} tiles of {height} x {width} pixels)"

    @property
    def rows(self) -> np.ndarray:
        """The center of each row of tiles, in pixels from the top."""
        return self.tops + self.tile[0] / 2

    @property
    def columns(self) -> np.ndarray:
        """The center of each column of tiles, in pixels from the left."""
        return self.lefts + self.tile[1] / 2


def tiles(points: np.ndarray, leading: int = 1, limits: Limits | None = None) -> np.ndarray:
    """Draw data points of any shape as pictures of 8-bit RGB.

    Args:
        points: (..., *event), see `pictures`. Values outside the limits are clipped; NaN was not observed.
        leading: the number of dimensions before the event.
        limits: the values that are drawn as 0 and 1; by default those of `value_limits`.

    Returns:
        (..., h, w, 3), uint8.

    Raises:
        InvalidError: there are no data points, their shape cannot be drawn, or a value is infinite.

    Example:
        >>> tiles(np.array([[[[0.0, 0.5], [1.0, np.nan]]]]))[0].tolist()
        [[[0, 0, 0], [128, 128, 128]], [[255, 255, 255], [122, 160, 204]]]
        >>> tiles(np.zeros((5, 20))).shape  # vectors
        (5, 90, 180, 3)
    """
    drawn = pictures(points, limits, leading)
    return _to_rgb(drawn.reshape(-1, *drawn.shape[leading:])).reshape(
        *drawn.shape[:leading], *drawn.shape[-2:], 3
    )


def enlarge(pixels: np.ndarray, scale: int) -> np.ndarray:
    """Repeat every pixel of tiles (..., h, w, 3) `scale` times in both directions.

    Example:
        >>> enlarge(np.zeros((5, 28, 28, 3), np.uint8), 3).shape
        (5, 84, 84, 3)
    """
    return pixels.repeat(scale, axis=-3).repeat(scale, axis=-2)


def fold(pixels: np.ndarray, columns: int) -> np.ndarray:
    """Arrange tiles (N, h, w, 3) in rows (R, columns, h, w, 3). Empty places in the last row are white.

    Example:
        >>> rows = fold(np.zeros((5, 8, 8, 3), np.uint8), columns=3)
        >>> rows.shape, int(rows[1, 2].min())
        ((2, 3, 8, 8, 3), 255)
    """
    rows = -(-len(pixels) // columns)
    padded = np.full((rows * columns, *pixels.shape[1:]), WHITE, np.uint8)
    padded[: len(pixels)] = pixels
    return padded.reshape(rows, columns, *pixels.shape[1:])


def tile_grid(rows: np.ndarray, row_gaps: int | Sequence[int], column_gaps: int | Sequence[int]) -> TileGrid:
    """Lay rows of tiles on a white background.

    Args:
        rows: (R, S, h, w, 3), uint8.
        row_gaps: between rows, in pixels: one number, or R - 1 numbers.
        column_gaps: between columns, in pixels: one number, or S - 1 numbers.

    Example:
        >>> tile_grid(np.zeros((2, 3, 8, 8, 3), np.uint8), row_gaps=4, column_gaps=[2, 10]).pixels.shape
        (20, 36, 3)
    """
    height, width = rows.shape[2:4]
    tops, lefts = _starts(len(rows), height, row_gaps), _starts(rows.shape[1], width, column_gaps)
    pixels = np.full((tops[-1] + height, lefts[-1] + width, 3), WHITE, np.uint8)
    for top, row in zip(tops, rows, strict=True):
        for left, picture in zip(lefts, row, strict=True):
            pixels[top : top + height, left : left + width] = picture
    return TileGrid(pixels, tops, lefts, (height, width))


def square_columns(pixels: np.ndarray) -> int:
    """The number of columns at which a grid of tiles (N, h, w, 3) is about square.

    Example:
        >>> square_columns(np.zeros((64, 28, 28, 3))), square_columns(np.zeros((64, 10, 40, 3)))
        (8, 4)
    """
    count, height, width = pixels.shape[:3]
    return min(count, math.ceil(math.sqrt(count * height / width)))


def _to_rgb(images: np.ndarray) -> np.ndarray:
    unobserved = np.isnan(images).any(1)
    levels = np.rint(np.nan_to_num(images) * 255).astype(np.uint8)
    if (cmap := current_look().cmap) is None:
        colored = np.repeat(levels.transpose(0, 2, 3, 1), 3 // images.shape[1], axis=-1)
    elif images.shape[1] == 1:
        colored = matplotlib.colormaps[cmap](levels[:, 0], bytes=True)[..., :3]
    else:
        raise InvalidError("cmap: is for gray images, but these pictures are drawn in color; leave it out")
    colored[unobserved] = UNOBSERVED
    return colored


def _starts(count: int, size: int, gaps: int | Sequence[int]) -> np.ndarray:
    steps = size + np.broadcast_to(np.asarray(gaps, dtype=int), count - 1)
    return np.concatenate([[0], np.cumsum(steps)]).astype(int)
