"""The results of a study: its variants, each with its runs, read from their directories on first use.

Blocks read these classes. `StudyResults.select` returns the variants that match a name pattern or a group.
Tables use the `finished` runs of a variant, and figures of a model its `first` finished run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaekit.config.schema.recipe import Recipe
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError, VaekitError
from vaekit.runs.run import Run
from vaekit.studies.attempts import describe_place
from vaekit.studies.halving import REASON
from vaekit.studies.plan import Variant, matches
from vaekit.studies.schema import Preset, Study

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class RunResult:
    """One run of a variant, trained from one seed.

    Attributes:
        seed: of the training.
        path: the run directory.
        failure: the reason if the run failed; empty if it finished.
        exit_code: the exit code of the failure.

    >>> RunResult(0, Path("runs/vae"), failure="it diverged", exit_code=5).failure
    'it diverged'
    """

    seed: int
    path: Path
    failure: str = ""
    exit_code: int = 0

    @cached_property
    def run_dir(self) -> Run:
        """The run directory."""
        return Run(self.path)

    @cached_property
    def trained(self) -> TrainedModel:
        """The model with its recipe and data."""
        return self.run_dir.trained

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe."""
        return self.run_dir.recipe

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """One record per epoch."""
        return self.run_dir.metrics

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        """The content of evaluation.json; empty if there is none.

        Raises:
            InvalidError: the file is damaged.
        """
        return self.run_dir.evaluation

    @cached_property
    def ais(self) -> dict[str, Any]:
        """The content of evaluation-ais.json; empty if there is none.

        Raises:
            InvalidError: the file is damaged.
        """
        return self.run_dir.ais

    @cached_property
    def bdmc(self) -> dict[str, Any]:
        """The content of bdmc.json, bounds from both sides; empty if there is none.

        Raises:
            InvalidError: the file is damaged.
        """
        return self.run_dir.bdmc_bounds

    @cached_property
    def per_image_ais(self) -> Mapping[str, np.ndarray]:
        """The metrics per image by annealed importance sampling; empty if they were not saved."""
        return self.run_dir.per_image_ais

    @cached_property
    def stale(self) -> list[str]:
        """One sentence for each evaluation that is of other weights or data than the run has now."""
        return self.run_dir.stale

    @cached_property
    def per_image(self) -> Mapping[str, np.ndarray]:
        """The metrics per image, name -> (N,); empty if they were not saved."""
        return self.run_dir.per_image

    @cached_property
    def parameters(self) -> int | None:
        """The number of parameters of the model."""
        return self.run_dir.n_parameters

    @cached_property
    def environment(self) -> dict[str, Any]:
        """The content of environment.json: versions, device, data."""
        return self.run_dir.environment

    @cached_property
    def place(self) -> str:
        """The executor and the host that trained the run; empty if it was this machine."""
        return describe_place(self.path)

    @cached_property
    def fell_behind(self) -> bool:
        """Whether successive halving stopped the training."""
        return not self.failure and self.run_dir.stopped.endswith(REASON)

    @cached_property
    def best_epoch(self) -> int | None:
        """The epoch whose weights the model has."""
        return self.run_dir.summary()["best_epoch"]

    def series(self, key: str) -> list[tuple[int, float]]:
        """The (epoch, value) pairs of a number of metrics.jsonl, for the epochs that have it."""
        return [
            (record["epoch"], record[key])
            for record in self.metrics
            if isinstance(record.get(key), int | float)
        ]


@dataclass
class VariantResult:
    """A variant and its runs, one per seed.

    Attributes:
        plan: name, label, group, recipe and seeds, as planned.
        runs: one per seed, in the order of the seeds.

    >>> from vaekit.studies.example import example_results
    >>> variant = example_results().variants[0]
    >>> variant.label, variant.first.seed
    ('d = 2', 0)
    """

    plan: Variant
    runs: list[RunResult] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the variant's directory."""
        return self.plan.name

    @property
    def label(self) -> str:
        """The label in tables and legends."""
        return self.plan.label

    @property
    def finished(self) -> list[RunResult]:
        """The runs that did not fail."""
        return [run for run in self.runs if not run.failure]

    @property
    def first(self) -> RunResult:
        """The first finished run.

        Raises:
            InvalidError: no run finished.
        """
        if not self.finished:
            reason = next((run.failure for run in self.runs), "not run")
            raise InvalidError(f"{self.label}: {reason}")
        return self.finished[0]


