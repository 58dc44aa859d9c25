"""Propose a recipe for a dataset that has none, from its image size and values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from vaekit.config.build import load_data
from vaekit.config.loading import parse_recipe
from vaekit.config.schema.data import DataSettings, observation_keys
from vaekit.config.schema.recipe import Recipe
from vaekit.data import Dataset
from vaekit.data.describe import Suggestion, suggest

STEPS = 5000
BATCH = 128


class Proposal(NamedTuple):
    """A recipe, and the reasons for its settings, one line each.

    >>> Proposal(Recipe(name="mine")).reasons
    ()
    """

    recipe: Recipe
    reasons: tuple[str, ...] = ()


def propose(data: str | Path) -> Proposal:
    """Propose a recipe with about 5000 training steps.

    Args:
        data: name in the catalog, or path.

    Raises:
        DataError, NotFoundError: the dataset cannot be used, or is not found.

    >>> propose("digits").recipe.model.encoder.network.kind
    'dense'
    """
    dataset = load_data(DataSettings(dataset=str(data)))
    suggestion = suggest(dataset)
    train = max(1, int(0.8 * len(dataset.images)))
    batch = min(BATCH, max(1, train // 4))
    epochs = max(5, min(500, round(STEPS * batch / train)))
    tree = _tree(str(data), dataset, suggestion, epochs, batch)
    recipe = parse_recipe(tree, f"the recipe proposed for {Path(data).name}", trust=True)
    return Proposal(recipe, _reasons(suggestion, epochs, batch))


def _tree(data: str, dataset: Dataset, suggestion: Suggestion, epochs: int, batch: int) -> dict[str, Any]:
    network = _network(dataset, suggestion.network)
    return {
        "name": re.sub(r"[^\w.-]+", "-", dataset.name).strip("-") or "data",
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


def _reasons(suggestion: Suggestion, epochs: int, batch: int) -> tuple[str, ...]:
    about_values, about_network = suggestion.reasons
    return (
        f"observation {suggestion.observation} and likelihood {suggestion.likelihood}: {about_values}",
        f"network {suggestion.network}: {about_network}",
        f"{epochs} epochs with {batch} images per batch: enough steps for a first result",
    )


def _network(dataset: Dataset, kind: str) -> dict[str, Any]:
    """Strided convolutions until the shorter side is at most 7 pixels, or dense layers."""
    if kind == "dense":
        return {"kind": "dense", "hidden_sizes": [256, 256]}
    side, channels = min(dataset.shape[1:]), [32]
    while side > 14 and len(channels) < 6:
        side, channels = -(-side // 2), [*channels, min(2 * channels[-1], 128)]
    return {"kind": "convolutional", "channels": channels, "hidden_sizes": [128]}


def _mirrored(network: dict[str, Any]) -> dict[str, Any]:
    return {**network, "hidden_sizes": network["hidden_sizes"][::-1]}
