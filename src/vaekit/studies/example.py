"""Results of a study of two small models, for the examples in docstrings.

The models have untrained weights and made-up evaluations, so that an example runs in a moment.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch

from vaekit.config.build import build_model
from vaekit.engine.trained_model import TrainedModel
from vaekit.models.labels import LabelPrior
from vaekit.studies.plan import plan_variants
from vaekit.studies.results import RunResult, StudyResults, VariantResult
from vaekit.studies.schema import EvaluationProtocol, Preset, Study


@cache
def example_results(*overrides: str) -> StudyResults:
    """Two untrained VAEs of 8 x 8 digits, `vae-2` and `vae-3`, with two epochs and an evaluation each.

    Args:
        overrides: changes of the recipe `digits`, as in the YAML of a study.

    >>> [variant.label for variant in example_results().variants]
    ['d = 2', 'd = 3']
    """
    entry = {
        "name": "vae-{d}",
        "label": "d = {d}",
        "recipe": "digits",
        "grid": {"d": [2, 3]},
        "overrides": ["model.latent_dim={d}", *overrides],
        "group": "VAE",
    }
    study = Study(name="example", title="Two small models", runs=[entry], page=["table"])
    preset = Preset(evaluate=EvaluationProtocol(samples=5, images=20))
    variants = []
    for place, plan in enumerate(plan_variants(study, preset)):
        run = RunResult(0, Path("runs") / plan.name)
        labels = LabelPrior(torch.eye(10)) if plan.recipe.model.condition else None
        model = build_model(plan.recipe.model, (1, 8, 8), seed=place, labels=labels).eval()
        names = tuple(str(k) for k in range(10))
        vars(run).update(
            recipe=plan.recipe,
            trained=TrainedModel(model, plan.recipe, (1, 8, 8), names, run.path),
            parameters=1000 + place,
            metrics=[{"epoch": e, "loss": 40.0 - e - place, "seconds": 1.0, "kl": 5.0} for e in (1, 2)],
            evaluation={
                "log_likelihood": -30.0 - place, "elbo": -31.0 - place, "reconstruction": -25.0 - 2 * place,
                "kl": [6.0 - place], "mse": 0.5, "active_units": [2 + place], "estimator": "importance",
                "samples": 5, "images": 20, "split": "test", "observation": "dynamic",
                "data": "0" * 64, "shape": [1, 8, 8], "conditioned_on": [],
            },
            ais={}, per_image_ais={}, bdmc={}, environment={}, best_epoch=2, stale=[],
            place="", fell_behind=False,
            per_image={
                "index": np.arange(20), "log_likelihood": np.linspace(-33.0, -27.0, 20) - place,
            },
        )  # fmt: skip
        variants.append(VariantResult(plan, [run]))
    return StudyResults(study, variants, Path("runs/studies/example"), "quick", preset)
