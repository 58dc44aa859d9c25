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

from vaekit.config.schema.data import DataSettings
from vaekit.config.schema.model import GaussianPosterior, ModelSettings
from vaekit.config.schema.objective import ObjectiveSettings
from vaekit.training.settings import CosineRate, ExponentialRate, TrainingSettings
from vaekit.utils.schema import Count, Positive, Section

__all__ = [
    "CosineRate",
    "Count",
    "DataSettings",
    "ExponentialRate",
    "GaussianPosterior",
    "ModelSettings",
    "ObjectiveSettings",
    "Positive",
    "Recipe",
    "Section",
    "TrainingSettings",
]


class Recipe(Section):
    name: str = Field(
        "unnamed", min_length=1, max_length=100, pattern=r"^[\w.-]+$", description="names the run"
    )
    title: str = Field("", description="a line for people")
    reference: str = Field("", description="the paper it follows, with year")
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
    training: TrainingSettings = TrainingSettings()
