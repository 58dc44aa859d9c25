"""Which runs are ahead by a metric, by how much, and whether that is more than chance.

The difference of two runs has a 95 % interval over the seeds (Welch) where both have several seeds, else
over the images that both measured (paired). An interval over images says which of two trained models is
better, not which recipe: another seed may change the order. A name is bold only where the interval over the
seeds is on one side of 0.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vaekit.evaluation.confidence_intervals import Interval, welch_interval
from vaekit.runs.headline import compare_estimates
from vaekit.studies.blocks.paired import image_difference
from vaekit.studies.metrics import find_metric, metric_values
from vaekit.studies.results import RunResult, VariantResult
from vaekit.utils.format import format_number, format_significant

SEEDS, IMAGES = "seeds", "images"
BY_IMPORTANCE = ("log_likelihood", "bits_per_dimension")  # metrics that AIS may contradict


@dataclass(frozen=True)
class Lead:
    """The first of several runs against another one.

    Attributes:
        metric: a name of `studies.metrics.METRICS`.
        first, other: the runs; the first is better by its mean.
        difference: how much better, at least 0, with its 95 % interval if there is one.
        over: what the interval is over: "seeds", "images", or "" for none.

    >>> from vaekit.studies.example import example_results
    >>> lead = compare_pair("elbo", *example_results().variants)
    >>> lead.difference.mean, lead.over, lead.clear
    (1.0, '', False)
    """

    metric: str
    first: VariantResult
    other: VariantResult
    difference: Interval
    over: str

    @property
    def clear(self) -> bool:
        """Whether there is an interval, and 0 is not in it."""
        return bool(self.over) and self.difference.low > 0

    def describe(self) -> str:
        """The difference and its interval, for the middle of a sentence.

        >>> from vaekit.studies.example import example_results
        >>> compare_pair("log_likelihood", *example_results().variants).describe()
        '1.00 nats above d = 3 (95 % over images: 1.00 to 1.00)'
        """
        found = find_metric(self.metric)
        behind = self.difference.mean < 0  # what estimates are too low by may turn the order
        side = "above" if (found.better == "higher") is not behind else "below"
        mean, low, high = self.difference
        mean, low, high = (-mean, -high, -low) if behind else (mean, low, high)
        amount = f"{format_value(self.metric, mean)} {side} {self.other.label}"
        if not self.over:
            return amount
        ends = " to ".join(_number(self.metric, end) for end in (low, high))
        return f"{amount} (95 % over {self.over}: {ends})"


def rank(name: str, variants: Sequence[VariantResult]) -> list[VariantResult]:
    """The runs that have a metric, the best mean first.

    >>> from vaekit.studies.example import example_results
    >>> [variant.label for variant in rank("elbo", example_results().variants)]
    ['d = 2', 'd = 3']
    """
    known = [variant for variant in variants if variant.finished and metric_values(name, variant)]
    return sorted(known, key=lambda v: mean_value(name, v), reverse=find_metric(name).better == "higher")


def mean_value(name: str, variant: VariantResult) -> float:
    """The mean of a metric over the seeds of a run.

    >>> from vaekit.studies.example import example_results
    >>> mean_value("elbo", example_results().variants[0])
    -31.0
    """
    return statistics.fmean(metric_values(name, variant))


def compare_pair(name: str, first: VariantResult, other: VariantResult) -> Lead:
    """How much better the first of two runs is.

    >>> from vaekit.studies.example import example_results
    >>> compare_pair("log_likelihood", *example_results().variants).over
    'images'
    """
    sign = 1.0 if find_metric(name).better == "higher" else -1.0
    one, two = metric_values(name, first), metric_values(name, other)
    if min(len(one), len(two)) > 1:
        found, over = welch_interval(np.array(one), np.array(two)), SEEDS
    elif (paired := image_difference(name, first, other)) is not None:
        found, over = paired, IMAGES
    else:
        difference = statistics.fmean(one) - statistics.fmean(two)
        found, over = Interval(difference, difference, difference), ""
    low, high = sorted((sign * found.low, sign * found.high))
    return Lead(name, first, other, Interval(sign * found.mean, low, high), over)


def describe_ranking(name: str, ranked: Sequence[VariantResult]) -> str:
    """One or two sentences: the first run, its distance from the second, and what is not known.

    Args:
        name: of the metric.
        ranked: from `rank`, at least one.

    >>> from vaekit.studies.example import example_results
    >>> describe_ranking("elbo", example_results().variants)[:63]
    'd = 2 has the highest ELBO (−31.00 nats), 1.00 nats above d = 3'
    """
    metric, top = find_metric(name), ranked[0]
    value = format_value(name, mean_value(name, top))
    if len(ranked) == 1:
        return f"{top.label} has the {metric.title} {value}."
    lead = compare_pair(name, top, ranked[1])
    open_ = disagreeing(ranked) if name in BY_IMPORTANCE else []
    sure = lead.over == SEEDS and lead.clear and not open_
    extreme = "highest" if metric.better == "higher" else "lowest"
    label = f"**{top.label}**" if sure else top.label
    sentence = f"{label} has the {extreme} {metric.title} ({value}), "
    sentence += lead.describe() if lead.clear or not lead.over else f"but not clearly: {lead.describe()}"
    if open_:
        names = ", ".join(open_)
        return f"{sentence}. AIS and importance sampling disagree for {names}, so the order is open."
    return f"{sentence}." if lead.over == SEEDS else f"{sentence}. {_few_seeds(top, ranked[1])}"


def disagreeing(variants: Sequence[VariantResult]) -> list[str]:
    """The labels of runs whose estimates of log p(x) by importance sampling and by AIS differ.

    >>> from vaekit.studies.example import example_results
    >>> disagreeing(example_results().variants)
    []
    """
    return [variant.label for variant in variants if any(map(estimates_differ, variant.finished))]


def estimates_differ(run: RunResult) -> bool:
    """Whether the interval of AIS minus importance sampling, image by image, leaves out 0.

    >>> from vaekit.studies.example import example_results
    >>> estimates_differ(example_results().variants[0].first)
    False
    """
    two = compare_estimates(run.evaluation, run.per_image, run.ais, run.per_image_ais)
    return two is not None and bool(two.leader)


def format_value(name: str, value: float) -> str:
    """A value of a metric with its unit.

    >>> format_value("elbo", -31.0)
    '−31.00 nats'
    """
    return f"{_number(name, value)} {find_metric(name).unit}".strip()


def _number(name: str, value: float) -> str:
    digits = find_metric(name).digits
    return format_significant(value) if digits is None else format_number(value, digits)


def _few_seeds(first: VariantResult, second: VariantResult) -> str:
    counts = {len(first.finished), len(second.finished)}
    seeds = "Both have one seed" if counts == {1} else "One of them has one seed"
    return f"{seeds}: another seed may change the order."
