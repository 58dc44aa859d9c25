"""Run a study: plan its tasks, run them, draw the page. `study` is the function behind `vaekit study`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaekit.errors import InterruptedRun
from vaekit.studies.display import StudyDisplay, make_display
from vaekit.studies.execution import Execution
from vaekit.studies.library import load_study
from vaekit.studies.page import write_page
from vaekit.studies.pending import JobResults
from vaekit.studies.plan import Task, Variant, choose_preset, plan_tasks, plan_variants
from vaekit.studies.results import RunResult, StudyResults, VariantResult
from vaekit.studies.runner import run_tasks

FOLDER = Path("runs") / "studies"


def study(
    name: str | Path,
    preset: str | None = None,
    *,
    seeds: int | None = None,
    folder: str | Path | None = None,
    display: StudyDisplay | None = None,
    **execution: Any,
) -> StudyResults:
    """Run the unfinished part of a study, and write its page and results.json.

    Args:
        name: name of a packaged study, or a YAML file.
        preset: name of one of its presets; default: `quick` if there is one, else the first.
        seeds: number of seeds per run; default: that of the preset.
        folder: the output directory; default: `runs/studies/<name>-<preset>`.
        display: receives the progress; default: prints to stderr, as the command does.
        execution: jobs, resume, executor, scheduler, retries, job_options and halving, as
            `vaekit.studies.execution.Execution` describes them.

    Returns:
        The results. Runs that failed are listed in `failures`.

    Raises:
        VaekitError: the study, a recipe or its data are invalid.
        InterruptedRun: a signal arrived; checkpoints are saved.

    >>> study("beta", preset="tiny")
    Traceback (most recent call last):
    vaekit.errors.InvalidError: preset: expected one of quick, full, got 'tiny'
    """
    loaded = load_study(name)
    preset, settings = choose_preset(loaded, preset)
    if seeds:
        settings = settings.model_copy(update={"seeds": seeds})
    command = ["vaekit", "study", str(name), "--preset", preset, *(["--seeds", str(seeds)] if seeds else [])]
    planned = StudyResults(loaded, [], Path(folder or FOLDER / f"{loaded.name}-{preset}"), preset, settings)
    return run_planned_study(planned, shlex.join(command), Execution(**execution), display)


def run_planned_study(
    planned: StudyResults, command: str, how: Execution, display: StudyDisplay | None
) -> StudyResults:
    """Run a planned study, and write its page and results.json.

    Args:
        planned: study, folder and preset, without variants.
        command: the command line that repeats the study.
        how: where the runs are trained.
        display: as for `study`.

    >>> from vaekit.studies.display import SilentDisplay
    >>> from vaekit.studies.example import example_results
    >>> from vaekit.studies.schema import Preset
    >>> planned = StudyResults(example_results().study, [], Path("x"), "one", Preset(only="nobody"))
    >>> run_planned_study(planned, "vaekit study", Execution(), SilentDisplay())
    Traceback (most recent call last):
    vaekit.errors.InvalidError: presets: no run is called 'nobody'; expected one of vae-2, vae-3
    """
    how.check()
    settings, folder = planned.preset, planned.folder
    command = " ".join(filter(None, [command, shlex.join(how.words())]))
    variants = plan_variants(planned.study, settings)
    tasks = plan_tasks(variants, settings.evaluate, folder)
    display = display or make_display()
    try:
        results = run_tasks(tasks, display, how, folder)
        return _write(planned, _group_by_variant(variants, tasks, results), command, display)
    except (InterruptedRun, KeyboardInterrupt):
        raise InterruptedRun(
            f"interrupted; checkpoints are saved; continue with: {command} --resume"
        ) from None


def _write(
    planned: StudyResults,
    results: list[VariantResult],
    command: str,
    display: StudyDisplay,
) -> StudyResults:
    """The results of a study, with its page and results.json written."""
    found = StudyResults(
        planned.study, results, planned.folder, planned.preset_name, planned.preset, command,
    )  # fmt: skip
    display.note("drawing the page")
    write_page(found)
    return found


def _group_by_variant(
    variants: Sequence[Variant], tasks: Sequence[Task], results: JobResults
) -> list[VariantResult]:
    found = {variant.name: VariantResult(variant) for variant in variants}
    for number, task in enumerate(tasks):
        code, failure = results[number]
        found[task.variant.name].runs.append(RunResult(task.seed, task.directory, failure, code))
    return list(found.values())
