"""Images of a model as files that a browser shows: tiles side by side, without gaps.

What was not observed, a NaN, is gray."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from vaekit.plotting.tiles import fold, tile_grid, tiles


def png(images: Tensor, columns: int | None = None) -> bytes:
    """Images (n, C, H, W) in [0, 1] as a PNG, in one row or in rows of so many; gray if they are."""
    pictures = _tiles(images)
    grid = tile_grid(fold(pictures, columns or len(pictures)), 0, 0).pixels
    picture = Image.fromarray(grid)
    return _written(picture if images.shape[1] == 3 else picture.convert("L"), "PNG", compress_level=1)


def gif(images: Tensor, fps: float) -> bytes:
    """Images (n, C, H, W) in [0, 1] as frames of a GIF that goes there and back for ever."""
    frames = [Image.fromarray(picture) for picture in _enlarged(_tiles(images))]
    there_and_back = [*frames, *frames[-2:0:-1]]
    return _written(
        there_and_back[0],
        "GIF",
        save_all=True,
        append_images=there_and_back[1:],
        duration=round(1000 / fps),
        loop=0,
    )


def size(shape: Sequence[int]) -> tuple[int, int]:
    """Width and height in pixels of one image (C, H, W) in these pictures."""
    height, width = tiles(np.zeros((1, *shape))).shape[1:3]
    return width, height


def _tiles(images: Tensor) -> np.ndarray:
    return tiles(images.detach().float().cpu().nan_to_num(nan=0.5).clamp(0, 1).numpy())


def _enlarged(pictures: np.ndarray) -> np.ndarray:
    """Small pictures with every pixel repeated, so that a film of them can be seen."""
    scale = max(1, 256 // pictures.shape[1])
    return pictures.repeat(scale, axis=1).repeat(scale, axis=2)


def _written(picture: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()
