"""The user's own data: the path determines the reader, the values determine the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.counts import count_columns
from vaekit.data.dataset import Dataset
from vaekit.data.infer import infer_images
from vaekit.data.labels import number_labels
from vaekit.data.lazy import LazyArray
from vaekit.data.readers.arrow import is_arrow_folder, read_arrow
from vaekit.data.readers.hdf5 import read_hdf5, read_mat
from vaekit.data.readers.idx import is_idx, read_idx, read_idx_pair
from vaekit.data.readers.image import is_image_name
from vaekit.data.readers.image_folder import ImageOptions, read_image_file, read_image_folder
from vaekit.data.readers.numpy import read_npy, read_npz
from vaekit.data.readers.raw import RawData, SplitPart, stack_parts
from vaekit.data.readers.shards import is_shard_folder, read_shards
from vaekit.data.readers.sparse import has_matrix, read_h5ad, read_matrix_market
from vaekit.data.readers.webdataset import holds_tars, read_webdataset
from vaekit.data.readers.zarr import is_zarr, read_zarr
from vaekit.data.tables.arrays import array_table, is_array_table
from vaekit.data.tables.files import SUFFIXES
from vaekit.data.tables.table import TableOptions, dataset_of_options
from vaekit.errors import DataError
from vaekit.utils.paths import is_file, real_path

_READERS: dict[str, Callable[[Path], RawData]] = {
    ".npy": read_npy,
    ".mtx": read_matrix_market,
}
ARCHIVES: dict[str, Callable[[Path, str | None], RawData]] = {  # files of several arrays
    ".npz": read_npz,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".mat": read_mat,
    ".h5ad": read_h5ad,
}
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".joblib")
_ADVICE = {  # what to do about files that many people have, and that are not read
    **dict.fromkeys((".zip", ".tgz", ".7z", ".rar"), "is an archive; unpack it and give the folder"),
    **dict.fromkeys((".gz", ".bz2", ".xz", ".zst"), "is compressed; unpack it first"),
    **dict.fromkeys(
        (".wav", ".flac", ".mp3", ".ogg", ".m4a"),
        "is a sound; save the samples of all sounds as an array (N, channels, length) in a .npy file",
    ),
    **dict.fromkeys(
        (".mp4", ".avi", ".mov", ".mkv"), "is a film; save its frames as images in a folder"
    ),
    **dict.fromkeys(
        (".json", ".jsonl", ".ndjson", ".arff", ".xml", ".feather", ".orc", ".xls", ".ods", ".sav", ".dta",
         ".sas7bdat", ".rds", ".sqlite", ".db"),
        "is a format of tables that is not read; save it as .csv or .parquet, or pass a data frame in Python",
    ),
    **dict.fromkeys(
        (".nii", ".dcm", ".fits", ".nc", ".czi", ".nd2", ".lif", ".mha", ".nrrd", ".safetensors"),
        "is not read; load it with its own library, and save the array as a .npy file",
    ),
}  # fmt: skip
_PARTS = {"train": "train", "t10k": "test"}  # as MNIST names its files


def read_user_data(
    path: Path,
    options: ImageOptions,
    table: TableOptions = TableOptions(),  # noqa: B008
    kind: str = "auto",
    array: str | None = None,
) -> Dataset:
    """The dataset at a path: a folder of images or of MNIST-named files, an image, arrays, or a table.

    Args:
        path: the file or folder; it exists.
        options: size, crop and color of images from a folder.
        table: how the columns of a table are used.
        kind: vector, signal, image, volume, or auto to choose by the shape.
        array: the name of the array of values in a file of several, if the names do not say so.

    Raises:
        DataError: the data cannot be used; the message says why and what to do.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "noise.npy"
    >>> np.save(path, np.random.default_rng(0).random((5, 4, 4)))
    >>> read_user_data(path, ImageOptions())
    Dataset('noise', 5 images of (1, 4, 4), float32)
    """
    if path.suffix.lower() in SUFFIXES and is_file(path):
        _refuse_image_options(path, options)
        return dataset_of_options(path, table, base_name(path))
    if path.suffix.lower() == ".h5ad" and table == TableOptions(label=table.label):
        _refuse_image_options(path, options)
        return dataset_of_raw(read_h5ad(path, array, table.label), base_name(path), path)
    if not table.is_default:
        chosen = ", ".join(table.changed)
        raise DataError(
            f"{path}: {chosen} appl{'ies' if len(table.changed) == 1 else 'y'} to tables; leave out"
        )
    return dataset_of_raw(_read(path, options, array), base_name(path), path, kind)


def dataset_of_raw(raw: RawData, name: str, path: Path | str, kind: str = "auto") -> Dataset:
    """The dataset of raw values: images, classes and attributes are inferred.

    Args:
        raw: the values.
        name: of the dataset.
        path: where they came from, for messages.
        kind: vector, signal, image, volume, or auto to choose by the shape.

    Raises:
        DataError: the data cannot be used; the message says why and what to do.

    >>> dataset_of_raw(RawData(np.eye(4).reshape(2, 2, 4)), "eye", "eye.npy")
    Dataset('eye', 2 images of (1, 2, 4), uint8)
    """
    kind = raw.kind if kind == "auto" else kind
    facts: dict[str, Any]
    inferred: tuple[str, ...] = ()
    if raw.counts:
        images = raw.values
        facts = {"columns": count_columns(images.shape[1], raw.names), "scaled": False}
    elif raw.names or (kind in ("auto", "vector") and _may_be_table(raw.values)):
        images, columns, inferred = array_table(raw.values, path, raw.names)
        facts = {"columns": columns, "scaled": False}
    else:
        found = infer_images(raw.values, path, kind, raw.channels_last)
        images, inferred = found.images, found.notes
        facts = {
            "offset": found.offset, "scale": found.scale, "levels": found.levels, "scaled": found.scaled
        }  # fmt: skip
    labels, names, labeled = number_labels(raw.labels, path)
    attributes, attribute_names = _attributes(raw)
    return Dataset(
        name=name,
        title=name,
        images=images,
        labels=labels,
        label_names=names,
        published=raw.published,
        source=str(path),
        notes=(*raw.notes, *inferred, *labeled),
        attributes=attributes,
        attribute_names=attribute_names,
        files=raw.files,
        layout=raw.values.shape[1:],
        **facts,
    )


def _may_be_table(values: Any) -> bool:
    """Whether an array is a table; one that is read by rows is not, since a table is held in memory."""
    return not isinstance(values, LazyArray) and is_array_table(values)


def _attributes(raw: RawData) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Attributes as float32, and names for their columns: a0, a1, ..."""
    if raw.attributes is None:
        return None, ()
    columns = raw.attributes.reshape(len(raw.attributes), -1)
    if columns.dtype.kind not in "biuf":
        return columns, ()
    return columns.astype(np.float32), tuple(f"a{i}" for i in range(columns.shape[1]))


