"""The models in words and numbers: what the page needs before any other request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

import vaekit
from vaekit.config.components import short_name
from vaekit.data.dataset import NOUNS
from vaekit.explorer import images, prior_samples
from vaekit.explorer.networks import networks
from vaekit.explorer.projection import missing_package, projection_kinds
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.training import run_of
from vaekit.explorer.views.responses import MAX_COLUMNS
from vaekit.runs.history import kept_epochs


def models(sessions: Sequence[ExplorerSession]) -> dict[str, Any]:
    """The description of all models, and the version of vaekit.

    Example:
        >>> models([])["models"]
        []
    """
    return {"models": [describe(session) for session in sessions], "version": vaekit.__version__}


def describe(session: ExplorerSession) -> dict[str, Any]:
    """One model in words and numbers.

    Example:
        >>> from vaekit.explorer.session import demo, open_session
        >>> description = describe(open_session(demo(), images=20))
        >>> description["layer_dims"], description["tile_size"], description["condition"]["parts"]
        ([2], [28, 28], ['decoder'])
    """
    trained, model = session.trained, session.model
    recipe, source = trained.recipe, trained.source
    width, height = images.tile_size(trained.shape)
    return {
        "title": trained.title,
        "name": recipe.name,
        "shape": list(trained.shape),
        "noun": "rows" if trained.columns else NOUNS[len(trained.shape)],
        "columns": [column.name for column in trained.columns[:MAX_COLUMNS]] or None,
        "tile_size": [width, height],
        "drawable": session.drawable,
        "layer_dims": list(model.layer_dims),
        "latents": _latents(session),
        "networks": networks(session),
        "classes": list(session.source.label_names) or None,
        "condition": _condition(session),
        "likelihood": short_name(recipe.model.decoder.likelihood),
        "observation": recipe.data.observation,
        "prior": short_name(recipe.model.prior),
        "posterior": short_name(recipe.model.encoder.posterior),
        "is_bound": session.is_bound,
        "pseudo_inputs": prior_samples.n_pseudo_inputs(model),
        "data": session.source.data,
        "split": session.source.split,
        "images": len(session.images),
        "projection": _projection(session),
        "images_key": _images_key(session),
        "history": bool(kept_epochs(run_of(source))),
        # people name a run, not the folder of its weights
        "path": str(run_of(source)),
        "python": session.source.python,
        "own_data": session.source.own,
        "attributes": list(session.attributes),
    }


def _latents(session: ExplorerSession) -> list[dict[str, Any]]:
    dims = session.model.layer_dims
    mean, std = session.latents.mean.mean(0), session.latents.mean.std(0)
    columns = {
        "layer": np.repeat(np.arange(len(dims)), dims),
        "kl": session.kl_per_latent,
        "active": session.active,
        "mean": mean,
        "std": std,
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [{"index": i, **dict(zip(columns, row, strict=True))} for i, row in enumerate(rows)]


def _condition(session: ExplorerSession) -> dict[str, Any] | None:
    """What the model is conditioned on: a class, or a vector of attributes between `low` and `high`."""
    labels = session.model.labels
    if labels is None:
        return None
    trained = session.trained
    names = trained.label_names if labels.one_hot else trained.attribute_names
    return {
        "variable": "label" if labels.one_hot else "attributes",
        "parts": sorted(session.model.conditioned_parts),
        "names": list(names) or [str(i) for i in range(labels.label_dim)],
        "probabilities": labels.log_prob.exp().tolist(),
        "low": labels.values.amin(0).tolist(),
        "high": labels.values.amax(0).tolist(),
        "mode": labels.values[labels.mode].tolist(),
    }


def _projection(session: ExplorerSession) -> dict[str, Any]:
    default, d = session.projection(), session.model.latent_dim
    explained = default.explained_variance_ratio
    kinds = projection_kinds(d)
    return {
        "kind": default.kind,
        "kinds": [kind for kind in kinds if missing_package(kind) is None],
        "missing": {kind: missing_package(kind) for kind in kinds if missing_package(kind)},
        "spatial": d > 2,
        "axes": list(default.names),
        "explained_variance_ratio": None if explained is None else list(explained),
    }


def _images_key(session: ExplorerSession) -> str:
    """Equal for two models that show the same images of the same data in the same order."""
    digest = hashlib.sha256(session.trained.fingerprint.encode())
    digest.update(f"{session.source.data} {session.source.split}".encode())
    digest.update(np.ascontiguousarray(session.images.indices, dtype=np.int64).tobytes())
    return digest.hexdigest()[:16]
