"""Numbers of several runs side by side: variants are rows, metrics columns.

Several seeds give mean ± standard deviation. Results from different protocols go in separate columns, each
with a letter that refers to its protocol. Values that are not likelihoods of the data have a letter that
refers to the reason below the table. A column in which only some values have such a letter has no best.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace

from vaekit.evaluation.validity import BELOW_ELBO, MAX_UNRELIABLE
from vaekit.registry import register
from vaekit.runs.headline import compare_estimates
from vaekit.studies.elements import Cell, Column, Element, Table, mark_best
from vaekit.studies.metrics import Metric, find_metric, metric_value
from vaekit.studies.protocol import Protocol, describe_difference, describe_protocols
from vaekit.studies.ranking import BY_IMPORTANCE, disagreeing
from vaekit.studies.results import RunResult, StudyResults, VariantResult
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
        self.plain: list[str] = []

    def letter(self, line: str) -> str:
        """The letter of a note, which is added if it is new."""
        if line not in self.lines:
            self.lines.append(line)
        return chr(ord("a") + self.lines.index(line))

    @property
    def lettered(self) -> list[str]:
        """All notes, each after its letter, and then those without one."""
        return [*(f"({self.letter(line)}) {line}" for line in self.lines), *self.plain]

    def add(self, line: str) -> None:
        """Add a note without a letter, unless it is there."""
        if line not in self.plain:
            self.plain.append(line)

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
    >>> [(name, cells[0].value, cells[0].best) for name, cells in part.rows]  # one seed: no best
    [('d = 2', -31.0, False), ('d = 3', -32.0, False)]
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
        *error_notes(cell for _, cells in rows for cell in cells),
        *bound_notes(variants),
        *speed_notes(columns, variants),
        *best_notes([column for column, _ in found], rows),
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
    protocols = describe_protocols(find_protocols(found, variants))
    if len(protocols) < 2:
        comparable = all(protocol.comparable for protocol in protocols)
        column = _column(name, variants, notes, comparable)
        return [(replace(column[0], protocol="".join(protocols.values())), column[1])] if column else []
    columns = []
    for protocol, words in protocols.items():
        parts = [_with_protocol(found, variant, protocol) for variant in variants]
        column = _column(name, parts, notes, protocol.comparable)
        if column:
            title = f"{found.title} ({notes.letter(words)})"
            columns.append((replace(column[0], title=title, protocol=words), column[1]))
    first, *others = protocols
    for other in others:
        letters = f"({notes.letter(protocols[first])}) and ({notes.letter(protocols[other])})"
        notes.add(f"{letters} are not compared: they differ in {describe_difference(first, other)}.")
    return columns


def _with_protocol(found: Metric, variant: VariantResult, protocol: Protocol) -> VariantResult:
    """A variant with only the runs of one protocol."""
    return VariantResult(variant.plan, [run for run in variant.finished if found.protocol(run) == protocol])


def _column(
    name: str, variants: Sequence[VariantResult], notes: Notes, comparable: bool
) -> tuple[Column, list[Cell]] | None:
    """A column with its cells, one per variant; None if no run has the metric."""
    found = find_metric(name)
    cells = [_cell(found, variant, notes) for variant in variants]
    if all(cell.value is None for cell in cells):
        return None
    column = Column(name, found.title, found.unit, found.better, found.digits, found.setting)
    open_ = name.partition(":")[0] in BY_IMPORTANCE and disagreeing(variants)
    return column, cells if open_ or not comparable else _best(found, cells)


def _cell(found: Metric, variant: VariantResult, notes: Notes) -> Cell:
    """The mean and standard deviation over the seeds; the first value of a metric that is text."""
    values = [v for run in variant.finished if (v := metric_value(found, run)) is not None]
    numbers = [value for value in values if not isinstance(value, str)]
    if not numbers:
        return Cell(values[0] if values else None)
    deviation = statistics.stdev(numbers) if len(numbers) > 1 else None
    error = found.error(variant.finished[0]) if len(numbers) == len(variant.finished) == 1 else None
    marks = notes.marks(_likelihood_caveats(found, variant))
    return Cell(statistics.fmean(numbers), deviation, len(numbers), marks, error=error)


def _likelihood_caveats(found: Metric, variant: VariantResult) -> list[str]:
    """Why a value is not a likelihood; empty if it is one."""
    first = variant.finished[0]
    known = first.evaluation or first.ais
    if not found.of_likelihood or known.get("is_likelihood", True):
        return []
    return [f"not a likelihood: {caveat}" for caveat in known.get("caveats", [])]


def find_protocols(found: Metric, variants: Sequence[VariantResult]) -> list[Protocol]:
    """The different protocols by which a metric was measured.

    >>> from vaekit.studies.example import example_results
    >>> [str(protocol) for protocol in find_protocols(find_metric("elbo"), example_results().variants)]
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
        str(protocol) for protocols in found if len(protocols) == 1 for protocol in protocols
    )
    # a note that is the beginning of another one adds nothing
    return [note for note in notes if not any(note != o and o.startswith(note.rstrip(".")) for o in notes)]


