"""The base class of every section of a recipe or a study, and the types of its values.

A recipe is a tree of sections. Each section is a pydantic model: unknown keys are errors, values are checked
when they are read, and nothing changes afterwards. The types below give the ranges that several sections
share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


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
