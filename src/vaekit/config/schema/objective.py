"""The keys of `objective`: the bound, its number of samples, and the schedule of its beta."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from vaekit.config.components import Options, SectionOf, default_of
from vaekit.utils.schema import name_to_section


def _expand_beta(value: Any) -> Any:
    """Expand a number to a constant beta."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return {"kind": "constant", "value": value} if plain else name_to_section(value)


def _expand_objective(value: Any) -> Any:
    """The bound is the ELBO if no other is named."""
    value = name_to_section(value)
    return {"kind": "elbo", **value} if isinstance(value, Mapping) else value


class BetaSchedule(Options):
    """The options of every schedule of beta.

    >>> BetaSchedule(kind="linear", unit="step").unit
    'step'
    """

    unit: Literal["epoch", "step"] = Field("epoch", description="what the schedule counts")


Beta = Annotated[BetaSchedule, SectionOf("schedule", BetaSchedule, _expand_beta)]


class ObjectiveSettings(Options):
    """The options of every objective.

    >>> ObjectiveSettings(kind="iwae", samples=5).samples
    5
    """

    samples: int = Field(1, ge=1, le=100_000, description="K, posterior samples per data point")
    beta: Beta = Field(
        default_factory=lambda: default_of("schedule", "constant", BetaSchedule),
        description="weight of the KL",
    )


Bound = Annotated[ObjectiveSettings, SectionOf("objective", ObjectiveSettings, _expand_objective)]
