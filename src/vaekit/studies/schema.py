"""The schema of a study's YAML.

    runs      recipes with overrides; a `grid` gives one variant per combination of its values
    presets   named sets of overrides, seeds and an evaluation protocol, such as `quick` and `full`
    page      blocks from top to bottom: {kind: options}, or {kind: text}; see `vaekit.studies.blocks`

A name, label or override may contain `{variable}`, which is replaced by its value in the grid.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from vaekit.utils.schema import Count, Positive, Section

Overrides = list[str]
Split = Literal["train", "validation", "test"]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Patterns = Annotated[list[str], BeforeValidator(_as_list)]


class RunEntry(Section):
    """One entry of `runs`: a recipe with overrides, or a grid of them.

    >>> RunEntry(name="vae-{d}", recipe="digits", grid={"d": [2, 3]}, overrides=["model.latent_dim={d}"]).grid
    {'d': [2, 3]}
    """

    name: str = Field(min_length=1, max_length=200, description="name of the directory; blocks select by it")
    label: str = Field("", description="shown in tables and legends; default: the name")
    recipe: str = Field(min_length=1, description="name of a recipe, or a file beside the study")
    grid: dict[str, list[Any]] = Field({}, description="variable: values; every combination is one variant")
    overrides: Overrides = Field([], description="key.path=value")
    group: str = Field("", description="a second name that blocks can select by")


class EvaluationProtocol(Section):
    """How all runs of a study are evaluated.

    >>> EvaluationProtocol(samples=50, images=1000).options()
    {'samples': 50, 'images': 1000, 'split': 'test'}
    """

    samples: Count = Field(500, description="K, importance samples per image")
    images: Count | None = Field(None, description="size of a random subset of images; default: all")
    split: Split = Field("test", description="the part of the data")
    quality: int | None = Field(
        None, ge=1, strict=True, description="number of samples whose quality is measured; default: none"
    )

    def options(self) -> dict[str, Any]:
        """The keyword arguments of `Run.evaluate`."""
        plain = self.model_dump(exclude={"quality"})
        return plain | ({"quality": True, "quality_samples": self.quality} if self.quality else {})


class Preset(Section):
    """How much compute a study spends: overrides, seeds and the evaluation protocol.

    >>> Preset(overrides=["training.epochs=2"], only="vae-*", seeds=3).only
    ['vae-*']
    """

    description: str = Field("", description="what the preset means for the numbers; shown at the top")
    overrides: Overrides = Field([], description="overrides of every run")
    runs: dict[str, Overrides] = Field({}, description="further overrides, by name pattern or group")
    only: Patterns = Field([], description="name patterns or groups to run; default: all")
    evaluate: EvaluationProtocol = EvaluationProtocol()
    seeds: Count = Field(1, description="number of seeds that each run is trained from")
    minutes: Positive | None = Field(None, description="approximate duration on two cores")


class Study(Section):
    """An experiment of several runs, and the page that shows its results.

    >>> study = Study(runs=[{"name": "vae", "recipe": "digits"}], page=["table"])
    >>> list(study.presets), study.page
    (['full'], [{'table': {}}])
    """

    name: str = Field(
        "unnamed",
        min_length=1,
        max_length=100,
        pattern=r"^\w[\w.-]*$",
        description="a letter or digit, then letters, digits, . _ -",
    )
    title: str = Field("", description="title of the page")
    reference: str = Field("", description="the source of the experiment, with year")
    question: str = Field("", description="one or two sentences, shown at the top")
    answer: str = Field("", description="metric of the first sentence and figure; default: log p(x)")
    overrides: Overrides = Field([], description="overrides of every run, applied before its own")
    runs: list[RunEntry] = Field(min_length=1, description="what is trained")
    presets: dict[str, Preset] = Field({"full": Preset()}, min_length=1, description="by name")
    page: list[dict[str, Any]] = Field([{"table": {}}], description="blocks")

    @field_validator("page", mode="before")
    @classmethod
    def _bare_kinds(cls, page: Any) -> Any:
        """Turn a bare kind into a block without options."""
        if not isinstance(page, list):
            return page
        return [{block: {}} if isinstance(block, str) else block for block in page]
