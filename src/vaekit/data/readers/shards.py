"""Folders of shards: many .npy or .npz files that together are one array, which stays in its files.

    images-000.npy ... labels-000.npy ...       or x_0.npz x_1.npz ... with arrays x and y
    train/... validation/... test/...           the parts of a published split, each such a folder

Shards follow each other in natural order of their names. A .npy file and an uncompressed .npz are mapped into
memory; a compressed .npz is unpacked when one of its rows is read.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.lazy import ChunkedArray, LazyArray, MappedArray, StackedArray, file_state, settle
from vaekit.data.readers.guard import check_archive, reading
from vaekit.data.readers.listing import list_files
from vaekit.data.readers.numpy import array_role, find_roles, npy_header, npz_shapes
from vaekit.data.readers.raw import PARTS, RawData, split_bounds
from vaekit.errors import DataError

SUFFIXES = (".npy", ".npz")
_NUMBER = re.compile(r"[-_.]?\d+([-_]of[-_]\d+)?$")

Shard = dict[str, Any]  # "values", "labels" and "attributes" -> an array, lazy or not


def is_shard_folder(folder: Path) -> bool:
    """Whether a folder holds .npy or .npz files, at the top or in folders named as the parts of a split.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> np.save(folder / "images-0.npy", np.zeros((3, 8, 8)))
    >>> is_shard_folder(folder), is_shard_folder(folder / "nowhere")
    (True, False)
    """
    try:
        entries = list(folder.iterdir())
    except OSError:
        return False
    inside = [entry for entry in entries if entry.name.lower() in PARTS and entry.is_dir()]
    places = [*entries, *(file for place in inside for file in place.iterdir())]
    return any(entry.suffix.lower() in SUFFIXES for entry in places)


def read_shards(folder: Path) -> RawData:
    """The array of a folder of shards, and its labels and attributes.

    Raises:
        DataError: a shard is damaged, or has another shape or type than the others.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for n in range(3):
    ...     np.savez(folder / f"part-{n}.npz", x=np.full((2, 8, 8), n), y=np.full(2, n))
    >>> raw = read_shards(folder)
    >>> raw.values.shape, raw.labels.tolist()
    ((6, 8, 8), [0, 0, 1, 1, 2, 2])
    """
    listing = list_files(folder)
    files = [file for file in listing.files if file.suffix.lower() in SUFFIXES]
    if others := [file.name for file in listing.files if file.suffix.lower() not in SUFFIXES]:
        listing.left_out["files skipped that are no .npy or .npz"] = others
    parts: dict[str, list[Path]] = {}
    for file in files:
        top = file.relative_to(folder).parts[0].lower() if file.parent != folder else ""
        parts.setdefault(PARTS.get(top, ""), []).append(file)
    if len(parts) > 1 and ("" in parts or "train" not in parts):
        raise DataError(
            f"{folder}: expected all shards in folders train, validation and test, or none; got some beside "
            f"them, or no train; move them"
        )
    order = [part for part in ("", "train", "validation", "test") if part in parts]
    read = {part: _read_part(folder, parts[part]) for part in order}
    counts: dict[str, int] = {part: sum(len(shard["values"]) for shard in read[part]) for part in order}
    shards = [shard for part in order for shard in read[part]]
    _check_alike(folder, shards)
    values = settle(StackedArray([shard["values"] for shard in shards]))
    return RawData(
        values,
        _joined(folder, "labels", shards),
        published={} if order == [""] else split_bounds(counts),
        notes=(f"{len(shards)} shards", *listing.notes()),
        attributes=_joined(folder, "attributes", shards),
    )


def _read_part(folder: Path, files: Sequence[Path]) -> list[Shard]:
    """The shards of one part: those of .npz files, and .npy files with those of labels and attributes."""
    archives = [_read_npz(file) for file in files if file.suffix.lower() == ".npz"]
    single: dict[str, list[Any]] = {"values": [], "labels": [], "attributes": []}
    for file in files:
        if file.suffix.lower() == ".npy":
            what = (array_role(_NUMBER.sub("", file.stem)) or ("", "values"))[1]
            single[what].append(map_npy(file))
    if archives and single["values"]:
        raise DataError(f"{folder}: expected shards of one kind, got .npy and .npz; leave one kind out")
    if archives:
        return archives
    count = len(single["values"])
    for what in ("labels", "attributes"):
        if single[what] and len(single[what]) != count:
            raise DataError(
                f"{folder}: {count} shards of values, but {len(single[what])} of {what}; add the others"
            )
    return [{what: arrays[n] for what, arrays in single.items() if arrays} for n in range(count)]


def map_npy(path: Path, member: zipfile.ZipInfo | None = None) -> MappedArray:
    """A .npy file, or an uncompressed member of a .npz file, mapped into memory.

    Raises:
        DataError: it is damaged, of Python objects, or in the order of Fortran.
    """
    with reading(path, "a .npy file"), open(path, "rb") as stream:
        stream.seek(_start(stream, member) if member else 0)
        shape, fortran, dtype = npy_header(stream, path)
        offset, size = stream.tell(), int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if offset + size > path.stat().st_size:
            raise ValueError(f"it promises {size} bytes, but is shorter")
        if fortran and len(shape) > 1:
            raise DataError(f"{path}: is in the order of Fortran; save it by numpy.ascontiguousarray")
        return MappedArray(path, shape, dtype, offset)


def _start(stream: Any, member: zipfile.ZipInfo) -> int:
    """Where the bytes of an uncompressed member begin."""
    stream.seek(member.header_offset + 26)
    names = struct.unpack("<HH", stream.read(4))
    return member.header_offset + 30 + sum(names)


def _read_npz(path: Path) -> Shard:
    with reading(path, "a .npz file"), zipfile.ZipFile(path) as archive:
        shapes = npz_shapes(path, archive)
        roles = find_roles(path, shapes)
        if any(part for part, _ in roles):
            raise DataError(f"{path}: a shard has no parts of a split; put the shards into folders instead")
        packed = any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist())
        if packed:
            check_archive(path, archive)
        return {what: _member(path, archive, key, shapes) for (_, what), key in roles.items()}


def _member(
    path: Path, archive: zipfile.ZipFile, key: str, shapes: Mapping[str, tuple[int, ...]]
) -> LazyArray:
    info = archive.getinfo(f"{key}.npy" if f"{key}.npy" in archive.namelist() else key)
    if info.compress_type == zipfile.ZIP_STORED:
        return map_npy(path, info)
    with archive.open(info) as stream:
        dtype = npy_header(stream, path)[2]
    identity = (*file_state(path), key)
    return ChunkedArray(partial(_unpack, path, key), shapes[key], dtype, identity, shapes[key][0])


def _unpack(path: Path, key: str, first: int, last: int) -> np.ndarray:
    with reading(path, "a .npz file"), np.load(path, allow_pickle=False) as content:
        return content[key][first:last]


def _check_alike(folder: Path, shards: Sequence[Shard]) -> None:
    if not shards:
        raise DataError(f"{folder}: no shard holds values; name them images-000.npy, images-001.npy, ...")
    first = shards[0]
    for place, shard in enumerate(shards):
        values = shard["values"]
        if values.shape[1:] != first["values"].shape[1:] or values.dtype != first["values"].dtype:
            raise DataError(
                f"{folder}: the first shard has {first['values'].dtype} of {first['values'].shape[1:]}, but "
                f"shard {place} has {values.dtype} of {values.shape[1:]}; make them alike"
            )
        for what in ("labels", "attributes"):
            if (what in shard) != (what in first):
                raise DataError(f"{folder}: only some shards have {what}; give all or none of them")
            if what in shard and len(shard[what]) != len(values):
                raise DataError(
                    f"{folder}: shard {place} has {len(values)} data points, but {len(shard[what])} {what}; "
                    "give one each"
                )


def _joined(folder: Path, what: str, shards: Sequence[Shard]) -> np.ndarray | None:
    """The labels or attributes of all shards, in memory."""
    if what not in shards[0]:
        return None
    return np.concatenate([np.asarray(shard[what][:]) for shard in shards])
