"""Paired differences between runs on the same images, with 95 % confidence intervals.

Runs with the same protocol and the same images share a table. With several seeds, the value of an image is
the mean over the seeds, and the first interval is over the images alone. A second interval is over the seeds:
Student's t for a mean, Welch's t for a difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vaekit.errors import InvalidError
from vaekit.evaluation.confidence_intervals import (
    Interval,
    confidence_interval,
    paired_interval,
    welch_interval,
)
from vaekit.registry import register
from vaekit.studies import metrics
from vaekit.studies.elements import Cell, Column, Element, Table
from vaekit.studies.results import RunResult, StudyResults, VariantResult
from vaekit.studies.schema import Patterns
from vaekit.utils.format import format_number

Protocol = tuple[str, bytes]  # the protocol of a run in words, and the indices of its images
METRICS = {"log_likelihood": "log-likelihood", "elbo": "ELBO"}


@register("study_block")
def paired_differences(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    metric: str = "log_likelihood",
) -> list[Element]:
    """One table per protocol: means with 95 % intervals, and the difference of each run from the best.

    Args:
        runs: name patterns or groups.
        metric: "log_likelihood" or "elbo".

    Raises:
        InvalidError: no two runs have per-image values of the same images and protocol.

    >>> from vaekit.studies.example import example_results
    >>> [table] = paired_differences(example_results())
    >>> [(name, cells[0].value) for name, cells in table.rows]
    [('d = 2', -30.0), ('d = 3', -31.0)]
    """
    if metric not in METRICS:
        raise InvalidError(f"metric: expected {' or '.join(METRICS)}, got {metric!r}")
    groups: dict[Protocol, list[VariantResult]] = {}
    for variant in study.select(runs, finished=True):
        for protocol, part in _group_by_protocol(metric, variant).items():
            groups.setdefault(protocol, []).append(part)
    words = metrics.shorten_protocols(protocol for protocol, _ in groups)
    alone = [
        f"{found[0].label}: {words[protocol]}" for (protocol, _), found in groups.items() if len(found) == 1
    ]
    notes = [f"Left out, no other run has its protocol: {label}" for label in alone]
    tables: list[Element] = [
        _table(metric, words[protocol], found, notes)
        for (protocol, _), found in groups.items()
        if len(found) > 1
    ]
    if not tables:
        raise InvalidError(
            "runs: no two have per-image values of the same images and protocol; measure them with "
            "`vaekit evaluate RUN`"
        )
    return tables


def _group_by_protocol(metric: str, variant: VariantResult) -> dict[Protocol, VariantResult]:
    """The runs of a variant that have per-image values, by protocol and images."""
    groups: dict[Protocol, list[RunResult]] = {}
    for run in variant.finished:
        if {metric, "index"} <= set(run.per_image) and run.evaluation.get(metric) is not None:
            protocol = metrics.METRICS[metric].protocol(run), run.per_image["index"].tobytes()
            groups.setdefault(protocol, []).append(run)
    return {protocol: VariantResult(variant.plan, found) for protocol, found in groups.items()}


def _table(metric: str, protocol: str, variants: Sequence[VariantResult], notes: Sequence[str]) -> Table:
    """The runs in descending order, the best first."""
    ranked = sorted(variants, key=lambda variant: -_image_means(metric, variant).mean())
    columns = [
        Column(metric, METRICS[metric], "nats", "higher", 2, protocol=protocol),
        Column("interval", "95 % over images", "nats"),
        Column("seeds", "95 % over seeds", "nats"),
        Column("difference", "from the best", "nats", digits=2),
        Column("difference_interval", "95 % of it over images", "nats"),
        Column("difference_seeds", "95 % of it over seeds", "nats"),
    ]
    rows = [_row(metric, variant, ranked[0]) for variant in ranked]
    known = [place for place in range(len(columns)) if any(row[place].value is not None for row in rows)]
    return Table(
        [columns[place] for place in known],
        [(variant.label, [row[place] for place in known]) for variant, row in zip(ranked, rows, strict=True)],
        [protocol, "Differences are image by image, over the same images.", *notes],
    )


def _row(metric: str, variant: VariantResult, best: VariantResult) -> list[Cell]:
    """The cells of a run, empty ones included."""
    values, means = _image_means(metric, variant), _seed_means(metric, variant)
    cells = [
        Cell(float(values.mean()), count=len(means), best=variant is best),
        _interval_cell(values),
        _interval_cell(means),
    ]
    if variant is best:
        return [*cells, Cell(None), Cell(None), Cell(None)]
    top, others = _image_means(metric, best), _seed_means(metric, best)
    images = _format_interval(paired_interval(values, top)) if len(values) > 1 else None
    seeds = _format_interval(welch_interval(means, others)) if min(len(means), len(others)) > 1 else None
    return [*cells, Cell(float((values - top).mean())), Cell(images), Cell(seeds)]


def _interval_cell(values: np.ndarray) -> Cell:
    """The interval of a mean; empty for a single value."""
    return Cell(_format_interval(confidence_interval(values)) if len(values) > 1 else None)


def _image_means(metric: str, variant: VariantResult) -> np.ndarray:
    """The value of each image (n,), the mean over the seeds."""
    return np.mean([run.per_image[metric] for run in variant.finished], 0)


def _seed_means(metric: str, variant: VariantResult) -> np.ndarray:
    """The value of each seed (S,), the mean over the images."""
    return np.array([run.per_image[metric].mean() for run in variant.finished])


def _format_interval(found: Interval) -> str:
    return f"{format_number(found.low)} to {format_number(found.high)}"
