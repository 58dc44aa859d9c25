"""A workload as a vaekit recipe: `mnist-gated`, with the differences as overrides."""

from __future__ import annotations

import json
from types import SimpleNamespace


def overrides(workload: SimpleNamespace) -> list[str]:
    """KEY=VALUE of each part.

    Only steps are timed: there is no validation, figure or checkpoint between them.
    """
    reading, drawing = _networks(workload)
    prior = {"kind": "vamp", "components": workload.components, "init": "random"}
    values = {
        "data.dataset": workload.data if workload.data in ("mnist", "digits") else workload.path,
        "data.validation": 0,
        "model.latent_dim": list(workload.latent),
        "model.encoder.network": reading,
        "model.decoder.network": drawing,
        "model.prior": prior if workload.components else "standard_normal",
        "training.batch_size": workload.batch,
        "training.learning_rate": 1e-3,
        "training.epochs": 1_000_000,
        "training.patience": None,
        "training.sample_every": 0,
        "training.checkpoint_seconds": 1_000_000,
    }
    return [f"{key}={json.dumps(value)}" for key, value in values.items()]


def _networks(workload: SimpleNamespace) -> tuple[dict, dict]:
    if not workload.channels:
        dense = {"kind": "dense", "hidden_sizes": list(workload.width), "gated": True}
        return dense, dense
    convolutional = {"kind": "convolutional", "channels": list(workload.channels), "gated": False}
    return {**convolutional, "hidden_sizes": list(workload.width)}, {**convolutional, "hidden_sizes": []}
