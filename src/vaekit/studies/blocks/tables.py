"""Numbers of several runs side by side: variants are rows, metrics columns.

Several seeds give mean ± standard deviation. Results from different protocols go in separate columns, each
with a letter that refers to its protocol. Values that are not likelihoods of the data are marked by a letter
and explained below the table; no number of their column is then marked as the best.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace

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


def table(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006  (never changed)
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
    made = [each for name in columns for each in metric_columns(name, variants, notes)]
    rows = [(variant.label, [cells[i] for _, cells in made]) for i, variant in enumerate(variants)]
    faults = [f"{variant.label}: {t.failure}" for variant in variants for t in variant.runs if t.failure]
    lines = [
        *filter(None, [note]),
        *protocol_notes(columns, variants),
        *seed_notes(variants),
        *notes.lettered,
        *faults,
    ]
    return [Table([each for each, _ in made], rows, lines, heading)]


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
    ways = shorten_protocols(find_protocols(found, variants))
    if len(ways) < 2:
        made = column(name, variants, notes)
        return [(replace(made[0], protocol="".join(ways.values())), made[1])] if made else []
    parts = []
    for way, words in ways.items():
        made = column(name, [_only(found, variant, way) for variant in variants], notes)
        if made:
            title = f"{found.title} ({notes.letter(words)})"
            parts.append((replace(made[0], title=title, protocol=words), made[1]))
    return parts


def _only(found: Metric, variant: VariantResult, way: str) -> VariantResult:
    """A variant with only the runs of one protocol."""
    kept = [run for run in variant.finished if found.protocol(run) == way]
    return VariantResult(variant.plan, kept)


def column(name: str, variants: Sequence[VariantResult], notes: Notes) -> tuple[Column, list[Cell]] | None:
    """A column with its cells; None where no run knows it."""
    found = find_metric(name)
    cells = [_cell(found, variant, notes) for variant in variants]
    if all(cell.value is None for cell in cells):
        return None
    return Column(name, found.title, found.unit, found.better, found.digits, found.setting), _best(
        found, cells
    )


def _cell(found: Metric, variant: VariantResult, notes: Notes) -> Cell:
    values = [v for run in variant.finished if (v := metric_value(found, run)) is not None]
    numbers = [value for value in values if not isinstance(value, str)]
    if not numbers:
        return Cell(values[0] if values else None)
    deviation = statistics.stdev(numbers) if len(numbers) > 1 else None
    return Cell(statistics.fmean(numbers), deviation, len(numbers), notes.marks(_remarks(found, variant)))


def _remarks(found: Metric, variant: VariantResult) -> list[str]:
    """Why a value is not a likelihood; empty if it is one."""
    first = variant.finished[0]
    known = first.evaluation or first.ais
    odd = found.of_likelihood and not known.get("is_likelihood", True)
    return [f"no likelihood: {caveat}" for caveat in known.get("caveats", [])] if odd else []


def find_protocols(found: Metric, variants: Sequence[VariantResult]) -> list[str]:
    """The different protocols by which a metric was measured, in words.

    >>> from vaekit.studies.example import example_results
    >>> find_protocols(find_metric("elbo"), example_results().variants)
    ['Measured on 20 test images of digits, observation dynamic.']
    """
    runs = [run for variant in variants for run in variant.finished]
    said = {found.protocol(run): None for run in runs if metric_value(found, run) is not None}
    return [way for way in said if way]


def _best(found: Metric, cells: list[Cell]) -> list[Cell]:
    """The cells with the best one marked, where all can be compared."""
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
    ways = dict.fromkeys(way for each in found if len(each) == 1 for way in shorten_protocols(each).values())
    return [way for way in ways if not any(way != w and w.startswith(way.rstrip(".")) for w in ways)]


def seed_notes(variants: Sequence[VariantResult]) -> list[str]:
    """A note on the number of seeds; empty for a single seed.

    >>> from vaekit.studies.example import example_results
    >>> seed_notes(example_results().variants)
    []
    """
    most = max((len(variant.finished) for variant in variants), default=0)
    return [f"Mean ± standard deviation over {most} seeds."] if most > 1 else []
