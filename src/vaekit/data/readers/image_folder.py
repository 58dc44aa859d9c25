"""A folder of images of any size and mode -> one array of gray, color or more bands; subfolders are labels.

Every page of every file is an image. It is rotated as its EXIF says, put over white where it is transparent,
and resized to one size; 8 to 16 bits and real numbers are kept. The first level of folders holds the classes.
Folders called train, test and validation are instead the parts of a published split, with or without classes
within. A file that cannot be read is skipped and named, unless `strict` refuses it.

More than 256 MiB of pictures are decoded once, into a file of the cache (`vaekit.data.readers.decoded`).
"""

from __future__ import annotations

import math
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median_low
from typing import Any

import numpy as np

from vaekit.data.lazy import LAZY_BYTES, LazyArray, rows_at_once, take_rows
from vaekit.data.readers.decoded import decode_to_file
from vaekit.data.readers.guard import check_size
from vaekit.data.readers.image import ImageHeader, decode_pages, read_header
from vaekit.data.readers.listing import Listing, list_files, name_some
from vaekit.data.readers.raw import PARTS, RawData, check_parts, split_bounds
from vaekit.errors import DataError

CROPS = ("resize", "center")
COLORS = ("auto", "gray", "rgb")
MAX_SIDE = 64  # of the size chosen for images of different sizes
MAX_SAME_SIDE = 128  # of the size chosen for images of one size
_PARALLEL_PIXELS = 100_000_000  # that are decoded at the same time


@dataclass(frozen=True)
class ImageOptions:
    """Size, crop and color of images from a folder, and what is done about files that cannot be read.

    Args:
        size: (H, W) in pixels; None takes the common size, with a longer side of at most 128, or else the
            median, at most 64.
        crop: "resize" scales to that size, "center" first crops to its aspect ratio.
        color: "gray", "rgb", or "auto": gray if all images are.
        strict: refuse a folder with a file that cannot be read, rather than skip that file.

    Raises:
        DataError: an option has another value.

    >>> ImageOptions(size=(64, 64), color="gray").crop
    'resize'
    """

    size: tuple[int, int] | None = None
    crop: str = "resize"
    color: str = "auto"
    strict: bool = False

    def __post_init__(self) -> None:
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise DataError(f"size: expected height and width in pixels, such as (64, 64), got {self.size}")
        for what, choice, choices in (("crop", self.crop, CROPS), ("color", self.color, COLORS)):
            if choice not in choices:
                raise DataError(f"{what}: expected one of {', '.join(choices)}, got {choice!r}")


@dataclass(frozen=True)
class Pictures:
    """The images of some files: values (N, H, W) or (N, H, W, bands), their files, and notes.

    Args:
        values: gray levels or real numbers.
        headers: that of the file of each image.
        names: the path of each image within the folder, with #page for files of several pages.
        notes: one sentence each.

    >>> Pictures(np.zeros((0, 8, 8)), (), (), ()).values.shape
    (0, 8, 8)
    """

    values: np.ndarray
    headers: tuple[ImageHeader, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...]


def read_image_folder(folder: Path, options: ImageOptions) -> RawData:
    """The images of a folder as values (N, H, W) or (N, H, W, bands), in natural order of their names.

    Raises:
        DataError: there is no image, or `strict` and one cannot be read.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("L", (6, 4)).save(folder / "one.png")
    >>> read_image_folder(folder, ImageOptions()).values.shape
    (1, 4, 6)
    """
    return group_pictures(folder, read_pictures_of(folder, list_files(folder), options))


def read_image_file(path: Path, options: ImageOptions) -> RawData:
    """The pages of one image file, as the images of a folder.

    Raises:
        DataError: it cannot be read.

    >>> import tempfile
    >>> from PIL import Image
    >>> path = Path(tempfile.mkdtemp()) / "one.png"
    >>> Image.new("L", (6, 4)).save(path)
    >>> read_image_file(path, ImageOptions()).files
    ('one.png',)
    """
    pictures = read_pictures_of(path.parent, Listing([path]), replace(options, strict=True))
    return _raw(pictures, range(len(pictures.values)))


