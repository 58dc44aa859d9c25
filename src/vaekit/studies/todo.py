"""What of a study is left to do: nothing for what is finished, as it was asked for, from the same data."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from vaekit.config.build import build_data
from vaekit.config.schema.data import DataSettings
from vaekit.config.schema.recipe import Recipe
from vaekit.engine.trained_model import fingerprint
from vaekit.errors import VaekitError
from vaekit.runs.run import Run
from vaekit.runs.train import with_absolute_paths
from vaekit.studies.plan import Task
from vaekit.studies.worker import Job
from vaekit.training.locking import lock_directory

Ends = dict[int, tuple[int, str]]
Note = Callable[[str], None]

_WITHOUT_EFFECT = {"device", "threads", "pictures", "checkpoint_seconds", "checkpoint_steps", "tensorboard"}


def sort(tasks: Sequence[Task], note: Note, resume: bool) -> tuple[Ends, list[Job]]:
    """The ends of those tasks that are finished or cannot begin, and jobs for the others."""
    ends: Ends = {}
    open_jobs: list[Job] = []
    _looked_up.cache_clear()
    for number, task in enumerate(tasks):
        try:
            step = _step(task, note, resume)
        except VaekitError as error:
            ends[number] = (error.exit_code, str(error))
            continue
        if step is None:
            ends[number] = (0, "")
        else:
            recipe, evaluate = (
                with_absolute_paths(task.recipe).model_dump(mode="json"),
                task.evaluate.options(),
            )
            open_jobs.append(Job(number, step, recipe, str(task.directory), evaluate))
    return ends, open_jobs


def _step(task: Task, note: Note, resume: bool) -> str | None:
    """Where a task has to begin; None where nothing is left to do.

    Raises:
        VaekitError: its data cannot be had, or another process trains there.
    """
    data = _data(with_absolute_paths(task.recipe).data.model_dump_json())
    if not (task.directory / "recipe.yaml").is_file():
        return "train"
    with lock_directory(task.directory):
        run = Run(task.directory)
    if (reason := _changed(run, task, data[0])) is not None:
        note(f"{task.name}: {reason}, so it is trained anew")
        return "train"
    if not run.finished:
        note(f"{task.name}: was interrupted, and {'goes on' if resume else 'is trained anew'}")
        return "resume" if resume else "train"
    return None if _is_measured(run, task, data[1]) else "measure"


def _changed(run: Run, task: Task, data: str) -> str | None:
    """What differs between what is in a run's directory and what is wanted; None where nothing does."""
    try:
        same = essence(run.recipe) == essence(with_absolute_paths(task.recipe))
    except VaekitError:
        same = False
    if not same:
        return "its recipe changed"
    return None if run.environment.get("data") == data else "its data changed"


def essence(recipe: Recipe) -> dict[str, Any]:
    """What of a recipe has a say in the numbers."""
    tree = recipe.model_dump(exclude={"name", "title", "reference"})
    tree["training"] = {key: value for key, value in tree["training"].items() if key not in _WITHOUT_EFFECT}
    return tree


def _is_measured(run: Run, task: Task, sizes: dict[str, int]) -> bool:
    """Whether the run was evaluated as is wanted."""
    wanted, size = task.evaluate, sizes[task.evaluate.split]
    protocol = {
        "samples": wanted.samples,
        "split": wanted.split,
        "images": min(wanted.images or size, size),
    }
    try:
        found = json.loads((run.path / "evaluation.json").read_text(encoding="utf-8"))
        scored = not wanted.quality or found["quality"]["images"] == _scored(wanted.quality, sizes)
        return scored and all(found[key] == value for key, value in protocol.items())
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _scored(wanted: int, sizes: dict[str, int]) -> int:
    """How many samples are compared with as many training and held-out images."""
    return min(wanted, sizes["train"], sizes["test"] or sizes["validation"])


def _data(spec: str) -> tuple[str, dict[str, int]]:
    """The fingerprint of data, and how many images each part has.

    Raises:
        VaekitError: they cannot be had.
    """
    found = _looked_up(spec)
    if isinstance(found, VaekitError):
        raise found
    return found


@cache
def _looked_up(spec: str) -> tuple[str, dict[str, int]] | VaekitError:
    """The same, or why not: to find that there is no network takes seconds, and many runs may ask."""
    try:
        dataset, splits = build_data(DataSettings.model_validate_json(spec))
    except VaekitError as error:
        return error
    return fingerprint(dataset), {name: len(part) for name, part in vars(splits).items()}
