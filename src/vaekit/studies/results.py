"""What came of a study: its variants, each with its trainings, read from their directories when asked for.

Blocks are written against this. `Results.select` gives the variants that a pattern of names, or a group,
means; a variant's `finished` trainings are what there is to show, and `first` the one of which pictures are
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
from vaekit.studies.schema import Budget, Study


@dataclass
class RunResult:
    """One training of a variant.

    Attributes:
        seed: of it.
        path: of the run.
        fault: why there is none; empty where it is finished.
        code: the exit code of that fault.
    """

    seed: int
    path: Path
    fault: str = ""
    code: int = 0

    @cached_property
    def run(self) -> Run:
        return Run(self.path)

    @property
    def trained(self) -> TrainedModel:
        """The model and all it takes to use it."""
        return self.run.trained

    @cached_property
    def recipe(self) -> Recipe:
        """What was trained."""
        return self.run.recipe

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """One record an epoch."""
        return self.run.metrics

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        """What evaluation.json says; empty where there is none.

        Raises:
            InvalidError: it is damaged.
        """
        return self.run.evaluation

    @cached_property
    def annealed(self) -> dict[str, Any]:
        """What evaluation-ais.json says; empty where there is none.

        Raises:
            InvalidError: it is damaged.
        """
        return self.run.ais

    @cached_property
    def each(self) -> Mapping[str, np.ndarray]:
        """The numbers of each image (N,) by name; empty where they were not kept."""
        return self.run.per_image

    @cached_property
    def parameters(self) -> int | None:
        """How many numbers the model has."""
        return self.run.n_parameters

    def series(self, key: str) -> list[tuple[int, float]]:
        """A number of the metrics epoch by epoch, where it is known."""
        return [
            (record["epoch"], record[key])
            for record in self.metrics
            if isinstance(record.get(key), int | float)
        ]


@dataclass
class VariantResult:
    """A variant and its trainings."""

    variant: Variant
    trainings: list[RunResult] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.variant.name

    @property
    def label(self) -> str:
        return self.variant.label

    @property
    def finished(self) -> list[RunResult]:
        """The trainings that came to their end."""
        return [training for training in self.trainings if not training.fault]

    @property
    def first(self) -> RunResult:
        """The finished training of the first seed.

        Raises:
            InvalidError: there is none.
        """
        if not self.finished:
            reason = next((t.fault for t in self.trainings), "it was not run")
            raise InvalidError(f"{self.label}: {reason}")
        return self.finished[0]


@dataclass
class StudyResults:
    """A study that was run.

    Attributes:
        study: what was asked.
        outcomes: its variants in order.
        folder: where all of it lies.
        budget_name, budget: how much was spent.
        command: that repeats it.
    """

    study: Study
    outcomes: Sequence[VariantResult]
    folder: Path
    budget_name: str = ""
    budget: Budget = field(default_factory=Budget)
    command: str = ""

    @property
    def page(self) -> Path:
        return self.folder / "index.html"

    @property
    def faults(self) -> list[tuple[VariantResult, RunResult]]:
        """The trainings that did not come to their end."""
        return [(o, training) for o in self.outcomes for training in o.trainings if training.fault]

    def select(self, runs: str | Sequence[str] = "*", finished: bool = False) -> list[VariantResult]:
        """The variants whose name fits a pattern, or whose group it is, in the order of the study.

        Args:
            runs: a pattern such as `vae-*`, a group, or a list of such.
            finished: only those with a finished training.

        Raises:
            InvalidError: there are none.
        """
        patterns = [runs] if isinstance(runs, str) else list(runs)
        found = [outcome for outcome in self.outcomes if matches(outcome.variant, patterns)]
        if not found:
            raise InvalidError(f"runs: none is called {', '.join(patterns)} under this budget")
        kept = [outcome for outcome in found if outcome.finished or not finished]
        if not kept:
            raise InvalidError(f"runs: none of {', '.join(outcome.name for outcome in found)} is finished")
        return kept
