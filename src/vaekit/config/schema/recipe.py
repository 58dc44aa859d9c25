"""The whole recipe: data, model, objective, training.

A recipe is a tree of plain values. Missing keys have defaults. An unknown key is an error that names the
nearest known key. Where a section can be of several kinds, `kind` selects one, and the name of the kind may
stand for the section:

    likelihood: bernoulli            means   likelihood: {kind: bernoulli}
    beta: 4                          means   beta: {kind: constant, value: 4}

The keys of a component (a prior, a network, an objective, ...) come from the signature of its function or
class; see `vaekit.config.components`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from vaekit.config.components import Options, SectionOf, default_of, validate_components
from vaekit.config.renamed import upgrade_training
from vaekit.config.schema.data import DataSettings
from vaekit.config.schema.model import ModelSettings
from vaekit.config.schema.objective import Bound, ObjectiveSettings
from vaekit.training.settings import CosineRate, ExponentialRate, TrainingSettings
from vaekit.utils.schema import Count, Positive, Section

__all__ = [
    "CosineRate",
    "Count",
    "DataSettings",
    "ExponentialRate",
    "ModelSettings",
    "ObjectiveSettings",
    "Positive",
    "Recipe",
    "RecipeTraining",
    "Section",
    "TrainingSettings",
]


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


CallbackList = Annotated[list[Annotated[Options, SectionOf("callback")]], BeforeValidator(_as_list)]


class RecipeTraining(TrainingSettings):
    """The keys of `training`.

    >>> RecipeTraining(epochs=3).callbacks
    []
    """

    callbacks: CallbackList = Field(
        [], description="functions or objects that are called during training, FILE.py:NAME"
    )
    logger: CallbackList = Field([], description="where numbers go, too: csv, tensorboard, wandb, mlflow")

    @model_validator(mode="before")
    @classmethod
    def _upgraded(cls, tree: Any) -> Any:
        return upgrade_training(tree)


class Recipe(Section):
    """All settings of a run.

    >>> Recipe(name="mine", training={"epochs": 3}).training.epochs
    3
    """

    name: str = Field(
        "unnamed", min_length=1, max_length=100, pattern=r"^\w[\w.-]*$", description="name of the run"
    )
    title: str = Field("", description="title for figures and pages")
    reference: str = Field("", description="the paper that it follows, with year")
    data: DataSettings = Field(
        DataSettings(), description="the dataset, its splits, and what the model sees of it"
    )
    model: ModelSettings = Field(
        default_factory=ModelSettings,
        description="latents, prior, encoder and decoder, and what they are conditioned on",
    )
    objective: Bound = Field(
        default_factory=lambda: default_of("objective", "elbo", ObjectiveSettings),
        description="the loss that is minimized",
    )
    training: RecipeTraining = Field(
        RecipeTraining(), description="duration, learning rate, device, seed, checkpoints and callbacks"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        sections: dict[str, Options] = {"objective": self.objective, "objective.beta": self.objective.beta}
        validate_components(sections, self.model.known_context)
        likelihood = self.model.decoder.likelihood
        support = type(likelihood).component.traits.get("support")
        if support == "discrete" and self.data.observation == "continuous":
            raise ValueError(
                f"model.decoder.likelihood: {likelihood.kind} is a distribution over 256 gray levels, but "
                "data.values is continuous; use data.values=discrete, or the likelihood gaussian"
            )
        return self
