"""Text between the tables and figures: headings, paragraphs, and sentences computed from the results.

A sentence such as "the best run is ..." is computed, so that it is always true of the runs that are shown.
"""

from __future__ import annotations

import statistics

from vaekit.errors import InvalidError
from vaekit.registry import register
from vaekit.studies.blocks.tables import find_protocols
from vaekit.studies.elements import Element, Text
from vaekit.studies.metrics import find_metric, metric_values
from vaekit.studies.protocol import NO_PROTOCOL, describe_difference
from vaekit.studies.results import StudyResults
from vaekit.studies.schema import Patterns
from vaekit.utils.format import format_number, format_significant


@register("study_block")
def heading(study: StudyResults, text: str) -> list[Element]:
    """A section heading, which the table of contents of the page links to.

    >>> from vaekit.studies.example import example_results
    >>> heading(example_results(), "Samples")
    [Text(text='Samples', kind='heading')]
    """
    return [Text(text, "heading")]


@register("study_block")
def text(study: StudyResults, text: str) -> list[Element]:
    """Paragraphs in the subset of Markdown that `elements.Text` describes.

    >>> from vaekit.studies.example import example_results
    >>> text(example_results(), "Two **words**.")
    [Text(text='Two **words**.', kind='text')]
    """
    return [Text(text)]


@register("study_block")
def best(
    study: StudyResults,
    metric: str = "log_likelihood",
    runs: Patterns = ["*"],  # noqa: B006
    within: float | None = None,
    note: str = "",
) -> list[Element]:
    """A sentence that ranks runs by a metric: the best, the second best, and the last.

    Args:
        metric: a name of `studies.metrics.METRICS` for which higher or lower is better.
        runs: name patterns or groups.
        within: runs whose difference from the best is at most this are listed too.
        note: text after the sentence.

    Raises:
        InvalidError: no value of the metric is better than another, no run has the metric, or the runs were
            measured by protocols that cannot be compared.

    >>> from vaekit.studies.example import example_results
    >>> best(example_results(), "elbo")[0].text
    'The best run by ELBO is **d = 2** (−31.00 nats), followed by d = 3 (−32.00 nats).'
    """
    ranked = _ranked(study, metric, runs)
    (label, top), others = ranked[0], ranked[1:]
    sentence = f"The best run by {find_metric(metric).title} is **{label}** ({_value(metric, top)})"
    if others:
        sentence += f", followed by {others[0][0]} ({_value(metric, others[0][1])})"
    near = [name for name, value in others if within is not None and abs(value - top) <= within]
    if near:
        sentence += f"; within {within:g} of the best: {', '.join(near)}"
    if len(others) > 1:
        sentence += f". The last is {others[-1][0]} ({_value(metric, others[-1][1])})"
    return [Text(f"{sentence}. {note}".strip())]


def _ranked(study: StudyResults, name: str, runs: Patterns) -> list[tuple[str, float]]:
    """The label and mean of each run, the best first."""
    better = find_metric(name).better
    if better is None:
        raise InvalidError(f"metric: for {name} neither higher nor lower is better; choose another metric")
    known = {v.label: found for v in study.select(runs, finished=True) if (found := metric_values(name, v))}
    if not known:
        raise InvalidError(f"metric: none of these runs has {name}; measure them with `vaekit evaluate RUN`")
    _check_protocols(study, name, runs)
    means = [(label, statistics.fmean(found)) for label, found in known.items()]
    return sorted(means, key=lambda pair: pair[1], reverse=better == "higher")


def _check_protocols(study: StudyResults, name: str, runs: Patterns) -> None:
    """Refuse to rank numbers that are not comparable."""
    first, *others = find_protocols(find_metric(name), study.select(runs, finished=True)) or [NO_PROTOCOL]
    if others:
        raise InvalidError(
            f"runs: their {name} is not comparable, it differs in {describe_difference(first, others[0])}; "
            "choose runs of one protocol"
        )
    if not first.comparable:
        raise InvalidError(f"runs: {first}")


def _value(name: str, value: float) -> str:
    """A value of a metric with its unit."""
    metric = find_metric(name)
    number = format_significant(value) if metric.digits is None else format_number(value, metric.digits)
    return f"{number} {metric.unit}".strip()
