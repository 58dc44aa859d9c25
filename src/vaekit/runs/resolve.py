"""What a run is going to be, before anything is written: its recipe, its data, its directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vaekit.config.in_memory import RecipeLike, as_recipe, recipe_for
from vaekit.config.loading import override_recipe
from vaekit.config.propose import Proposal
from vaekit.config.schema.recipe import Recipe
from vaekit.data import Dataset, cache, catalog
from vaekit.data.in_memory import is_reference
from vaekit.engine.fine_tune import recipe_to_start_from
from vaekit.errors import InvalidError, VaekitError
from vaekit.parallel.processes import launch_name, restarts
from vaekit.utils.paths import exists, numbered_folder, user_path

_SHARES: dict[str, Any] = {"validation": 0.1, "test": 0.1}


def resolve(
    recipe: RecipeLike | None, overrides: list[str], data: Any, y: Any
) -> tuple[Dataset | None, Proposal]:
    """The recipe of a run with the reasons for what is proposed; and the dataset, if a program gives values.

    Args:
        recipe, data, y: as for `vaekit.train`.
        overrides: `key.path=value` strings.

    Raises:
        VaekitError: the recipe is wrong, or the data cannot be used.

    >>> import numpy as np
    >>> dataset, (recipe, reasons) = resolve("digits", ["training.epochs=3"], np.zeros((9, 1, 8, 8)), None)
    >>> dataset.shape, recipe.training.epochs, recipe.data.validation
    ((1, 8, 8), 3, 0.1)
    """
    if data is None and y is not None:
        raise InvalidError("y: labels apply to data that a program holds; give them as data=")
    if recipe is None:
        recipe = recipe_to_start_from(overrides)
    if data is not None and (recipe is None or y is not None or not is_reference(data)):
        dataset, (chosen, reasons) = recipe_for(
            data, y, recipe, overrides, **({} if recipe is None else _SHARES)
        )
        return dataset, Proposal(with_absolute_paths(chosen), reasons)
    resolved = as_recipe("mnist" if recipe is None else recipe)
    if data is not None and str(data) != resolved.data.dataset:
        other = {"dataset": str(data), "attributes": None, "options": {}, **_SHARES}
        changed = resolved.data.model_copy(update=other)
        resolved = resolved.model_copy(update={"data": changed, "title": ""})
    return None, Proposal(with_absolute_paths(override_recipe(resolved, overrides)))


def with_absolute_paths(recipe: Recipe) -> Recipe:
    """The recipe with absolute paths, so that the run finds its data and weights from any folder.

    >>> with_absolute_paths(as_recipe("digits")).data.dataset
    'digits'
    """
    known = (*catalog.names(), *cache.dataset_names(cache.import_folder()))
    data = recipe.data
    places = {key: getattr(data, key) for key in ("dataset", "attributes", "validation_file", "test_file")}
    whole = {
        key: str(path.resolve())
        for key, place in places.items()
        if isinstance(place, str) and place not in known and exists(path := user_path(place))
    }
    init, training = recipe.training.init_from, recipe.training
    if init.run is not None and exists(place := user_path(init.run)):
        init = init.model_copy(update={"run": str(place.resolve())})
        training = training.model_copy(update={"init_from": init})
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=whole), "training": training})


def run_directory(name: str, wanted: str | Path | None) -> Path:
    """A new directory for a run: the one that is wanted, or the next of runs/<name>/.

    Raises:
        InvalidError: the directory already holds a run.
        VaekitError: the directory cannot be created.

    >>> import tempfile
    >>> run_directory("digits", tempfile.mkdtemp()).is_dir()
    True
    """
    try:
        return _create_directory(Path(wanted)) if wanted else numbered_folder(Path("runs") / name)
    except OSError as error:
        place = wanted or Path("runs") / name
        raise VaekitError(
            f"cannot create {place}: {error.strerror or error}; choose another run directory"
        ) from error


def restarted_run(name: str, wanted: str | Path | None) -> Path | None:
    """The run that processes began in whose place torchrun started these; None if this is the first start.

    Args:
        name: of the recipe.
        wanted: the directory that was asked for; runs/<name>/ is searched if None.

    >>> restarted_run("digits", None) is None
    True
    """
    if not launch_name():
        return None
    folders = [Path(wanted)] if wanted else sorted((Path("runs") / name).glob("*"))
    for folder in reversed(folders):
        finished = exists(folder / "finished.json") and not restarts()
        if exists(folder / "recipe.yaml") and _launch_of(folder) == launch_name() and not finished:
            return folder
    return None


def _launch_of(folder: Path) -> str:
    try:
        return str(json.loads((folder / "environment.json").read_text()).get("launch", ""))
    except (OSError, ValueError):
        return ""


def _create_directory(directory: Path) -> Path:
    if exists(directory / "recipe.yaml"):
        raise InvalidError(
            f"{directory}: already holds a run; to resume it: vaekit train --resume {directory}; "
            "or choose another directory"
        )
    directory.mkdir(parents=True, exist_ok=True)
    return directory
