"""Numbers of several runs side by side: variants are rows, metrics columns.

Several seeds give mean ± standard deviation. Results from different protocols go in separate columns, each
with a letter that refers to its protocol. Values that are not likelihoods of the data have a letter that
refers to the reason below the table. A column in which only some values have such a letter has no best.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace

from vaekit.registry import register
from vaekit.studies.elements import Cell, Column, Element, Table, mark_best
from vaekit.studies.metrics import Metric, find_metric, metric_value, shorten_protocols
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

USUAL = ["log_likelihood", "elbo", "kl", "active_units", "mse", "seconds_per_epoch", "parameters"]


class Notes:
    """The notes below a table, each with a letter that refers to it.

    >>> notes = Notes()
    >>> notes.letter("5 samples"), notes.letter("9 samples"), notes.letter("5 samples")
    ('a', 'b', 'a')
    >>> notes.lettered
    ['(a) 5 samples', '(b) 9 samples']
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def letter(self, line: str) -> str:
        """The letter of a note, which is added if it is new."""
        if line not in self.lines:
            self.lines.append(line)
        return chr(ord("a") + self.lines.index(line))

    @property
    def lettered(self) -> list[str]:
        """All notes, each after its letter."""
        return [f"({self.letter(line)}) {line}" for line in self.lines]

    def marks(self, lines: Sequence[str]) -> str:
        """The letters of several notes."""
        return "".join(sorted({self.letter(line) for line in lines}))


@register("study_block")
def table(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    columns: list[str] = USUAL,
    heading: str = "run",
    note: str = "",
) -> list[Element]:
    """A table of metrics: one row per run. A metric that no run has is left out.

    Args:
        runs: name patterns or groups.
        columns: names of `studies.metrics.METRICS`.
        heading: title of the column of runs.
        note: a line below the table.

    >>> from vaekit.studies.example import example_results
    >>> part = table(example_results(), columns=["elbo", "mse"])[0]
    >>> [(name, cells[0].value, cells[0].best) for name, cells in part.rows]
    [('d = 2', -31.0, True), ('d = 3', -32.0, False)]
    """
    variants, notes = study.select(runs), Notes()
    found = [column for name in columns for column in metric_columns(name, variants, notes)]
    rows = [(variant.label, [cells[i] for _, cells in found]) for i, variant in enumerate(variants)]
    failures = [
        f"{variant.label}: {run.failure}" for variant in variants for run in variant.runs if run.failure
    ]
    lines = [
        *filter(None, [note]),
        *protocol_notes(columns, variants),
        *seed_notes(variants),
        *notes.lettered,
        *failures,
    ]
    return [Table([column for column, _ in found], rows, lines, heading)]


def metric_columns(
    name: str, variants: Sequence[VariantResult], notes: Notes
) -> list[tuple[Column, list[Cell]]]:
    """The columns of a metric with their cells: one per protocol, none if no run has the metric.

    >>> from vaekit.studies.example import example_results
    >>> [(column, cells)] = metric_columns("elbo", example_results().variants, Notes())
    >>> column.title, [cell.value for cell in cells]
    ('ELBO', [-31.0, -32.0])
    """
    found = find_metric(name)
    protocols = shorten_protocols(find_protocols(found, variants))
    if len(protocols) < 2:
        column = _column(name, variants, notes)
        return [(replace(column[0], protocol="".join(protocols.values())), column[1])] if column else []
    columns = []
    for protocol, words in protocols.items():
        column = _column(name, [_with_protocol(found, variant, protocol) for variant in variants], notes)
        if column:
            title = f"{found.title} ({notes.letter(words)})"
            columns.append((replace(column[0], title=title, protocol=words), column[1]))
    return columns


def _with_protocol(found: Metric, variant: VariantResult, protocol: str) -> VariantResult:
    """A variant with only the runs of one protocol."""
    return VariantResult(variant.plan, [run for run in variant.finished if found.protocol(run) == protocol])


def _column(name: str, variants: Sequence[VariantResult], notes: Notes) -> tuple[Column, list[Cell]] | None:
    """A column with its cells, one per variant; None if no run has the metric."""
    found = find_metric(name)
    cells = [_cell(found, variant, notes) for variant in variants]
    if all(cell.value is None for cell in cells):
        return None
    return Column(name, found.title, found.unit, found.better, found.digits, found.setting), _best(
        found, cells
    )


def _cell(found: Metric, variant: VariantResult, notes: Notes) -> Cell:
    """The mean and standard deviation over the seeds; the first value of a metric that is text."""
    values = [v for run in variant.finished if (v := metric_value(found, run)) is not None]
    numbers = [value for value in values if not isinstance(value, str)]
    if not numbers:
        return Cell(values[0] if values else None)
    deviation = statistics.stdev(numbers) if len(numbers) > 1 else None
    return Cell(
        statistics.fmean(numbers), deviation, len(numbers), notes.marks(_likelihood_caveats(found, variant))
    )


def _likelihood_caveats(found: Metric, variant: VariantResult) -> list[str]:
    """Why a value is not a likelihood; empty if it is one."""
    first = variant.finished[0]
    known = first.evaluation or first.ais
    if not found.of_likelihood or known.get("is_likelihood", True):
        return []
    return [f"not a likelihood: {caveat}" for caveat in known.get("caveats", [])]


def find_protocols(found: Metric, variants: Sequence[VariantResult]) -> list[str]:
    """The different protocols by which a metric was measured, in words.

    >>> from vaekit.studies.example import example_results
    >>> find_protocols(find_metric("elbo"), example_results().variants)
    ['Measured on 20 test images of digits, observation dynamic.']
    """
    runs = [run for variant in variants for run in variant.finished]
    protocols = {found.protocol(run): None for run in runs if metric_value(found, run) is not None}
    return [protocol for protocol in protocols if protocol]


def _best(found: Metric, cells: list[Cell]) -> list[Cell]:
    """The cells with the best one marked, if all of them are comparable."""
    if len({cell.marks for cell in cells if cell.value is not None}) > 1:
        return cells
    return mark_best(found.better, cells)


def protocol_notes(columns: Sequence[str], variants: Sequence[VariantResult]) -> list[str]:
    """Notes on how columns were measured, each once, for columns with a single protocol.

    >>> from vaekit.studies.example import example_results
    >>> protocol_notes(["elbo", "mse"], example_results().variants)
    ['Measured on 20 test images of digits, observation dynamic.']
    """
    found = (find_protocols(find_metric(name), variants) for name in columns)
    notes = dict.fromkeys(
        note for protocols in found if len(protocols) == 1 for note in shorten_protocols(protocols).values()
    )
    # a note that is the beginning of another one adds nothing
    return [note for note in notes if not any(note != o and o.startswith(note.rstrip(".")) for o in notes)]


def seed_notes(variants: Sequence[VariantResult]) -> list[str]:
    """A note on the number of seeds; empty for a single seed.

    >>> from vaekit.studies.example import example_results
    >>> seed_notes(example_results().variants)
    []
    """
    most = max((len(variant.finished) for variant in variants), default=0)
    return [f"Mean ± standard deviation over {most} seeds."] if most > 1 else []
