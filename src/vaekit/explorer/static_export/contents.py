"""What the page shows of a model and its data, as files: numbers, pictures and graphs, computed once.

models.json          what the models are
M/points.json        the maps of model M, the posteriors of its images, and what else a graph has not
M/images.png         its images, side by side
M/pseudo.png         the images that its prior is made of
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
from vaekit.evaluation.mixture_components import pseudo_inputs
from vaekit.explorer import prior_samples, requests, views
from vaekit.explorer.images import png
from vaekit.explorer.session import ExplorerSession
from vaekit.explorer.static_export.export import to_onnx
from vaekit.explorer.static_export.graphs import DRAWS, graphs
from vaekit.explorer.views import map
from vaekit.explorer.views.responses import packed
from vaekit.utils.io import to_jsonable

COLUMNS = 10  # of pseudo-inputs
Files = dict[str, bytes]


def files(explored: Sequence[ExplorerSession], step: Callable[[str], None] = lambda name: None) -> Files:
    """All files of a site, by their names.

    Args:
        step: called with the name of each part before it is made.

    Raises:
        VaekitError: as `export.to_onnx`.
    """
    found = {"models.json": _json(_models(explored))}
    for m, e in enumerate(explored):
        for name, make in _parts(e).items():
            step(f"{e.trained.title}: {name}")
            found[f"{m}/{name}"] = make()
    return found


def _parts(e: ExplorerSession) -> dict[str, Callable[[], bytes]]:
    """What makes each file of a model."""
    parts: dict[str, Callable[[], bytes]] = {
        "points.json": lambda: _json(_points(e)),
        "images.png": lambda: png(e.seen.all(), columns(len(e.seen))),
    }
    if prior_samples.n_components(e.model):
        parts["pseudo.png"] = lambda: png(pseudo_inputs(e.model), COLUMNS)
    for name, graph in graphs(e.model, e.trained.shape).items():
        parts[f"{name}.onnx"] = lambda name=name, graph=graph: to_onnx(name, graph)  # type: ignore[misc]
    return parts


def columns(images: int) -> int:
    """How many images a row of the picture of them all has."""
    return math.ceil(math.sqrt(images))


def _models(explored: Sequence[ExplorerSession]) -> dict[str, Any]:
    answer = views.models(explored)
    for model in answer["models"]:
        model["projection"]["kinds"] = _kinds(model["projection"]["kinds"])
    return answer


def _kinds(kinds: Sequence[str]) -> list[str]:
    """The maps that the page can walk on by itself."""
    return [kind for kind in kinds if kind != "umap"]


def _points(e: ExplorerSession) -> dict[str, Any]:
    for _ in e.measure():
        pass
    questions = {kind: requests.Map(kind=kind) for kind in _kinds(views.describe(e)["projection"]["kinds"])}
    return {
        "maps": {kind: map.points(e, ask) for kind, ask in questions.items()},
        "density": {kind: map.density(e, ask) for kind, ask in questions.items()},
        "mean": packed(e.codes.mean),
        "stddev": packed(e.codes.stddev),
        "columns": columns(len(e.seen)),
        "pseudo_columns": COLUMNS,
        "draws": DRAWS,
        "threshold": _threshold(e),
        "weights": _weights(e),
    }


def _threshold(e: ExplorerSession) -> str | None:
    """The level above which each pixel of a drawn image is seen as 1; None where levels are seen."""
    spec = e.trained.recipe.data
    if spec.observation not in ("threshold", "static", "dynamic"):
        return None
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None, None], (256, *e.trained.shape))
    dark = sum(_observed(level, spec.observation, spec.seed) == 0 for level in ramp)
    return packed(np.minimum(dark, 255), "<u1")


def _observed(levels: np.ndarray, observation: str, seed: int) -> np.ndarray:
    one = Dataset("one", "One image", levels[None], None, ())
    return observe(one, np.arange(1), observation, seed=seed, resident=False).all()[0].numpy()


@torch.no_grad()
def _weights(e: ExplorerSession) -> list[list[float]] | None:
    """How likely each component of the prior is, for each label or for all; None without components."""
    labels = e.model.labels
    told = e.model.conditional_prior(None if labels is None else torch.arange(len(labels)))
    if not isinstance(told.top, Mixture):
        return None
    weights = told.top.log_weights.exp()
    return [[float(w) for w in row] for row in weights.reshape(-1, weights.shape[-1])]


def _json(value: Any) -> bytes:
    return json.dumps(to_jsonable(value), allow_nan=False, separators=(",", ":")).encode()
