"""Text between the tables and figures: headings, paragraphs, and sentences computed from the results.

A sentence such as "the best run is ..." is computed, so that it is always true of the runs that are shown.
"""

from __future__ import annotations

from vaekit.errors import InvalidError
from vaekit.registry import register
from vaekit.studies.blocks.tables import find_protocols
from vaekit.studies.elements import Element, Text
from vaekit.studies.metrics import find_metric
from vaekit.studies.protocol import NO_PROTOCOL, describe_difference
from vaekit.studies.ranking import describe_ranking, format_value, mean_value, rank
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns


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
    """The first run by a metric, how far it is ahead of the second, with the interval, and the last.

    A name is bold only where the interval over several seeds leaves out 0.

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
    'd = 2 has the highest ELBO (−31.00 nats), 1.00 nats above d = 3. Both have one seed: another ...'
    """
    ranked = _ranked(study, metric, runs)
    parts, others = [describe_ranking(metric, ranked)], ranked[1:]
    top = mean_value(metric, ranked[0])
    near = [v.label for v in others if within is not None and abs(mean_value(metric, v) - top) <= within]
    if near:
        parts.append(f"Within {within:g} of the first: {', '.join(near)}.")
    if len(others) > 1:
        parts.append(
            f"The last is {others[-1].label} ({format_value(metric, mean_value(metric, others[-1]))})."
        )
    return [Text(" ".join([*parts, note]).strip())]


def _ranked(study: StudyResults, name: str, runs: Patterns) -> list[VariantResult]:
    """The runs that have a metric, the best first."""
    better = find_metric(name).better
    if better is None:
        raise InvalidError(f"metric: for {name} neither higher nor lower is better; choose another metric")
    ranked = rank(name, study.select(runs, finished=True))
    if not ranked:
        raise InvalidError(f"metric: none of these runs has {name}; measure them with `vaekit evaluate RUN`")
    _check_protocols(study, name, runs)
    return ranked


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
