"""Images of a model as files for the browser: tiles without gaps. Missing pixels, NaN, are gray."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from vaekit.plotting.tiles import fold, tile_grid, tiles


def png(images: Tensor, columns: int | None = None) -> bytes:
    """Images as one PNG, in gray unless they have three channels.

    Args:
        images: (n, C, H, W) in [0, 1].
        columns: images per row; None for a single row.

    Returns:
        The bytes of the file.

    Example:
        >>> import torch
        >>> Image.open(io.BytesIO(png(torch.zeros(6, 1, 4, 5), columns=3))).size
        (15, 8)
    """
    pixels = _tiles(images)
    grid = Image.fromarray(tile_grid(fold(pixels, columns or len(pixels)), 0, 0).pixels)
    return _save(grid if images.shape[1] == 3 else grid.convert("L"), "PNG", compress_level=1)


def gif(images: Tensor, fps: float) -> bytes:
    """Images as the frames of an endless GIF that plays forward and backward; small images are enlarged.

    Args:
        images: (n, C, H, W) in [0, 1].
        fps: frames per second.

    Returns:
        The bytes of the file.

    Example:
        >>> import torch
        >>> images = torch.linspace(0, 1, 3).view(3, 1, 1, 1).expand(3, 1, 4, 4)
        >>> Image.open(io.BytesIO(gif(images, fps=10))).n_frames
        4
    """
    pixels = _tiles(images)
    scale = max(1, 256 // pixels.shape[1])
    enlarged = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    frames = [Image.fromarray(frame) for frame in enlarged]
    loop = [*frames, *frames[-2:0:-1]]
    return _save(loop[0], "GIF", save_all=True, append_images=loop[1:], duration=round(1000 / fps), loop=0)


def tile_size(shape: Sequence[int]) -> tuple[int, int]:
    """Width and height in pixels of one image in these files.

    Args:
        shape: (C, H, W); a vector, (1, 1, D), is drawn as a curve.

    Example:
        >>> tile_size((1, 28, 20))
        (20, 28)
    """
    height, width = tiles(np.zeros((1, *shape))).shape[1:3]
    return width, height


def _tiles(images: Tensor) -> np.ndarray:
    return tiles(images.detach().float().cpu().nan_to_num(nan=0.5).clamp(0, 1).numpy())


def _save(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
