"""Load a dataset by a name of the catalog, a name of an import, or a path."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from vaekit.data import cache, catalog
from vaekit.data.dataset import Dataset
from vaekit.data.locate import load_entry
from vaekit.data.readers.guard import reading
from vaekit.data.readers.image_folder import ImageOptions
from vaekit.data.readers.user import base_name, read_user_data
from vaekit.data.tables.frames import is_frame
from vaekit.data.tables.table import TableOptions, dataset_of_options
from vaekit.errors import DataError, NotFoundError, did_you_mean
from vaekit.utils.paths import exists, user_path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def load_dataset(
    name_or_path: Any,
    *,
    size: tuple[int, int] | None = None,
    crop: str = "resize",
    color: str = "auto",
    strict: bool = False,
    kind: str = "auto",
    array: str | None = None,
    **table: Any,
) -> Dataset:
    """The dataset of a name or path. Names of the catalog come first, then imported names, then paths.

    Args:
        name_or_path: such as "mnist", or a folder of images, a .npy, .npz, .h5, .mat, .csv, .parquet, .xlsx
            or IDX file, or a data frame of pandas, polars or PyArrow.
        size: (H, W) in pixels, the size of images from a folder; None keeps their own up to a side of 128.
        crop: "resize" scales images of a folder to `size`, "center" crops them first.
        color: "gray", "rgb", or "auto": gray if all images of a folder are.
        strict: refuse a folder with an image that cannot be read, rather than skip it.
        kind: what the data points of an array are: vector, signal, image, volume, or auto.
        array: the name of the array of values in a file of several, if the names do not say so.
        table: how the columns of a table are used, as for `TableOptions`: label, columns, scaling,
            missing_values, group, time, weight, attributes, validation_file, test_file, header, delimiter.

    Raises:
        NotFoundError: there is no such name or path, or the download failed.
        TypeError: there is no such option of tables.
        DataError: the data cannot be used; the message says why and what to do.

    >>> load_dataset("digits")
    Dataset('digits', 1797 images of (1, 8, 8), uint8, 10 classes)
    """
    options, table_options = ImageOptions(size, crop, color, strict), TableOptions(**table)
    if is_frame(name_or_path):
        return dataset_of_options(name_or_path, table_options)
    named = _load_named(name_or_path) if isinstance(name_or_path, str) else None
    if named is None:
        named = cache.load_stored(name_or_path)
    if named is None:
        return read_user_data(_existing_path(name_or_path), options, table_options, kind, array)
    if replace(options, strict=False) != ImageOptions():
        raise DataError(f"{named.name}: size, crop and color apply to folders of images; leave them out")
    if kind != "auto" or array is not None:
        raise DataError(f"{named.name}: kind and array apply to files of your own; leave them out")
    if not table_options.is_default:
        chosen = ", ".join(table_options.changed)
        raise DataError(f"{named.name}: has no columns to choose, but got {chosen}; give the path of a table")
    return named


def import_data(
    path: str | Path,
    name: str | None = None,
    *,
    size: tuple[int, int] | None = None,
    crop: str = "resize",
    color: str = "auto",
    strict: bool = False,
    kind: str = "auto",
    array: str | None = None,
    force: bool = False,
    **table: Any,
) -> Dataset:
    """Read data once and store it under a name, which `load_dataset` accepts from then on.

    Args:
        path: what to read, as for `load_dataset`.
        name: the new name; None takes the name of the file or folder.
        size, crop, color, strict, kind, array: as for `load_dataset`.
        force: replace an import of the same name.
        table: how the columns of a table are used, as for `load_dataset`.

    Returns:
        The dataset, memory-mapped from the cache.

    Raises:
        DataError: the name is taken or no name, the data cannot be used, or the cache cannot be written.
        NotFoundError: there is no such path.

    >>> import_data("no/such/file.npy")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    vaekit.errors.NotFoundError: 'no/such/file.npy' is neither a path nor a dataset; ...
    """
    options = ImageOptions(size, crop, color, strict)
    path = _existing_path(path)
    name = base_name(path) if name is None else name
    _check_name(name, force)
    dataset = read_user_data(path, options, TableOptions(**table), kind, array)
    return cache.store_dataset(cache.import_folder(), replace(dataset, name=name, title=name))


def _load_named(name: str) -> Dataset | None:
    if name in catalog.ENTRIES:
        return load_entry(catalog.ENTRIES[name])
    return cache.load_cached(cache.import_folder(), name) if _NAME.fullmatch(name) else None


def _existing_path(given: str | Path) -> Path:
    if given == "":
        raise NotFoundError("data: expected a name or path, got nothing")
    path = user_path(given)
    with reading(path, "data"):
        if exists(path):
            return path
    known = (*catalog.names(), *cache.dataset_names(cache.import_folder()))
    raise NotFoundError(
        f"{str(path)!r} is neither a path nor a dataset; the datasets are {', '.join(known)}"
        f"{did_you_mean(str(path), known)}"
    )


def _check_name(name: str, force: bool) -> None:
    if not _NAME.fullmatch(name):
        raise DataError(f"name: expected letters, digits, '.', '_' and '-', got {name!r}; choose another")
    if name in catalog.ENTRIES:
        raise DataError(f"name: {name!r} belongs to the catalog; choose another with --name")
    if not force and name in cache.dataset_names(cache.import_folder()):
        raise DataError(f"name: {name!r} is taken by an import; choose another with --name, or --force")
