"""The keys of `objective`: the bound, and the schedule of its beta."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from vaekit.utils.schema import NonNegative, Positive, Section, name_to_section


def _scheduled(value: Any) -> Any:
    """A bare number stands for a constant."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return {"kind": "constant", "value": value} if plain else name_to_section(value)


class BetaSchedule(Section):
    unit: Literal["epoch", "step"] = Field("epoch", description="what `warmup` and `period` count")


class ConstantBeta(Section):
    kind: Literal["constant"] = "constant"
    value: NonNegative = Field(1.0, description="beta")

    @property
    def final(self) -> float:
        """The same value, by the name that the other schedules have for the last one."""
        return self.value


class LinearBeta(BetaSchedule):
    kind: Literal["linear"] = "linear"
    warmup: Positive = Field(100, description="epochs or steps of warm-up")
    init: NonNegative = Field(0.0, description="beta at first")
    final: NonNegative = Field(1.0, description="beta after")


class CyclicalBeta(BetaSchedule):
    kind: Literal["cyclical"] = "cyclical"
    period: Positive = Field(10, description="epochs or steps of a cycle")
    ratio: float = Field(0.5, gt=0, le=1, description="share of a cycle in which beta rises")
    init: NonNegative = Field(0.0, description="beta at the start of a cycle")
    final: NonNegative = Field(1.0, description="beta at its end")


Beta = Annotated[
    Annotated[ConstantBeta | LinearBeta | CyclicalBeta, Field(discriminator="kind")],
    BeforeValidator(_scheduled),
]


class ObjectiveSettings(Section):
    kind: Literal["elbo", "iwae"] = Field("elbo", description="the bound that is raised")
    samples: int = Field(1, ge=1, le=100_000, description="K, posterior samples an image")
    beta: Beta = Field(ConstantBeta(), description="weight of the rate")
    free_bits: NonNegative = Field(0.0, description="nats each level may use without cost")

    @model_validator(mode="after")
    def _consistent(self) -> ObjectiveSettings:
        if self.kind == "iwae" and self.free_bits:
            raise ValueError("free_bits belong to the elbo: the importance-weighted bound has no KL term")
        return self
