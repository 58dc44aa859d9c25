"""One image file: its header, and its pages as gray levels or real numbers of a given size.

Pillow reads 8 bits per channel, and 16 bits or real numbers of one channel. TIFF files of more bits or bands
are read by tifffile, where that is installed (the extra `tiff`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vaekit.data.readers.guard import not_installed, reading
from vaekit.errors import DataError

MAX_PIXELS = 50_000_000

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm")
_UNREADABLE = {
    **dict.fromkeys((".heic", ".heif"), "HEIC"),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2"), "raw camera"),
    ".avif": "AVIF", ".jp2": "JPEG 2000", ".jxl": "JPEG XL", ".svg": "SVG", ".psd": "Photoshop",
    ".dcm": "DICOM", ".exr": "OpenEXR",
}  # fmt: skip
_PAGED = ("TIFF", "GIF", "PNG", "WEBP")  # formats whose pages or frames are pictures of their own
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
_SUBFILE, _BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA = 254, 258, 262, 277, 338  # tags of TIFF
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R 601, as Pillow


@dataclass(frozen=True)
class ImageHeader:
    """The header of an image file, after the rotation of its EXIF data.

    Args:
        path: the file.
        height, width: in pixels, of the first page.
        bands: 1 for gray, 3 for color, or another number of channels.
        dtype: the type of the values that are read: uint8, uint16, int32 or float32.
        pages: the numbers of the pages that are pictures, from 0.
        remarks: what is lost or changed when it is read.
        with_tifffile: whether it is read by tifffile.

    >>> ImageHeader(Path("x.png"), height=28, width=20).is_gray
    True
    """

    path: Path
    height: int
    width: int
    bands: int = 1
    dtype: str = "uint8"
    pages: tuple[int, ...] = (0,)
    remarks: tuple[str, ...] = ()
    with_tifffile: bool = False

    @property
    def is_gray(self) -> bool:
        """Whether it has one channel."""
        return self.bands == 1


def is_image_name(path: Path) -> bool:
    """Whether the suffix of the file is that of an image.

    >>> is_image_name(Path("x.PNG")), is_image_name(Path("x.npy"))
    (True, False)
    """
    return path.suffix.lower() in _SUFFIXES


def read_header(path: Path) -> ImageHeader | None:
    """The header of an image file; None if it is not an image and is not named like one.

    Raises:
        DataError: it is named as an image but is not one, is larger than MAX_PIXELS, or has a format that
            cannot be read.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("L", (6, 4)).save(folder / "one.png")
    >>> read_header(folder / "one.png").is_gray
    True
    """
    unreadable = _UNREADABLE.get(path.suffix.lower())
    if unreadable:
        raise DataError(f"{path}: {unreadable} images cannot be read; convert it to PNG, TIFF or JPEG")
    with reading(path, "an image"):
        try:
            with Image.open(path, formats=FORMATS) as image:
                return _parse_header(path, image)
        except UnidentifiedImageError:
            if path.suffix.lower() in (".tif", ".tiff"):
                return _tiff_header(path)
            if is_image_name(path):
                raise ValueError("its content has no known image format") from None
            return None
        except Image.DecompressionBombError as error:
            raise _too_large(path, "far") from error


def decode_pages(
    header: ImageHeader, size: tuple[int, int], *, crop: bool, bands: int
) -> Iterator[np.ndarray]:
    """The pixels of each page of an image: (H, W) for one band, else (H, W, bands), of the header's type.

    Args:
        header: that of the file.
        size: (H, W) wanted.
        crop: crop the middle to the aspect ratio of `size` before resizing.
        bands: 1 for gray, 3 for color, or the number of bands of the file.

    Raises:
        DataError: the file is damaged.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("L", (6, 4)).save(folder / "one.png")
    >>> [page.shape for page in decode_pages(read_header(folder / "one.png"), (2, 3), crop=False, bands=1)]
    [(2, 3)]
    """
    with reading(header.path, "an image"):
        if header.with_tifffile:
            for pixels in _tifffile_pages(header):
                yield _resize_array(_to_bands(pixels, bands), size, crop, header.dtype)
            return
        with Image.open(header.path, formats=FORMATS) as opened:
            for page in header.pages:
                if page:
                    opened.seek(page)
                elif header.height > 2 * size[0] and header.width > 2 * size[1]:
                    opened.draft(
                        None, (2 * max(size), 2 * max(size))
                    )  # JPEG decodes to a fraction of its size
                if header.dtype == "uint8":
                    pixels = image_to_array(opened, size, crop=crop, gray=bands == 1)
                    yield pixels if bands in (1, 3) else _to_bands(pixels, bands)
                else:
                    turned = np.asarray(ImageOps.exif_transpose(opened))
                    yield _resize_array(_to_bands(turned, bands), size, crop, header.dtype)


def image_to_array(opened: Image.Image, size: tuple[int, int], *, crop: bool, gray: bool) -> np.ndarray:
    """The pixels of an open image as 8-bit levels: (H, W) where `gray`, else (H, W, 3).

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
    remarks = []
    if image.format == "TIFF" and _is_beyond_pillow(image):
        if _tifffile() is not None:
            return _tiff_header(path)
        remarks.append("read by 8 bits of at most 3 bands, since tifffile is not installed (vaekit[tiff])")
    elif image.mode in ("RGB", "RGBA") and "16" in str(getattr(image, "tile", "")):
        remarks.append("16-bit color reduced to 8 bits; write TIFF or .npy to keep all of them")
    if image.has_transparency_data:
        remarks.append("transparency put over white")
    if image.mode in ("CMYK", "LAB", "YCbCr"):
        remarks.append(f"{image.mode} converted to RGB")
    if image.getexif().get(_ORIENTATION) in _TURNED:
        width, height = height, width
    bands = 1 if image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I") else 3
    dtype = {"F": "float32", "I": "int32"}.get(image.mode, "uint16" if image.mode[0] == "I" else "uint8")
    return ImageHeader(path, height, width, bands, dtype, _pages(image), tuple(remarks))


