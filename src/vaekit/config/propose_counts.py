"""Propose a recipe for a table of counts and nothing else, such as genes by cells."""

from __future__ import annotations

from typing import Any

from vaekit.config.loading import parse_recipe
from vaekit.config.propose_table import Proposal, recipe_name
from vaekit.data import Dataset
from vaekit.data.counts import count_facts
from vaekit.data.splits import Splits
from vaekit.utils.format import count_of

STEPS = 3000
BATCH = 128
MAX_LATENTS = 10
HIDDEN_SIZES = (128,)
DROPOUT = 0.2  # of the counts that the encoder sees


def propose_counts(
    data: str, dataset: Dataset, splits: Splits, where: str, asked_epochs: int | None = None
) -> Proposal:
    """Propose a recipe for counts: the likelihood that suits them, networks as in Lopez et al. 2018.

    Args:
        data: name or path of the dataset.
        dataset: the counts.
        splits: the rows for training, validation and testing.
        where: the start of error messages.
        asked_epochs: the length of training, where the caller chose it.
    """
    facts = count_facts(dataset.in_units(splits.train))
    batch = min(BATCH, max(1, len(splits.train) // 4))
    epochs = asked_epochs or max(5, min(400, round(STEPS * batch / len(splits.train))))
    network = {"kind": "dense", "hidden_sizes": list(HIDDEN_SIZES)}
    tree: dict[str, Any] = {
        "name": recipe_name(dataset),
        "title": f"VAE on {dataset.title}",
        "data": {"dataset": data, "binarization": "none", "values": "counts", "validation": 0.1},
        "model": {
            "latent_dim": min(MAX_LATENTS, len(dataset.columns)),
            "encoder": {"network": {**network, "dropout": DROPOUT}},
            "decoder": {
                "network": network,
                "likelihood": {"kind": facts.likelihood, "offset": facts.offset},
            },
        },
        "objective": {"beta": {"kind": "linear", "warmup": max(1, round(0.6 * epochs))}},
        "training": {
            "epochs": epochs,
            "batch_size": batch,
            "schedule": "cosine",
            "weight_decay": 0.1,
            "gradient_clip": 100,
            "patience": max(10, epochs // 5),
            "sample_every": 0,
        },
    }
    given = ", given the total of each row" if facts.offset == "total" else ""
    reasons = (
        f"observation counts and likelihood {facts.likelihood}{given}: {facts.reason}",
        f"network dense: one hidden layer, dropout of {DROPOUT:.0%} of the counts, and weight decay, as few "
        "rows for many columns overfit",
        f"at most {count_of(epochs, 'epoch')}; the weights with the best validation bound are kept",
    )
    return Proposal(parse_recipe(tree, where, trust=True), reasons)