def _read(path: Path, options: ImageOptions, array: str | None) -> RawData:
    quartet = _idx_quartet(path) if path.is_dir() else {}
    archive = ARCHIVES.get(path.suffix.lower()) if is_file(path) else None
    chosen = path.is_dir() and (is_zarr(path) or is_arrow_folder(path))
    if array is not None and archive is None and not chosen:
        raise DataError(
            f"{path}: data.array chooses among the arrays of a {', '.join(ARCHIVES)} file; leave it out"
        )
    if path.is_dir() and has_matrix(path):
        _refuse_image_options(path, options)
        return read_matrix_market(path)
    if path.is_dir() and not quartet and (raw := _read_many_files(path, options, array)) is not None:
        return raw
    if holds_tars(path):
        return read_webdataset(path, options)
    if path.is_dir() and not quartet:
        return read_image_folder(path, options)
    if is_file(path) and is_image_name(path):
        return read_image_file(path, options)
    _refuse_image_options(path, options)
    if quartet:
        return stack_parts({part: SplitPart(*read_idx_pair(*files)) for part, files in quartet.items()}, path)
    return archive(path, array) if archive else _reader(path)(path)


def _read_many_files(folder: Path, options: ImageOptions, array: str | None) -> RawData | None:
    """The array that a folder holds in pieces; None for other folders, such as those of pictures."""
    if is_arrow_folder(folder):
        return read_arrow(folder, options, array)
    if is_zarr(folder):
        _refuse_image_options(folder, options)
        return read_zarr(folder, array)
    if is_shard_folder(folder):
        _refuse_image_options(folder, options)
        return read_shards(folder)
    return None


def _refuse_image_options(path: Path, options: ImageOptions) -> None:
    if replace(options, strict=False) != ImageOptions():
        raise DataError(f"{path}: size, crop and color apply only to folders of images; leave them out")


def _reader(path: Path) -> Callable[[Path], RawData]:
    if not is_file(path):
        raise DataError(f"{path}: is a pipe, a socket or a device, which are not read; give a file or folder")
    packed = path.name.lower().endswith(".mtx.gz")
    known = read_matrix_market if packed else _READERS.get(path.suffix.lower())
    if known:
        return known
    if path.suffix.lower() in _PICKLES:
        raise DataError(
            f"{path}: pickles are never read because they can run code; save the data as .npy or .npz"
        )
    if not is_idx(path):
        advice = _ADVICE.get(path.suffix.lower())
        if advice:
            raise DataError(f"{path}: {advice}")
        raise DataError(
            f"{path}: expected a folder of images, or a .npy, .npz, .h5, .h5ad, .mat, .mtx, .csv, .parquet, "
            ".xlsx or IDX file, got another file; convert it to one of them"
        )
    return _read_idx_pair


def _read_idx_pair(path: Path) -> RawData:
    """The images at `path`, and the labels in the same folder under the corresponding name."""
    beside = _labels_beside(path)
    if beside is None:
        return RawData(read_idx(path), notes=("no labels in the same folder",))
    return RawData(*read_idx_pair(path, beside), notes=(f"labels from {beside.name}",))


def _labels_beside(path: Path) -> Path | None:
    plain = path.name.removesuffix(".gz")
    name = plain.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    candidates = (path.with_name(name), path.with_name(f"{name}.gz"))
    return next((file for file in candidates if name != plain and is_file(file)), None)


def _idx_quartet(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Part -> its files of images and labels, if a folder holds four files named like those of MNIST."""
    parts = {}
    for prefix, part in _PARTS.items():
        images = next((path for path in sorted(folder.glob(f"{prefix}-images*")) if is_idx(path)), None)
        labels = images and _labels_beside(images)
        if images and labels:
            parts[part] = (images, labels)
    return parts if len(parts) == len(_PARTS) else {}


def holds_pictures(path: Path) -> bool:
    """Whether a path is an image file, or a folder other than one of MNIST-named files.

    >>> holds_pictures(Path("no/such.png")), holds_pictures(Path("."))
    (False, True)
    """
    if path.is_dir():
        return not _idx_quartet(path)
    return is_file(path) and is_image_name(path)


def base_name(path: Path) -> str:
    """The name of a file without its suffixes, or of a folder.

    >>> base_name(Path("data/train-images.npy.gz"))
    'train-images.npy'
    """
    path = real_path(path)
    return path.name if path.is_dir() else path.name.removesuffix(".gz").removesuffix(path.suffix)
