"""A study says what is trained, how long, how it is measured, and what is shown of it.

    runs      recipes with overrides; a `grid` makes one run for each combination of its values
    presets   named sets of overrides, seeds and the protocol of evaluation: `quick`, `full`
    page      blocks from top to bottom: {kind: options}, or {kind: text}; see `studies.blocks`

A name, label or override may hold `{variable}`, which each value of the grid fills in.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from vaekit.utils.schema import Count, Positive, Section

Overrides = list[str]
Split = Literal["train", "validation", "test"]


def _listed(value: Any) -> Any:
    """One word stands for the list of it."""
    return [value] if isinstance(value, str) else value


Patterns = Annotated[list[str], BeforeValidator(_listed)]


class RunEntry(Section):
    """A run, or a grid of them."""

    name: str = Field(min_length=1, max_length=200, description="of the directory, and what blocks choose by")
    label: str = Field("", description="for tables and legends; the name if not given")
    recipe: str = Field(min_length=1, description="name of a recipe, or a file beside the study")
    grid: dict[str, list[Any]] = Field({}, description="variable: its values; all combinations are run")
    overrides: Overrides = Field([], description="key.path=value")
    group: str = Field("", description="what blocks may choose by, too")


class EvaluationProtocol(Section):
    """The protocol by which every run is measured, the same for all."""

    samples: Count = Field(500, description="K, importance samples an image")
    images: Count | None = Field(None, description="a random subset of so many; all if not given")
    split: Split = Field("test", description="the part of the data")
    quality: int | None = Field(
        None, ge=1, strict=True, description="score so many samples; none if not given"
    )

    def options(self) -> dict[str, Any]:
        """What `Run.evaluate` takes."""
        plain = self.model_dump(exclude={"quality"})
        return plain | ({"quality": True, "quality_samples": self.quality} if self.quality else {})


class Preset(Section):
    """How much is spent on a study."""

    description: str = Field("", description="what that means for the numbers, shown at the top")
    overrides: Overrides = Field([], description="overrides of every run")
    runs: dict[str, Overrides] = Field({}, description="pattern of names, or group: further overrides")
    only: Patterns = Field([], description="patterns of names, or groups, to run; all if not given")
    evaluate: EvaluationProtocol = EvaluationProtocol()
    seeds: Count = Field(1, description="trainings of each run, which differ in their seed")
    minutes: Positive | None = Field(None, description="about how long it takes, on two cores")


class Study(Section):
    """An experiment of several runs, and the page that shows what came of it."""

    name: str = Field(
        "unnamed", min_length=1, max_length=100, pattern=r"^[\w.-]+$", description="letters, digits, . _ -"
    )
    title: str = Field("", description="a line for people")
    reference: str = Field("", description="what it follows, with year")
    question: str = Field("", description="one or two sentences, shown at the top")
    overrides: Overrides = Field([], description="overrides of every run, before its own")
    runs: list[RunEntry] = Field(min_length=1, description="what is trained")
    presets: dict[str, Preset] = Field({"full": Preset()}, min_length=1, description="by name")
    page: list[dict[str, Any]] = Field([{"table": {}}], description="blocks")

    @field_validator("page", mode="before")
    @classmethod
    def _mappings(cls, page: Any) -> Any:
        """A bare kind is a block without options."""
        if not isinstance(page, list):
            return page
        return [{block: {}} if isinstance(block, str) else block for block in page]
