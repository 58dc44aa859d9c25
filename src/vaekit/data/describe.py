"""Describe datasets, and suggest the observation, likelihood and network that suit them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data import cache, catalog
from vaekit.data.counts import count_facts, has_counts_only
from vaekit.data.dataset import NOUNS, Dataset
from vaekit.data.load import load_dataset
from vaekit.data.locate import find_source
from vaekit.data.tables.facts import column_facts, scale_note
from vaekit.registry import names


def list_datasets() -> list[dict[str, Any]]:
    """One row per dataset of the catalog and of the imports: name, images, shape, found, license.

    >>> list_datasets()[1]["name"]
    'digits'
    """
    rows = [
        _row(row.name, row.count, row.shape, find_source(row), row.license)
        for row in catalog.ENTRIES.values()
    ]
    imported = [
        cache.load_cached(cache.import_folder(), name) for name in cache.dataset_names(cache.import_folder())
    ]
    return (
        rows
        + [
            _row(dataset.name, len(dataset), dataset.shape, "imported", "your own")
            for dataset in imported
            if dataset
        ]
        + [
            {"name": name, "images": None, "shape": [], "found": "function", "license": ""}
            for name in names("dataset")
        ]
    )


def describe_dataset(name_or_path: str | Path | Dataset) -> dict[str, Any]:
    """All facts about one dataset; a dataset that is not on this machine is not downloaded.

    Args:
        name_or_path: as for `load_dataset`, or a loaded dataset.

    Raises:
        NotFoundError, DataError: as `load_dataset`.

    >>> describe_dataset("digits")["suggestion"]["likelihood"]
    'discretized_logistic'
    """
    if isinstance(name_or_path, Dataset):
        return _dataset_facts(name_or_path)
    row = catalog.ENTRIES.get(str(name_or_path))
    if row is None:
        return _dataset_facts(load_dataset(name_or_path))
    found = find_source(row)
    loaded = {} if found == "download" else _dataset_facts(load_dataset(row.name))
    return loaded | _entry_facts(row) | {"found": found}


def _row(name: str, images: int, shape: tuple[int, ...], found: str, license: str) -> dict[str, Any]:
    return {"name": name, "images": images, "shape": list(shape), "found": found, "license": license}


def _entry_facts(row: catalog.CatalogEntry) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.title,
        "images": row.count,
        "shape": list(row.shape),
        "splits": dict(row.published),
        "license": row.license,
        "reference": row.reference,
        "sha256": row.sha256,
        "files": dict(row.files),
    }


def _values(dataset: Dataset) -> str:
    if dataset.columns:
        return "one per column, in its own units" + (", some missing" if dataset.has_missing else "")
    if dataset.has_levels:
        return f"gray levels 0..{dataset.n_levels - 1}"
    if has_counts_only(dataset):
        return "counts" + (", some missing" if dataset.has_missing else "")
    where = "in [0, 1]" if dataset.scaled else "in units of the source"
    return f"real numbers {where}" + (", some missing" if dataset.has_missing else "")


def _table_facts(dataset: Dataset) -> dict[str, Any]:
    """Columns, what is set aside, and a sentence on scales; nothing for other data."""
    if not dataset.columns:
        return {}
    columns = column_facts(dataset)
    aside = dataset.table.set_aside if dataset.table else ()
    return {
        "columns": columns,
        "set_aside": {one.name: one.reason for one in aside},
        "scales": scale_note(columns),
    }


def _dataset_facts(dataset: Dataset) -> dict[str, Any]:
    proposal = suggest(dataset)
    return {
        "name": dataset.name,
        "title": dataset.title,
        "images": len(dataset),
        "noun": dataset.noun,
        "shape": list(dataset.shape),
        "values": _values(dataset),
        **({} if dataset.columns else {"offset": dataset.offset, "scale": dataset.scale}),
        "classes": list(dataset.label_names),
        "attributes": list(dataset.attribute_names),
        "splits": {part: past - first for part, (first, past) in dataset.published.items()},
        "source": dataset.source,
        **_table_facts(dataset),
        "notes": list(dataset.notes),
        "suggestion": {
            "observation": proposal.observation,
            "likelihood": proposal.likelihood,
            "network": proposal.network,
            "reasons": list(proposal.reasons),
        },
    }


_SAMPLE = 2000  # images to look at
_NEAR = 32 / 255  # distance that still counts as black or white
_MOSTLY = 0.75  # of the pixels
_OPPOSITE = 1 / 3  # of the pixels that are not of the commoner extreme, those of the other one


@dataclass(frozen=True)
class Suggestion:
    """A first choice of observation, likelihood and network, with reasons.

    Args:
        observation: one of `OBSERVATIONS`.
        likelihood: the name of one that suits, such as bernoulli or negative_binomial.
        network: dense, convolutional or tabular.
        reasons: one sentence for observation and likelihood, one for the network.

    >>> Suggestion("dynamic", "bernoulli", "dense", ("mostly black and white", "small images")).network
    'dense'
    """

    observation: str
    likelihood: str
    network: str
    reasons: tuple[str, ...]


def suggest(dataset: Dataset) -> Suggestion:
    """Suggest how to observe and model a dataset.

    A table gets a likelihood for each column, by its kind.
    Two-valued images are Bernoulli. Gray images of 256 levels that are mostly black and white, both of them,
    are read as probabilities and sampled (Salakhutdinov and Murray 2008). Other gray levels get a discretized
    logistic (Kingma et al. 2016), real numbers a Gaussian.

    >>> suggest(load_dataset("digits")).observation
    'discrete'
    """
    if dataset.columns and not has_counts_only(dataset):
        reasons = ("each column has a likelihood by its kind", "rows of a table have no neighboring elements")
        return Suggestion("continuous", "columns", "tabular", reasons)
    observation, likelihood, why = _likelihood(dataset)
    network, shape = _network(dataset.shape)
    return Suggestion(observation, likelihood, network, (why, shape))


def _likelihood(dataset: Dataset) -> tuple[str, str, str]:
    if has_counts_only(dataset):
        facts = count_facts(dataset.images)
        return "counts", facts.likelihood, facts.reason
    if not dataset.scaled:
        return "continuous", "gaussian", "the values are real numbers"
    values = _sampled_values(dataset)
    if dataset.n_levels in (0, 2, 256) and np.isin(values, (0, 1)).all():
        return "threshold", "bernoulli", "the images are two-valued"
    black, white = float(np.mean(values <= _NEAR)), float(np.mean(values >= 1 - _NEAR))
    lesser, rest = min(black, white), 1 - max(black, white)
    if _are_probabilities(dataset) and black + white > _MOSTLY and lesser >= _OPPOSITE * rest:
        return "dynamic", "bernoulli", f"{black + white:.0%} of the pixels are nearly black or white"
    if not dataset.is_discrete:
        return "continuous", "gaussian", "the values are real numbers"
    count = dataset.n_levels or 256
    if count != 256 or black + white > _MOSTLY:
        return "discrete", "discretized_logistic", f"the values are {count:,} gray levels"
    reason = f"only {black + white:.0%} of the pixels are nearly black or white"
    return "discrete", "discretized_logistic", reason


def _sampled_values(dataset: Dataset) -> np.ndarray:
    """Known values of some data points, in [0, 1]."""
    count = min(_SAMPLE, len(dataset), max(1, _SAMPLE * 10_000 // dataset.images[0].size))
    chosen = np.sort(np.random.default_rng(0).choice(len(dataset), count, replace=False))
    values = dataset.images[chosen] / np.float32(dataset.divisor)
    return values[~np.isnan(values)]


def _are_probabilities(dataset: Dataset) -> bool:
    """Whether a value may be read as the probability of ink: one channel, and nothing was rescaled."""
    if dataset.has_levels and dataset.n_levels != 256:
        return False
    return dataset.shape[0] == 1 and (dataset.is_discrete or (dataset.offset, dataset.scale) == (0, 1))


def _network(shape: tuple[int, ...]) -> tuple[str, str]:
    if len(shape) == 1:
        return "dense", "vectors have no neighboring elements"
    noun, size = NOUNS[len(shape)], "x".join(map(str, shape[1:]))
    size = f"length {size}" if noun == "signals" else size
    if min(shape[1:]) >= 16:
        return "convolutional", f"{noun} of {size} are large enough for convolutions"
    return "dense", f"{noun} of {size} are too small for convolutions"