def seed_notes(variants: Sequence[VariantResult]) -> list[str]:
    """What ± means: over several seeds a standard deviation, for a single run the error of its number.

    >>> from vaekit.studies.example import example_results
    >>> seed_notes(example_results().variants)
    []
    """
    most = max((len(variant.finished) for variant in variants), default=0)
    return [f"Mean ± standard deviation over {most} seeds."] if most > 1 else []


def error_notes(cells: Iterable[Cell]) -> list[str]:
    """A note on the errors of numbers of single runs; empty if there are none.

    >>> error_notes([Cell(-31.0)]), len(error_notes([Cell(-31.0, error=0.2)]))
    ([], 1)
    """
    if not any(cell.error is not None for cell in cells):
        return []
    return [
        "A number of one run is ± its standard error: over images, which includes the Monte Carlo error, or "
        "over sample seeds."
    ]


def bound_notes(variants: Sequence[VariantResult]) -> list[str]:
    """Where two estimates of log p(x) of one run disagree, and why one is below the ELBO; empty for nothing.

    >>> from vaekit.studies.example import example_results
    >>> bound_notes(example_results().variants)
    []
    """
    lines = []
    for variant in variants:
        for run in variant.finished:
            two = compare_estimates(run.evaluation, run.per_image, run.ais, run.per_image_ais)
            if two is not None:
                seed = f", seed {run.seed}" if len(variant.finished) > 1 else ""
                lines.append(f"{variant.label}{seed}: {two.describe()}.")
    below = [variant.label for variant in variants if any(_below_elbo(run) for run in variant.finished)]
    heavy = [variant.label for variant in variants if any(_has_heavy_tails(run) for run in variant.finished)]
    tails = "the Pareto shape of many importance weights is above 0.7, so errors and shortfalls are too small"
    if lines and (labels := disagreeing(variants)):
        lines.append(f"No best log-likelihood is marked, as the two estimates of {', '.join(labels)} differ.")
    groups = ((below, BELOW_ELBO), (heavy, tails))
    return [*lines, *(f"{', '.join(labels)}: {text}." for labels, text in groups if labels)]


def speed_notes(columns: Sequence[str], variants: Sequence[VariantResult]) -> list[str]:
    """A note where times are of different data or machines, and so do not say which run is faster.

    >>> from vaekit.studies.example import example_results
    >>> speed_notes(["seconds"], example_results().variants)
    []
    """
    shown = {"seconds", "seconds_per_epoch"} & set(columns)
    places = {_workplace(run) for variant in variants for run in variant.finished}
    names = ("data", "number of training images", "device", "processor", "number of threads")
    differing = [
        name for name, values in zip(names, zip(*places, strict=True), strict=True) if len(set(values)) > 1
    ]
    if not shown or not differing:
        return []
    return [f"Times do not compare: the runs differ in {' and '.join(differing)}."]


def _workplace(run: RunResult) -> tuple[str, ...]:
    """What the time of an epoch depends on besides the model."""
    known, data = run.environment, run.recipe.data
    facts = (known.get("data") or data.dataset, known.get("training_rows") or data.train)
    return tuple(map(str, (*facts, *(known.get(name, "") for name in ("device", "cpu", "threads")))))


def best_notes(columns: Sequence[Column], rows: Sequence[tuple[str, Sequence[Cell]]]) -> list[str]:
    """What a mark means, or why there is none.

    >>> best_notes([Column("mse", "MSE", better="lower")], [("a", [Cell(1.0)]), ("b", [Cell(2.0)])])
    ['Nothing is marked as best: with one seed per run there is no interval over seeds.']
    """
    cells = [cell for _, row in rows for cell in row]
    if any(cell.best for cell in cells):
        return ["Bold: better than every other run, by a 95 % interval over the seeds."]
    ranked = [
        [row[i] for _, row in rows if row[i].value is not None] for i, c in enumerate(columns) if c.better
    ]
    if any(len(column) > 1 for column in ranked) and all(cell.count == 1 for cell in cells):
        return ["Nothing is marked as best: with one seed per run there is no interval over seeds."]
    return []


def _has_heavy_tails(run: RunResult) -> bool:
    return (run.evaluation.get("unreliable") or 0.0) > MAX_UNRELIABLE


def _below_elbo(run: RunResult) -> bool:
    estimate, bound = run.evaluation.get("log_likelihood"), run.evaluation.get("elbo")
    return estimate is not None and bound is not None and estimate < bound
