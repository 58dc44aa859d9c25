"""Studies without a file: the grid of some values of a recipe, and runs that are there already.

Their page is made of the same blocks as that of any other study.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vaekit.config.loading import load_recipe
from vaekit.config.schema.recipe import Recipe
from vaekit.errors import InvalidError
from vaekit.studies.compare import MEASURED, TRAINED, figure_blocks
from vaekit.studies.display import StudyDisplay
from vaekit.studies.library import parse_study
from vaekit.studies.plan import written
from vaekit.studies.results import StudyResults
from vaekit.studies.run_study import run_planned_study
from vaekit.studies.schema import EvaluationProtocol, Preset
from vaekit.utils.yaml import SUFFIXES, parse_yaml

SWEEPS = Path("runs") / "sweeps"


def sweep(
    recipe: str | Path,
    grid: Mapping[str, Sequence[Any]],
    overrides: Iterable[str] = (),
    *,
    seeds: int = 1,
    samples: int = 100,
    images: int | None = 1000,
    folder: str | Path | None = None,
    jobs: int | None = None,
    resume: bool = False,
    display: StudyDisplay | None = None,
) -> StudyResults:
    """Train a recipe once for each combination of some values, and write a page that compares them.

    Args:
        recipe: a name or a file.
        grid: the values of each key, as `{"model.latent_dim": [2, 8, 32]}`.
        overrides: `key.path=value`, the same for all.
        seeds: trainings of each combination.
        samples, images: how each is measured; see `Run.evaluate`.
        folder: where to; `runs/sweeps/<recipe>-<keys>` if not given.
        jobs, resume, display: as for `study`.

    Raises:
        InvalidError: nothing varies.
        VaekitError: as `study`.
    """
    if not grid:
        raise InvalidError("sweep: expected a key with several values, such as model.latent_dim=2,8,32")
    overrides = list(overrides)
    base = load_recipe(recipe, overrides)
    short = _short(list(grid))
    name = "-".join([base.name, *short.values()])
    path = str(Path(recipe).resolve()) if Path(recipe).suffix in SUFFIXES else str(recipe)
    asked = parse_study(
        {
            "name": name,
            "title": f"{base.title or base.name}: {', '.join(grid)}",
            "runs": [_entry(path, grid, short)],
            "page": _sweep_page(base, grid, short),
        },
        "sweep",
    )
    evaluate = EvaluationProtocol(samples=samples, images=images)
    preset = Preset(overrides=overrides, seeds=seeds, evaluate=evaluate)
    planned = StudyResults(asked, [], Path(folder or SWEEPS / name), "", preset)
    return run_planned_study(planned, _command(recipe, grid, overrides, preset), jobs, resume, display)


def values_of(text: str) -> list[Any]:
    """The values in `2,8,32`, each in YAML; a comma inside brackets or quotes parts nothing."""
    import yaml

    pieces = re.findall(r"(?:\[[^\]]*\]|\{[^}]*\}|\"[^\"]*\"|'[^']*'|[^,])+", text)
    try:
        return [parse_yaml(piece) for piece in pieces]
    except yaml.YAMLError:
        raise InvalidError(f"sweep: expected values parted by commas, got {text!r}") from None


# ----------------------------------------------------------------------------------------------- parts


def _command(
    recipe: str | Path, grid: Mapping[str, Sequence[Any]], overrides: Iterable[str], preset: Preset
) -> str:
    """The command line of a sweep."""
    varied = [f"{key}={','.join(map(written, values))}" for key, values in grid.items()]
    words = ["vaekit", "sweep", str(recipe), *varied, *overrides, "--samples", str(preset.evaluate.samples)]
    words += ["--images", str(preset.evaluate.images)] if preset.evaluate.images else []
    return shlex.join([*words, *(["--seeds", str(preset.seeds)] if preset.seeds > 1 else [])])


def _short(keys: Sequence[str]) -> dict[str, str]:
    """A variable for each key: as few of its last words as tell it from the others."""
    return {key: _ending(key, [other for other in keys if other != key]) for key in keys}


def _ending(key: str, others: Sequence[str]) -> str:
    words = key.split(".")
    endings = (words[-n:] for n in range(1, len(words) + 1))
    own = next(e for e in endings if e == words or all(o.split(".")[-len(e) :] != e for o in others))
    return "_".join(own)


def _entry(recipe: str, grid: Mapping[str, Sequence[Any]], short: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": "-".join(f"{word}-{{{word}}}" for word in short.values()),
        "label": ", ".join(f"{word} = {{{word}}}" for word in short.values()),
        "recipe": recipe,
        "grid": {short[key]: list(values) for key, values in grid.items()},
        "overrides": [f"{key}={{{word}}}" for key, word in short.items()],
    }


def _sweep_page(
    base: Recipe, grid: Mapping[str, Sequence[Any]], short: Mapping[str, str]
) -> list[dict[str, Any]]:
    bound = base.model.encoder.posterior.kind != "delta"
    measured = "log_likelihood" if bound else "mse"
    numbers: list[dict[str, Any]] = [
        {"best": {"metric": measured}},
        {"table": {"columns": [*MEASURED, *TRAINED]}},
    ]
    plain = [key for key, values in grid.items() if all(isinstance(value, int | float) for value in values)]
    if len(grid) == 1 and plain:
        numbers.insert(1, {"metric_vs_param": {"x": short[plain[0]], "metric": measured}})
    return [
        {"heading": "Numbers"},
        *numbers,
        *figure_blocks("validation_elbo" if bound else "validation_loss"),
    ]
