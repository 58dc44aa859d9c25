"""One image file: its header, and its pixels as 8-bit gray or RGB levels of a given size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vaekit.data.readers.guard import reading
from vaekit.errors import DataError

MAX_PIXELS = 50_000_000

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)


@dataclass(frozen=True)
class ImageHeader:
    """The header of an image file, after the rotation of its EXIF data.

    Args:
        path: the file.
        height, width: in pixels.
        gray: whether it is a gray image.
        deep: whether it has more than 8 bits per channel.

    >>> ImageHeader(Path("x.png"), height=28, width=20, gray=True, deep=False).width
    20
    """

    path: Path
    height: int
    width: int
    gray: bool
    deep: bool


def is_image_name(path: Path) -> bool:
    """Whether the suffix of the file is that of an image.

    >>> is_image_name(Path("x.PNG")), is_image_name(Path("x.npy"))
    (True, False)
    """
    return path.suffix.lower() in _SUFFIXES


def read_header(path: Path) -> ImageHeader | None:
    """The header of an image file; None if it is not an image and is not named like one.

    Raises:
        DataError: it is named as an image but is not one, or has more than MAX_PIXELS.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("L", (6, 4)).save(folder / "one.png")
    >>> read_header(folder / "one.png").gray
    True
    """
    with reading(path, "an image"):
        try:
            with Image.open(path, formats=FORMATS) as image:
                return _parse_header(path, image)
        except UnidentifiedImageError:
            if is_image_name(path):
                raise ValueError("its content has no known image format") from None
            return None
        except Image.DecompressionBombError as error:
            raise _too_large(path, "far") from error


def decode_image(path: Path, size: tuple[int, int], *, crop: bool, gray: bool) -> np.ndarray:
    """The pixels of an image: (H, W) uint8 where `gray`, else (H, W, 3).

    Args:
        path: the file.
        size: (H, W) wanted.
        crop: crop the middle to the aspect ratio of `size` before resizing.
        gray: one channel rather than three.

    Raises:
        DataError: the file is damaged.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("L", (6, 4)).save(folder / "one.png")
    >>> decode_image(folder / "one.png", (2, 3), crop=False, gray=True).shape
    (2, 3)
    """
    with reading(path, "an image"), Image.open(path, formats=FORMATS) as opened:
        return image_to_array(opened, size, crop=crop, gray=gray)


def image_to_array(opened: Image.Image, size: tuple[int, int], *, crop: bool, gray: bool) -> np.ndarray:
    """The pixels of an open image; the arguments are those of `decode_image`.

    >>> image_to_array(Image.new("RGB", (6, 4), "white"), (2, 3), crop=False, gray=True)
    array([[255, 255, 255],
           [255, 255, 255]], dtype=uint8)
    """
    height, width = size
    image = _opaque(_eight_bits(ImageOps.exif_transpose(opened))).convert("L" if gray else "RGB")
    if crop:
        image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    elif image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _parse_header(path: Path, image: Image.Image) -> ImageHeader:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(path, f"{width}x{height} pixels,")
    if image.mode == "F":
        raise DataError(f"{path}: has real numbers for pixels; save such images as one .npy array instead")
    if image.getexif().get(_ORIENTATION) in _TURNED:
        width, height = height, width
    return ImageHeader(path, height, width, _is_gray(image), image.mode.startswith("I"))


def _is_gray(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I")


def _too_large(path: Path, amount: str) -> DataError:
    return DataError(f"{path}: has {amount} more than the limit of {MAX_PIXELS:,} pixels; make it smaller")


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit gray, which Pillow opens in a mode that begins with I, by its upper byte."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8))


def _opaque(image: Image.Image) -> Image.Image:
    """The image over a white background, if it is transparent."""
    if not image.has_transparency_data:
        return image
    over = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