@dataclass(repr=False)
class StudyResults:
    """The results of a study.

    Attributes:
        study: the study as it was read.
        variants: in the order of the study.
        folder: the output directory.
        preset_name, preset: the preset it was run with.
        command: the command line that repeats the study.

    >>> from vaekit.studies.example import example_results
    >>> [variant.name for variant in example_results().select("VAE")]
    ['vae-2', 'vae-3']
    """

    study: Study
    variants: Sequence[VariantResult]
    folder: Path
    preset_name: str = ""
    preset: Preset = field(default_factory=Preset)
    command: str = ""

    def __repr__(self) -> str:
        runs = [run for variant in self.variants for run in variant.runs]
        done = f"{sum(not run.failure for run in runs)} of {len(runs)} runs finished"
        return f"StudyResults({self.study.name!r}, {len(self.variants)} variants, {done})"

    def _repr_html_(self) -> str:
        from vaekit.studies.card import VariantRow, study_card

        names = {"log_likelihood": "log p(x)", "elbo": "ELBO"}
        found = {run.path: run.evaluation for variant in self.variants for run in variant.finished}
        key = next((key for key in names if any(f.get(key) is not None for f in found.values())), "elbo")
        rows = [
            VariantRow(
                variant.label,
                len(variant.finished),
                len(variant.runs),
                [value for run in variant.finished if (value := found[run.path].get(key)) is not None],
            )
            for variant in self.variants
        ]
        return study_card(self.study.title or self.study.name, self.study.question, names[key], rows)

    def to_frame(self) -> pd.DataFrame:
        """One row per run: variant, values of the grid, seed, state, and the numbers of its evaluation.

        Returns:
            A data frame of pandas. `kl` is the sum over layers; unknown numbers are NaN.

        Raises:
            VaekitError: pandas is not installed.

        >>> from vaekit.studies.example import example_results
        >>> frame = example_results().to_frame()
        >>> frame[["variant", "d", "seed", "elbo", "kl"]].values.tolist()
        [['vae-2', 2, 0, -31.0, 6.0], ['vae-3', 3, 0, -32.0, 5.0]]
        """
        try:
            import pandas
        except ImportError:
            raise VaekitError(
                "to_frame needs pandas, which is not installed; run: pip install pandas"
            ) from None
        rows = [
            {
                "variant": variant.name,
                "label": variant.label,
                "group": variant.plan.group,
                **variant.plan.values,
                "seed": run.seed,
                "failure": run.failure,
                "path": str(run.path),
                **({} if run.failure else _numbers(run)),
            }
            for variant in self.variants
            for run in variant.runs
        ]
        return pandas.DataFrame(rows)

    @property
    def page(self) -> Path:
        """The path of the HTML page."""
        return self.folder / "index.html"

    @property
    def failures(self) -> list[tuple[VariantResult, RunResult]]:
        """The runs that failed, each with its variant."""
        return [(variant, run) for variant in self.variants for run in variant.runs if run.failure]

    def select(self, runs: str | Sequence[str] = "*", finished: bool = False) -> list[VariantResult]:
        """The variants that match a name pattern or belong to a group, in the order of the study.

        Args:
            runs: a pattern such as `vae-*`, a group, or a list of these.
            finished: only variants with a finished run.

        Raises:
            InvalidError: no variant matches.
        """
        patterns = [runs] if isinstance(runs, str) else list(runs)
        found = [variant for variant in self.variants if matches(variant.plan, patterns)]
        if not found:
            raise InvalidError(f"runs: no run matches {', '.join(patterns)} under this preset")
        selected = [variant for variant in found if variant.finished or not finished]
        if not selected:
            raise InvalidError(f"runs: none of {', '.join(variant.name for variant in found)} has finished")
        return selected


def _numbers(run: RunResult) -> dict[str, Any]:
    """The numbers of a run for a row of a table."""
    found = {name: value for name, value in run.evaluation.items() if isinstance(value, int | float)}
    layers = run.evaluation.get("kl") or []
    total = {"kl": sum(layers)} if layers and None not in layers else {}
    size = {"parameters": run.parameters, "epochs": len(run.metrics), "best_epoch": run.best_epoch}
    return {**found, **total, **(run.evaluation.get("metrics") or {}), **size}
