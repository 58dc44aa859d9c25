"""Numbers of several runs side by side: variants are rows, metrics columns.

Several seeds give mean ± standard deviation. What was measured in two ways stands in two columns, each with
the letter of its way. What is no likelihood of the data is marked by a letter and explained under the table;
then no number of its column is called the best.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace

from vaekit.studies.elements import Cell, Column, Element, Table, marked
from vaekit.studies.metrics import Metric, metric, number, worded
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Names

USUAL = ["log_likelihood", "elbo", "kl", "active_units", "mse", "seconds_an_epoch", "parameters"]


class Notes:
    """The lines under a table, each with the letter that refers to it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def letter(self, line: str) -> str:
        """The letter of a line, which is added where it is new."""
        if line not in self.lines:
            self.lines.append(line)
        return chr(ord("a") + self.lines.index(line))

    @property
    def lettered(self) -> list[str]:
        """All lines, each after its letter."""
        return [f"({self.letter(line)}) {line}" for line in self.lines]

    def marks(self, lines: Sequence[str]) -> str:
        return "".join(sorted({self.letter(line) for line in lines}))


def table(
    study: StudyResults,
    runs: Names = ["*"],  # noqa: B006  (never changed)
    columns: list[str] = USUAL,
    heading: str = "run",
    note: str = "",
) -> list[Element]:
    """Metrics of runs; a column that no run knows is left out.

    Args:
        runs: whose.
        columns: names of `studies.metrics`.
        heading: over the runs.
        note: a line under the table.
    """
    outcomes, notes = study.select(runs), Notes()
    made = [each for name in columns for each in columns_of(name, outcomes, notes)]
    rows = [(outcome.label, [cells[i] for _, cells in made]) for i, outcome in enumerate(outcomes)]
    faults = [f"{outcome.label}: {t.fault}" for outcome in outcomes for t in outcome.trainings if t.fault]
    lines = [*filter(None, [note]), *protocols(columns, outcomes), *seeds(outcomes), *notes.lettered, *faults]
    return [Table([each for each, _ in made], rows, lines, heading)]


def columns_of(name: str, outcomes: Sequence[VariantResult], notes: Notes) -> list[tuple[Column, list[Cell]]]:
    """A column, or one for each way in which the runs were measured; none where no run knows the metric."""
    found = metric(name)
    ways = worded(ways_of(found, outcomes))
    if len(ways) < 2:
        made = column(name, outcomes, notes)
        return [(replace(made[0], protocol="".join(ways.values())), made[1])] if made else []
    parts = []
    for way, words in ways.items():
        made = column(name, [_only(found, outcome, way) for outcome in outcomes], notes)
        if made:
            title = f"{found.title} ({notes.letter(words)})"
            parts.append((replace(made[0], title=title, protocol=words), made[1]))
    return parts


def _only(found: Metric, outcome: VariantResult, way: str) -> VariantResult:
    """A variant with those of its trainings that were measured in one way."""
    kept = [training for training in outcome.finished if found.protocol(training) == way]
    return VariantResult(outcome.variant, kept)


def column(name: str, outcomes: Sequence[VariantResult], notes: Notes) -> tuple[Column, list[Cell]] | None:
    """A column with its cells; None where no run knows it."""
    found = metric(name)
    cells = [_cell(found, outcome, notes) for outcome in outcomes]
    if all(cell.value is None for cell in cells):
        return None
    return Column(name, found.title, found.unit, found.better, found.digits, found.setting), _best(
        found, cells
    )


def _cell(found: Metric, outcome: VariantResult, notes: Notes) -> Cell:
    values = [v for training in outcome.finished if (v := number(found, training)) is not None]
    numbers = [value for value in values if not isinstance(value, str)]
    if not numbers:
        return Cell(values[0] if values else None)
    deviation = statistics.stdev(numbers) if len(numbers) > 1 else None
    return Cell(statistics.fmean(numbers), deviation, len(numbers), notes.marks(_remarks(found, outcome)))


def _remarks(found: Metric, outcome: VariantResult) -> list[str]:
    """What must be known to read a cell: why it is no likelihood."""
    first = outcome.finished[0]
    known = first.evaluation or first.annealed
    odd = found.of_likelihood and not known.get("is_likelihood", True)
    return [f"no likelihood: {caveat}" for caveat in known.get("caveats", [])] if odd else []


def ways_of(found: Metric, outcomes: Sequence[VariantResult]) -> list[str]:
    """The different ways in which a metric was measured, where it is known."""
    trainings = [training for outcome in outcomes for training in outcome.finished]
    said = {found.protocol(training): None for training in trainings if number(found, training) is not None}
    return [way for way in said if way]


def _best(found: Metric, cells: list[Cell]) -> list[Cell]:
    """The cells with the best one marked, where all can be compared."""
    if len({cell.marks for cell in cells if cell.value is not None}) > 1:
        return cells
    return marked(found.better, cells)


def protocols(columns: Sequence[str], outcomes: Sequence[VariantResult]) -> list[str]:
    """How columns were measured, said once where all runs were measured alike."""
    found = (ways_of(metric(name), outcomes) for name in columns)
    ways = dict.fromkeys(way for each in found if len(each) == 1 for way in worded(each).values())
    return [way for way in ways if not any(way != w and w.startswith(way.rstrip(".")) for w in ways)]


def seeds(outcomes: Sequence[VariantResult]) -> list[str]:
    """Of how many trainings the numbers are, where of several."""
    most = max((len(outcome.finished) for outcome in outcomes), default=0)
    return [f"Mean ± standard deviation over {most} seeds."] if most > 1 else []