def _pages(image: Image.Image) -> tuple[int, ...]:
    """The pages of an image file, without thumbnails and smaller versions of other pages."""
    count = getattr(image, "n_frames", 1) if image.format in _PAGED else 1
    if image.format != "TIFF" or count == 1:
        return tuple(range(count))
    pages = []
    for page in range(count):
        image.seek(page)
        if not _tag(image, _SUBFILE, 0) & 5:
            pages.append(page)
    image.seek(0)
    return tuple(pages) or (0,)


def _tag(image: Any, tag: int, usual: Any) -> Any:
    return image.tag_v2.get(tag, usual)


def _is_beyond_pillow(image: Image.Image) -> bool:
    """Whether a TIFF file has more bits or bands than Pillow keeps."""
    samples, bits = _tag(image, _SAMPLES, 1), max(np.atleast_1d(_tag(image, _BITS, 1)))
    if samples == 1:
        return bool(bits > 16 and not image.mode.startswith(("I", "F")))
    alpha = any(int(kind) in (1, 2) for kind in np.atleast_1d(_tag(image, _EXTRA, 0)))
    colors = 4 if _tag(image, _PHOTOMETRIC, 2) == 5 else 3
    return bool(bits > 8 or samples - alpha > colors or samples - alpha == 2)


def _tifffile() -> ModuleType | None:
    try:
        import tifffile
    except ImportError:
        return None
    return tifffile


def _tiff_header(path: Path) -> ImageHeader:
    """The header of a TIFF file that Pillow cannot read, or not completely."""
    reader = _tifffile()
    if reader is None:
        with open(path, "rb") as stream:
            known = stream.read(2) in (b"II", b"MM")
        if known:
            raise not_installed("tifffile", "tiff", path)
        raise ValueError("its content has no known image format")
    with reader.TiffFile(path) as file:
        pages = [number for number, page in enumerate(file.pages) if not int(page.subfiletype) & 5]
        first = file.pages[pages[0] if pages else 0]
        height, width, bands = first.imagelength, first.imagewidth, first.samplesperpixel
        kind = np.dtype(first.dtype)
    if height * width > MAX_PIXELS:
        raise _too_large(path, f"{width}x{height} pixels,")
    if kind.kind not in "uif":
        raise ValueError(f"its values are {kind}")
    wide = kind.kind == "f" or kind.itemsize > 4 or kind == np.uint32
    dtype = (
        "float32"
        if wide
        else "int32"
        if kind.itemsize == 4 or kind.kind == "i"
        else str(kind.newbyteorder("="))
    )
    return ImageHeader(path, height, width, bands, dtype, tuple(pages) or (0,), (), True)


def _tifffile_pages(header: ImageHeader) -> Iterator[np.ndarray]:
    reader = _tifffile()
    if reader is None:
        raise ValueError("tifffile is not installed any more")
    with reader.TiffFile(header.path) as file:
        for number in header.pages:
            page = file.pages[number]
            pixels = page.asarray()
            yield np.moveaxis(pixels, 0, -1) if pixels.ndim == 3 and page.planarconfig == 2 else pixels


def _to_bands(pixels: np.ndarray, bands: int) -> np.ndarray:
    """Gray to color by repeating it, color to gray by its luminance."""
    given = 1 if pixels.ndim == 2 else pixels.shape[2]
    if given == bands:
        return pixels if bands > 1 else pixels.reshape(pixels.shape[:2])
    if given == 1 and bands == 3:
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), bands, 2)
    if bands == 1 and given == 3:
        return pixels @ np.array(_LUMINANCE)
    raise ValueError(f"expected {bands} bands, got {given}")


def _resize_array(pixels: np.ndarray, size: tuple[int, int], crop: bool, dtype: str) -> np.ndarray:
    """Pixels (H, W) or (H, W, bands) of any type, resized band by band, in a type."""
    if pixels.shape[:2] != size:
        bands = pixels[..., None] if pixels.ndim == 2 else pixels
        resized = [_resize_band(bands[..., band], size, crop) for band in range(bands.shape[2])]
        pixels = resized[0] if pixels.ndim == 2 else np.stack(resized, -1)
    if dtype == "float32":
        return pixels.astype(np.float32)
    limits = np.iinfo(dtype)
    return np.rint(pixels).clip(limits.min, limits.max).astype(dtype)


def _resize_band(band: np.ndarray, size: tuple[int, int], crop: bool) -> np.ndarray:
    height, width = size
    image = Image.fromarray(np.ascontiguousarray(band, np.float32))
    if crop:
        image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    else:
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image).clip(band.min(), band.max())


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
