"""A recipe says all of a run: data, model, objective, training.

It is a tree of plain values with a schema. Whatever a recipe does not say has a default; whatever the schema
does not know is an error that names the nearest key. Where a part can be of several kinds, its `kind` says
which, and the kind alone may stand for it:

    likelihood: bernoulli            is   likelihood: {kind: bernoulli}
    beta: 4                          is   beta: {kind: constant, value: 4}

The schema mirrors the functions it names: the kinds of network are those of `nn/networks.py`, and so on. Each
of the four parts has a file here.
"""

from __future__ import annotations

from pydantic import Field

from vaekit.recipe.data import Data
from vaekit.recipe.model import GaussianPosterior, Model
from vaekit.recipe.objective import Objective
from vaekit.training.settings import CosineRate, ExponentialRate, TrainingSettings
from vaekit.utils.schema import Count, Part, Positive

__all__ = [
    "CosineRate",
    "Count",
    "Data",
    "ExponentialRate",
    "GaussianPosterior",
    "Model",
    "Objective",
    "Part",
    "Positive",
    "Recipe",
    "TrainingSettings",
]


class Recipe(Part):
    name: str = Field(
        "unnamed", min_length=1, max_length=100, pattern=r"^[\w.-]+$", description="names the run"
    )
    title: str = Field("", description="a line for people")
    reference: str = Field("", description="the paper it follows, with year")
    data: Data = Data()
    model: Model = Model()
    objective: Objective = Objective()
    training: TrainingSettings = TrainingSettings()
