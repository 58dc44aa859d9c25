"""The whole recipe: data, model, objective, training.

A recipe is a tree of plain values. Missing keys have defaults. An unknown key is an error that names the
nearest known key. Where a section can be of several kinds, `kind` selects one, and the name of the kind may
stand for the section:

    likelihood: bernoulli            means   likelihood: {kind: bernoulli}
    beta: 4                          means   beta: {kind: constant, value: 4}

The sections mirror the functions that they name: the kinds of network are those of `nn/networks.py`, and so
on.
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
    """All settings of a run.

    >>> Recipe(name="mine", training={"epochs": 3}).training.epochs
    3
    """

    name: str = Field(
        "unnamed", min_length=1, max_length=100, pattern=r"^[\w.-]+$", description="name of the run"
    )
    title: str = Field("", description="title for figures and pages")
    reference: str = Field("", description="the paper that it follows, with year")
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
    training: TrainingSettings = TrainingSettings()
