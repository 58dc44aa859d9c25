"""What charts of several runs share: one frame, the colors of the runs, and labels at the ends of lines.

A label stands next to the end of its line, not in a legend. Labels that would overlap are moved as little as
possible: for sorted heights y_1 <= ... <= y_n and a gap g, the least-squares heights that are at least g
apart are isotonic_regression(y_i - i g) + i g.
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

LABEL = 0.15  # inches between the labels of two lines
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _EDGE = 4.2, 2.7, 0.7, 0.48, 0.24, 0.15  # inches
_LABEL_OFFSET = 0.28  # inches from the frame to the labels
_FIRST_COLORS = (BLUE, VERMILION, GREEN)


class End(NamedTuple):
    """The end of a line, in data coordinates.

    Attributes:
        label: the text next to it.
        color: RGBA, (4,).
        x, y: the last point of the line.

    Example:
        >>> End("β = 4", colors(1)[0], 30, -98.5).label
        'β = 4'
    """

    label: str
    color: np.ndarray
    x: float
    y: float


def colors(count: int, ordered: bool = False) -> np.ndarray:
    """Choose a color for each of several runs.

    Args:
        count: the number of runs.
        ordered: the runs follow an order; their colors then run from dark to light.

    Returns:
        RGBA, (count, 4).

    Example:
        >>> colors(5).shape
        (5, 4)
        >>> brightness = colors(5, ordered=True)[:, :3].sum(1)
        >>> bool((np.diff(brightness) > 0).all())
        True
    """
    if ordered and count > 1:
        return matplotlib.colormaps["viridis"](np.linspace(0, 0.88, count))
    few = count <= len(_FIRST_COLORS)
    return matplotlib.colors.to_rgba_array(_FIRST_COLORS[:count]) if few else palette(count)


def chart(
    title: str, subtitle: str, x_label: str, y_label: str, labels: Sequence[str]
) -> tuple[Figure, Axes]:
    """Create a figure with one empty chart and room for labels at its right.

    Args:
        title, subtitle: of the figure.
        x_label: below the x axis.
        y_label: above the frame, at the left.
        labels: the texts that will stand at the right, one per line.

    Returns:
        The figure and the axes of the chart.

    Example:
        >>> figure, axes = chart("ELBO of three runs", "", "epoch", "ELBO (nats)", ["a", "b", "c"])
        >>> axes.get_xlabel(), axes.get_title()
        ('epoch', 'ELBO (nats)')
    """
    height = max(_HEIGHT, LABEL * len(labels))
    label_width = _LABEL_OFFSET + text_width(labels) if labels else 0
    figure = figure_frame(_LEFT + _WIDTH + label_width + _EDGE, _BOTTOM + height + _TOP, title, subtitle)
    axes = place(figure, _LEFT, _BOTTOM, _WIDTH, height)
    axes.set_title(y_label, pad=6)
    axes.set_xlabel(x_label)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.grid(True, axis="y")
    return figure, axes


def frame_late(axes: Axes, lines: Sequence[tuple[np.ndarray, np.ndarray]], share: float) -> None:
    """Fit the y axis to the later epochs if the first ones are steep.

    Nothing changes if the first epochs are not steep, or if the share is less than one epoch. The end of each
    line stays in the frame.

    Args:
        axes: of the chart.
        lines: the epochs and the values of each line, (n,) each.
        share: the first `share` of the epochs may leave the frame.

    Example:
        >>> figure, axes = chart("Loss", "", "epoch", "Loss (nats)", [])
        >>> frame_late(axes, [(np.arange(1, 21), 1000.0 / np.arange(1, 21))], share=0.1)
        >>> bool(axes.get_ylim()[1] < 400)
        True
    """
    epochs, values = (np.concatenate([line[i] for line in lines]) for i in (0, 1))
    ends = [y[-1:] for _, y in lines]
    late = np.concatenate([values[epochs > share * epochs.max()], *ends])
    if share * epochs.max() >= 1 and np.ptp(values) > 1.5 * np.ptp(late) > 0:
        margin = 0.08 * np.ptp(late)
        axes.set_ylim(late.min() - margin, late.max() + margin)


def label_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Write a label at the right of the frame for each line, joined to the end of the line.

    Labels are moved apart where they would overlap. The limits of the axes are fixed from here on.

    Args:
        axes: of the chart.
        ends: the end of each line.

    Example:
        >>> figure, axes = chart("Two runs", "", "epoch", "ELBO (nats)", ["a", "b"])
        >>> label_ends(axes, [End("a", colors(2)[0], 1, 0.5), End("b", colors(2)[1], 1, 0.5)])
        >>> [text.get_text() for text in axes.texts]
        ['a', 'b']
    """
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    to_frame = axes.transData + axes.transAxes.inverted()
    points = np.clip([to_frame.transform((end.x, end.y)) for end in ends], 0, 1)
    width, height = np.array(axes.bbox.size) / DPI
    knee, foot, text = 1 + np.array([0.06, _LABEL_OFFSET - 0.06, _LABEL_OFFSET]) / width
    for end, (x, y), label_y in zip(ends, points, spread(points[:, 1], LABEL / height), strict=True):
        line = [x, knee, foot], [y, y, label_y]
        axes.plot(*line, color=end.color, linewidth=0.7, transform=axes.transAxes, clip_on=False)
        axes.text(text, label_y, end.label, fontsize=7.5, va="center", transform=axes.transAxes)


def spread(heights: np.ndarray, gap: float) -> np.ndarray:
    """Move heights within [0, 1] as little as possible (in least squares) so that they are `gap` apart.

    Args:
        heights: (n,), in any order.
        gap: at most 1 / (n - 1).

    Returns:
        The new heights, (n,), in the order given.

    Example:
        >>> spread(np.array([0.5, 0.5, 0.9]), gap=0.2).round(2).tolist()
        [0.4, 0.6, 0.9]
    """
    from sklearn.isotonic import isotonic_regression

    order, steps = np.argsort(heights, kind="stable"), gap * np.arange(len(heights))
    apart = np.empty(len(heights))
    apart[order] = isotonic_regression(heights[order] - steps, y_min=0, y_max=1 - steps[-1]) + steps
    return apart
