"""Propose a recipe for a dataset that has none, from its image size and values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vaekit.config.build import build_data
from vaekit.config.loading import override_recipe, parse_recipe
from vaekit.config.propose_counts import propose_counts
from vaekit.config.propose_table import Proposal, propose_table, recipe_name
from vaekit.config.schema.data import observation_keys
from vaekit.data import Dataset
from vaekit.data.counts import has_counts_only
from vaekit.data.describe import Suggestion, suggest
from vaekit.utils.format import count_of

STEPS = 5000
BATCH = 128
FIRST_CHANNELS = 32
MAX_MAPS = 2**28  # numbers in the largest feature maps of a batch: 1 GiB
_SHARES = {"validation": 0.1, "test": 0.1}


def propose(data: str | Path, overrides: Iterable[str] = (), dataset: Dataset | None = None) -> Proposal:
    """Propose a recipe for data.

    Images get about 5000 training steps. For a table, cross-validation chooses the numbers of latents and of
    components of the prior, and training starts from the closed form of these; see
    `vaekit.models.closed_form`. The values of a table of counts choose its likelihood; see
    `vaekit.data.counts`.

    Args:
        data: name in the catalog, or path.
        overrides: `key=value` strings. Those of `data` change what the proposal is made for, the other parts
            suit a number of latents and a prior that they give, and schedules follow `training.epochs`.
        dataset: the data, where a program gives them; `data` is then only their name.

    Raises:
        DataError, NotFoundError: the dataset cannot be used, or is not found.

    >>> propose("digits").recipe.model.encoder.network.kind
    'dense'
    """
    overrides = list(overrides)
    where = f"the recipe proposed for {Path(data).name}"
    own = [word for word in overrides if word.startswith(("data.", "training.epochs="))]
    asked = override_recipe(parse_recipe({"data": {"dataset": str(data), **_SHARES}}, where, trust=True), own)
    settings = asked.data
    asked_epochs = asked.training.epochs if any(word.startswith("training.") for word in own) else None
    dataset, splits = build_data(settings, dataset)
    if has_counts_only(dataset):
        return propose_counts(str(data), dataset, splits, where, asked_epochs)
    if dataset.columns:
        return propose_table(str(data), dataset, splits, settings, where, overrides, asked_epochs)
    suggestion = suggest(dataset)
    train = max(1, int(0.8 * len(dataset.images)))
    batch = batch_size(train, dataset.shape)
    epochs = asked_epochs or max(5, min(500, round(STEPS * batch / train)))
    tree = _tree(str(data), dataset, suggestion, epochs, batch)
    why = "as asked" if asked_epochs else "enough steps for a first result"
    length = f"{count_of(epochs, 'epoch')} with {batch} {dataset.noun} per batch: {why}"
    return Proposal(parse_recipe(tree, where, trust=True), (*_reasons(suggestion), length))


def _tree(data: str, dataset: Dataset, suggestion: Suggestion, epochs: int, batch: int) -> dict[str, Any]:
    network = _network(dataset, suggestion.network)
    return {
        "name": recipe_name(dataset),
        "title": f"VAE on {dataset.title}",
        "data": {"dataset": data, **observation_keys(suggestion.observation), "validation": 0.1},
        "model": {
            "latent_dim": 16 if max(dataset.shape[1:], default=1) <= 32 else 32,
            "encoder": {"network": network},
            "decoder": {"network": _mirrored(network), "likelihood": suggestion.likelihood},
        },
        "objective": {"beta": {"kind": "linear", "warmup": max(1, epochs // 4)}},
        "training": {
            "epochs": epochs,
            "batch_size": batch,
            "schedule": "cosine",
            "gradient_clip": 100,
            "sample_every": max(1, epochs // 50),
        },
    }


def _reasons(suggestion: Suggestion) -> tuple[str, ...]:
    about_values, about_network = suggestion.reasons
    return (
        f"observation {suggestion.observation} and likelihood {suggestion.likelihood}: {about_values}",
        f"network {suggestion.network}: {about_network}",
    )


def batch_size(train: int, shape: tuple[int, ...]) -> int:
    """Data points per batch: few of small data, and few whose feature maps would fill the memory.

    Args:
        train: the number of training data points.
        shape: of one of them, such as (C, H, W).

    >>> batch_size(50_000, (1, 28, 28)), batch_size(50_000, (1, 128, 128, 128)), batch_size(20, (6,))
    (128, 4, 5)
    """
    fitting = MAX_MAPS // (FIRST_CHANNELS * math.prod(shape[1:]))
    return max(1, min(BATCH, train // 4, fitting))


def _network(dataset: Dataset, kind: str) -> dict[str, Any]:
    """Strided convolutions until the shorter side is at most 7 pixels, or dense layers."""
    if kind == "dense":
        return {"kind": "dense", "hidden_sizes": [256, 256]}
    side, channels = min(dataset.shape[1:]), [FIRST_CHANNELS]
    while side > 14 and len(channels) < 6:
        side, channels = -(-side // 2), [*channels, min(2 * channels[-1], 128)]
    return {"kind": "convolutional", "channels": channels, "hidden_sizes": [128]}


def _mirrored(network: dict[str, Any]) -> dict[str, Any]:
    return {**network, "hidden_sizes": network["hidden_sizes"][::-1]}
