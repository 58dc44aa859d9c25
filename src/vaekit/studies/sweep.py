"""Train a grid of values of a recipe: a study without a file."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from vaekit.config.loading import dump_recipe, load_recipe, recipe_names
from vaekit.config.propose import propose
from vaekit.errors import InvalidError, brief
from vaekit.studies.default_pages import sweep_blocks
from vaekit.studies.display import StudyDisplay
from vaekit.studies.execution import Execution
from vaekit.studies.library import parse_study
from vaekit.studies.plan import to_text
from vaekit.studies.results import StudyResults
from vaekit.studies.run_study import run_planned_study
from vaekit.studies.schema import EvaluationProtocol, Preset
from vaekit.utils.io import write_whole
from vaekit.utils.paths import exists, real_path, user_path
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
    split: Literal["train", "validation", "test"] = "test",
    folder: str | Path | None = None,
    display: StudyDisplay | None = None,
    **execution: Any,
) -> StudyResults:
    """Train a recipe once for each combination of values, and write a page that compares the runs.

    Args:
        recipe: a recipe name or file; or the path of data, for which a recipe is proposed.
        grid: the values of each key, such as `{"model.latent_dim": [2, 8, 32]}`.
        overrides: `key.path=value`, the same for all runs.
        seeds: number of seeds per combination.
        samples, images, split: the evaluation of each run; see `Run.evaluate`. To choose a value, such as the
            number of latents, compare on the validation split.
        folder: the output directory; default: `runs/sweeps/<recipe>-<keys>`.
        display, execution: as for `study`.

    Raises:
        InvalidError: the grid is empty.
        VaekitError: as for `study`.

    >>> sweep("digits", {})
    Traceback (most recent call last):
    vaekit.errors.InvalidError: sweep: expected a key with several values, such as model.latent_dim=2,8,32
    """
    if not grid:
        raise InvalidError("sweep: expected a key with several values, such as model.latent_dim=2,8,32")
    overrides, data = list(overrides), None
    if is_data_path(recipe):
        data, recipe = recipe, _write_proposal(recipe, overrides, Path(folder or SWEEPS))
    base = load_recipe(recipe, overrides)
    variables = {key: _shortest_ending(key, [other for other in grid if other != key]) for key in grid}
    name = "-".join([base.name, *variables.values()])
    path = str(Path(recipe).resolve()) if Path(recipe).suffix in SUFFIXES else str(recipe)
    entry = {
        "name": "-".join(f"{word}-{{{word}}}" for word in variables.values()),
        "label": ", ".join(f"{word} = {{{word}}}" for word in variables.values()),
        "recipe": path,
        "grid": {variables[key]: list(values) for key, values in grid.items()},
        "overrides": [f"{key}={{{word}}}" for key, word in variables.items()],
    }
    title = f"{base.title or base.name}: {', '.join(grid)}"
    page = sweep_blocks(base, grid, variables)
    study = parse_study({"name": name, "title": title, "runs": [entry], "page": page}, "sweep")
    protocol = EvaluationProtocol(samples=samples, images=images, split=split)
    preset = Preset(overrides=overrides, seeds=seeds, evaluate=protocol)
    planned = StudyResults(study, [], Path(folder or SWEEPS / name), "", preset)
    command = _command(data or recipe, grid, overrides, preset)
    return run_planned_study(planned, command, Execution(**execution), display)


def is_data_path(recipe: str | Path) -> bool:
    """Whether a word means data rather than a recipe: a path that is no YAML file.

    >>> is_data_path("digits"), is_data_path(Path(__file__))
    (False, True)
    """
    path = user_path(recipe)
    return str(recipe) not in recipe_names() and exists(path) and path.suffix not in SUFFIXES


def _write_proposal(data: str | Path, overrides: Sequence[str], folder: Path) -> Path:
    """Write the recipe that is proposed for data to a file."""
    recipe = propose(real_path(data), overrides).recipe
    file = folder / f"{recipe.name}.yaml"
    write_whole(file, dump_recipe(recipe).encode())
    return file


def parse_values(text: str) -> list[Any]:
    """The values in a list such as `2,8,32`, each read as YAML; brackets and quotes keep commas together.

    Raises:
        InvalidError: a value is not valid YAML.

    >>> parse_values("[4, 2],8,relu")
    [[4, 2], 8, 'relu']
    """
    pieces = re.findall(r"(?:\[[^\]]*\]|\{[^}]*\}|\"[^\"]*\"|'[^']*'|[^,])+", text)
    try:
        return [parse_yaml(piece) for piece in pieces]
    except InvalidError as error:
        raise InvalidError(
            f"sweep: expected values separated by commas, got {brief(text)}: {error}"
        ) from None


def _command(
    recipe: str | Path, grid: Mapping[str, Sequence[Any]], overrides: Iterable[str], preset: Preset
) -> str:
    """The command line of a sweep."""
    varied = [f"{key}={','.join(map(to_text, values))}" for key, values in grid.items()]
    words = ["vaekit", "sweep", str(recipe), *varied, *overrides, "--samples", str(preset.evaluate.samples)]
    words += ["--images", str(preset.evaluate.images)] if preset.evaluate.images else []
    words += ["--split", preset.evaluate.split] if preset.evaluate.split != "test" else []
    return shlex.join([*words, *(["--seeds", str(preset.seeds)] if preset.seeds > 1 else [])])


def _shortest_ending(key: str, others: Sequence[str]) -> str:
    """The fewest last words of a key that distinguish it from other keys, joined by underscores."""
    words = key.split(".")
    endings = (words[-n:] for n in range(1, len(words) + 1))
    own = next(e for e in endings if e == words or all(o.split(".")[-len(e) :] != e for o in others))
    return "_".join(own)
