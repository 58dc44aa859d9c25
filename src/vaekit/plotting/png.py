"""Plain grids of images without a title: fast enough to write one per epoch, and to animate."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vaekit.errors import InvalidError
from vaekit.plotting.pictures import MAX_SIDE, Limits, pictures
from vaekit.plotting.tiles import enlarge, fold, square_columns, tile_grid, tiles
from vaekit.utils.io import write_whole

_GAP, _CAPTION, _FONT = 2, 20, 13  # pixels: between tiles, the height of the caption, and of its letters
_LAST_FRAME = 2000  # milliseconds that an animation shows its last frame
_TEXT, _BACKGROUND = "#1f2328", "#ffffff"


def grid_png(
    images: np.ndarray,
    columns: int | None = None,
    scale: int = 2,
    caption: str = "",
    limits: Limits | None = None,
) -> bytes:
    """Render a grid of images as a PNG, pixel for pixel.

    Args:
        images: (N, *event), data points of any shape, see `pictures.pictures`; images in [0, 1].
        columns: images per row. Default: as many as make the grid about square.
        scale: the side of each pixel of an image, in pixels of the PNG; 1 for pictures larger than 128.
        caption: text below the grid, such as the epoch.
        limits: the values that are drawn as 0 and 1; by default those of `value_limits`.

    Returns:
        The bytes of a PNG. It is gray if all pictures are gray and fully observed, and RGB otherwise.

    Raises:
        InvalidError: the shape is none of a data point.

    Example:
        >>> content = grid_png(np.zeros((4, 1, 8, 8)), columns=2, scale=2)
        >>> picture = Image.open(io.BytesIO(content))
        >>> picture.size, picture.mode  # 2 tiles of 16 pixels and a gap of 2
        ((34, 34), 'L')
    """
    shown = pictures(images, limits)
    drawn = tiles(shown)
    enlarged = enlarge(drawn, _fitting(scale, drawn.shape[1:3]))
    grid = tile_grid(fold(enlarged, columns or square_columns(enlarged)), _GAP, _GAP).pixels
    picture = Image.fromarray(grid)
    if caption:
        picture = _add_caption(picture, caption)
    colored = shown.shape[1] == 3 or np.isnan(shown).any()
    buffer = io.BytesIO()
    (picture if colored else picture.convert("L")).save(buffer, "PNG")
    return buffer.getvalue()


def save_grid(
    images: np.ndarray,
    path: str | Path,
    columns: int | None = None,
    scale: int = 2,
    caption: str = "",
    limits: Limits | None = None,
) -> Path:
    """Write a grid of images as a PNG file.

    Args:
        images, columns, scale, caption, limits: as in `grid_png`.
        path: the file. It is written completely or not at all.

    Returns:
        The path.

    Raises:
        InvalidError: the shape is none of a data point.
        VaekitError: the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = save_grid(np.zeros((4, 1, 8, 8)), f"{folder}/grid.png", caption="epoch 7")
        ...     path.name, path.exists()
        ('grid.png', True)
    """
    return write_whole(path, grid_png(images, columns, scale, caption, limits))


def read_grid(path: Path, shape: tuple[int, ...], count: int, scale: int = 2) -> np.ndarray:
    """Read the first images of the first row of a grid that was written by `save_grid`.

    Args:
        path: the PNG.
        shape: of a data point, such as (C, H, W).
        count: the number of images, at most one row of the grid.
        scale: as passed to `save_grid`.

    Returns:
        (count, C, H, W) in [0, 1], rounded to 8 bits. What is not an image with one or three channels is
        returned as the picture of it, see `pictures.pictures`.

    Raises:
        InvalidError: the file is not an image, or it is too small.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> images = np.stack([np.zeros((1, 8, 8)), np.ones((1, 8, 8))])
        >>> with TemporaryDirectory() as folder:
        ...     path = save_grid(images, f"{folder}/grid.png", columns=2)
        ...     bool((read_grid(path, shape=(1, 8, 8), count=2) == images).all())
        True
    """
    height, width = tiles(np.zeros((1, *shape))).shape[1:3]
    scale = _fitting(scale, (height, width))
    pixels = np.atleast_3d(np.asarray(_open_image(path)))[: scale * height : scale]
    lefts = (scale * width + _GAP) * np.arange(count)
    if pixels.shape[0] < height or pixels.shape[1] < lefts[-1] + scale * width:
        raise InvalidError(
            f"{path}: expected a grid with {count} images of {height} x {width} pixels per row, got fewer"
        )
    images = [pixels[:, left : left + scale * width : scale] for left in lefts]
    return np.stack(images).transpose(0, 3, 1, 2) / 255


def animate(frames: Sequence[Path], path: str | Path, milliseconds: int = 150, max_frames: int = 60) -> Path:
    """Write PNG files of one size as an animated GIF, in an endless loop that pauses at the last frame.

    Args:
        frames: PNG files, in order.
        path: the GIF. It is written completely or not at all.
        milliseconds: the duration of a frame.
        max_frames: if there are more frames, this number is chosen at even steps, with the first and the
            last.

    Returns:
        The path.

    Raises:
        InvalidError: there are no frames, or a frame is not an image.
        VaekitError: the file cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     frames = [save_grid(np.full((1, 1, 8, 8), i / 9), f"{folder}/{i}.png") for i in range(10)]
        ...     with Image.open(animate(frames, f"{folder}/epochs.gif", max_frames=5)) as film:
        ...         film.n_frames
        5
    """
    if not frames:
        raise InvalidError("frames: expected at least one image to animate, got none")
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(max_frames, len(frames))).round().astype(int))
    pictures = [_open_image(frames[index]) for index in chosen]
    durations = [milliseconds] * (len(pictures) - 1) + [max(_LAST_FRAME, milliseconds)]
    buffer = io.BytesIO()
    pictures[0].save(
        buffer, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True
    )
    return write_whole(path, buffer.getvalue())


def _fitting(scale: int, size: Sequence[int]) -> int:
    """The factor by which pictures of a size are enlarged: 1 if they would become too large."""
    return scale if scale * max(size) <= MAX_SIDE else 1


def _add_caption(grid: Image.Image, caption: str) -> Image.Image:
    font = ImageFont.load_default(_FONT)
    width = max(grid.width, round(font.getlength(caption)) + 4)
    picture = Image.new("RGB", (width, grid.height + _CAPTION), _BACKGROUND)
    picture.paste(grid, (0, 0))
    ImageDraw.Draw(picture).text((2, grid.height + _CAPTION / 2), caption, _TEXT, font, anchor="lm")
    return picture


def _open_image(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB" if picture.mode != "L" else "L")
    except OSError as error:
        raise InvalidError(f"{path}: expected an image, got a file that cannot be read ({error})") from error
