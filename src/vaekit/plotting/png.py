"""A plain grid of pixels, drawn in a moment for each epoch, and the animation made of many."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vaekit.errors import InvalidError
from vaekit.plotting.tiles import enlarge, fold, square_columns, tile_grid, tiles
from vaekit.utils.io import write_whole

_GAP, _STRIP, _LETTERS = 2, 20, 13  # pixels: between tiles, the strip of the caption, and its letters
_HOLD = 2000  # milliseconds that an animation rests on its last frame
_INK, _PAPER = "#1f2328", "#ffffff"


def grid_png(images: np.ndarray, columns: int | None = None, scale: int = 2, caption: str = "") -> bytes:
    """A grid of images as the bytes of a PNG, pixel for pixel.

    Args:
        images: (N, C, H, W) in [0, 1].
        columns: images a row; by default the grid comes out about square.
        scale: how many pixels across and down each pixel of an image takes.
        caption: words in a strip below the grid, such as the epoch.

    Returns:
        The bytes of a PNG, gray where no image has color and all of each was observed.

    Raises:
        InvalidError: what is no images.
    """
    pictures = enlarge(tiles(images), scale)
    grid = tile_grid(fold(pictures, columns or square_columns(pictures)), _GAP, _GAP).pixels
    picture = _captioned(Image.fromarray(grid), caption) if caption else Image.fromarray(grid)
    colored = np.shape(images)[1] == 3 or np.isnan(images).any()
    return _png(picture if colored else picture.convert("L"))


def save_grid(
    images: np.ndarray, path: str | Path, columns: int | None = None, scale: int = 2, caption: str = ""
) -> Path:
    """Write `grid_png` of the same arguments to `path`, whole or not at all, and return the path."""
    return write_whole(path, grid_png(images, columns, scale, caption))


def read_grid(path: Path, shape: tuple[int, int, int], count: int, scale: int = 2) -> np.ndarray:
    """The first images of the first row of a grid that `save_grid` wrote.

    Args:
        path: the PNG.
        shape: (C, H, W) of an image.
        count: how many; no more than the grid has columns.
        scale: that it was written with.

    Returns:
        (count, C, H, W) in [0, 1], to 8 bits; of vectors the pictures of their curves.

    Raises:
        InvalidError: it is no picture, or a smaller one.
    """
    height, width = tiles(np.zeros((1, *shape))).shape[1:3]
    pixels = np.atleast_3d(np.asarray(_opened(path)))[: scale * height : scale]
    lefts = (scale * width + _GAP) * np.arange(count)
    if pixels.shape[0] < height or pixels.shape[1] < lefts[-1] + scale * width:
        raise InvalidError(
            f"{path}: expected a grid of {count} images {height} x {width} a row, got a smaller one"
        )
    images = [pixels[:, left : left + scale * width : scale] for left in lefts]
    return np.stack(images).transpose(0, 3, 1, 2) / 255


def animate(frames: Sequence[Path], path: str | Path, milliseconds: int = 150, most: int = 60) -> Path:
    """An animation of frames of one size, which rests on the last one and begins anew for ever.

    Args:
        frames: PNG files, in their order.
        path: the GIF to write, whole or not at all.
        milliseconds: how long a frame is shown.
        most: of more frames than this, as many are taken, evenly, the first and the last among them.

    Returns:
        The path.

    Raises:
        InvalidError: no frame at all, or one that is no picture.
        VaekitError: the file cannot be written.
    """
    if not frames:
        raise InvalidError("frames: expected at least one picture to animate, got none")
    taken = np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int))
    pictures = [_opened(frames[index]) for index in taken]
    durations = [milliseconds] * (len(pictures) - 1) + [max(_HOLD, milliseconds)]
    buffer = io.BytesIO()
    pictures[0].save(
        buffer, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True
    )
    return write_whole(path, buffer.getvalue())


def _captioned(grid: Image.Image, caption: str) -> Image.Image:
    font = ImageFont.load_default(_LETTERS)
    width = max(grid.width, round(font.getlength(caption)) + 4)
    whole = Image.new("RGB", (width, grid.height + _STRIP), _PAPER)
    whole.paste(grid, (0, 0))
    ImageDraw.Draw(whole).text((2, grid.height + _STRIP / 2), caption, _INK, font, anchor="lm")
    return whole


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB" if picture.mode != "L" else "L")
    except OSError as error:
        raise InvalidError(
            f"frames: expected {path} to be a picture, got what cannot be read ({error})"
        ) from error
