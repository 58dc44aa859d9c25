"""Data points of a model as files for the browser: tiles without gaps. Missing pixels, NaN, are gray."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from vaekit.plotting.pictures import Limits, pictures
from vaekit.plotting.tiles import fold, tile_grid, tiles


def png(images: Tensor, columns: int | None = None, limits: Limits | None = None) -> bytes:
    """Data points as one PNG, in gray unless their pictures are colored.

    Args:
        images: (n, *event), see `vaekit.plotting.pictures`; images in [0, 1].
        columns: images per row; None for a single row.
        limits: the values that are drawn as 0 and 1; by default those of `value_limits`.

    Returns:
        The bytes of the file.

    Example:
        >>> import torch
        >>> Image.open(io.BytesIO(png(torch.zeros(6, 1, 4, 5), columns=3))).size
        (15, 8)
    """
    shown = _pictures(images, limits)
    pixels = tiles(shown)
    grid = Image.fromarray(tile_grid(fold(pixels, columns or len(pixels)), 0, 0).pixels)
    return _save(grid if shown.shape[1] == 3 else grid.convert("L"), "PNG", compress_level=1)


def gif(images: Tensor, fps: float, limits: Limits | None = None) -> bytes:
    """Data points as the frames of an endless GIF that plays forward and backward; small ones are enlarged.

    Args:
        images: (n, *event), see `vaekit.plotting.pictures`; images in [0, 1].
        fps: frames per second.
        limits: the values that are drawn as 0 and 1; by default those of `value_limits`.

    Returns:
        The bytes of the file.

    Example:
        >>> import torch
        >>> images = torch.linspace(0, 1, 3).view(3, 1, 1, 1).expand(3, 1, 4, 4)
        >>> Image.open(io.BytesIO(gif(images, fps=10))).n_frames
        4
    """
    pixels = tiles(_pictures(images, limits))
    scale = max(1, 256 // pixels.shape[1])
    enlarged = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    frames = [Image.fromarray(frame) for frame in enlarged]
    loop = [*frames, *frames[-2:0:-1]]
    return _save(loop[0], "GIF", save_all=True, append_images=loop[1:], duration=round(1000 / fps), loop=0)


def tile_size(shape: Sequence[int]) -> tuple[int, int]:
    """Width and height in pixels of one image in these files.

    Args:
        shape: of a data point, such as (C, H, W).

    Example:
        >>> tile_size((1, 28, 20))
        (20, 28)
    """
    height, width = tiles(np.zeros((1, *shape))).shape[1:3]
    return width, height


def _pictures(images: Tensor, limits: Limits | None) -> np.ndarray:
    """Pictures (n, 1 or 3, h, w); pixels that were not observed are gray, and gaps of curves stay gaps."""
    return np.nan_to_num(pictures(images.detach().float().cpu().numpy(), limits), nan=0.5)


def _save(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