def read_pictures_of(folder: Path, listing: Listing, options: ImageOptions, bands: int = 0) -> Pictures:
    """The images among some files.

    Args:
        folder: which names are relative to.
        listing: the files.
        options: size, crop, color and strictness.
        bands: the number of channels; 0 finds out: 1 if all images are gray or `options` ask for it.

    Raises:
        DataError: there is no image, or `strict` and one cannot be read.

    >>> read_pictures_of(Path("."), Listing(), ImageOptions())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    vaekit.errors.DataError: .: 0 images among 0 files; expected a folder of images, ...
    """
    broken: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about oddities in metadata
        headers = _read_headers(folder, listing, broken, options.strict)
        size, size_note = choose_size(options, [(header.height, header.width) for header in headers])
        asked = bands or {"gray": 1, "rgb": 3}.get(options.color, 0)
        channels = asked or _common_bands(folder, headers, broken, options.strict)
        headers = [header for header in headers if _name(folder, header.path) not in broken]
        dtype = _common_type(headers)
        counts = [len(header.pages) for header in headers]
        shape = (sum(counts), *size) if channels == 1 else (sum(counts), *size, channels)
        values, kept = _decode_all(folder, headers, shape, dtype, options, broken)
    if not kept.all():
        values = take_rows(values, np.flatnonzero(kept))
    if not len(values):
        raise _no_images(folder, len(listing.files), [], broken)
    owners = [header for header, count in zip(headers, counts, strict=True) for _ in range(count)]
    names = [name for header in headers for name in _page_names(folder, header)]
    notes = [size_note, *_type_notes(headers, dtype), *_remarks(folder, headers), *listing.notes()]
    if not asked and channels == 3 and _colorless(values):
        values = _first_band(values)
        notes.insert(1, "all images are gray, though stored in color")
    if broken:
        read = {_name(folder, header.path) for header in headers}
        notes.append(_broken_note(broken, len(read | set(broken))))
    return Pictures(
        values,
        tuple(owner for owner, good in zip(owners, kept, strict=True) if good),
        tuple(name for name, good in zip(names, kept, strict=True) if good),
        tuple(notes),
    )


def _decode_all(
    folder: Path,
    headers: Sequence[ImageHeader],
    shape: tuple[int, ...],
    dtype: str,
    options: ImageOptions,
    broken: dict[str, str],
) -> tuple[Any, np.ndarray]:
    """The values of all pages, and which of them are images; many are mapped from a file of the cache."""

    def decode(values: np.ndarray, broken: dict[str, str]) -> np.ndarray:
        return _decode(folder, headers, values, options, broken)

    if math.prod(shape) * np.dtype(dtype).itemsize > LAZY_BYTES:
        files = [header.path for header in headers]
        return decode_to_file(files, shape, dtype, (options.crop, options.strict), broken, decode)
    check_size(folder, shape, np.dtype(dtype).itemsize)
    values = np.empty(shape, dtype)
    return values, decode(values, broken)


def _first_band(values: Any) -> Any:
    """(N, H, W) of images whose bands are the same."""
    if isinstance(values, LazyArray):
        return values.derive(lambda rows: rows[..., 0], "first band", values.shape[1:-1], values.dtype)
    return values[..., 0]


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _page_names(folder: Path, header: ImageHeader) -> list[str]:
    name = _name(folder, header.path)
    return [name] if len(header.pages) == 1 else [f"{name}#{page + 1}" for page in header.pages]


def _read_headers(folder: Path, listing: Listing, broken: dict[str, str], strict: bool) -> list[ImageHeader]:
    """The headers of the files that are images; others are noted in the listing, and why in `broken`."""
    headers, others = [], []
    for path in listing.files:
        try:
            header = read_header(path)
        except DataError as error:
            if strict:
                raise
            broken[_name(folder, path)] = _reason(error, path)
            continue
        if header:
            headers.append(header)
        else:
            others.append(_name(folder, path))
    if not headers or len(headers) < len(others):
        raise _no_images(folder, len(listing.files), others, broken, len(headers))
    if others:
        listing.left_out["files skipped because they are not images"] = others
    return headers


def _no_images(
    folder: Path, files: int, others: Sequence[str], broken: dict[str, str], images: int = 0
) -> DataError:
    examples = f", such as {others[0]}" if others else ""
    if broken:
        name, reason = next(iter(broken.items()))
        examples += f"; {len(broken)} cannot be read, such as {name} ({reason})"
    return DataError(
        f"{folder}: {images} images among {files} files{examples}; expected a folder of images, or give the "
        "path of one .npy, .npz, .csv or IDX file"
    )


