"""The card of the results of a study in a notebook: one row per variant, and their values side by side."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from vaekit.utils.card import card
from vaekit.utils.format import format_number

_MAX_ROWS = 20
_TRACK = 140  # pixels between the lowest and the highest value


class VariantRow(NamedTuple):
    """A variant: its label, the number of its finished and of all runs, and log p(x) or the ELBO of each.

    >>> VariantRow("β = 4", 2, 2, [-99.0, -98.0]).label
    'β = 4'
    """

    label: str
    finished: int
    runs: int
    values: list[float]


def study_card(title: str, question: str, measure: str, variants: Sequence[VariantRow]) -> str:
    """The card of a study as HTML.

    Args:
        title, question: of the study.
        measure: what the values are, such as "log p(x)".
        variants: in the order of the study; the first 20 are shown.

    >>> html = study_card("Beta", "", "ELBO", [VariantRow("β = 1", 1, 1, [-90.0])])
    >>> "−90.00" in html
    True
    """
    rows = [("", "runs", f"{measure} (nats)")]
    for row in variants[:_MAX_ROWS]:
        spread = f" ± {format_number(statistics.stdev(row.values))}" if len(row.values) > 1 else ""
        mean = format_number(statistics.fmean(row.values)) + spread if row.values else "–"
        rows.append((row.label, f"{row.finished} of {row.runs}", mean))
    more = len(variants) - _MAX_ROWS
    notes = [f"and {more} more variants"] if more > 0 else []
    if any(len(row.values) > 1 for row in variants):
        notes.append("± is the standard deviation over seeds")
    return card(title, question, rows, _dots(variants[:_MAX_ROWS]), measure, notes)


def _dots(variants: Sequence[VariantRow]) -> str:
    """A dot per variant between the lowest and the highest mean; nothing for fewer than two."""
    from markupsafe import Markup

    means = [statistics.fmean(row.values) for row in variants if row.values]
    if len(means) < 2 or max(means) == min(means):
        return ""
    low, high = min(means), max(means)
    one = Markup(
        '<div style="display: flex; align-items: center; gap: 8px">'
        '<div style="width: {0}px; height: 1px; background: rgba(128, 128, 128, 0.4)">'
        '<div style="width: 8px; height: 8px; margin: -4px 0 0 {1:.0f}px; border-radius: 4px; '
        'background: currentColor"></div></div><span style="font-size: 12px">{2}</span></div>'
    )
    drawn = [
        one.format(_TRACK, (_TRACK - 8) * (statistics.fmean(row.values) - low) / (high - low), row.label)
        for row in variants
        if row.values
    ]
    return Markup("").join(drawn)
