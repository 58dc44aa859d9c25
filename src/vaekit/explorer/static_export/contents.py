"""The data files of a static page: what the views return for a model and its data, computed once.

models.json          the description of the models
M/points.json        the maps of model M, the posteriors of its images, and constants of the graphs
M/images.png         its images, side by side
M/pseudo_inputs.png  the pseudo-inputs or exemplars of its prior
M/NAME.onnx          its graphs
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from vaekit.data.dataset import Dataset
from vaekit.data.observation import observe
from vaekit.distributions.mixture import Mixture
from vaekit.engine.export.programs import to_onnx
from vaekit.errors import InvalidError
from vaekit.evaluation.mixture_components import pseudo_inputs
from vaekit.explorer import prior_samples, requests, views
from vaekit.explorer.images import png
from vaekit.explorer.projection import EMBEDDINGS
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.static_export.graphs import N_SAMPLES, graphs
from vaekit.explorer.views import map
from vaekit.explorer.views.responses import packed
from vaekit.utils.io import to_jsonable

COLUMNS = 10  # pseudo-inputs per row
Files = dict[str, bytes]


def site_files(
    sessions: Sequence[ExplorerSession], progress: Callable[[str], None] = lambda name: None
) -> Files:
    """All data files of a static page.

    Args:
        sessions: one model, or up to four side by side.
        progress: called with the name of each file before it is made.

    Returns:
        The contents by name.

    Raises:
        VaekitError: as `vaekit.engine.export.programs.to_onnx`.
        InvalidError: a model does not see gray or color images.

    Example:
        >>> site_files([])["models.json"][:12]
        b'{"models":[]'
    """
    for session in sessions:
        _check_images(session)
    files = {"models.json": _json(_models(sessions))}
    for m, session in enumerate(sessions):
        for name, make in _makers(session).items():
            progress(f"{session.trained.title}: {name}")
            files[f"{m}/{name}"] = make()
    return files


def _check_images(session: ExplorerSession) -> None:
    """Check that the page can draw what its decoder returns."""
    if not session.drawable:
        raise InvalidError(
            f"export: expected a model of gray or color images, got one of data points of shape "
            f"{session.trained.shape}; the page computes in the browser and draws images only"
        )


def _makers(session: ExplorerSession) -> dict[str, Callable[[], bytes]]:
    """A function per file of a model that makes its content."""
    makers: dict[str, Callable[[], bytes]] = {
        "points.json": lambda: _json(_points(session)),
        "images.png": lambda: png(session.images.all(), n_columns(len(session.images))),
    }
    if prior_samples.n_pseudo_inputs(session.model):
        makers["pseudo_inputs.png"] = lambda: png(pseudo_inputs(session.model), COLUMNS)
    for name, graph in graphs(session.model, session.trained.shape).items():
        makers[f"{name}.onnx"] = lambda name=name, graph=graph: to_onnx(name, graph)  # type: ignore[misc]
    return makers


def n_columns(images: int) -> int:
    """Images per row of images.png.

    Example:
        >>> n_columns(30)
        6
    """
    return math.ceil(math.sqrt(images))


def _models(sessions: Sequence[ExplorerSession]) -> dict[str, Any]:
    answer = views.models(sessions)
    for model in answer["models"]:
        model["projection"]["kinds"] = _linear_kinds(model["projection"]["kinds"])
    return answer


def _linear_kinds(kinds: Sequence[str]) -> list[str]:
    """The kinds of map that the page can unproject by itself."""
    return [kind for kind in kinds if kind not in EMBEDDINGS]


def _points(session: ExplorerSession) -> dict[str, Any]:
    for _ in session.measure():
        pass
    kinds = _linear_kinds(views.describe(session)["projection"]["kinds"])
    maps = {kind: requests.Map(kind=kind) for kind in kinds}
    return {
        "maps": {kind: map.points(session, request) for kind, request in maps.items()},
        "space": map.points(session, requests.Map(kind="pca", dims=3))
        if session.model.latent_dim > 2
        else None,
        "density": {kind: map.density(session, request) for kind, request in maps.items()},
        "mean": packed(session.latents.mean),
        "stddev": packed(session.latents.stddev),
        "columns": n_columns(len(session.images)),
        "pseudo_input_columns": COLUMNS,
        "n_samples": N_SAMPLES,
        "threshold": _threshold(session),
        "weights": _weights(session),
    }


def _threshold(session: ExplorerSession) -> str | None:
    """The gray level from which each pixel counts as 1; None if the model sees gray levels."""
    spec = session.trained.recipe.data
    if spec.observation not in ("threshold", "static", "dynamic"):
        return None
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None, None], (256, *session.trained.shape))
    dark = sum(_observe(levels, spec.observation, spec.seed) == 0 for levels in ramp)
    return packed(np.minimum(dark, 255), "<u1")


def _observe(levels: np.ndarray, observation: str, seed: int) -> np.ndarray:
    data = Dataset("ramp", "Ramp", levels[None], None, ())
    return observe(data, np.arange(1), observation, seed=seed, resident=False).all()[0].numpy()


@torch.no_grad()
def _weights(session: ExplorerSession) -> list[list[float]] | None:
    """The weights of the components of the prior, one row, or one per label; None if it is not a mixture."""
    labels = session.model.labels
    prior = session.model.conditional_prior(None if labels is None else torch.arange(len(labels)))
    if not isinstance(prior.top, Mixture):
        return None
    weights = prior.top.log_weights.exp()
    return [[float(w) for w in row] for row in weights.reshape(-1, weights.shape[-1])]


def _json(value: Any) -> bytes:
    return json.dumps(to_jsonable(value), allow_nan=False, separators=(",", ":")).encode()
