"""Train, evaluate and explore variational autoencoders.

    import vaekit
    run = vaekit.train("mnist", epochs=5)
    run.evaluate(samples=500).log_likelihood
    run.model.sample(16)

The public names are imported on first use, so that `import vaekit` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PLACES = {
    "fit": "vaekit.engine.fit",
    "train": "vaekit.runs.train",
    "find_learning_rate": "vaekit.engine.learning_rate",
    "resume": "vaekit.runs.train",
    "study": "vaekit.studies.run_study",
    "sweep": "vaekit.studies.sweep",
    "compare": "vaekit.studies.compare",
    "Run": "vaekit.runs.run",
    "load": "vaekit.runs.run",
    "save": "vaekit.engine.model_files",
    "push": "vaekit.runs.push",
    "encode": "vaekit.engine.encode",
    "score": "vaekit.engine.score",
    "impute_dataset": "vaekit.engine.impute",
    "sample": "vaekit.engine.sample",
    "demo": "vaekit.explorer.session",
    "explore": "vaekit.explorer.notebook",
    "TrainedModel": "vaekit.engine.trained_model",
    "VAE": "vaekit.models.vae",
    "ELBOTerms": "vaekit.models.elbo",
    "Conditional": "vaekit.models.conditional",
    "Hierarchy": "vaekit.models.conditional",
    "StandardNormal": "vaekit.models.priors",
    "Objective": "vaekit.models.objectives",
    "BuildContext": "vaekit.models.build_context",
    "register": "vaekit.registry",
    "Recipe": "vaekit.config.schema.recipe",
    "Callback": "vaekit.training.callbacks",
    "StopTraining": "vaekit.training.callbacks",
    "VaekitError": "vaekit.errors",
}

if TYPE_CHECKING:
    from vaekit.config.schema.recipe import Recipe
    from vaekit.engine.encode import encode
    from vaekit.engine.fit import fit
    from vaekit.engine.impute import impute_dataset
    from vaekit.engine.learning_rate import find_learning_rate
    from vaekit.engine.model_files import save
    from vaekit.engine.sample import sample
    from vaekit.engine.score import score
    from vaekit.engine.trained_model import TrainedModel
    from vaekit.errors import VaekitError
    from vaekit.explorer.notebook import explore
    from vaekit.explorer.session import demo
    from vaekit.models.build_context import BuildContext
    from vaekit.models.conditional import Conditional, Hierarchy
    from vaekit.models.elbo import ELBOTerms
    from vaekit.models.objectives import Objective
    from vaekit.models.priors import StandardNormal
    from vaekit.models.vae import VAE
    from vaekit.registry import register
    from vaekit.runs.push import push
    from vaekit.runs.run import Run, load
    from vaekit.runs.train import resume, train
    from vaekit.studies.compare import compare
    from vaekit.studies.run_study import study
    from vaekit.studies.sweep import sweep
    from vaekit.training.callbacks import Callback, StopTraining

__all__ = [  # noqa: RUF022  (in the order in which one meets them)
    "fit", "train", "resume", "find_learning_rate", "load", "save", "push", "encode", "score",
    "impute_dataset", "sample", "study", "sweep", "compare", "demo", "explore", "Run",
    "TrainedModel", "Recipe", "VAE", "ELBOTerms", "Conditional", "Hierarchy", "StandardNormal", "Objective",
    "BuildContext", "register", "Callback", "StopTraining", "VaekitError",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'vaekit' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = value
    return value
