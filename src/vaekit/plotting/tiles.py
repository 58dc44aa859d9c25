"""From arrays of any image shape to pictures of one kind, and from pictures to one mosaic.

Every grid of images, drawn or saved, goes the same way:
images (N, C, H, W) in [0, 1] -> tiles (N, h, w, 3) of 8 bits -> a mosaic with gaps between the tiles.
A vector (1, 1, D) becomes the picture of its curve, so that no grid needs to know of vectors. A NaN is what
was not observed: a tint that no gray image has, and a gap in a curve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from vaekit.errors import InvalidError

WHITE = 255
UNSEEN = (122, 160, 204)  # of pixels that were not observed: distinct from black, white and gray
_CURVE_SIZE = (180, 90)  # pixels across and up
_CURVE_PAPER, _CURVE_INK = "#f1f3f5", "#0072b2"
_FINER = 4  # a curve is drawn this much larger, then reduced: smooth lines


@dataclass(frozen=True)
class TileGrid:
    """Tiles laid side by side, and where they lie.

    Attributes:
        pixels: (H, W, 3), 8 bits.
        tops: the first pixel row of each row of tiles.
        lefts: the first pixel column of each column of tiles.
        tile: height and width of one tile in pixels.
    """

    pixels: np.ndarray
    tops: np.ndarray
    lefts: np.ndarray
    tile: tuple[int, int]

    @property
    def rows(self) -> np.ndarray:
        """The center of each row of tiles, in pixels from the top."""
        return self.tops + self.tile[0] / 2

    @property
    def columns(self) -> np.ndarray:
        """The center of each column of tiles, in pixels from the left."""
        return self.lefts + self.tile[1] / 2


def tiles(images: np.ndarray) -> np.ndarray:
    """Images or vectors as pictures of 8-bit RGB.

    Args:
        images: (..., C, H, W) in [0, 1] or NaN, C = 1 (gray) or 3 (color); beyond [0, 1] they are clipped.
            Shape (..., 1, 1, D) is a vector and becomes the picture of its curve.

    Returns:
        (..., h, w, 3), uint8.

    Raises:
        InvalidError: another number of axes or channels, no image at all, or values that are infinite.
    """
    images = np.asarray(images)
    _check(images)
    batch, (channels, height, _) = images.shape[:-3], images.shape[-3:]
    flat = np.clip(images.reshape(-1, *images.shape[-3:]), 0, 1)
    pictures = _curves(flat[:, 0, 0]) if channels == height == 1 else _pixels(flat)
    return pictures.reshape(*batch, *pictures.shape[1:])


def enlarge(pictures: np.ndarray, scale: int) -> np.ndarray:
    """Pictures (..., h, w, 3) with every pixel repeated `scale` times down and across."""
    return pictures.repeat(scale, axis=-3).repeat(scale, axis=-2)


def fold(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Pictures (N, h, w, 3) as rows (R, columns, h, w, 3); what is missing in the last row is white."""
    rows = -(-len(pictures) // columns)
    padded = np.full((rows * columns, *pictures.shape[1:]), WHITE, np.uint8)
    padded[: len(pictures)] = pictures
    return padded.reshape(rows, columns, *pictures.shape[1:])


def tile_grid(rows: np.ndarray, row_gaps: int | Sequence[int], column_gaps: int | Sequence[int]) -> TileGrid:
    """Lay rows of pictures (R, S, h, w, 3) on white, with gaps in pixels: one for all, or one for each."""
    height, width = rows.shape[2:4]
    tops, lefts = _starts(len(rows), height, row_gaps), _starts(rows.shape[1], width, column_gaps)
    pixels = np.full((tops[-1] + height, lefts[-1] + width, 3), WHITE, np.uint8)
    for top, row in zip(tops, rows, strict=True):
        for left, picture in zip(lefts, row, strict=True):
            pixels[top : top + height, left : left + width] = picture
    return TileGrid(pixels, tops, lefts, (height, width))


def square_columns(pictures: np.ndarray) -> int:
    """The number of columns that makes a grid of these pictures (N, h, w, 3) about square."""
    count, height, width = pictures.shape[:3]
    return min(count, math.ceil(math.sqrt(count * height / width)))


def _check(images: np.ndarray) -> None:
    if images.ndim < 4 or images.size == 0 or images.shape[-3] not in (1, 3):
        raise InvalidError(
            f"images: expected at least one of shape (C, H, W) with C = 1 or 3, got shape {images.shape}"
        )
    if np.isinf(images).any():
        raise InvalidError(
            f"images: expected finite values, got {np.sum(np.isinf(images))} that are infinite"
        )


def _pixels(images: np.ndarray) -> np.ndarray:
    unseen = np.isnan(images).any(1)
    levels = np.rint(np.nan_to_num(images) * 255).astype(np.uint8)
    pictures = np.repeat(levels.transpose(0, 2, 3, 1), 3 // images.shape[1], axis=-1)
    pictures[unseen] = UNSEEN
    return pictures


def _curves(vectors: np.ndarray) -> np.ndarray:
    return np.stack([np.asarray(_curve(vector)) for vector in vectors])


def _curve(vector: np.ndarray) -> Image.Image:
    width, height = _CURVE_SIZE[0] * _FINER, _CURVE_SIZE[1] * _FINER
    picture = Image.new("RGB", (width, height), _CURVE_PAPER)
    across = np.linspace(0.04, 0.96, max(len(vector), 2)) * width
    down = (0.92 - 0.84 * np.resize(vector, across.shape)) * height
    for piece in np.ma.clump_unmasked(np.ma.masked_invalid(down)):
        points = list(zip(across[piece].tolist(), down[piece].tolist(), strict=True))
        ImageDraw.Draw(picture).line(_visible(points), fill=_CURVE_INK, width=3 * _FINER, joint="curve")
    return picture.resize(_CURVE_SIZE, Image.Resampling.BOX)


def _visible(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points to draw a line through: a single one becomes a dash."""
    if len(points) > 1:
        return points
    [(across, down)] = points
    return [(across - 2 * _FINER, down), (across + 2 * _FINER, down)]


def _starts(count: int, size: int, gaps: int | Sequence[int]) -> np.ndarray:
    steps = size + np.broadcast_to(np.asarray(gaps, dtype=int), count - 1)
    return np.concatenate([[0], np.cumsum(steps)]).astype(int)
