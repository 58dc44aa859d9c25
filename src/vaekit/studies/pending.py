"""Decide what is left to do of a study. A finished run with the same recipe and data needs nothing.

A run whose recipe or data changed is trained again. A run that was measured by another protocol is only
measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from vaekit.config.build import build_data
from vaekit.config.schema.data import DataSettings
from vaekit.config.schema.recipe import Recipe
from vaekit.data.fingerprint import covers_all, fingerprint, sample_digest
from vaekit.errors import VaekitError
from vaekit.runs.resolve import with_absolute_paths
from vaekit.runs.run import Run
from vaekit.studies.plan import Task
from vaekit.studies.worker import Job
from vaekit.training.locking import lock_directory

JobResults = dict[int, tuple[int, str]]  # number of a task: exit code, reason of the failure
Note = Callable[[str], None]

_NO_EFFECT = {"device", "threads", "sample_every", "checkpoint_seconds", "checkpoint_steps", "logger"}


def pending_jobs(tasks: Sequence[Task], note: Note, resume: bool) -> tuple[JobResults, list[Job]]:
    """Split tasks into those that need no work and jobs for the others.

    Args:
        tasks: all tasks of a study.
        note: called with one line about each run that is trained again or resumed.
        resume: continue interrupted runs; else they are trained from the start.

    Returns:
        Results of the tasks that are finished or cannot start, and a job for each other task.

    >>> pending_jobs([], print, resume=False)
    ({}, [])
    """
    results: JobResults = {}
    jobs: list[Job] = []
    _data_or_error.cache_clear()
    for number, task in enumerate(tasks):
        try:
            step = _step(task, note, resume)
        except VaekitError as error:
            results[number] = (error.exit_code, str(error))
            continue
        if step is None:
            results[number] = (0, "")
        else:
            recipe = with_absolute_paths(task.recipe).model_dump(mode="json")
            jobs.append(Job(number, step, recipe, str(task.directory), task.evaluate.options()))
    return results, jobs


def _step(task: Task, note: Note, resume: bool) -> str | None:
    """The next step of a task: "train", "resume", "measure", or None if it is finished.

    Raises:
        VaekitError: the data are not available, or another process uses the directory.
    """
    data = _data_or_error(with_absolute_paths(task.recipe).data.model_dump_json())
    if isinstance(data, VaekitError):
        raise data
    if not (task.directory / "recipe.yaml").is_file():
        return "train"
    with lock_directory(task.directory):
        run = Run(task.directory)
    if (reason := _changed(run, task, data[0])) is not None:
        note(f"{task.name}: {reason}, so it is trained again")
        return "train"
    try:
        complete, finished = run.training_complete, run.finished
    except VaekitError as error:
        note(f"{task.name}: {error}, so it is trained again")
        return "train"
    if complete and not finished:
        return "resume"
    if not finished:
        note(f"{task.name}: it was interrupted and is {'resumed' if resume else 'trained again'}")
        return "resume" if resume else "train"
    return None if _is_measured(run, task, data[1]) else "measure"


def _changed(run: Run, task: Task, data: tuple[str, str]) -> str | None:
    """Why a run does not match its task; None if it does."""
    try:
        same = numeric_settings(run.recipe) == numeric_settings(with_absolute_paths(task.recipe))
    except VaekitError:
        same = False
    if not same:
        return "its recipe changed"
    return None if run.environment.get("data") in data else "its data changed"


def numeric_settings(recipe: Recipe) -> dict[str, Any]:
    """The settings of a recipe that can change a number: all but names and settings of the machine.

    >>> from vaekit.config.loading import load_recipe
    >>> settings = numeric_settings(load_recipe("digits"))
    >>> "batch_size" in settings["training"], "threads" in settings["training"]
    (True, False)
    """
    tree = recipe.model_dump(exclude={"name", "title", "reference"})
    tree["training"] = {key: value for key, value in tree["training"].items() if key not in _NO_EFFECT}
    tree["training"]["init_from"].pop("sha256")  # which only the recipe of a run has
    return tree


def _is_measured(run: Run, task: Task, sizes: dict[str, int]) -> bool:
    """Whether the evaluation of a run follows the protocol of its task."""
    wanted, size = task.evaluate, sizes[task.evaluate.split]
    protocol = {
        "samples": wanted.samples,
        "split": wanted.split,
        "images": min(wanted.images or size, size),
    }
    try:
        found = run.evaluation
        available = min(sizes["train"], sizes["test"] or sizes["validation"])
        scored = not wanted.quality or found["quality"]["images"] == min(wanted.quality, available)
        is_covered = covers_all(found["data"])  # else its numbers are not compared with any
        return scored and is_covered and all(found[key] == value for key, value in protocol.items())
    except (VaekitError, LookupError, TypeError):
        return False


@cache
def _data_or_error(spec: str) -> tuple[tuple[str, str], dict[str, int]] | VaekitError:
    """Fingerprints (also as earlier versions recorded it) and split sizes of the data.

    Or the error, so that a failed download is tried once.
    """
    try:
        dataset, splits = build_data(DataSettings.model_validate_json(spec))
    except VaekitError as error:
        return error
    sizes = {name: len(part) for name, part in vars(splits).items()}
    return (fingerprint(dataset), sample_digest(dataset)), sizes
