"""The keys of `objective`: the bound, and the schedule of its beta."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from vaekit.utils.schema import NonNegative, Positive, Section, name_to_section


def _scheduled(value: Any) -> Any:
    """Expand a number to a constant beta."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return {"kind": "constant", "value": value} if plain else name_to_section(value)


class BetaSchedule(Section):
    """The options of every schedule of beta that changes.

    >>> BetaSchedule(unit="step").unit
    'step'
    """

    unit: Literal["epoch", "step"] = Field("epoch", description="what `warmup` and `period` count")


class ConstantBeta(Section):
    """The same beta throughout (Higgins et al. 2017).

    >>> ConstantBeta(value=4).final
    4.0
    """

    kind: Literal["constant"] = "constant"
    value: NonNegative = Field(1.0, description="beta")

    @property
    def final(self) -> float:
        """The same value, by the name that the other schedules have for the last one."""
        return self.value


class LinearBeta(BetaSchedule):
    """Beta changes linearly from `init` to `final` during warm-up (Bowman et al. 2016).

    >>> LinearBeta(warmup=10).init
    0.0
    """

    kind: Literal["linear"] = "linear"
    warmup: Positive = Field(100, description="epochs or steps of warm-up")
    init: NonNegative = Field(0.0, description="beta at the start")
    final: NonNegative = Field(1.0, description="beta after warm-up")


class CyclicalBeta(BetaSchedule):
    """Beta rises in every cycle (Fu et al. 2019).

    >>> CyclicalBeta(period=20).ratio
    0.5
    """

    kind: Literal["cyclical"] = "cyclical"
    period: Positive = Field(10, description="epochs or steps of a cycle")
    ratio: float = Field(0.5, gt=0, le=1, description="share of a cycle during which beta rises")
    init: NonNegative = Field(0.0, description="beta at the start of a cycle")
    final: NonNegative = Field(1.0, description="beta at the end of the rise")


Beta = Annotated[
    Annotated[ConstantBeta | LinearBeta | CyclicalBeta, Field(discriminator="kind")],
    BeforeValidator(_scheduled),
]


class ObjectiveSettings(Section):
    """The keys of `objective`.

    >>> ObjectiveSettings(kind="iwae", samples=5).samples
    5
    """

    kind: Literal["elbo", "iwae"] = Field("elbo", description="the bound that is maximized")
    samples: int = Field(1, ge=1, le=100_000, description="K, posterior samples per image")
    beta: Beta = Field(ConstantBeta(), description="weight of the KL")
    free_bits: NonNegative = Field(0.0, description="KL per layer that costs nothing, in nats")

    @model_validator(mode="after")
    def _consistent(self) -> ObjectiveSettings:
        if self.kind == "iwae" and self.free_bits:
            raise ValueError("free_bits belong to the elbo: the importance-weighted bound has no KL term")
        return self