def _reason(error: Exception, path: Path) -> str:
    """What an error says, without the path and the advice."""
    text = str(error).removeprefix(f"{path}: ").removeprefix("cannot be read as an image: ")
    return text.rpartition("; ")[0] or text


def _broken_note(broken: dict[str, str], total: int) -> str:
    examples = ", ".join(f"{name} ({reason})" for name, reason in list(broken.items())[:3])
    more = "" if len(broken) <= 3 else " and others"
    return (
        f"{len(broken)} of {total} images skipped because they cannot be read: {examples}{more}; "
        "data.strict=true refuses them"
    )


def choose_size(options: ImageOptions, found: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], str]:
    """The common size (H, W) of images, and a note about it.

    Args:
        options: with the size that was asked for.
        found: (H, W) of each image.

    >>> choose_size(ImageOptions(), [(28, 28), (28, 28)])
    ((28, 28), 'all images have 28x28 pixels')
    """
    sizes = Counter(found)
    if options.size is not None:
        return options.size, f"images made {_by(options.size)} as asked"
    if len(sizes) == 1:
        (size,) = sizes
        if max(size) <= MAX_SAME_SIDE:
            return size, f"all images have {_by(size)} pixels"
        height, width = (max(1, round(side * MAX_SAME_SIDE / max(size))) for side in size)
        return (height, width), (
            f"all images have {_by(size)} pixels, made {_by((height, width))} (a longer side of at most "
            f"{MAX_SAME_SIDE}); data.size=[{size[0]},{size[1]}] keeps their size"
        )
    height, width = (min(MAX_SIDE, median_low(sides)) for sides in zip(*sizes.elements(), strict=True))
    note = f"images of {len(sizes)} sizes, made {_by((height, width))} (their median, at most {MAX_SIDE})"
    return (height, width), note


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _common_bands(folder: Path, headers: Sequence[ImageHeader], broken: dict[str, str], strict: bool) -> int:
    """1 if all images are gray, 3 if some have color, or the commonest number if some have other bands."""
    counts = Counter(header.bands for header in headers)
    if set(counts) <= {1, 3}:
        return 1 if set(counts) == {1} else 3
    common = counts.most_common(1)[0][0]
    for header in headers:
        if header.bands != common:
            reason = f"it has {header.bands} bands, but most have {common}"
            if strict:
                raise DataError(f"{header.path}: {reason}; give them the same number, or leave it out")
            broken[_name(folder, header.path)] = reason
    return common


def _common_type(headers: Sequence[ImageHeader]) -> str:
    """The type that holds the values of all images."""
    types = {header.dtype for header in headers}
    return "float32" if "float32" in types else str(np.result_type(*types))


def _type_notes(headers: Sequence[ImageHeader], dtype: str) -> list[str]:
    types = {header.dtype for header in headers}
    if types == {"uint8", "uint16"}:
        return ["8-bit images among 16-bit images: their levels were multiplied by 257"]
    return (
        [f"images of different types ({', '.join(sorted(types))}), read as {dtype}"] if len(types) > 1 else []
    )


def _remarks(folder: Path, headers: Sequence[ImageHeader]) -> list[str]:
    """What was lost or changed, with the number of files; and files of several pages."""
    remarks: dict[str, list[str]] = {}
    for header in headers:
        for remark in header.remarks:
            remarks.setdefault(remark, []).append(_name(folder, header.path))
    several = [_name(folder, header.path) for header in headers if len(header.pages) > 1]
    notes = [f"{remark}: {name_some(names)}" for remark, names in remarks.items()]
    if several:
        notes.insert(0, f"every page of a file is an image; files of several pages: {name_some(several)}")
    return notes


