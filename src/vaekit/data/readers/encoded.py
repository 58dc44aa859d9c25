"""Pictures as the bytes of PNG, JPEG and the like inside other files: their headers, and their pixels."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vaekit.data.lazy import Identity, LazyArray, RowArray
from vaekit.data.readers.image import image_to_array
from vaekit.data.readers.image_folder import ImageOptions, choose_size
from vaekit.errors import DataError, first_line

SUFFIXES = ("png", "jpg", "jpeg", "webp", "bmp", "gif", "ppm", "pgm")
_GRAY = ("1", "L", "LA")

Header = tuple[int, int, int]  # height, width, bands


def read_header(content: bytes, where: str) -> Header:
    """Height, width and bands (1 or 3) of a picture, from its first bytes.

    Raises:
        DataError: it is no picture, or has more than 8 bits.

    >>> from PIL import Image
    >>> content = io.BytesIO()
    >>> Image.new("RGB", (6, 4)).save(content, "png")
    >>> read_header(content.getvalue(), "x.png")
    (4, 6, 3)
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            mode, (width, height) = image.mode, image.size
    except Exception as error:
        raise DataError(f"{where}: cannot be read as an image: {first_line(error)}; leave it out") from error
    if mode.startswith(("I", "F")):
        raise DataError(
            f"{where}: has more than 8 bits; give such pictures as a folder, or as shards of uint16 in .npy"
        )
    return height, width, 1 if mode in _GRAY else 3


def pictures_array(
    read_bytes: Callable[[int], bytes],
    headers: np.ndarray,
    where: Path,
    identity: Identity,
    options: ImageOptions,
) -> tuple[LazyArray, str]:
    """Pictures (N, H, W) or (N, H, W, 3) that are decoded when they are read, and a note about their size.

    Args:
        read_bytes: from the number of a picture to its bytes.
        headers: (N, 3), as `read_header` returns them.
        where: the file or folder, for messages.
        identity: of the files.
        options: size, crop and color.
    """
    size, note = choose_size(options, list(map(tuple, headers[:, :2].tolist())))
    gray = options.color == "gray" or (options.color == "auto" and bool((headers[:, 2] == 1).all()))

    def decode(number: int) -> np.ndarray:
        from PIL import Image

        try:
            with Image.open(io.BytesIO(read_bytes(number))) as image:
                return image_to_array(image, size, crop=options.crop == "center", gray=gray)
        except Exception as error:
            raise DataError(
                f"{where}: picture {number} cannot be read: {first_line(error)}; leave it out"
            ) from error

    shape: Sequence[int] = (len(headers), *size) if gray else (len(headers), *size, 3)
    made = ("pictures", size, gray, options.crop)
    return RowArray(decode, shape, np.uint8, (*identity, made)), note
