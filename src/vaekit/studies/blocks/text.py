"""Words between the tables and figures.

Sentences computed from the numbers, so that a page never says what its runs do not show.
"""

from __future__ import annotations

import statistics

from vaekit.errors import InvalidError
from vaekit.studies.elements import Element, Text
from vaekit.studies.metrics import find_metric, metric_values
from vaekit.studies.results import StudyResults
from vaekit.studies.schema import Patterns
from vaekit.utils.format import format_number, format_significant


def heading(study: StudyResults, text: str) -> list[Element]:
    """The heading of a section; the page's list of contents leads to it."""
    return [Text(text, "heading")]


def text(study: StudyResults, text: str) -> list[Element]:
    """Paragraphs in a little markdown."""
    return [Text(text)]


def best(
    study: StudyResults,
    metric: str = "log_likelihood",
    runs: Patterns = ["*"],  # noqa: B006
    within: float | None = None,
    note: str = "",
) -> list[Element]:
    """Which run is the best by a number, which comes next, and by how much.

    Args:
        metric: a name of `studies.metrics` of which one end is the better.
        runs: among which.
        within: those as near to the best as this are named as well, as no worse for practical purposes.
        note: what follows the sentence.
    """
    ranked = _ranked(study, metric, runs)
    (label, top), others = ranked[0], ranked[1:]
    said = f"By {_name(metric)} the best is **{label}** ({_value(metric, top)})"
    if others:
        said += f", then {others[0][0]} ({_value(metric, others[0][1])})"
    near = [name for name, value in others if within is not None and abs(value - top) <= within]
    if near:
        said += f"; within {within:g} of the best: {', '.join(near)}"
    if len(others) > 1:
        said += f". The last is {others[-1][0]} ({_value(metric, others[-1][1])})"
    return [Text(f"{said}. {note}".strip())]


def _ranked(study: StudyResults, name: str, runs: Patterns) -> list[tuple[str, float]]:
    """Labels and means, the best first."""
    better = find_metric(name).better
    if better is None:
        raise InvalidError(f"metric: of {name} neither more nor less is better; choose another")
    known = {o.label: found for o in study.select(runs, finished=True) if (found := metric_values(name, o))}
    if not known:
        raise InvalidError(f"metric: none of these runs knows {name}")
    means = [(label, statistics.fmean(found)) for label, found in known.items()]
    return sorted(means, key=lambda pair: pair[1], reverse=better == "higher")


def _name(name: str) -> str:
    return find_metric(name).title


def _value(name: str, value: float) -> str:
    found = find_metric(name)
    said = format_significant(value) if found.digits is None else format_number(value, found.digits)
    return f"{said} {found.unit}".strip()
