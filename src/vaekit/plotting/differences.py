"""How far several runs are from the first one, with intervals: the figure at the top of a page of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaekit.errors import InvalidError
from vaekit.plotting.style import BLUE, INK, MUTED, figure_frame, place, styled, text_width

_WIDTH, _ROW, _EDGE, _BOTTOM, _TOP = 3.4, 0.27, 0.15, 0.48, 0.1  # inches


class Difference(NamedTuple):
    """A run and its difference from the first one.

    Attributes:
        label: of the run.
        mean: the difference; 0 for the first run.
        low, high: the ends of its interval; None if there is none.
        text: at the right.

    >>> Difference("b", -4.6, -7.6, -1.6, "−4.60 (−7.63 to −1.57)").label
    'b'
    """

    label: str
    mean: float
    low: float | None
    high: float | None
    text: str


@styled
def differences(rows: Sequence[Difference], title: str, x_label: str, subtitle: str = "") -> Figure:
    """Draw the difference of each run from the first one as a point with its interval.

    An interval that leaves out 0 is blue, another one is gray.

    Args:
        rows: from top to bottom; the first run is at 0.
        title: what is compared.
        x_label: the metric and its unit.
        subtitle: a second line in gray, such as what the intervals are over.

    Returns:
        A figure with one chart.

    Raises:
        InvalidError: there are no rows, or a mean is not finite.

    Example:
        >>> rows = [Difference("a", 0.0, None, None, "−155.8"), Difference("b", -4.6, -7.6, -1.6, "−4.6")]
        >>> axes = differences(rows, "Two runs", "log-likelihood, difference from a (nats)").axes[0]
        >>> [label.get_text() for label in axes.get_yticklabels()]
        ['a', 'b']
    """
    if not rows or not all(np.isfinite(row.mean) for row in rows):
        raise InvalidError(f"rows: expected one or more finite differences, got {len(rows)}")
    left = 0.25 + text_width([row.label for row in rows])
    right = 0.2 + text_width([row.text for row in rows])
    height = _ROW * len(rows)
    figure = figure_frame(left + _WIDTH + right + _EDGE, _BOTTOM + height + _TOP, title, subtitle)
    axes = place(figure, left, _BOTTOM, _WIDTH, height)
    for place_, row in enumerate(rows):
        ends = None if row.low is None or row.high is None else [row.low, row.high]
        clear = ends is not None and (ends[0] > 0 or ends[1] < 0)
        color = BLUE if clear else INK if not place_ else MUTED
        if ends is not None:
            axes.plot(ends, [place_, place_], color=color, linewidth=1.6, solid_capstyle="butt")
        axes.plot(row.mean, place_, "o", color=color, markersize=4.5)
        looks: dict[str, Any] = {
            "fontsize": 7.5,
            "va": "center",
            "color": INK if clear or not place_ else MUTED,
        }
        axes.text(1 + 0.12 / _WIDTH, place_, row.text, transform=axes.get_yaxis_transform(), **looks)
    axes.axvline(0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)), zorder=0)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.margins(x=0.06)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(True, axis="x")
    axes.set_xlabel(x_label)
    return figure
