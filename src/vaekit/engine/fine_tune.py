"""Fine-tuning: start from the weights of a trained model.

    training.init_from=RUN                               all weights that have the same name and shape
    training.init_from={run: RUN, only: [encoder]}       those of some parts, which must fit
    training.freeze=[encoder]                            and these parts do not change

Labels and covariates are of the new data, never of the old model. Only weights are read, so no code of the
old model is run. The SHA-256 of their file goes into the recipe of the new model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from vaekit.config.build import Experiment
from vaekit.config.loading import override_recipe
from vaekit.config.schema.recipe import Recipe
from vaekit.engine.loaded_model import LoadedModel
from vaekit.engine.model_files import parse_config_recipe, read_config, read_weights, weights_bytes
from vaekit.errors import InvalidError, NotFoundError
from vaekit.models.vae import VAE
from vaekit.training.freezing import check_parts, is_in
from vaekit.training.settings import InitFrom
from vaekit.utils.paths import exists, is_file

OF_THE_DATA = ("labels", "covariates")  # parts of a model that are not learned

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class TrainedWeights:
    """The weights of a trained model.

    Attributes:
        name: where they come from, for messages.
        weights: by name.
        sha256: of their file.
        preprocessing: how data became model values, as plain values; None if it is not known.

    >>> read_trained_weights("nowhere")
    Traceback (most recent call last):
    vaekit.errors.NotFoundError: init_from: nowhere: no such run or model
    """

    name: str
    weights: Weights
    sha256: str
    preprocessing: dict[str, Any] | None = None


def model_folder(path: str | Path) -> Path:
    """The model directory of a run, or of a model itself or its file of weights.

    Raises:
        NotFoundError: there is none.

    >>> import vaekit
    >>> model_folder(vaekit.demo().source) == vaekit.demo().source
    True
    """
    place = Path(path)
    if not exists(place):
        raise NotFoundError(f"init_from: {path}: no such run or model")
    if is_file(place):
        return place.parent
    folder = place / "model" if exists(place / "recipe.yaml") else place
    if not is_file(folder / "model.safetensors"):
        raise NotFoundError(f"init_from: {path}: has no trained model; train it to its end first")
    return folder


def read_trained_weights(path: str | Path) -> TrainedWeights:
    """Read the weights of a run directory, a model directory, or a file of weights beside its config.json.

    Raises:
        NotFoundError, InvalidError: there are none, or they are damaged.

    >>> import vaekit
    >>> len(read_trained_weights(vaekit.demo().source).sha256)
    64
    """
    folder = model_folder(path)
    weights = read_weights(folder / "model.safetensors")
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    return TrainedWeights(
        str(path), weights, digest, read_config(folder / "config.json").get("preprocessing")
    )


def recipe_of(path: str | Path) -> Recipe:
    """The recipe of a trained model, to change a part of it.

    Raises:
        NotFoundError, InvalidError, UntrustedError: as `vaekit.load`.

    >>> import vaekit
    >>> recipe_of(vaekit.demo().source).name
    'demo'
    """
    folder = model_folder(path)
    return without_source(parse_config_recipe(read_config(folder / "config.json"), folder))


def without_source(recipe: Recipe) -> Recipe:
    """A recipe without what it was itself fine-tuned from, and with no frozen parts.

    >>> without_source(Recipe(training={"freeze": "encoder"})).training.freeze
    []
    """
    training = recipe.training.model_copy(update={"init_from": InitFrom(), "freeze": []})
    return recipe.model_copy(update={"training": training})


def recipe_to_start_from(changes: Sequence[str]) -> Recipe | None:
    """The recipe of the model that overrides name in `training.init_from`; None if they name none.

    >>> recipe_to_start_from(["training.epochs=3"]) is None
    True
    """
    if not any(change.startswith("training.init_from") for change in changes):
        return None
    own = [change for change in changes if change.startswith("training.init_from")]
    init = override_recipe(Recipe(), own).training.init_from
    return None if init.run is None else recipe_of(init.run)


def start_from(experiment: Experiment, given: LoadedModel | None = None) -> tuple[Experiment, list[str]]:
    """Give the model of an experiment the weights that its recipe names in `training.init_from`.

    Args:
        experiment: with the initial model, which is changed in place.
        given: a trained model, in place of the one that the recipe names.

    Returns:
        The experiment, whose recipe has the SHA-256 of the weights; and what to say.

    Raises:
        NotFoundError, InvalidError: the weights cannot be read, do not fit, or are not those of the SHA-256.

    >>> from vaekit.config.build import build
    >>> recipe = override_recipe(Recipe(), ["data.dataset=digits", "data.validation=100"])
    >>> start_from(build(recipe))[1]
    []
    """
    recipe = experiment.recipe
    init, only = recipe.training.init_from, tuple[str, ...]()
    if given is not None:
        weights = given.model.state_dict()
        known = given.preprocessing.to_dict() if given.preprocessing else None
        digest = hashlib.sha256(weights_bytes(weights)).hexdigest()
        source = TrainedWeights(str(given.source), weights, digest, known)
    elif init.run is None:
        return experiment, []
    else:
        source, only = read_trained_weights(init.run), tuple(init.only)
        if init.sha256 not in (None, source.sha256):
            raise InvalidError(
                f"training.init_from: {init.run}: not the weights that the recipe was made with: their "
                "SHA-256 differs; restore them, or remove training.init_from.sha256"
            )
        init = init.model_copy(update={"sha256": source.sha256})
        training = recipe.training.model_copy(update={"init_from": init})
        experiment = replace(experiment, recipe=recipe.model_copy(update={"training": training}))
    notes = [copy_weights(experiment.model, source, only)]
    own = json.loads(json.dumps(experiment.preprocessing.to_dict()))
    if source.preprocessing is not None and json.loads(json.dumps(source.preprocessing)) != own:
        notes.append(
            "warning: init_from: the data are scaled by their own training rows, not as those of "
            f"{source.name}"
        )
    return experiment, notes


def copy_weights(model: VAE, source: TrainedWeights, only: Sequence[str] = ()) -> str:
    """Copy the weights that have the same name and shape.

    Args:
        model: gets the weights.
        source: where they come from.
        only: parts, all of whose weights must fit; if there are none, whatever fits is copied.

    Returns:
        What was copied and what does not fit, in one line.

    Raises:
        InvalidError: a weight of a named part does not fit, or no weight does.

    >>> import vaekit
    >>> demo = vaekit.demo()
    >>> copy_weights(demo.model, read_trained_weights(demo.source), ["encoder"])[-31:]
    'all 8 weights of encoder copied'
    """
    check_parts(model, only, "training.init_from.only")
    own = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if not is_in(name, OF_THE_DATA) and (not only or is_in(name, only))
    }
    wrong = {name: why for name, t in own.items() if (why := _misfit(t, source.weights.get(name)))}
    reasons = [f"{name} ({why})" for name, why in wrong.items()]
    said = "; ".join(reasons[:2]) + (f"; and {len(reasons) - 2} more" if len(reasons) > 2 else "")
    if wrong and (only or len(wrong) == len(own)):
        raise InvalidError(
            f"training.init_from: {source.name}: does not fit the model: {said}; use the same settings for "
            "these parts, or name others in training.init_from.only"
        )
    with torch.no_grad():
        for name in own.keys() - wrong.keys():
            own[name].copy_(source.weights[name])
    parts = f" of {', '.join(only)}" if only else ""
    if not wrong:
        return f"init_from {source.name}: all {len(own)} weights{parts} copied"
    return f"init_from {source.name}: {len(own) - len(wrong)} of {len(own)} weights copied, new are {said}"


def _misfit(wanted: torch.Tensor, found: torch.Tensor | None) -> str:
    """Why a weight does not fit; empty if it does."""
    if found is None:
        return "not in it"
    if found.shape != wanted.shape:
        return f"{tuple(wanted.shape)}, there {tuple(found.shape)}"
    return ""
