"""How the commands that run or compare several runs end: with what they found on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaekit.studies.results import Results


def finish(results: Results, as_json: bool) -> None:
    """Print where the page is, and leave with an error where runs failed.

    Raises:
        DivergedError: every run that failed diverged.
        VaekitError: one failed for another reason.
    """
    from vaekit.cli.output import emit

    summary = {
        "page": str(results.page),
        "results": str(results.folder / "results.json"),
        "finished": sum(len(outcome.finished) for outcome in results.outcomes),
        "failed": [{"run": str(training.path), "fault": training.fault} for _, training in results.faults],
    }
    emit(summary, f"Page     {summary['page']}\nNumbers  {summary['results']}", as_json)
    _complain(results)


def _complain(results: Results) -> None:
    from vaekit.errors import DivergedError, VaekitError

    faults = [training for _, training in results.faults]
    if not faults:
        return
    total = sum(len(outcome.trainings) for outcome in results.outcomes)
    kind = DivergedError if all(t.code == DivergedError.exit_code for t in faults) else VaekitError
    raise kind(f"{len(faults)} of {total} runs failed; the first: {faults[0].path}: {faults[0].fault}")
