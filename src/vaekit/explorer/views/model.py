"""The models in words and numbers: what the page must know before it asks anything else."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import vaekit
from vaekit.explorer import images, prior_samples
from vaekit.explorer.projection import kinds
from vaekit.explorer.session import ExplorerSession


def models(explored: Sequence[ExplorerSession]) -> dict[str, Any]:
    """All that the page must know of the models before it asks anything else."""
    return {"models": [describe(one) for one in explored], "version": vaekit.__version__}


def describe(e: ExplorerSession) -> dict[str, Any]:
    """One model in words and numbers."""
    recipe, model = e.trained.recipe, e.model
    width, height = images.size(e.trained.shape)
    return {
        "title": e.trained.title,
        "name": recipe.name,
        "shape": list(e.trained.shape),
        "tile": [width, height],
        "levels": list(model.layer_dims),
        "latents": _latents(e),
        "classes": list(e.source.label_names) or None,
        "condition": _condition(e),
        "likelihood": recipe.model.decoder.likelihood.kind,
        "observation": recipe.data.observation,
        "prior": recipe.model.prior.kind,
        "posterior": recipe.model.encoder.posterior.kind,
        "is_bound": e.is_bound,
        "pseudo_inputs": prior_samples.n_components(model),
        "data": e.source.data,
        "split": e.source.split,
        "images": len(e.seen),
        "projection": _projection(e),
        "place": _place(e.trained.source),
        "python": e.source.python,
    }


def _place(source: Path) -> str:
    """Where a model lies, as people name it: the run, not the folder of its weights."""
    return str(source.parent if source.name == "model" else source)


def _latents(e: ExplorerSession) -> list[dict[str, Any]]:
    level = np.repeat(np.arange(len(e.model.layer_dims)), e.model.layer_dims)
    mean, sd = e.codes.mean.mean(0), e.codes.mean.std(0)
    columns = {"level": level, "kl": e.kl, "active": e.active, "mean": mean, "sd": sd}
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [{"index": i, **dict(zip(columns, row, strict=True))} for i, row in enumerate(rows)]


def _condition(e: ExplorerSession) -> dict[str, Any] | None:
    """What the model is told: a class, or a vector of attributes, which lie between `low` and `high`."""
    labels = e.model.labels
    if labels is None:
        return None
    names = e.trained.label_names if labels.one_hot else e.trained.attribute_names
    return {
        "variable": "label" if labels.one_hot else "attributes",
        "into": sorted(e.model.conditioned_parts),
        "values": list(names) or [str(i) for i in range(labels.label_dim)],
        "probabilities": labels.log_prob.exp().tolist(),
        "low": labels.values.amin(0).tolist(),
        "high": labels.values.amax(0).tolist(),
        "start": labels.values[labels.mode].tolist(),
    }


def _projection(e: ExplorerSession) -> dict[str, Any]:
    usual = e.plane()
    return {
        "kind": usual.kind,
        "kinds": [kind for kind in kinds(e.model.latent_dim) if kind != "umap" or find_spec("umap")],
        "axes": list(usual.names),
        "explained": None if usual.explained is None else list(usual.explained),
    }
