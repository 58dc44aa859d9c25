"""A node of the tree, and the plain values that its keys take: counts, widths, bounds, shares."""

from __future__ import annotations

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


def name_to_section(value: Any) -> Any:
    """A kind's bare name stands for the kind with its defaults."""
    return {"kind": value} if isinstance(value, str) else value


class Section(BaseModel):
    """A node of the tree: unknown keys are errors, and nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)
