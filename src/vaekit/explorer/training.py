"""A training as a page: curves, samples and the map as it forms, while it runs and afterwards.

    GET /api/training              the numbers of all epochs, and which states are kept
    GET /api/training/epoch?epoch= the state of one epoch

The page reads the run directory only (`metrics.jsonl`, and the states of `vaekit.runs.history`), so it shows
a training of another process, too. `vaekit.explorer.watch` serves it while the training runs.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vaekit.errors import NotFoundError, VaekitError
from vaekit.explorer.security import error_response
from vaekit.runs.files import RunFiles, read_lines
from vaekit.runs.history import kept_epochs, read_labels, read_state
from vaekit.utils.io import to_jsonable

PAGE = "/training/index.html"
_KEYS = (
    "epoch", "loss", "reconstruction", "kl", "beta", "validation_elbo", "validation_loss",
    "validation_reconstruction", "validation_kl", "seconds", "is_best",
)  # fmt: skip


def run_of(source: Path) -> Path:
    """The run directory of a model folder; any other path as it is.

    Example:
        >>> run_of(Path("runs/mnist/1/model")).as_posix()
        'runs/mnist/1'
    """
    return source.parent if source.name == "model" else source


def training_state(run: Path) -> dict[str, Any]:
    """The numbers of all epochs of a run, and which states are kept.

    Raises:
        VaekitError: it is no run directory, or a file of it is damaged.

    Example:
        >>> training_state(Path("nowhere"))
        Traceback (most recent call last):
        vaekit.errors.NotFoundError: nowhere: not a run directory (no recipe.yaml); ...
    """
    files = RunFiles(run)
    recipe, metrics = files.recipe, run / "metrics.jsonl"
    records = read_lines(metrics) if metrics.is_file() else []
    labels, classes = read_labels(run)
    return {
        "title": recipe.title or recipe.name,
        "path": str(run),
        "epochs": recipe.training.epochs,
        "running": not (run / "finished.json").is_file(),
        "records": [{key: record[key] for key in _KEYS if key in record} for record in records],
        "kept": kept_epochs(run),
        "labels": labels,
        "classes": classes,
        "latents": recipe.model.latent_dim,
    }


def epoch_state(run: Path, epoch: int) -> dict[str, Any]:
    """The state of one epoch: the map, and samples as a data URI.

    Raises:
        VaekitError: it is not kept, or damaged.
    """
    state = read_state(run, epoch)
    picture = base64.b64encode(state.samples).decode()
    return {
        "epoch": epoch,
        "x": state.plane[:, 0].round(3).tolist(),
        "y": state.plane[:, 1].round(3).tolist(),
        "explained": state.explained,
        "samples": f"data:image/png;base64,{picture}" if picture else "",
    }


def training_routes(sources: Sequence[Path]) -> list[Route]:
    """The routes of the first run that has a history; none if no run has one.

    Args:
        sources: run directories, or the model folders in them.

    Example:
        >>> training_routes([Path("nowhere")])
        []
    """
    run = next((run for source in sources if kept_epochs(run := run_of(source))), None)
    return [] if run is None else run_routes(run)


def run_routes(run: Path) -> list[Route]:
    """The routes of one run, with or without a history.

    Example:
        >>> [route.path for route in run_routes(Path("nowhere"))]
        ['/api/training', '/api/training/epoch']
    """
    return [
        Route("/api/training", partial(_answer, lambda http: training_state(run)), methods=["GET"]),
        Route("/api/training/epoch", partial(_answer, partial(_state_of, run)), methods=["GET"]),
    ]


def _state_of(run: Path, http: Request) -> dict[str, Any]:
    text = http.query_params.get("epoch", "")
    if not text.isdecimal() or len(text) > 9:
        raise NotFoundError("epoch: expected a whole number")
    return epoch_state(run, int(text))


async def _answer(compute: Callable[[Request], dict[str, Any]], http: Request) -> Response:
    try:
        return JSONResponse(to_jsonable(await run_in_threadpool(compute, http)))
    except VaekitError as error:
        return error_response(404 if isinstance(error, NotFoundError) else 400, str(error))
