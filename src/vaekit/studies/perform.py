"""A study is run: planned, carried out, shown. Also the plain function behind `vaekit study`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from vaekit import studies
from vaekit.errors import InterruptedRun
from vaekit.studies import plan
from vaekit.studies.display import display as shown
from vaekit.studies.execute import Display, Ends, execute
from vaekit.studies.page import write_page
from vaekit.studies.plan import Task, Variant
from vaekit.studies.results import Outcome, Results, Training
from vaekit.studies.schema import Study

FOLDER = Path("runs") / "studies"


def study(
    name: str | Path | Study,
    budget: str | None = None,
    *,
    seeds: int | None = None,
    folder: str | Path | None = None,
    jobs: int | None = None,
    resume: bool = False,
    display: Display | None = None,
) -> Results:
    """Run a study, but for what is finished of it, and write its page and results.json.

    Args:
        name: of a study of the package, a file, or a `Study`.
        budget: one of its budgets; `quick` if it has that and nothing is said.
        seeds: trainings of each run; as the budget says if not given.
        folder: where to; `runs/studies/<name>-<budget>` if not given.
        jobs: how many runs at once, each in a process of its own; as many as cores, four at most, if not
            given.
        resume: go on with runs that were interrupted instead of training them anew.
        display: is told of the progress; on stderr, as on the command line, without it.

    Returns:
        What came of it; runs that failed are among `faults`.

    Raises:
        VaekitError: of the kind that says what is wrong with the study; InterruptedRun after a signal.
    """
    asked = name if isinstance(name, Study) else studies.load(name)
    budget, spent = plan.budget_of(asked, budget)
    variants = plan.variants(asked, spent, seeds)
    folder = Path(folder or FOLDER / f"{asked.name}-{budget}")
    tasks = plan.tasks(variants, spent.evaluate, folder)
    ends = _carry_out(tasks, display or shown(), jobs, resume)
    results = Results(asked, _outcomes(variants, tasks, ends), folder, budget, spent, _command())
    write_page(results)
    return results


def _carry_out(tasks: Sequence[Task], display: Display, jobs: int | None, resume: bool) -> Ends:
    try:
        return execute(tasks, display, jobs, resume)
    except InterruptedRun:
        raise InterruptedRun(
            f"interrupted; what was trained is saved, go on with: {_command()}{' --resume' * (not resume)}"
        ) from None


def _outcomes(variants: Sequence[Variant], tasks: Sequence[Task], ends: Ends) -> list[Outcome]:
    outcomes = {variant.name: Outcome(variant) for variant in variants}
    for number, task in enumerate(tasks):
        code, fault = ends[number]
        outcomes[task.variant.name].trainings.append(Training(task.seed, task.directory, fault, code))
    for outcome in outcomes.values():
        outcome.trainings.sort(key=lambda training: training.seed)
    return list(outcomes.values())


def _command() -> str:
    """The command line, as one would type it."""
    return (
        shlex.join(["vaekit", *sys.argv[1:]]) if "vaekit" in Path(sys.argv[0]).name else shlex.join(sys.argv)
    )
