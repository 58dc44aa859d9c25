"""WebDataset: tar files whose members of one name and several endings are one data point.

    0001.png 0001.cls 0002.png 0002.cls ...         a picture, and the number or name of its class
    0001.npy ...                                    an array of numbers instead

The members stay where they are: their places are found once, and are kept in the cache. A member is read and
decoded when its data point is asked for. Tar files are in natural order of their names; those that begin with
train, val or test are the parts of a split.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import IO

import numpy as np

from vaekit.data.known import recall_arrays
from vaekit.data.lazy import Identity, LazyArray, RowArray, file_state, settle
from vaekit.data.readers.encoded import SUFFIXES, pictures_array, read_header
from vaekit.data.readers.guard import check_size, reading
from vaekit.data.readers.image_folder import ImageOptions
from vaekit.data.readers.listing import list_files
from vaekit.data.readers.raw import PARTS, RawData, split_bounds
from vaekit.errors import DataError

HEAD = 1 << 16  # bytes in which the header of a picture is expected
Index = dict[str, np.ndarray]


def holds_tars(path: Path) -> bool:
    """Whether a path is a tar file, or a folder with one at its top or in a folder of a part of a split.

    >>> holds_tars(Path("no/such.tar")), holds_tars(Path("."))
    (False, False)
    """
    if path.is_file():
        return path.suffix.lower() == ".tar"
    places = [path, *(path / part for part in PARTS)]
    return any(next(place.glob("*.tar"), None) is not None for place in places)


def read_webdataset(path: Path, options: ImageOptions) -> RawData:
    """The data points of one tar file, or of all in a folder.

    Raises:
        DataError: a file is damaged, or holds neither pictures nor arrays.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with tarfile.open(folder / "a.tar", "w") as archive:
    ...     for number in range(3):
    ...         content = io.BytesIO()
    ...         np.save(content, np.full((4, 4), number))
    ...         member = tarfile.TarInfo(f"{number}.npy")
    ...         member.size = content.tell()
    ...         _ = content.seek(0)
    ...         archive.addfile(member, content)
    >>> read_webdataset(folder, ImageOptions()).values.shape
    (3, 4, 4)
    """
    files = [path] if path.is_file() else [f for f in list_files(path).files if f.suffix.lower() == ".tar"]
    parts = [_part(path, file) for file in files]
    if any(parts) and ("train" not in parts or not all(parts)):
        raise DataError(
            f"{path}: only some of its tar files begin with train, val or test; name all of them so, or none"
        )
    rank = ("", "train", "validation", "test")
    order = sorted(range(len(files)), key=lambda place: rank.index(parts[place]))
    files, parts = [files[place] for place in order], [parts[place] for place in order]
    indexes = [recall_arrays("webdataset", file_state(file), partial(_index, file)) for file in files]
    counts = dict.fromkeys(parts, 0)
    for part, index in zip(parts, indexes, strict=True):
        counts[part] += len(index["offsets"])
    values, note = _values(path, files, indexes, options)
    labels = [index["labels"] for index in indexes]
    labeled = all(len(found) == len(index["offsets"]) for found, index in zip(labels, indexes, strict=True))
    pictures = bool(indexes[0]["headers"].any())
    return RawData(
        settle(values),
        np.concatenate(labels) if labeled else None,
        published=split_bounds(counts) if any(parts) else {},
        notes=(f"{len(files)} tar files", *([note] if note else [])),
        kind="image" if pictures else "auto",
        channels_last=values.ndim == 4 if pictures else None,
    )


def _part(root: Path, file: Path) -> str:
    """The part of a split that a tar file belongs to, by its folder or the beginning of its name."""
    folder = file.parent.name.lower() if file.parent != root else ""
    return PARTS.get(folder) or PARTS.get(re.split(r"[-_.]", file.stem.lower())[0], "")


def _index(file: Path) -> Index:
    """The places of the data points of a tar file, the headers of pictures, and labels as text."""
    offsets, sizes, headers, labels = [], [], [], []
    with reading(file, "a tar file"), tarfile.open(file, "r:") as archive, open(file, "rb") as stream:
        for members in _samples(archive):
            ending = next((e for e in members if e == "npy" or e in SUFFIXES), None)
            if ending is None:
                continue
            offset, size = members[ending]
            offsets.append(offset)
            sizes.append(size)
            headers.append((0, 0, 0) if ending == "npy" else _picture_header(stream, file, offset, size))
            if "cls" in members:
                labels.append(_bytes(stream, *members["cls"]).decode().strip())
    if not offsets:
        raise DataError(f"{file}: holds no .npy and no picture ({', '.join(SUFFIXES)}); give such a tar file")
    if len({header[2] > 0 for header in headers}) > 1:
        raise DataError(f"{file}: holds pictures and arrays; give one kind")
    return {
        "offsets": np.array(offsets, np.int64),
        "sizes": np.array(sizes, np.int64),
        "headers": np.array(headers, np.int64),
        "labels": np.array(labels, dtype=str),
    }


def _samples(archive: tarfile.TarFile) -> Iterator[dict[str, tuple[int, int]]]:
    """The members of each data point: ending -> (offset, size)."""
    key, found = None, dict[str, tuple[int, int]]()
    for member in archive:
        archive.members = []  # type: ignore[attr-defined]  # which would grow without limit
        if not member.isfile():
            continue
        folder, _, name = member.name.rpartition("/")
        stem, _, ending = name.partition(".")
        if (folder, stem) != key and found:
            yield found
            found = {}
        key = folder, stem
        found[ending.lower()] = member.offset_data, member.size
    if found:
        yield found


def _picture_header(stream: IO[bytes], file: Path, offset: int, size: int) -> tuple[int, int, int]:
    try:
        return read_header(_bytes(stream, offset, min(size, HEAD)), str(file))
    except DataError:  # its header may be longer
        return read_header(_bytes(stream, offset, size), str(file))


def _bytes(stream: IO[bytes], offset: int, size: int) -> bytes:
    return os.pread(stream.fileno(), size, offset)


@lru_cache(256)
def _open(path: Path) -> IO[bytes]:
    return open(path, "rb")


def _values(
    path: Path, files: list[Path], indexes: list[Index], options: ImageOptions
) -> tuple[LazyArray, str]:
    """The data points, and a note about the size of pictures."""
    offsets, sizes, headers = (
        np.concatenate([index[key] for index in indexes]) for key in ("offsets", "sizes", "headers")
    )
    owners = np.repeat(np.arange(len(files)), [len(index["offsets"]) for index in indexes])
    identity: Identity = ("webdataset", *(file_state(file) for file in files))

    def read(number: int) -> bytes:
        return _bytes(_open(files[owners[number]]), int(offsets[number]), int(sizes[number]))

    if headers.any():
        if not headers.all():
            raise DataError(f"{path}: some tar files hold pictures, others arrays; give one kind")
        return pictures_array(read, headers, path, identity, options)
    with reading(path, "a tar file of arrays"):
        first = _load(read(0))
    check_size(path, first.shape, first.dtype.itemsize)

    def decode(number: int) -> np.ndarray:
        with reading(files[owners[number]], "a tar file of arrays"):
            found = _load(read(number))
        if found.shape != first.shape:
            raise DataError(
                f"{files[owners[number]]}: expected arrays of shape {first.shape}, got {found.shape}; make "
                "them alike"
            )
        return found

    return RowArray(decode, (len(offsets), *first.shape), first.dtype, identity), ""


def _load(content: bytes) -> np.ndarray:
    return np.load(io.BytesIO(content), allow_pickle=False)
