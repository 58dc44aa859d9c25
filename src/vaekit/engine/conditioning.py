"""A label or attributes in words -> the vector that a conditional model is conditioned on.

A class is given by its name or its number. Attributes start from their mean over the training images; some
are set to other values by `NAME=VALUE`, or for a column of words by `COLUMN=WORD`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from vaekit.engine.loaded_model import LoadedModel
from vaekit.errors import InvalidError, did_you_mean
from vaekit.models.labels import LabelPrior


class Condition(NamedTuple):
    """The vector (m,) to condition on, and a description of it for titles.

    Example:
        >>> import torch
        >>> Condition(torch.tensor([0.0, 1.0]), "label dog").description
        'label dog'
    """

    vector: Tensor
    description: str


def parse_condition(
    trained: LoadedModel, label: str | None = None, attributes: Sequence[str] = ()
) -> Condition | None:
    """Parse a label or attributes; None if neither is given.

    Args:
        trained: a conditional model.
        label: name or number of a class.
        attributes: settings `NAME=VALUE`.

    Raises:
        InvalidError: the model is not conditional, is conditioned on something else, or has no such class or
            attribute.

    Example:
        >>> import vaekit
        >>> condition = parse_condition(vaekit.demo(), label="3")
        >>> condition.description, condition.vector.argmax().item()
        ('label 3', 3)
    """
    if label is not None:
        return _class_condition(_require_label_prior(trained, "label", "--label"), trained, label)
    if attributes:
        return _attribute_condition(
            _require_label_prior(trained, "attributes", "--attribute"), trained, attributes
        )
    return None


def _require_label_prior(trained: LoadedModel, what: str, option: str) -> LabelPrior:
    labels, condition_on = trained.model.labels, trained.recipe.model.condition_on
    if labels is None:
        raise InvalidError(
            f"{option}: {trained.source} is not a conditional model; leave the option out, or train with "
            f"model.condition={what}"
        )
    if condition_on != what:
        usage = {"label": "a class: use --label NAME", "attributes": "attributes: use --attribute NAME=VALUE"}
        raise InvalidError(f"{option}: {trained.source} is conditioned on {usage[condition_on]}")
    return labels


def _class_condition(labels: LabelPrior, trained: LoadedModel, text: str) -> Condition:
    names = list(trained.label_names)
    index = names.index(text) if text in names else int(text) if text.isdecimal() else -1
    if not 0 <= index < len(labels):
        raise InvalidError(
            f"label {text!r}: expected one of {', '.join(names)}, or a number from 0 to {len(labels) - 1}"
            f"{did_you_mean(text, names)}"
        )
    return Condition(labels.values[index], f"label {names[index]}")


def _attribute_condition(labels: LabelPrior, trained: LoadedModel, settings: Sequence[str]) -> Condition:
    vector, names = labels.center.clone(), list(trained.attribute_names)
    for setting in settings:
        _set_attribute(vector, names, setting)
    return Condition(vector, ", ".join(settings))


def _set_attribute(vector: Tensor, names: list[str], setting: str) -> None:
    """Set one attribute of a vector in place, by `NAME=VALUE`."""
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
