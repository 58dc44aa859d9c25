"""What charts of several runs share: one frame, colors by kind of run, and labels at the ends of lines.

A label stands beside its line and not in a legend. Labels that would overlap are moved as little as possible:
with heights y_1 <= ... <= y_n and a gap g, the least-squares heights at least g apart are
isotonic(y_i - i g) + i g.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaekit.plotting.style import BLUE, DPI, GREEN, VERMILION, figure_frame, palette, place, text_width

LABEL = 0.15  # inches from the label of one line to that of the next
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _EDGE = 4.2, 2.7, 0.7, 0.48, 0.24, 0.15  # inches
_BESIDE = 0.28  # inches from the frame to the labels of lines
_FEW = (BLUE, VERMILION, GREEN)


class End(NamedTuple):
    """Where a line ends, in the units of its axes."""

    label: str
    color: np.ndarray
    across: float
    up: float


def colors(count: int, ordered: bool = False) -> np.ndarray:
    """RGBA (count, 4): steps from dark to light for runs in an order, else distinct colors."""
    if ordered and count > 1:
        return matplotlib.colormaps["viridis"](np.linspace(0, 0.88, count))
    return palette(count) if count > len(_FEW) else matplotlib.colors.to_rgba_array(_FEW[:count])


def chart(
    title: str, subtitle: str, x_label: str, y_label: str, labels: Sequence[str]
) -> tuple[Figure, Axes]:
    """A sheet with one frame, and room at its right for these labels, each on a line of its own."""
    height = max(_HEIGHT, LABEL * len(labels))
    beside = _BESIDE + text_width(labels) if labels else 0
    figure = figure_frame(_LEFT + _WIDTH + beside + _EDGE, _BOTTOM + height + _TOP, title, subtitle)
    axes = place(figure, _LEFT, _BOTTOM, _WIDTH, height)
    axes.set_title(y_label, pad=6)
    axes.set_xlabel(x_label)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(True, axis="y")
    return figure, axes


def frame_late(axes: Axes, epochs: np.ndarray, values: np.ndarray, share: float) -> None:
    """Where it begins steeply, show what comes after this share of the epochs, if that is one at least."""
    settled = values[epochs > share * epochs.max()]
    if share * epochs.max() >= 1 and np.ptp(values) > 1.5 * np.ptp(settled) > 0:
        margin = 0.08 * np.ptp(settled)
        axes.set_ylim(settled.min() - margin, settled.max() + margin)


def label_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Write each label beside the frame, as near to its line's end as the others allow, and lead to it."""
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())  # they stay as they are from here on
    to_frame = axes.transData + axes.transAxes.inverted()
    points = np.clip([to_frame.transform((end.across, end.up)) for end in ends], 0, 1)
    width, height = np.array(axes.bbox.size) / DPI
    knee, foot, text = 1 + np.array([0.06, _BESIDE - 0.06, _BESIDE]) / width
    for end, (x, y), up in zip(ends, points, spread(points[:, 1], LABEL / height), strict=True):
        way = [x, knee, foot], [y, y, up]
        axes.plot(*way, color=end.color, linewidth=0.7, transform=axes.transAxes, clip_on=False)
        axes.text(text, up, end.label, fontsize=7.5, va="center", transform=axes.transAxes)


def spread(places: np.ndarray, gap: float) -> np.ndarray:
    """Places within 0..1, moved as little as possible so that all are `gap` apart."""
    from sklearn.isotonic import isotonic_regression

    order, steps = np.argsort(places, kind="stable"), gap * np.arange(len(places))
    apart = np.empty(len(places))
    apart[order] = isotonic_regression(places[order] - steps, y_min=0, y_max=1 - steps[-1]) + steps
    return apart
