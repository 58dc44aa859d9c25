"""What came of a study: its variants, each with its runs, read from their directories when asked for.

Blocks are written against this. `Results.select` gives the variants that a pattern of names, or a group,
means; a variant's `finished` runs are what there is to show, and `first` the one of which pictures are
made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.config.schema.recipe import Recipe
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.runs.run import Run
from vaekit.studies.plan import Variant, matches
from vaekit.studies.schema import Preset, Study


@dataclass
class RunResult:
    """One run of a variant.

    Attributes:
        seed: of it.
        path: of the run.
        failure: why there is none; empty where it is finished.
        exit_code: the exit code of that fault.
    """

    seed: int
    path: Path
    failure: str = ""
    exit_code: int = 0

    @cached_property
    def run_dir(self) -> Run:
        return Run(self.path)

    @property
    def trained(self) -> TrainedModel:
        """The model and all it takes to use it."""
        return self.run_dir.trained

    @cached_property
    def recipe(self) -> Recipe:
        """What was trained."""
        return self.run_dir.recipe

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """One record an epoch."""
        return self.run_dir.metrics

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        """What evaluation.json says; empty where there is none.

        Raises:
            InvalidError: it is damaged.
        """
        return self.run_dir.evaluation

    @cached_property
    def ais(self) -> dict[str, Any]:
        """What evaluation-ais.json says; empty where there is none.

        Raises:
            InvalidError: it is damaged.
        """
        return self.run_dir.ais

    @cached_property
    def per_image(self) -> Mapping[str, np.ndarray]:
        """The numbers of each image (N,) by name; empty where they were not kept."""
        return self.run_dir.per_image

    @cached_property
    def parameters(self) -> int | None:
        """How many numbers the model has."""
        return self.run_dir.n_parameters

    def series(self, key: str) -> list[tuple[int, float]]:
        """A number of the metrics epoch by epoch, where it is known."""
        return [
            (record["epoch"], record[key])
            for record in self.metrics
            if isinstance(record.get(key), int | float)
        ]


@dataclass
class VariantResult:
    """A variant and its runs."""

    plan: Variant
    runs: list[RunResult] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def label(self) -> str:
        return self.plan.label

    @property
    def finished(self) -> list[RunResult]:
        """The runs that came to their end."""
        return [run for run in self.runs if not run.failure]

    @property
    def first(self) -> RunResult:
        """The finished run of the first seed.

        Raises:
            InvalidError: there is none.
        """
        if not self.finished:
            reason = next((t.failure for t in self.runs), "it was not run")
            raise InvalidError(f"{self.label}: {reason}")
        return self.finished[0]


@dataclass
class StudyResults:
    """A study that was run.

    Attributes:
        study: what was asked.
        variants: its variants in order.
        folder: where all of it lies.
        preset_name, preset: how much was spent.
        command: that repeats it.
    """

    study: Study
    variants: Sequence[VariantResult]
    folder: Path
    preset_name: str = ""
    preset: Preset = field(default_factory=Preset)
    command: str = ""

    @property
    def page(self) -> Path:
        return self.folder / "index.html"

    @property
    def failures(self) -> list[tuple[VariantResult, RunResult]]:
        """The runs that did not come to their end."""
        return [(o, run) for o in self.variants for run in o.runs if run.failure]

    def select(self, runs: str | Sequence[str] = "*", finished: bool = False) -> list[VariantResult]:
        """The variants whose name fits a pattern, or whose group it is, in the order of the study.

        Args:
            runs: a pattern such as `vae-*`, a group, or a list of such.
            finished: only those with a finished run.

        Raises:
            InvalidError: there are none.
        """
        patterns = [runs] if isinstance(runs, str) else list(runs)
        found = [variant for variant in self.variants if matches(variant.plan, patterns)]
        if not found:
            raise InvalidError(f"runs: none is called {', '.join(patterns)} under this preset")
        kept = [variant for variant in found if variant.finished or not finished]
        if not kept:
            raise InvalidError(f"runs: none of {', '.join(variant.name for variant in found)} is finished")
        return kept
