"""Find a dataset of the catalog, decode it, check it, and cache it.

The places are, in this order: VAEKIT_DATA, the cache, the system folder, an installed package, a download.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from vaekit.data import cache
from vaekit.data.catalog import CatalogEntry, content_sha256
from vaekit.data.catalog_readers import DecodedData
from vaekit.data.dataset import Dataset
from vaekit.data.download import download_files
from vaekit.errors import DataError

Files = Mapping[str, Path]


def load_entry(entry: CatalogEntry) -> Dataset:
    """The dataset of an entry of the catalog, from the first place that has it.

    Raises:
        DataError: files are damaged, or their content differs from the catalog.
        NotFoundError: the download failed; the message says what to do by hand.

    >>> from vaekit.data.catalog import find_entry
    >>> len(load_entry(find_entry("digits")))
    1797
    """
    given = _in_folders(entry, _own_folders())
    fingerprint = _fingerprint(given) if given else None
    return cache.load_or_make(entry.name, fingerprint, lambda: _decode(entry, given))


def find_source(entry: CatalogEntry) -> str:
    """The place that `load_entry` would use: VAEKIT_DATA, cache, system, packaged or download.

    >>> from vaekit.data.catalog import find_entry
    >>> find_source(find_entry("digits")) in ("VAEKIT_DATA", "cache", "packaged")
    True
    """
    if _in_folders(entry, _own_folders()):
        return "VAEKIT_DATA"
    if cache.load_cached(cache.catalog_folder(), entry.name):
        return "cache"
    if _in_folders(entry, _system_folders(entry)):
        return "system"
    return "packaged" if entry.packaged else "download"


def _decode(entry: CatalogEntry, given: Files | None) -> Dataset:
    files = given or _in_folders(entry, _system_folders(entry))
    if files:
        return _from_files(entry, files, str(next(iter(files.values())).parent))
    if entry.packaged:
        return _checked(entry, entry.packaged(), "installed with vaekit")
    with download_files(entry.name, entry.files) as fetched:
        return _from_files(entry, fetched, next(iter(entry.files.values())).rpartition("/")[0])


def _from_files(entry: CatalogEntry, files: Files, source: str) -> Dataset:
    if entry.read is None:
        raise TypeError(f"{entry.name}: the catalog names files, but nothing that reads them")
    return _checked(entry, entry.read(files), source)


def _checked(entry: CatalogEntry, content: DecodedData, source: str) -> Dataset:
    """The dataset, after its shape, number and checksum were compared with the catalog."""
    _check(entry, source, "images of shape", (entry.count, *entry.shape), content.images.shape)
    if entry.sha256:
        found = content_sha256(content.images, content.labels)
        _check(entry, source, "content with SHA-256", entry.sha256, found)
    return Dataset(
        name=entry.name,
        title=entry.title,
        images=content.images,
        labels=content.labels,
        label_names=content.label_names or entry.label_names,
        published=entry.ranges,
        source=source,
    )


def _check(entry: CatalogEntry, source: str, what: str, expected: object, found: object) -> None:
    if found != expected:
        raise DataError(
            f"{source}: {entry.name}: expected {what} {expected}, got {found}; "
            "fetch the original files, or give their path to use them as your own data"
        )


def _own_folders() -> list[Path]:
    return [Path(folder) for folder in os.environ.get("VAEKIT_DATA", "").split(os.pathsep) if folder]


def _system_folders(entry: CatalogEntry) -> list[Path]:
    return [Path(entry.system)] if entry.system else []


def _in_folders(entry: CatalogEntry, folders: Iterable[Path]) -> Files | None:
    """The entry's files in FOLDER/<name>/ or FOLDER/ of the first folder that has them all."""
    for folder in folders:
        for place in (folder / entry.name, folder):
            files = {name: path for name in entry.files if (path := _present(place / name))}
            if files and len(files) == len(entry.files):
                return files
    return None


def _present(path: Path) -> Path | None:
    """The file as named, or, for a name in .gz, the unpacked file."""
    candidates = (path, path.with_suffix("")) if path.suffix == ".gz" else (path,)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _fingerprint(files: Files) -> str:
    """A hash that changes with the files: of their names, sizes and modification times."""
    stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files.values()]
    return hashlib.sha256(repr(stats).encode()).hexdigest()
