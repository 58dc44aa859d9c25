"""A folder of images of any size and mode -> one array of gray or RGB levels; subfolders are the labels.

Every image is rotated as its EXIF says, put over white where it is transparent, reduced to 8 bits,
and resized to one size. A sub-folder is a class. Sub-folders called train, test and validation are
instead the parts of a published split, each with images or with one sub-folder per class.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median_low

import numpy as np

from vaekit.data.readers.guard import check_size, reading
from vaekit.data.readers.image import ImageHeader, decode_image, read_header
from vaekit.data.readers.raw import PARTS, RawData, check_parts, natural_key, split_bounds
from vaekit.errors import DataError

CROPS = ("resize", "center")
COLORS = ("auto", "gray", "rgb")
MAX_SIDE = 64  # of the size chosen for images of different sizes

_CLUTTER = ("Thumbs.db", "desktop.ini", "__MACOSX")


@dataclass(frozen=True)
class ImageOptions:
    """Size, crop and color of images from a folder.

    Args:
        size: (H, W) in pixels; None takes the common size, or else the median, at most 64.
        crop: "resize" scales to that size, "center" first crops to its aspect ratio.
        color: "gray", "rgb", or "auto": gray if all images are.

    Raises:
        DataError: an option has another value.

    >>> ImageOptions(size=(64, 64), color="gray").crop
    'resize'
    """

    size: tuple[int, int] | None = None
    crop: str = "resize"
    color: str = "auto"

    def __post_init__(self) -> None:
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise DataError(f"size: expected height and width in pixels, such as (64, 64), got {self.size}")
        for what, choice, choices in (("crop", self.crop, CROPS), ("color", self.color, COLORS)):
            if choice not in choices:
                raise DataError(f"{what}: expected one of {', '.join(choices)}, got {choice!r}")


@dataclass(frozen=True)
class _Place:
    path: Path
    part: str = ""
    label: str = ""


def read_image_folder(folder: Path, options: ImageOptions) -> RawData:
    """The images of a folder as levels (N, H, W) or (N, H, W, 3), in natural order of their names.

    Raises:
        DataError: there is no image, one is damaged or larger than the limit, or the folders are nested
            in a way that does not define labels.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("L", (6, 4)).save(folder / "one.png")
    >>> read_image_folder(folder, ImageOptions()).values.shape
    (1, 4, 6)
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about oddities in metadata
        return _read(folder, options)


def _read(folder: Path, options: ImageOptions) -> RawData:
    places, headers, notes = _read_headers(folder, _places(folder))
    size, size_note = _size(options, headers)
    auto = options.color == "auto"
    gray = options.color == "gray" or (auto and all(header.gray for header in headers))
    check_size(folder, (len(headers), *size, 1 if gray else 3), 1)
    values = _decode(headers, size, options.crop == "center", gray)
    if auto and not gray and _colorless(values):
        values, notes = values[..., 0], [*notes, "all images are gray, though stored in color"]
    if any(header.deep for header in headers):
        notes.append("16-bit images were reduced to 8 bits")
    raw = _group_parts(places, values, folder)
    files = tuple(place.path.relative_to(folder).as_posix() for place in places)
    return replace(raw, notes=(size_note, *notes), files=files)


def _visible(folder: Path) -> list[Path]:
    with reading(folder, "a folder"):
        entries = [path for path in folder.iterdir() if path.name[0] != "." and path.name not in _CLUTTER]
    return sorted(entries, key=lambda path: natural_key(path.name))


def _split(folder: Path) -> tuple[list[Path], list[Path]]:
    """(files, folders) in a folder."""
    entries = _visible(folder)
    return [path for path in entries if path.is_file()], [path for path in entries if path.is_dir()]


def _places(folder: Path) -> list[_Place]:
    files, folders = _split(folder)
    if folders and all(path.name.lower() in PARTS for path in folders):
        parts = [(PARTS[path.name.lower()], path) for path in folders]
        order = ("train", "validation", "test")
        parts.sort(key=lambda item: order.index(item[0]))
        inner = [_Place(place.path, part, place.label) for part, path in parts for place in _classes(path)]
        return [*map(_Place, files), *inner]
    return _classes(folder)


def _classes(folder: Path) -> list[_Place]:
    files, folders = _split(folder)
    places = [_Place(path) for path in files]
    for inner in folders:
        files, deeper = _split(inner)
        if deeper:
            raise DataError(
                f"{deeper[0]}: folders may be nested FOLDER/CLASS/image or FOLDER/train/CLASS/image, "
                "but this one lies deeper; move its images up"
            )
        places += [_Place(path, label=inner.name) for path in files]
    return places


def _read_headers(
    folder: Path, places: Sequence[_Place]
) -> tuple[list[_Place], list[ImageHeader], list[str]]:
    """The places that are images, what their headers say, and a note about the others."""
    found = [(place, read_header(place.path)) for place in places]
    images = [(place, header) for place, header in found if header]
    others = [place.path.name for place, header in found if not header]
    if not images or len(images) < len(others):
        raise DataError(
            f"{folder}: {len(images)} images among {len(found)} files"
            + (f", such as {others[0]}" if others else "")
            + "; expected a folder of images, or give the path of one .npy, .npz, .csv or IDX file"
        )
    notes = (
        [f"files skipped because they are not images: {len(others)}, such as {others[0]}"] if others else []
    )
    return [place for place, _ in images], [header for _, header in images], notes


def _size(options: ImageOptions, headers: Sequence[ImageHeader]) -> tuple[tuple[int, int], str]:
    sizes = Counter((header.height, header.width) for header in headers)
    if options.size is not None:
        return options.size, f"images made {_by(options.size)} as asked"
    if len(sizes) == 1:
        (size,) = sizes
        return size, f"all images have {_by(size)} pixels"
    height, width = (min(MAX_SIDE, median_low(sides)) for sides in zip(*sizes.elements(), strict=True))
    note = f"images of {len(sizes)} sizes, made {_by((height, width))} (their median, at most {MAX_SIDE})"
    return (height, width), note


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _decode(headers: Sequence[ImageHeader], size: tuple[int, int], crop: bool, gray: bool) -> np.ndarray:
    values = np.empty((len(headers), *size) if gray else (len(headers), *size, 3), np.uint8)
    with ThreadPoolExecutor() as pool:
        decoded = pool.map(lambda header: decode_image(header.path, size, crop=crop, gray=gray), headers)
        for index, image in enumerate(_with_progress(decoded, len(headers))):
            values[index] = image
    return values


def _with_progress(images: Iterable[np.ndarray], total: int) -> Iterator[np.ndarray]:
    """The same images, with a progress bar on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    hidden = not console.is_terminal
    yield from track(images, "reading images", total, console=console, transient=True, disable=hidden)


def _colorless(values: np.ndarray) -> bool:
    return all(bool((image == image[..., :1]).all()) for image in values)


def _group_parts(places: Sequence[_Place], values: np.ndarray, folder: Path) -> RawData:
    depths = {(bool(place.part), bool(place.label)): place.path for place in places}
    if len(depths) > 1:
        first, second, *_ = depths.values()
        raise DataError(
            f"{folder}: images lie at different depths, such as {first.relative_to(folder)} and "
            f"{second.relative_to(folder)}; put all into sub-folders (their labels), or none"
        )
    counts = Counter(place.part for place in places if place.part)
    if counts:
        check_parts(counts, folder)
    labels = np.array([place.label for place in places]) if places[0].label else None
    return RawData(values, labels, split_bounds(counts))
