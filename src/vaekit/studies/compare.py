"""Compare existing runs: a study without a file and without training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vaekit.errors import InvalidError
from vaekit.registry import Trust
from vaekit.runs.run import Run
from vaekit.studies.default_pages import comparison_blocks, recipe_settings
from vaekit.studies.library import parse_study
from vaekit.studies.page import draw_blocks, render_study
from vaekit.studies.plan import Variant
from vaekit.studies.results import RunResult, StudyResults, VariantResult
from vaekit.utils.format import count_of
from vaekit.utils.io import write_whole

_MAX_LABEL = 16  # characters of a list of run names; longer lists are abbreviated


def compare(
    paths: Sequence[str | Path], page: str | Path | None = None, trust: Trust = False
) -> StudyResults:
    """Compare finished runs side by side, without training or measuring anything.

    Runs whose recipes differ only in the seed share a row, with mean and standard deviation.

    Args:
        paths: run directories.
        page: HTML file to write, with tables and figures; by default no file is written.
        trust: the modules and files from outside vaekit that the runs may import; True for all.

    Returns:
        Results from which every block can be drawn; see `vaekit.studies.blocks`.

    Raises:
        NotFoundError: a path is not a run directory.
        InvalidError: `paths` is empty, or a run is not finished.
        UntrustedError: a run names code from outside vaekit that is not trusted.

    >>> compare([])
    Traceback (most recent call last):
    vaekit.errors.InvalidError: compare: expected at least one run directory
    """
    if not paths:
        raise InvalidError("compare: expected at least one run directory")
    runs = [Run(path, trust=trust) for path in dict.fromkeys(map(Path, paths))]
    variants = _group_by_recipe(runs)
    study = parse_study(
        {
            "name": "comparison",
            "title": f"{count_of(len(runs), 'run')} side by side",
            "runs": [{"name": str(run.path)[-100:], "recipe": str(run.path / "recipe.yaml")} for run in runs],
            "page": comparison_blocks(variants),
        },
        "compare",
    )
    results = StudyResults(study, variants, Path(page).parent if page else Path())
    if page:
        write_whole(page, render_study(results, draw_blocks(results)).encode())
    return results


def _group_by_recipe(runs: Sequence[Run]) -> list[VariantResult]:
    """One variant per recipe, with the runs that differ only in their seeds.

    Raises:
        InvalidError: a run is not finished.
    """
    groups: list[list[tuple[Run, str]]] = []
    for run, label in zip(runs, _labels(runs), strict=True):
        if not run.training_complete:
            raise InvalidError(f"{run.path}: not finished; continue with: vaekit train --resume {run.path}")
        group = next(
            (group for group in groups if _differs_only_in_seed(run, [other for other, _ in group])), None
        )
        if group is None:
            groups.append(group := [])
        group.append((run, label))
    return [_variant(group) for group in groups]


def _labels(runs: Sequence[Run]) -> list[str]:
    """The paths of runs, relative to the folder that contains all of them."""
    paths = [run.path for run in runs]
    if len(paths) < 2:
        return [str(path) for path in paths]
    common = os.path.commonpath([path.absolute() for path in paths])
    return [str(path.absolute().relative_to(common)) for path in paths]


def _differs_only_in_seed(run: Run, others: Sequence[Run]) -> bool:
    """Whether a run has the recipe and the data of others and another seed."""
    if run.environment.get("data") != others[0].environment.get("data"):
        return False
    seeds = {other.recipe.training.seed for other in others}
    same = recipe_settings(run.recipe, seed=False) == recipe_settings(others[0].recipe, seed=False)
    return same and run.recipe.training.seed not in seeds


def _variant(group: Sequence[tuple[Run, str]]) -> VariantResult:
    """The runs of a group, labeled by their paths."""
    runs, labels = zip(*group, strict=True)
    label = ", ".join(labels)
    if len(labels) > 1 and len(label) > _MAX_LABEL:
        label = f"{labels[0]} and {len(labels) - 1} more"
    seeds = tuple(run.recipe.training.seed for run in runs)
    plan = Variant(str(runs[0].path), label, "", {}, runs[0].recipe, seeds)
    return VariantResult(plan, [RunResult(seed, run.path) for seed, run in zip(seeds, runs, strict=True)])
