"""The key `training.optimizer`: an optimizer of torch.optim by name, with its options."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import torch
from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from vaekit.errors import did_you_mean
from vaekit.utils.schema import Section, name_to_section

REFUSED = {  # optimizers -> why
    "LBFGS": "it evaluates the loss several times per step",
    "SparseAdam": "it takes sparse gradients only",
}
_RESERVED = ("params", "lr", "maximize", "capturable", "differentiable")  # options that vaekit decides


class OptimizerSettings(Section):
    """An optimizer of torch.optim; all other keys are options of its class.

    >>> OptimizerSettings(kind="sgd", momentum=0.9)
    OptimizerSettings(kind='SGD', momentum=0.9)
    >>> OptimizerSettings(kind="SGD", momentun=0.9)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: ...unknown option of SGD; did you mean 'momentum'?...
    """

    model_config = ConfigDict(extra="allow", frozen=True, validate_default=True, allow_inf_nan=False)

    kind: str = Field("Adam", description="class of torch.optim; its options are further keys")

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        names = {name.lower(): name for name in optimizer_names()}
        if kind.lower() in names:
            return names[kind.lower()]
        refused = next((name for name in REFUSED if name.lower() == kind.lower()), "")
        if refused:
            raise ValueError(f"{refused} cannot be used: {REFUSED[refused]}; choose another optimizer")
        near = did_you_mean(kind.lower(), list(names))
        for lower, name in names.items():
            near = near.replace(repr(lower), repr(name))
        raise ValueError(f"expected one of {', '.join(names.values())}, got {kind!r}{near}")

    @model_validator(mode="after")
    def _known_options(self) -> OptimizerSettings:
        known = option_names(self.kind)
        for name in self.model_extra or {}:
            if name == "lr":
                raise ValueError("optimizer.lr: give the rate as training.learning_rate")
            if name not in known:
                near = did_you_mean(name, known) or f"; known: {', '.join(known)}"
                raise ValueError(f"optimizer.{name}: unknown option of {self.kind}{near}")
        return self

    @property
    def options(self) -> dict[str, Any]:
        """The options that were given, as the class takes them: pairs as tuples, numbers as numbers.

        >>> OptimizerSettings(kind="AdamW", betas=[0.9, "1e-1"]).options
        {'betas': (0.9, 0.1)}
        """
        return {name: _plain(value) for name, value in (self.model_extra or {}).items()}


def optimizer_names() -> list[str]:
    """The optimizers that can be used.

    >>> "AdamW" in optimizer_names(), "LBFGS" in optimizer_names()
    (True, False)
    """
    found = vars(torch.optim).items()
    return sorted(
        name
        for name, value in found
        if inspect.isclass(value) and issubclass(value, torch.optim.Optimizer)
        if name != "Optimizer" and name not in REFUSED
    )


def option_names(kind: str) -> list[str]:
    """The options of an optimizer.

    >>> option_names("Rprop")[:2]
    ['etas', 'step_sizes']
    """
    parameters = inspect.signature(getattr(torch.optim, kind)).parameters
    return [name for name in parameters if name not in _RESERVED]


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if isinstance(value, str):  # YAML reads 1e-8 as a word
        try:
            return float(value)
        except ValueError:
            return value
    return value


OptimizerChoice = Annotated[OptimizerSettings, BeforeValidator(name_to_section)]
