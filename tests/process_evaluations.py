"""Evaluations whose numbers must not depend on the number of processes."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import toy_runs
from vaekit.evaluation.ais import measure_ais
from vaekit.evaluation.anomaly import measure_rows
from vaekit.evaluation.bdmc import bdmc
from vaekit.evaluation.image_anomaly import likelihood_regret
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.evaluation.latent import encode_batches
from vaekit.training.checkpoint import Checkpoints
from vaekit.training.display import SilentLogger


def evaluate_all() -> dict[str, Any]:
    """Every estimate of an untrained model on 13 images, in batches of 3: one more batch than processes."""
    model = toy_runs.model().eval()
    batches = lambda: toy_runs.images(13, training=False).batches(3)
    annealed = partial(measure_ais, steps=3)
    with mock.patch("vaekit.evaluation.bdmc.images_per_batch", return_value=3):
        bounds = bdmc(model, images=13, chains=2, steps=2, samples=3)
    return {
        "importance sampling": tuple(measure_batches(model, batches(), samples=4)),
        "ais": tuple(measure_batches(model, batches(), samples=2, measure=annealed)),
        "bdmc": [bounds.upper, *(bound.value for bound in bounds.bounds)],
        "rows": list(vars(measure_rows(model, batches(), samples=4)).values()),
        "regret": likelihood_regret(model, batches(), steps=2),
        "latents": encode_batches(model, batches()).mean,
    }


def same(a: Any, b: Any) -> bool:
    """Whether two results are equal to the last bit."""
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(same(*pair) for pair in zip(a, b, strict=True))
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f")


def train_and_resume(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any], str]:
    """A training that stops after step 7 in all processes, and is resumed: its metrics and its state."""
    from vaekit.errors import InterruptedRun
    from vaekit.parallel.processes import current

    for place in (folder / "whole", folder / "cut"):
        place.mkdir(exist_ok=True)
    toy_runs.train(folder / "whole")
    log: Any = SilentLogger()
    if current().is_first:
        log = toy_runs.At(7, lambda: os.kill(os.getpid(), signal.SIGTERM))
    said = ""
    try:
        toy_runs.train(folder / "cut", log=log)
    except InterruptedRun as error:
        said = str(error)
    toy_runs.train(folder / "cut", resume=True)
    states = [Checkpoints(folder / name, str).load_newest().tensors for name in ("whole", "cut")]
    records = [toy_runs.metrics(folder / name) for name in ("whole", "cut")]
    return records, {"same": toy_runs.same(*states)}, said
