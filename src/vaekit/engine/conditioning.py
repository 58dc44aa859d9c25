"""A label in the words of a user -> the vector that a conditional model is told.

A class is asked for by its name or its number. Attributes are those of the mean training image, with some set
to other values: `NAME=VALUE`, or for a column of words `COLUMN=WORD`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError, did_you_mean
from vaekit.models.labels import LabelPrior


class Condition(NamedTuple):
    """What a model is to be told, (m,), and the words for it."""

    vector: Tensor
    description: str


def parse_condition(
    trained: TrainedModel, label: str | None = None, attributes: Sequence[str] = ()
) -> Condition | None:
    """The label, or the attributes, that are asked for; None where nothing is.

    Args:
        label: name or number of a class.
        attributes: settings, `NAME=VALUE` each.

    Raises:
        InvalidError: the model is told something else, or nothing, or knows no such class or attribute.
    """
    if label is not None:
        return _class_condition(_require_label_prior(trained, "label", "--label"), trained, label)
    if attributes:
        return _attribute_condition(
            _require_label_prior(trained, "attributes", "--attribute"), trained, attributes
        )
    return None


def _require_label_prior(trained: TrainedModel, what: str, option: str) -> LabelPrior:
    labels, told = trained.model.labels, trained.recipe.model.condition_on
    if labels is None:
        raise InvalidError(
            f"{option}: {trained.source} is told nothing; leave it out, or train with model.condition={what}"
        )
    if told != what:
        right = {"label": "a class: --label NAME", "attributes": "attributes: --attribute NAME=VALUE"}[told]
        raise InvalidError(f"{option}: {trained.source} is told {right}")
    return labels


def _class_condition(labels: LabelPrior, trained: TrainedModel, text: str) -> Condition:
    names = list(trained.label_names)
    known = names.index(text) if text in names else int(text) if text.isdecimal() else -1
    if not 0 <= known < len(labels):
        raise InvalidError(
            f"label {text!r}: expected one of {', '.join(names)}, or a number from 0 to {len(labels) - 1}"
            f"{did_you_mean(text, names)}"
        )
    return Condition(labels.values[known], f"label {names[known]}")


def _attribute_condition(labels: LabelPrior, trained: TrainedModel, settings: Sequence[str]) -> Condition:
    vector, names = labels.center.clone(), list(trained.attribute_names)
    for setting in settings:
        _set_attribute(vector, names, setting)
    return Condition(vector, ", ".join(settings))


def _set_attribute(vector: Tensor, names: list[str], setting: str) -> None:
    """Change a vector as one `NAME=VALUE` says."""
    if "=" in setting and setting in names:
        column = setting.rpartition("=")[0]
        vector[[i for i, name in enumerate(names) if name.rpartition("=")[0] == column]] = 0
        vector[names.index(setting)] = 1
        return
    name, _, value = setting.rpartition("=")
    if name not in names:
        raise InvalidError(
            f"attribute {setting!r}: expected NAME=VALUE with a name among {', '.join(names)}"
            f"{did_you_mean(name or setting, names)}"
        )
    vector[names.index(name)] = _parse_number(value, setting)


def _parse_number(value: str, setting: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidError(f"attribute {setting!r}: expected a finite number after the =, got {value!r}")
    return number
