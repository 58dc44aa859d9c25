"""What is known of the datasets at hand, as plain dictionaries for people and for JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vaekit.data import cache, catalog
from vaekit.data.dataset import Dataset
from vaekit.data.loading import load
from vaekit.data.resolve import where
from vaekit.data.suggest import suggest


def overview() -> list[dict[str, Any]]:
    """One row a dataset, of the catalogue and imported: name, images, shape, found, licence."""
    rows = [_row(row.name, row.count, row.shape, where(row), row.licence) for row in catalog.ENTRIES.values()]
    mine = [cache.recall(cache.imported(), name) for name in cache.names(cache.imported())]
    return rows + [_row(it.name, len(it), it.shape, "imported", "your own") for it in mine if it]


def describe(name_or_path: str | Path) -> dict[str, Any]:
    """Everything about one dataset; one that would have to be downloaded first is not loaded.

    Raises:
        NotFoundError, DataError: as `load`.
    """
    row = catalog.ENTRIES.get(str(name_or_path))
    if row is None:
        return _of_dataset(load(name_or_path))
    found = where(row)
    loaded = {} if found == "download" else _of_dataset(load(row.name))
    return loaded | _of_entry(row) | {"found": found}


def _row(name: str, images: int, shape: tuple[int, int, int], found: str, licence: str) -> dict[str, Any]:
    return {"name": name, "images": images, "shape": list(shape), "found": found, "licence": licence}


def _of_entry(row: catalog.Entry) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.title,
        "images": row.count,
        "shape": list(row.shape),
        "splits": dict(row.published),
        "licence": row.licence,
        "reference": row.reference,
        "sha256": row.sha256,
        "files": dict(row.files),
    }


def _values(dataset: Dataset) -> str:
    if dataset.is_levels:
        return "levels 0..255"
    return "real numbers in [0, 1]" + (", some missing" if dataset.partial else "")


def _of_dataset(dataset: Dataset) -> dict[str, Any]:
    proposal = suggest(dataset)
    return {
        "name": dataset.name,
        "title": dataset.title,
        "images": len(dataset),
        "shape": list(dataset.shape),
        "values": _values(dataset),
        "offset": dataset.offset,
        "scale": dataset.scale,
        "classes": list(dataset.label_names),
        "attributes": list(dataset.attribute_names),
        "splits": {part: past - first for part, (first, past) in dataset.published.items()},
        "source": dataset.source,
        "notes": list(dataset.notes),
        "suggestion": {
            "observation": proposal.observation,
            "likelihood": proposal.likelihood,
            "network": proposal.network,
            "reasons": list(proposal.reasons),
        },
    }