def _decode(
    folder: Path,
    headers: Sequence[ImageHeader],
    values: np.ndarray,
    options: ImageOptions,
    broken: dict[str, str],
) -> np.ndarray:
    """Fill the values, and return which of them are images; the pages of a file that is broken are not."""
    size, bands = values.shape[1:3], 1 if values.ndim == 3 else values.shape[3]
    deep = values.dtype == np.uint16
    kept = np.ones(len(values), bool)
    largest = max(header.height * header.width for header in headers)
    workers = max(1, min(os.cpu_count() or 1, _PARALLEL_PIXELS // largest))
    starts = np.cumsum([0, *(len(header.pages) for header in headers)])

    def decode(index: int) -> DataError | None:
        header = headers[index]
        try:
            for row, page in enumerate(
                decode_pages(header, size, crop=options.crop == "center", bands=bands)
            ):
                scaled = page.astype(np.uint16) * 257 if deep and header.dtype == "uint8" else page
                values[starts[index] + row] = scaled
        except DataError as error:
            return error
        return None

    with ThreadPoolExecutor(workers) as pool:
        results = pool.map(decode, range(len(headers)))
        for index, error in enumerate(_with_progress(results, len(headers))):
            if error is None:
                continue
            if options.strict:
                pool.shutdown(wait=False, cancel_futures=True)
                raise error
            broken[_name(folder, headers[index].path)] = _reason(error, headers[index].path)
            kept[starts[index] : starts[index + 1]] = False
    return kept


def _with_progress(results: Iterable[DataError | None], total: int) -> Iterator[DataError | None]:
    """The same results, with a progress bar on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console, hidden = Console(stderr=True), not Console(stderr=True).is_terminal
    yield from track(results, "reading images", total, console=console, transient=True, disable=hidden)


def _colorless(values: np.ndarray) -> bool:
    step = rows_at_once(values)
    parts = (values[first : first + step] for first in range(0, len(values), step))
    return all(bool((part == part[..., :1]).all()) for part in parts)


def group_pictures(folder: Path, pictures: Pictures, needs_train: bool = True) -> RawData:
    """Order images by the part of a published split, and find their labels by the first level of folders.

    Args:
        folder: which the files lie in.
        pictures: the images.
        needs_train: whether parts without a part train are refused, or else are no parts.

    Raises:
        DataError: some images lie beside the parts of a split, or there is no part train.

    >>> group_pictures(Path("."), Pictures(np.zeros((0, 8, 8)), (), (), ())).labels is None
    True
    """
    places = [header.path.relative_to(folder).parts[:-1] for header in pictures.headers]
    tops = {place[0].lower() for place in places if place}
    if tops and all(top in PARTS for top in tops):
        if not all(places):
            beside = pictures.names[places.index(())]
            raise DataError(
                f"{folder}: images lie at different depths, such as {beside}, beside the parts "
                f"{', '.join(sorted(tops))}; put all into the parts"
            )
        rank = {part: number for number, part in enumerate(("train", "validation", "test"))}
        parts = [PARTS[place[0].lower()] for place in places]
        if "train" not in parts and not needs_train:
            return _raw(pictures, range(len(places)), [place[1:] for place in places])
        order = sorted(range(len(parts)), key=lambda index: rank[parts[index]])
        counts = Counter(parts[index] for index in order)
        check_parts(counts, folder)
        return replace(_raw(pictures, order, [place[1:] for place in places]), published=split_bounds(counts))
    return _raw(pictures, range(len(places)), places)


def _raw(pictures: Pictures, order: Sequence[int], places: Sequence[tuple[str, ...]] = ()) -> RawData:
    """Images in some order, with the first folder of each as its label, if all lie in one."""
    values = (
        pictures.values if list(order) == list(range(len(order))) else take_rows(pictures.values, list(order))
    )
    notes, labels = list(pictures.notes), None
    while places and all(len(place) > 1 for place in places) and len({place[0] for place in places}) == 1:
        places = [place[1:] for place in places]  # one folder holds the folders of all classes
    if places and all(places):
        labels = np.array([places[index][0] for index in order])
        deeper = sum(len(place) > 1 for place in places)
        if deeper:
            notes.append(f"{deeper} images lie deeper than one folder; labels are the first level of folders")
    elif any(places):
        beside = sum(not place for place in places)
        notes.append(f"no labels: {beside} images lie beside the folders, and {len(places) - beside} in them")
    return RawData(
        values,
        labels,
        notes=tuple(notes),
        files=tuple(pictures.names[index] for index in order),
        kind="image",
        channels_last=values.ndim == 4,
    )
