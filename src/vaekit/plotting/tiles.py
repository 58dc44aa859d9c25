"""From images of any shape to tiles of 8-bit RGB, and from tiles to one mosaic.

Every grid of images, drawn or saved, is made in the same steps:
images (N, C, H, W) in [0, 1] -> tiles (N, h, w, 3), 8 bits -> a mosaic with gaps between the tiles.
A vector (1, 1, D) becomes a picture of its curve. NaN marks a value that was not observed: it is drawn as a
blue pixel, which no gray image has, or as a gap in a curve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from vaekit.errors import InvalidError

WHITE = 255
UNOBSERVED = (122, 160, 204)  # RGB of pixels that were not observed: distinct from black, white and gray
_CURVE_SIZE = (180, 90)  # width and height in pixels
_CURVE_BACKGROUND, _CURVE_COLOR = "#f1f3f5", "#0072b2"
_OVERSAMPLE = 4  # a curve is drawn this much larger and then reduced, for smooth lines


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


def tiles(images: np.ndarray) -> np.ndarray:
    """Convert images or vectors to pictures of 8-bit RGB.

    Args:
        images: (..., C, H, W) with C = 1 (gray) or 3 (color). Values outside [0, 1] are clipped; NaN is a
            pixel that was not observed. A vector (..., 1, 1, D) becomes a picture of its curve.

    Returns:
        (..., h, w, 3), uint8.

    Raises:
        InvalidError: the shape is not that of images, there are no images, or a value is infinite.

    Example:
        >>> tiles(np.array([[[[0.0, 0.5], [1.0, np.nan]]]]))[0].tolist()
        [[[0, 0, 0], [128, 128, 128]], [[255, 255, 255], [122, 160, 204]]]
        >>> tiles(np.zeros((5, 1, 1, 20))).shape  # curves of vectors
        (5, 90, 180, 3)
    """
    images = np.asarray(images)
    if images.ndim < 4 or images.size == 0 or images.shape[-3] not in (1, 3):
        raise InvalidError(
            f"images: expected shape (N, C, H, W) with N > 0 and C = 1 or 3, got shape {images.shape}"
        )
    if np.isinf(images).any():
        raise InvalidError(f"images: expected finite values, got {np.sum(np.isinf(images))} infinite ones")
    batch, (channels, height, _) = images.shape[:-3], images.shape[-3:]
    flat = np.clip(images.reshape(-1, *images.shape[-3:]), 0, 1)
    if channels == height == 1:
        pictures = np.stack([np.asarray(_draw_curve(vector)) for vector in flat[:, 0, 0]])
    else:
        pictures = _to_rgb(flat)
    return pictures.reshape(*batch, *pictures.shape[1:])


def enlarge(pictures: np.ndarray, scale: int) -> np.ndarray:
    """Repeat every pixel of pictures (..., h, w, 3) `scale` times in both directions.

    Example:
        >>> enlarge(np.zeros((5, 28, 28, 3), np.uint8), 3).shape
        (5, 84, 84, 3)
    """
    return pictures.repeat(scale, axis=-3).repeat(scale, axis=-2)


def fold(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Arrange pictures (N, h, w, 3) in rows (R, columns, h, w, 3). Empty places in the last row are white.

    Example:
        >>> rows = fold(np.zeros((5, 8, 8, 3), np.uint8), columns=3)
        >>> rows.shape, int(rows[1, 2].min())
        ((2, 3, 8, 8, 3), 255)
    """
    rows = -(-len(pictures) // columns)
    padded = np.full((rows * columns, *pictures.shape[1:]), WHITE, np.uint8)
    padded[: len(pictures)] = pictures
    return padded.reshape(rows, columns, *pictures.shape[1:])


def tile_grid(rows: np.ndarray, row_gaps: int | Sequence[int], column_gaps: int | Sequence[int]) -> TileGrid:
    """Lay rows of pictures on a white background.

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


def square_columns(pictures: np.ndarray) -> int:
    """The number of columns at which a grid of pictures (N, h, w, 3) is about square.

    Example:
        >>> square_columns(np.zeros((64, 28, 28, 3))), square_columns(np.zeros((64, 10, 40, 3)))
        (8, 4)
    """
    count, height, width = pictures.shape[:3]
    return min(count, math.ceil(math.sqrt(count * height / width)))


def _to_rgb(images: np.ndarray) -> np.ndarray:
    unobserved = np.isnan(images).any(1)
    levels = np.rint(np.nan_to_num(images) * 255).astype(np.uint8)
    pictures = np.repeat(levels.transpose(0, 2, 3, 1), 3 // images.shape[1], axis=-1)
    pictures[unobserved] = UNOBSERVED
    return pictures


def _draw_curve(vector: np.ndarray) -> Image.Image:
    width, height = _CURVE_SIZE[0] * _OVERSAMPLE, _CURVE_SIZE[1] * _OVERSAMPLE
    picture = Image.new("RGB", (width, height), _CURVE_BACKGROUND)
    x = np.linspace(0.04, 0.96, max(len(vector), 2)) * width
    y = (0.92 - 0.84 * np.resize(vector, x.shape)) * height
    for piece in np.ma.clump_unmasked(np.ma.masked_invalid(y)):
        points = list(zip(x[piece].tolist(), y[piece].tolist(), strict=True))
        if len(points) == 1:  # a single value between two gaps is a dash
            dash = 2 * _OVERSAMPLE
            points = [(points[0][0] - dash, points[0][1]), (points[0][0] + dash, points[0][1])]
        ImageDraw.Draw(picture).line(points, fill=_CURVE_COLOR, width=3 * _OVERSAMPLE, joint="curve")
    return picture.resize(_CURVE_SIZE, Image.Resampling.BOX)


def _starts(count: int, size: int, gaps: int | Sequence[int]) -> np.ndarray:
    steps = size + np.broadcast_to(np.asarray(gaps, dtype=int), count - 1)
    return np.concatenate([[0], np.cumsum(steps)]).astype(int)
