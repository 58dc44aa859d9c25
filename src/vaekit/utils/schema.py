"""The base class of every section of a recipe or a study, and the types of its values.

A recipe is a tree of sections. Each section is a pydantic model: unknown keys are errors, values are checked
when they are read, and nothing changes afterwards. The types below give the ranges that several sections
share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if not bounds[0] < bounds[1]:
        raise ValueError(f"expected two numbers, the lower one first, got {list(bounds)}")
    return bounds


Bounds = Annotated[tuple[float, float], AfterValidator(_ascending)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Width = Annotated[int, Field(ge=1, le=100_000)]
Positive = Annotated[float, Field(gt=0, le=1e9)]
NonNegative = Annotated[float, Field(ge=0, le=1e9)]
HiddenSizes = Annotated[Sequence[Width], Field(max_length=64)]
Channels = Annotated[Sequence[Width], Field(min_length=1, max_length=8)]
Transforms = Annotated[int, Field(ge=1, le=64)]


def name_to_section(value: Any) -> Any:
    """A section of that kind with its defaults, if `value` is the name of a kind; otherwise `value`.

    >>> name_to_section("cosine")
    {'kind': 'cosine'}
    """
    return {"kind": value} if isinstance(value, str) else value


class Section(BaseModel):
    """A node of the tree: immutable, without unknown keys, infinities or NaN.

    >>> class Adam(Section):
    ...     learning_rate: Positive = 1e-3
    >>> Adam(learning_rate=0.01)
    Adam(learning_rate=0.01)
    >>> Adam(rate=0.01)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Adam
    rate
      Extra inputs are not permitted [type=extra_forbidden, input_value=0.01, input_type=float]
    ...
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_misread(cls, tree: Any) -> Any:
        """Let true be no number, as it is in Python, and text be text that a file in UTF-8 can hold."""
        if not isinstance(tree, Mapping):
            return tree
        return {
            key: _refused(value, cls.model_fields[key].annotation) if key in cls.model_fields else value
            for key, value in tree.items()
        }


class _Refused:
    """A value that no field accepts."""

    def __init__(self, value: object):
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


def _refused(value: Any, annotation: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)([_refused(item, annotation) for item in value])
    if isinstance(value, bool):
        kinds = _plain_types(annotation)
        return _Refused(value) if kinds & {int, float} and not kinds & {bool, Any} else value
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        return _Refused(value)
    return value


def _plain_types(annotation: Any) -> set[Any]:
    """The types that a type is made of, however it is wrapped."""
    inner = get_args(annotation)
    return {annotation} if not inner else set().union(*map(_plain_types, inner))
