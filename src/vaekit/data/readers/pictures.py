"""Pictures for a model that exists: all of them, at its size, its channels and its gray levels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.labels import number_labels
from vaekit.data.readers.image import ImageHeader
from vaekit.data.readers.image_folder import (
    ImageOptions,
    Pictures,
    group_pictures,
    read_pictures_of,
)
from vaekit.data.readers.listing import Listing, list_files
from vaekit.errors import DataError
from vaekit.spec import Preprocessing


def read_pictures(
    path: str | Path, like: Preprocessing, *, crop: str = "resize", strict: bool = False
) -> Dataset:
    """Every picture of a folder, or every page of one image file, as a model takes them.

    Pictures of another size are resized. Gray ones are brought to three channels for a model of color, and
    color to gray for a model of gray. What was changed is said in the notes.

    Args:
        path: a folder, or one image file.
        like: the preprocessing of the model; its shape is (C, H, W).
        crop: "resize" changes the aspect ratio to that of the model, "center" crops to it first.
        strict: refuse files that cannot be read, rather than skip and name them.

    Returns:
        The pictures in natural order of their names, which are in `files`. Folders within are labels, as in
        training data.

    Raises:
        DataError: the model does not take images, or there is no picture.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("L", (6, 4)).save(folder / "one.png")
    >>> read_pictures(folder / "one.png", Preprocessing((3, 8, 8), scale=255.0, levels=256))
    Dataset('one', 1 image of (3, 8, 8), uint8)
    """
    path = Path(path)
    if len(like.shape) != 3:
        raise DataError(f"{path}: pictures are for a model of images (C, H, W), got data points {like.shape}")
    channels, height, width = like.shape
    folder, listing = (path, list_files(path)) if path.is_dir() else (path.parent, Listing([path]))
    options = ImageOptions((height, width), crop, strict=strict or not path.is_dir())
    pictures = read_pictures_of(folder, listing, options, channels)
    raw = group_pictures(folder, pictures, needs_train=False)
    values = raw.values[..., None] if raw.values.ndim == 3 else raw.values
    labels, label_names, _ = number_labels(raw.labels, path)
    stored, offset, scale, note = _as_model(values, like)
    return Dataset(
        name=path.stem if path.is_file() else path.resolve().name,
        title=path.name,
        images=np.ascontiguousarray(stored.transpose(0, 3, 1, 2)),
        labels=labels,
        label_names=label_names,
        published=raw.published,
        source=str(path),
        notes=(*_changes(pictures, channels, height, width), *note, *raw.notes[1:]),
        offset=offset,
        scale=scale,
        files=raw.files,
        layout=like.layout,
        levels=like.levels,
        scaled=bool(like.levels),
    )


def _changes(pictures: Pictures, channels: int, height: int, width: int) -> list[str]:
    """What was done to bring pictures to a size and a number of channels."""
    headers: Sequence[ImageHeader] = pictures.headers
    resized = sum((header.height, header.width) != (height, width) for header in headers)
    gray = sum(header.is_gray for header in headers)
    notes = [f"{resized} of {len(headers)} pictures made {height}x{width}, the size of training"] * bool(
        resized
    )
    if channels == 3 and gray:
        notes.append(f"{gray} of {len(headers)} pictures are gray, brought to three channels")
    if channels == 1 and gray < len(headers):
        notes.append(f"{len(headers) - gray} of {len(headers)} pictures have color, brought to gray")
    return notes


def _as_model(values: np.ndarray, like: Preprocessing) -> tuple[np.ndarray, float, float, list[str]]:
    """Values in the type of the model's data, their offset and scale, and what was changed."""
    given = values.dtype
    if not like.levels:
        unit = given == np.uint8 and like.low >= 0 and like.high <= 1
        note = ["gray levels divided by 255, since the model was trained on values in [0, 1]"] if unit else []
        return (values / 255 if unit else values).astype(np.float32), 0.0, 1.0, note
    unit_of_level = like.scale / (like.levels - 1)
    if like.levels == 256 and given == np.uint16:
        note = ["16-bit levels reduced to the 256 levels of the model"]
        return np.rint(values / 257).astype(np.uint8), like.offset, unit_of_level, note
    if like.levels == 65536 and given == np.uint8:
        note = ["8-bit levels multiplied by 257, since the model was trained on 16 bits"]
        return values.astype(np.uint16) * np.uint16(257), like.offset, unit_of_level, note
    note = []
    if given == np.uint8 and like.levels > 256:
        note = [f"8-bit pictures for a model of {like.levels:,} gray levels: their values are kept"]
    dtype = np.uint8 if like.levels <= 256 else np.uint16
    if given != dtype:
        values = np.rint(values).clip(0, np.iinfo(dtype).max).astype(dtype)
    return values, like.offset, unit_of_level, note
