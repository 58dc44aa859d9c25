"""Decoded datasets on disk: a folder each, with images.npy, labels.npy, attributes.npy and dataset.json.

A folder is written under another name and then renamed, so it is whole or not there; what is read
back is memory-mapped. Two processes that want the same dataset wait for each other and decode it once.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from filelock import FileLock

from vaekit.data.dataset import Dataset
from vaekit.errors import DataError, first_line

_FACTS = ("name", "title", "label_names", "published", "source", "notes", "offset", "scale")
_MORE = ("attribute_names", "files", "layout")  # which folders of an earlier version lack
_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """The cache folder: VAEKIT_CACHE, else the user's cache folder of this system; it need not exist."""
    return Path(os.environ.get("VAEKIT_CACHE") or platformdirs.user_cache_dir("vaekit"))


def catalog_folder() -> Path:
    """Where decoded datasets of the catalog lie."""
    return cache_folder() / "datasets"


def import_folder() -> Path:
    """Where the user's imported datasets lie."""
    return cache_folder() / "imported"


def dataset_names(shelf: Path) -> tuple[str, ...]:
    """The names of the datasets on a shelf, sorted."""
    return tuple(sorted(facts.parent.name for facts in shelf.glob("[!.]*/dataset.json")))


def load_cached(shelf: Path, name: str, fingerprint: str | None = None) -> Dataset | None:
    """The dataset `name` on a shelf, memory-mapped; None where it is absent, damaged or outdated.

    Args:
        shelf: `catalogd()` or `imported()`.
        name: of the dataset.
        fingerprint: what the files it was made from look like now; None accepts any.
    """
    folder = shelf / name
    try:
        facts = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        if fingerprint is not None and facts.pop("fingerprint") != fingerprint:
            return None
        return _assemble(folder, facts)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def load_or_make(name: str, fingerprint: str | None, make: Callable[[], Dataset]) -> Dataset:
    """The catalogd dataset `name`: from the cache, else made, kept there, and mapped from there.

    Where the cache cannot be written at all, the dataset stays in memory and a warning says so.

    Raises:
        DataError: the disk is full; or whatever `make` raises.
    """
    shelf = catalog_folder()
    known = load_cached(shelf, name, fingerprint)
    if known is not None:
        return known
    if not is_writable(shelf):
        _log.warning("%s cannot be written, so %s is decoded anew each time; set VAEKIT_CACHE", shelf, name)
        return make()
    with lock_dataset(shelf, name):
        return load_cached(shelf, name, fingerprint) or _store(shelf, make(), fingerprint)


def store_dataset(shelf: Path, dataset: Dataset) -> Dataset:
    """Write a dataset to a shelf, whole or not at all, in place of one of the same name.

    Returns:
        The same dataset, memory-mapped from the shelf.

    Raises:
        DataError: it cannot be written, such as when the disk is full.
    """
    if not is_writable(shelf):
        raise DataError(f"{shelf}: cannot be written; set VAEKIT_CACHE to a folder of yours")
    with lock_dataset(shelf, dataset.name):
        return _store(shelf, dataset, None)


def lock_dataset(shelf: Path, name: str) -> FileLock:
    """Held by the one process that makes what lies under a name on a shelf, while others wait."""
    return FileLock(shelf / f".{name}.lock")


def _store(shelf: Path, dataset: Dataset, fingerprint: str | None) -> Dataset:
    scratch, needed = shelf / f".{dataset.name}.new", dataset.images.nbytes + 2**20
    shutil.rmtree(scratch, ignore_errors=True)  # of a process that was killed
    try:
        if shutil.disk_usage(shelf).free < needed:
            raise OSError("no space left on the disk")
        _write(scratch, dataset, fingerprint)
        _swap(scratch, shelf / dataset.name)
    except OSError as error:
        raise DataError(
            f"{shelf}: cannot keep {dataset.name} there ({first_line(error)}); "
            f"it takes {needed / 2**20:.0f} MiB, so free some space, or set VAEKIT_CACHE to another folder"
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return _assemble(shelf / dataset.name, _facts(dataset))


def _write(folder: Path, dataset: Dataset, fingerprint: str | None) -> None:
    folder.mkdir()
    _save(folder / "images.npy", dataset.images)
    if dataset.labels is not None:
        _save(folder / "labels.npy", dataset.labels)
    if dataset.attributes is not None:
        _save(folder / "attributes.npy", dataset.attributes)
    facts = _facts(dataset) | {"fingerprint": fingerprint}
    (folder / "dataset.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _save(path: Path, values: np.ndarray) -> None:
    with open(path, "wb") as stream:
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
    facts = {key: getattr(dataset, key) for key in _FACTS + _MORE}
    return facts | {"published": dict(dataset.published), "has_labels": dataset.labels is not None}


def _assemble(folder: Path, facts: dict[str, Any]) -> Dataset:
    labels = np.load(folder / "labels.npy", allow_pickle=False) if facts["has_labels"] else None
    images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    known = {key: facts[key] for key in _FACTS} | {key: facts.get(key, ()) for key in _MORE}
    known |= {key: tuple(known[key]) for key in ("label_names", "notes", *_MORE)}
    if known["attribute_names"]:
        known["attributes"] = np.load(folder / "attributes.npy", allow_pickle=False)
    known["published"] = {split: (first, past) for split, (first, past) in known["published"].items()}
    return Dataset(images=images, labels=labels, **known)


def is_writable(shelf: Path) -> bool:
    """Whether things can be kept on a shelf, which is made if need be."""
    try:
        shelf.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(shelf, os.W_OK)
