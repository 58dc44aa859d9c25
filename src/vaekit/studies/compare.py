"""Runs that are there already, side by side: a study without a file, and without training."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vaekit.config.schema.recipe import Recipe
from vaekit.errors import InvalidError
from vaekit.runs.run import Run
from vaekit.studies.library import parse_study
from vaekit.studies.metrics import metric
from vaekit.studies.page import draw_all, render
from vaekit.studies.plan import Variant
from vaekit.studies.results import RunResult, StudyResults, VariantResult
from vaekit.utils.io import write_whole

MEASURED = [
    "log_likelihood", "ais", "elbo", "reconstruction", "kl", "bits_per_dimension", "active_units",
    "mse",
]  # fmt: skip


_SAMPLED = ["frechet", "kernel", "precision", "recall"]


TRAINED = ["epochs", "seconds_per_epoch", "parameters"]


_MOST_SETTINGS = 5  # columns for what differs between recipes


_LABEL = 16  # characters that a list of runs may have


def compare(paths: Sequence[str | Path], page: str | Path | None = None) -> StudyResults:
    """Put runs that are finished side by side, without training or measuring anything.

    Runs whose recipes differ in the seed alone are one line, with mean and deviation.

    Args:
        paths: of the run directories.
        page: a file for a page of tables and figures; none if not given.

    Returns:
        Results, of which every block can be drawn; see `studies.blocks`.

    Raises:
        NotFoundError: one is no run directory.
        InvalidError: there are none, or one is not finished.
    """
    if not paths:
        raise InvalidError("compare: expected at least one run directory")
    runs = [Run(path) for path in dict.fromkeys(map(Path, paths))]
    variants = _by_recipe(runs)
    asked = parse_study(
        {
            "name": "comparison",
            "title": f"{len(runs)} run{'s' * (len(runs) != 1)} side by side",
            "runs": [{"name": str(run.path)[-100:], "recipe": str(run.path / "recipe.yaml")} for run in runs],
            "page": _comparison_page(variants),
        },
        "compare",
    )
    results = StudyResults(asked, variants, Path(page).parent if page else Path())
    if page:
        write_whole(page, render(results, draw_all(results)).encode())
    return results


def unmeasured(variants: Sequence[VariantResult]) -> list[str]:
    """The commands that measure those runs that have no evaluation."""
    return [f"vaekit evaluate {t.path}" for o in variants for t in o.runs if not t.evaluation]


def differing(trees: Sequence[Mapping[str, Any]], path: str = "") -> Iterator[str]:
    """The paths of the keys in which recipes differ; the part itself, where it is of different kinds."""
    for key in dict.fromkeys(key for tree in trees for key in tree):
        values = [tree.get(key) for tree in trees]
        if all(value == values[0] for value in values):
            continue
        parts = [value for value in values if isinstance(value, Mapping)]
        if len(parts) == len(values) and len({part.get("kind") for part in parts}) == 1:
            yield from differing(parts, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def _comparison_page(variants: Sequence[VariantResult]) -> list[dict[str, Any]]:
    missing = unmeasured(variants)
    trees = [_described(variant.first.recipe) for variant in variants]
    settings = [f"recipe:{path}" for path in list(differing(trees))[:_MOST_SETTINGS]]
    note = f"Not measured yet; do it by: {'; '.join(missing)}" if missing else ""
    columns = [*settings, *MEASURED, *_SAMPLED, *TRAINED]
    numbers: list[dict[str, Any]] = [{"heading": "Numbers"}, {"table": {"columns": columns, "note": note}}]
    return [*numbers, *_differences(variants), *_tradeoff(variants), *figure_blocks("validation_elbo")]


def _differences(variants: Sequence[VariantResult]) -> list[dict[str, Any]]:
    """Paired differences, where two runs or more have numbers of each image."""
    known = [o for o in variants if any(t.per_image and t.evaluation.get("log_likelihood") for t in o.runs)]
    return [{"heading": "Differences"}, {"paired_differences": {}}] if len(known) > 1 else []


def _tradeoff(variants: Sequence[VariantResult]) -> list[dict[str, Any]]:
    """Rate and distortion, where those of two runs or more can be compared."""
    rated = [t for o in variants for t in o.runs if t.evaluation.get("kl")]
    ways = {metric("kl").protocol(training) for training in rated}
    comparable = len(rated) > 1 and len(ways) == 1
    return (
        [{"heading": "Rate and distortion"}, {"rate_distortion": {"sort_by_kl": True}}] if comparable else []
    )


def _described(recipe: Recipe, seed: bool = True) -> dict[str, Any]:
    """What a recipe asks for, without what it is called, and with its seed or not."""
    tree = recipe.model_dump(mode="json", exclude={"name", "title", "reference"})
    training = {key: value for key, value in tree["training"].items() if seed or key != "seed"}
    return {**tree, "training": training}


def figure_blocks(curve: str) -> list[dict[str, Any]]:
    return [
        {"heading": "Training"}, {"curves": curve},
        {"heading": "Samples"}, {"samples": {}},
        {"heading": "Reconstructions"}, {"reconstructions": {}},
        {"heading": "Latent spaces"}, {"latent_scatter": {}},
    ]  # fmt: skip


def _labels(runs: Sequence[Run]) -> list[str]:
    """The runs' paths, from the folder on in which all of them lie."""
    paths = [run.path for run in runs]
    common = Path(os.path.commonpath([path.absolute() for path in paths])) if len(paths) > 1 else Path()
    return [str(path.absolute().relative_to(common)) if len(paths) > 1 else str(path) for path in paths]


def _by_recipe(runs: Sequence[Run]) -> list[VariantResult]:
    """A variant for each recipe, its trainings those runs that have it with seeds of their own.

    Raises:
        InvalidError: a run is not finished.
    """
    groups: list[list[tuple[Run, str]]] = []
    for run, label in zip(runs, _labels(runs), strict=True):
        if not run.finished:
            raise InvalidError(
                f"{run.path}: is not finished; go on with it by: vaekit train --resume {run.path}"
            )
        group = next((group for group in groups if _belongs(run, [other for other, _ in group])), None)
        if group is None:
            groups.append(group := [])
        group.append((run, label))
    return [_existing(group) for group in groups]


def _belongs(run: Run, others: Sequence[Run]) -> bool:
    """Whether a run differs from these in its seed, and in nothing else."""
    seeds = {other.recipe.training.seed for other in others}
    same = _described(run.recipe, seed=False) == _described(others[0].recipe, seed=False)
    return same and run.recipe.training.seed not in seeds


def _existing(group: Sequence[tuple[Run, str]]) -> VariantResult:
    runs, labels = zip(*group, strict=True)
    seeds = tuple(run.recipe.training.seed for run in runs)
    variant = Variant(str(runs[0].path), _joint(labels), "", {}, runs[0].recipe, seeds)
    return VariantResult(variant, [RunResult(seed, run.path) for seed, run in zip(seeds, runs, strict=True)])


def _joint(labels: Sequence[str]) -> str:
    """What several runs are called together, in a few words."""
    whole = ", ".join(labels)
    return whole if len(labels) == 1 or len(whole) <= _LABEL else f"{labels[0]} and {len(labels) - 1} more"
