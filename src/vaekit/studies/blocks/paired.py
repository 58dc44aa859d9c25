"""Paired differences between runs on the same images, with 95 % confidence intervals.

Runs with the same protocol and the same images share a table. With several seeds, the value of an image is
the mean over the seeds, and the first interval is over the images alone. A second interval is over the seeds:
Student's t for a mean, Welch's t for a difference.

Estimates of log p(x) are too low by an amount that differs from model to model. Their intervals, and the
differences, are of estimates with that shortfall added, and the Monte Carlo error of each stands beside it.
The intervals over images include this error, since each image has its own draws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

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
from vaekit.studies.protocol import Protocol, describe_difference, describe_protocols
from vaekit.studies.results import RunResult, StudyResults, VariantResult
from vaekit.studies.schema import Patterns
from vaekit.utils.format import format_number

Measured = tuple[Protocol, bytes]  # the protocol of a run, and the indices of its images
METRICS = {"log_likelihood": "log-likelihood", "ais": "log-likelihood by AIS", "elbo": "ELBO"}


class ImageValues(NamedTuple):
    """The values of each image (n,) of a variant, means over its seeds.

    Attributes:
        bound: as estimated.
        values: the same with the shortfall added.
        variance: of each over its random draws; NaN if unknown.

    >>> ImageValues(np.zeros(2), np.ones(2), np.full(2, 0.5)).monte_carlo_error
    0.5
    """

    bound: np.ndarray
    values: np.ndarray
    variance: np.ndarray

    @property
    def monte_carlo_error(self) -> float:
        """The standard error of the mean over the images that comes from the draws alone."""
        return math.sqrt(self.variance.sum()) / len(self.variance)


@register("study_block")
def paired_differences(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    metric: str = "log_likelihood",
) -> list[Element]:
    """One table per protocol: means with 95 % intervals, and the difference of each run from the best.

    Args:
        runs: name patterns or groups.
        metric: "log_likelihood", "ais" or "elbo".

    Raises:
        InvalidError: no two runs have per-image values of the same images and protocol.

    >>> from vaekit.studies.example import example_results
    >>> [table] = paired_differences(example_results())
    >>> [(name, cells[0].value) for name, cells in table.rows]
    [('d = 2', -30.0), ('d = 3', -31.0)]
    """
    if metric not in METRICS:
        names = ", ".join(METRICS)
        raise InvalidError(f"metric: expected one of {names}, got {metric!r}")
    groups: dict[Measured, list[VariantResult]] = {}
    for variant in study.select(runs, finished=True):
        for measured, part in _group_by_protocol(metric, variant).items():
            groups.setdefault(measured, []).append(part)
    words = describe_protocols(protocol for protocol, _ in groups)
    compared = {key: found for key, found in groups.items() if len(found) > 1 and key[0].comparable}
    notes = [
        f"Left out, {_reason(key, compared or groups)}: {', '.join(v.label for v in found)}: {words[key[0]]}"
        for key, found in groups.items()
        if key not in compared
    ]
    if not compared:
        reasons = "; ".join(notes)
        raise InvalidError(
            "runs: no two have per-image values of the same images and protocol; measure them with "
            f"`vaekit evaluate RUN`{'. ' if reasons else ''}{reasons}"
        )
    return [_table(metric, words[protocol], found, notes) for (protocol, _), found in compared.items()]


def pairs(variants: Sequence[VariantResult], metric: str) -> bool:
    """Whether some of these runs can be paired.

    >>> from vaekit.studies.example import example_results
    >>> pairs(example_results().variants, "log_likelihood"), pairs(example_results().variants, "ais")
    (True, False)
    """
    measured = [
        key for variant in variants if variant.finished for key in _group_by_protocol(metric, variant)
    ]
    return any(measured.count(key) > 1 and key[0].comparable for key in measured)


def image_difference(metric: str, first: VariantResult, other: VariantResult) -> Interval | None:
    """The mean of first - other over the images that both measured by one protocol, with its interval.

    Args:
        metric: as for `paired_differences`; None is returned for others.
        first, other: the runs.

    >>> from vaekit.studies.example import example_results
    >>> found = image_difference("log_likelihood", *example_results().variants)
    >>> round(found.mean, 6), round(found.high - found.low, 6)
    (1.0, 0.0)
    """
    if metric not in METRICS:
        return None
    found = [_group_by_protocol(metric, variant) for variant in (first, other)]
    shared = [key for key in found[0] if key in found[1] and key[0].comparable]
    if not shared:
        return None
    one, two = (_image_values(metric, groups[shared[0]]).values for groups in found)
    return paired_interval(one, two) if len(one) > 1 else None


def _reason(key: Measured, others: Mapping[Measured, Sequence[VariantResult]]) -> str:
    """Why the runs of a protocol are not paired with those of another one."""
    protocol, index = key
    if not protocol.comparable:
        return "it has no fingerprint of its data"
    known = [(other, images) for other, images in others if other.comparable and (other, images) != key]
    if not known:
        return "no other run has its protocol"
    other, images = known[0]
    difference = describe_difference(protocol, other) or ("its images" if images != index else "")
    return f"no other run has its protocol; it differs in {difference}"


def _group_by_protocol(metric: str, variant: VariantResult) -> dict[Measured, VariantResult]:
    """The runs of a variant that have per-image values, by protocol and images."""
    groups: dict[Measured, list[RunResult]] = {}
    for run in variant.finished:
        arrays = _arrays(metric, run)
        if {_array_name(metric), "index"} <= set(arrays) and metrics.METRICS[metric].value(run) is not None:
            measured = metrics.METRICS[metric].protocol(run), arrays["index"].tobytes()
            groups.setdefault(measured, []).append(run)
    return {measured: VariantResult(variant.plan, found) for measured, found in groups.items()}


def _table(metric: str, protocol: str, variants: Sequence[VariantResult], notes: Sequence[str]) -> Table:
    """The runs in descending order, the best first."""
    measured = {variant.name: _image_values(metric, variant) for variant in variants}
    ranked = sorted(variants, key=lambda variant: -measured[variant.name].values.mean())
    columns = [
        Column(metric, METRICS[metric], "nats", "higher", 2, protocol=protocol),
        Column("monte_carlo", "Monte Carlo error", "nats"),
        Column("shortfall", "too low by", "nats"),
        Column("interval", "95 % over images", "nats"),
        Column("seeds", "95 % over seeds", "nats"),
        Column("difference", "from the best", "nats", digits=2),
        Column("difference_monte_carlo", "Monte Carlo error of it", "nats"),
        Column("difference_interval", "95 % of it over images", "nats"),
        Column("difference_seeds", "95 % of it over seeds", "nats"),
    ]
    rows = [_row(metric, variant, ranked[0]) for variant in ranked]
    rows[0][0] = replace(rows[0][0], best=_is_clear(metric, ranked))
    known = [place for place in range(len(columns)) if any(row[place].value is not None for row in rows)]
    lines = [protocol, "Differences are image by image, over the same images."]
    if any(row[2].value is not None for row in rows):
        lines.append(
            "Differences and intervals are of log p(x): what an estimate is too low by, on average over its "
            "draws, is added to it. They include the Monte Carlo error."
        )
    return Table(
        [columns[place] for place in known],
        [(variant.label, [row[place] for place in known]) for variant, row in zip(ranked, rows, strict=True)],
        [*lines, *notes],
    )


def _row(metric: str, variant: VariantResult, best: VariantResult) -> list[Cell]:
    """The cells of a run, empty ones included."""
    found, means = _image_values(metric, variant), _seed_means(metric, variant)
    shortfall = float((found.values - found.bound).mean())
    cells = [
        Cell(float(found.bound.mean()), count=len(means)),
        Cell(_finite(found.monte_carlo_error)),
        Cell(shortfall if np.isfinite(found.variance).all() else None),
        _interval_cell(found.values),
        _interval_cell(means),
    ]
    if variant is best:
        return [*cells, Cell(None), Cell(None), Cell(None), Cell(None)]
    top, others = _image_values(metric, best), _seed_means(metric, best)
    values = found.values
    images = _format_interval(paired_interval(values, top.values)) if len(values) > 1 else None
    seeds = _format_interval(welch_interval(means, others)) if min(len(means), len(others)) > 1 else None
    error = math.hypot(found.monte_carlo_error, top.monte_carlo_error)
    difference = float((values - top.values).mean())
    return [*cells, Cell(difference), Cell(_finite(error)), Cell(images), Cell(seeds)]


def _is_clear(metric: str, ranked: Sequence[VariantResult]) -> bool:
    """Whether the first run is above all others by intervals over the seeds."""
    top, *others = (_seed_means(metric, variant) for variant in ranked)
    return all(min(len(top), len(other)) > 1 and welch_interval(top, other).low > 0 for other in others)


def _interval_cell(values: np.ndarray) -> Cell:
    """The interval of a mean; empty for a single value."""
    return Cell(_format_interval(confidence_interval(values)) if len(values) > 1 else None)


def _arrays(metric: str, run: RunResult) -> Mapping[str, np.ndarray]:
    """The arrays per image of the evaluation that a metric is of."""
    return run.per_image_ais if metric == "ais" else run.per_image


def _array_name(metric: str) -> str:
    return "elbo" if metric == "elbo" else "log_likelihood"


def _image_values(metric: str, variant: VariantResult) -> ImageValues:
    """The values of each image, means over the seeds."""
    runs = [_arrays(metric, run) for run in variant.finished]
    bound = np.mean([arrays[_array_name(metric)] for arrays in runs], 0)
    unknown = np.full(len(bound), np.nan)
    if metric == "elbo":
        return ImageValues(bound, bound, unknown)
    shortfall = np.mean([arrays.get("shortfall", unknown) for arrays in runs], 0)
    variance = np.mean([arrays.get("mc_variance", unknown) for arrays in runs], 0) / len(runs)
    known = np.isfinite(shortfall).all()
    return ImageValues(bound, bound + shortfall if known else bound, variance)


def _seed_means(metric: str, variant: VariantResult) -> np.ndarray:
    """The value of each seed (S,), the mean over the images."""
    alone = [_image_values(metric, VariantResult(variant.plan, [run])) for run in variant.finished]
    return np.array([found.values.mean() for found in alone])


def _format_interval(found: Interval) -> str:
    return f"{format_number(found.low)} to {format_number(found.high)}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
