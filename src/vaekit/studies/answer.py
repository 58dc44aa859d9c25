"""The sentence and the figure at the top of a page of several runs: which is ahead, and how surely."""

from __future__ import annotations

from collections.abc import Sequence

from vaekit import plotting
from vaekit.errors import InvalidError
from vaekit.plotting import Difference
from vaekit.studies.elements import FigureElement
from vaekit.studies.metrics import find_metric, metric_values
from vaekit.studies.protocol import Protocol
from vaekit.studies.ranking import (
    BY_IMPORTANCE,
    Lead,
    compare_pair,
    describe_ranking,
    disagreeing,
    format_value,
    mean_value,
    rank,
)
from vaekit.studies.results import StudyResults, VariantResult

METRICS = ("log_likelihood", "elbo", "mse")
"""The metric of the answer is the first of these that two runs share, unless the study names one."""
MAX_ROWS = 12


def answer(study: StudyResults) -> tuple[str, FigureElement | None]:
    """What the page of a study says first.

    Args:
        study: the results.

    Returns:
        A sentence in the subset of Markdown that `elements.Text` describes, empty if nothing was measured;
        and a figure of the differences from the first run, None unless there are two runs.

    >>> from vaekit.studies.example import example_results
    >>> sentence, figure = answer(example_results())
    >>> sentence[:50]
    'd = 2 has the highest log-likelihood (−30.00 nats)'
    >>> figure.figure.axes[0].get_xlabel()
    'log-likelihood, difference from d = 2 (nats)'
    """
    name, variants, left_out = _compared(study)
    if not variants:
        return "", None
    ranked = rank(name, variants)
    sentence = describe_ranking(name, ranked)
    if left_out:
        sentence += f" Not compared, since measured otherwise: {', '.join(left_out)}."
    return sentence, _figure(name, ranked) if len(ranked) > 1 else None


def _compared(study: StudyResults) -> tuple[str, list[VariantResult], list[str]]:
    """The metric, the most runs that share a protocol, and the labels of the others that have the metric."""
    wanted = [study.study.answer] if study.study.answer else list(METRICS)
    found: list[tuple[str, list[VariantResult], list[str]]] = []
    for name in wanted:
        if find_metric(name).better is None:
            raise InvalidError(f"answer: for {name} neither higher nor lower is better; name another metric")
        groups: dict[Protocol, list[VariantResult]] = {}
        for variant in study.variants:
            for protocol in _protocols(name, variant):
                groups.setdefault(protocol, []).append(variant)
        if groups:
            largest = max(groups.values(), key=len)
            others = [v.label for group in groups.values() for v in group if v not in largest]
            found.append((name, largest, others))
    return next((each for each in found if len(each[1]) > 1), found[0] if found else ("", [], []))


def _protocols(name: str, variant: VariantResult) -> list[Protocol]:
    """The protocol of a run, if its seeds share one that may be compared."""
    if not variant.finished or not metric_values(name, variant):
        return []
    protocols = {find_metric(name).protocol(run) for run in variant.finished}
    return list(protocols) if len(protocols) == 1 and all(each.comparable for each in protocols) else []


def _figure(name: str, ranked: Sequence[VariantResult]) -> FigureElement:
    """The differences from the first run."""
    top, metric = ranked[0], find_metric(name)
    leads = [compare_pair(name, top, other) for other in ranked[1:MAX_ROWS]]
    sign = -1.0 if metric.better == "higher" else 1.0
    rows = [Difference(top.label, 0.0, None, None, format_value(name, mean_value(name, top)))]
    rows += [_row(lead, sign) for lead in leads]
    over = sorted({lead.over for lead in leads if lead.over}, reverse=True)
    intervals = f"95 % intervals over {' or '.join(over)}" if over else "no intervals: one seed each"
    unit = f" ({metric.unit})" if metric.unit else ""
    figure = plotting.differences(
        rows,
        f"{metric.title[:1].upper()}{metric.title[1:]}: how far from {top.label}",
        f"{metric.title}, difference from {top.label}{unit}",
        intervals,
    )
    words = [f"The first {MAX_ROWS} of {len(ranked)} runs."] if len(ranked) > MAX_ROWS else []
    words.append("An interval in blue leaves out 0.")
    if "images" in over:
        words.append("An interval over images is of these trained models; another seed may change the order.")
    if name in BY_IMPORTANCE and (labels := disagreeing(ranked)):
        words.append(f"Importance sampling and AIS disagree for {', '.join(labels)}.")
    return FigureElement(figure, " ".join(words))


def _row(lead: Lead, sign: float) -> Difference:
    mean, low, high = (sign * end for end in lead.difference)
    low, high = sorted((low, high))
    number = lambda value: (
        format_value(lead.metric, value).removesuffix(find_metric(lead.metric).unit).strip()
    )
    interval = f" ({number(low)} to {number(high)})" if lead.over else ""
    ends = {"low": low if lead.over else None, "high": high if lead.over else None}
    return Difference(lead.other.label, mean, text=f"{number(mean)}{interval}", **ends)
