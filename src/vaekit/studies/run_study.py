"""A study is run: planned, carried out, shown. Also the plain function behind `vaekit study`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from vaekit.errors import InterruptedRun
from vaekit.studies import plan
from vaekit.studies.display import StudyDisplay
from vaekit.studies.display import make_display as shown
from vaekit.studies.library import load_study
from vaekit.studies.page import write_page
from vaekit.studies.plan import Task, Variant
from vaekit.studies.results import RunResult, StudyResults, VariantResult
from vaekit.studies.runner import Ends, execute

FOLDER = Path("runs") / "studies"


def study(
    name: str | Path,
    preset: str | None = None,
    *,
    seeds: int | None = None,
    folder: str | Path | None = None,
    jobs: int | None = None,
    resume: bool = False,
    display: StudyDisplay | None = None,
) -> StudyResults:
    """Run a study, but for what is finished of it, and write its page and results.json.

    Args:
        name: of a study of the package, or a file.
        preset: one of its presets; `quick` if it has that and nothing is said.
        seeds: trainings of each run; as the preset says if not given.
        folder: where to; `runs/studies/<name>-<preset>` if not given.
        jobs: how many runs at once, each in its own process; as many as cores, at most four, if not given.
        resume: go on with runs that were interrupted instead of training them anew.
        display: is told of the progress; on stderr, as on the command line, without it.

    Returns:
        What came of it; runs that failed are among `faults`.

    Raises:
        VaekitError: of the kind that says what is wrong with the study; InterruptedRun after a signal.
    """
    asked = load_study(name)
    preset, spent = plan.choose_preset(asked, preset)
    if seeds:
        spent = spent.model_copy(update={"seeds": seeds})
    command = ["vaekit", "study", str(name), "--preset", preset, *(["--seeds", str(seeds)] if seeds else [])]
    results = StudyResults(asked, [], Path(folder or FOLDER / f"{asked.name}-{preset}"), preset, spent)
    return run_planned_study(results, shlex.join(command), jobs, resume, display)


def run_planned_study(
    planned: StudyResults, command: str, jobs: int | None, resume: bool, display: StudyDisplay | None
) -> StudyResults:
    """Carry out what is planned but has no variants yet, and write its page and results.json.

    Args:
        planned: study, folder and preset.
        command: that repeats it.
        jobs, resume, display: as for `study`.
    """
    asked, spent, folder = planned.study, planned.preset, planned.folder
    variants = plan.plan_variants(asked, spent)
    tasks = plan.plan_tasks(variants, spent.evaluate, folder)
    display = display or shown()
    try:
        ends = execute(tasks, display, jobs, resume)
    except InterruptedRun:
        raise InterruptedRun(
            f"interrupted; what was trained is saved, go on with: {command} --resume"
        ) from None
    results = StudyResults(
        asked, _outcomes(variants, tasks, ends), folder, planned.preset_name, spent, command
    )
    display.note("drawing the page")
    write_page(results)
    return results


def _outcomes(variants: Sequence[Variant], tasks: Sequence[Task], ends: Ends) -> list[VariantResult]:
    found = {variant.name: VariantResult(variant) for variant in variants}
    for number, task in enumerate(tasks):
        code, fault = ends[number]
        found[task.variant.name].runs.append(RunResult(task.seed, task.directory, fault, code))
    return list(found.values())
