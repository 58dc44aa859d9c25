"""Decoded datasets on disk: one folder each, with images.npy, labels.npy, attributes.npy and dataset.json.

A folder is written under another name and then renamed, so it is complete or absent. Images are memory-mapped
when they are read. If two processes need the same dataset, one decodes it while the other waits.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.lib import format as npy

from vaekit.data.dataset import Dataset
from vaekit.data.lazy import LazyArray, rows_at_once
from vaekit.data.table_source import TableSource
from vaekit.errors import DataError, first_line
from vaekit.spec import Preprocessing
from vaekit.utils.paths import cache_folder, is_file, user_path

_FACTS = ("name", "title", "label_names", "published", "source", "notes", "offset", "scale")
_MORE = ("attribute_names", "files", "layout")  # absent in folders of earlier versions
_LATER = {"levels": 0, "scaled": True}  # the same, with what they mean there
_PER_ROW = ("weights", "groups", "times")
_log = logging.getLogger(__name__)


def catalog_folder() -> Path:
    """The folder of the decoded datasets of the catalog.

    >>> catalog_folder().name
    'datasets'
    """
    return cache_folder() / "datasets"


def import_folder() -> Path:
    """The folder of the imported datasets.

    >>> import_folder().name
    'imported'
    """
    return cache_folder() / "imported"


def dataset_names(parent: Path) -> tuple[str, ...]:
    """The names of the datasets in a folder, sorted.

    >>> dataset_names(Path("no/such/folder"))
    ()
    """
    return tuple(sorted(facts.parent.name for facts in parent.glob("[!.]*/dataset.json")))


def load_cached(parent: Path, name: str, fingerprint: str | None = None) -> Dataset | None:
    """The dataset `name` of a folder, memory-mapped; None if it is absent, damaged or outdated.

    Args:
        parent: `catalog_folder()` or `import_folder()`.
        name: the name of the dataset.
        fingerprint: the fingerprint of the files it comes from; None accepts any.

    >>> load_cached(Path("no/such/folder"), "mnist") is None
    True
    """
    folder = parent / name
    try:
        facts = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        if fingerprint is not None and facts.pop("fingerprint") != fingerprint:
            return None
        return _assemble(folder, facts)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def load_stored(path: str | Path) -> Dataset | None:
    """The dataset that `store_dataset` wrote, from its folder; None if the path is no such folder.

    Raises:
        DataError: it is damaged.

    >>> import tempfile
    >>> parent = Path(tempfile.mkdtemp())
    >>> _ = store_dataset(parent, Dataset("two", "Two", np.zeros((2, 1, 4, 4), np.uint8), None, ()))
    >>> load_stored(parent / "two"), load_stored(parent)
    (Dataset('two', 2 images of (1, 4, 4), uint8), None)
    """
    folder = user_path(path)
    if not is_file(folder / "dataset.json") or not is_file(folder / "images.npy"):
        return None
    found = load_cached(folder.parent, folder.name)
    if found is None:
        raise DataError(f"{folder}: a damaged dataset of vaekit; restore the folder from a copy")
    return found


def load_or_make(name: str, fingerprint: str | None, make: Callable[[], Dataset]) -> Dataset:
    """The dataset `name` of the catalog: from the cache, or decoded by `make` and stored there.

    If the cache cannot be written, the dataset stays in memory and a warning is logged.

    Raises:
        DataError: the disk is full. Exceptions of `make` pass through.

    >>> from vaekit.data import load_dataset
    >>> load_or_make("digits", None, lambda: load_dataset("digits")).name
    'digits'
    """
    parent = catalog_folder()
    known = load_cached(parent, name, fingerprint)
    if known is not None:
        return known
    if not is_writable(parent):
        _log.warning(
            "%s cannot be written, so %s is decoded again each time; set VAEKIT_CACHE",
            parent,
            name,
        )
        return make()
    with lock_dataset(parent, name):
        return load_cached(parent, name, fingerprint) or _store(parent, make(), fingerprint)


def store_dataset(parent: Path, dataset: Dataset) -> Dataset:
    """Write a dataset to a folder, completely or not at all; replace one of the same name.

    Returns:
        The same dataset, memory-mapped from the folder.

    Raises:
        DataError: it cannot be written, for example because the disk is full.

    >>> import tempfile
    >>> data = Dataset("two", "Two", np.zeros((2, 1, 4, 4), np.uint8), None, ())
    >>> store_dataset(Path(tempfile.mkdtemp()), data)
    Dataset('two', 2 images of (1, 4, 4), uint8)
    """
    if not is_writable(parent):
        raise DataError(f"{parent}: cannot be written; set VAEKIT_CACHE to a folder you can write")
    with lock_dataset(parent, dataset.name):
        return _store(parent, dataset, None)


def lock_dataset(parent: Path, name: str) -> FileLock:
    """The lock of the process that writes a dataset, while others wait.

    >>> lock_dataset(Path("."), "mnist").is_locked
    False
    """
    return FileLock(parent / f".{name}.lock")


def _store(parent: Path, dataset: Dataset, fingerprint: str | None) -> Dataset:
    scratch, needed = parent / f".{dataset.name}.new", dataset.images.nbytes + 2**20
    shutil.rmtree(scratch, ignore_errors=True)  # left by a process that was killed
    try:
        if shutil.disk_usage(parent).free < needed:
            raise OSError("no space left on the disk")
        _write(scratch, dataset, fingerprint)
        _swap(scratch, parent / dataset.name)
    except OSError as error:
        raise DataError(
            f"{parent}: cannot keep {dataset.name} there ({first_line(error)}); "
            f"it takes {needed / 2**20:.0f} MiB, so free some space, or set VAEKIT_CACHE to another folder"
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return _assemble(parent / dataset.name, _facts(dataset))


def _write(folder: Path, dataset: Dataset, fingerprint: str | None) -> None:
    folder.mkdir()
    _save(folder / "images.npy", dataset.images)
    if dataset.labels is not None:
        _save(folder / "labels.npy", dataset.labels)
    if dataset.attributes is not None:
        _save(folder / "attributes.npy", dataset.attributes)
    for name in _PER_ROW:
        if getattr(dataset, name) is not None:
            _save(folder / f"{name}.npy", getattr(dataset, name))
    facts = _facts(dataset) | {"fingerprint": fingerprint}
    (folder / "dataset.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _save(path: Path, values: np.ndarray) -> None:
    with open(path, "wb") as stream:
        if isinstance(values, LazyArray):  # as np.save writes it, without holding it
            header = {
                "descr": npy.dtype_to_descr(values.dtype),
                "fortran_order": False,
                "shape": values.shape,
            }
            npy.write_array_header_1_0(stream, header)
            for first in range(0, len(values), rows_at_once(values)):
                stream.write(np.ascontiguousarray(values[first : first + rows_at_once(values)]).data)
        else:
            np.save(stream, values, allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())


def _swap(fresh: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        os.replace(target, old)
    os.replace(fresh, target)
    shutil.rmtree(old, ignore_errors=True)


def _facts(dataset: Dataset) -> dict[str, Any]:
    facts = {key: getattr(dataset, key) for key in (*_FACTS, *_MORE, *_LATER)}
    facts |= {
        "columns": [asdict(column) for column in dataset.columns],
        "table": dataset.table and dataset.table.to_dict(),
        "per_row": [name for name in _PER_ROW if getattr(dataset, name) is not None],
    }
    return facts | {"published": dict(dataset.published), "has_labels": dataset.labels is not None}


def _assemble(folder: Path, facts: dict[str, Any]) -> Dataset:
    labels = np.load(folder / "labels.npy", allow_pickle=False) if facts["has_labels"] else None
    images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    known = {key: facts[key] for key in _FACTS} | {key: facts.get(key, ()) for key in _MORE}
    known |= {key: tuple(known[key]) for key in ("label_names", "notes", *_MORE)}
    known |= {key: facts.get(key, usual) for key, usual in _LATER.items()}
    if known["attribute_names"]:
        known["attributes"] = np.load(folder / "attributes.npy", allow_pickle=False)
    for name in facts.get("per_row", ()):
        known[name] = np.load(folder / f"{name}.npy", allow_pickle=False)
    known["columns"] = Preprocessing.from_dict({"shape": (), "columns": facts.get("columns", ())}).columns
    known["table"] = TableSource.from_dict(facts["table"]) if facts.get("table") else None
    known["published"] = {split: (first, past) for split, (first, past) in known["published"].items()}
    return Dataset(images=images, labels=labels, **known)


def is_writable(parent: Path) -> bool:
    """Whether a folder can be written; it is created if it does not exist.

    >>> import tempfile
    >>> is_writable(Path(tempfile.mkdtemp()))
    True
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(parent, os.W_OK)
