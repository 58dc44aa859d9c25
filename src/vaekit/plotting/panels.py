"""Small multiples: a panel a run, all of one size under one header, and one key for all."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaekit.errors import InvalidError
from vaekit.plotting.points import check_points, colors_of, dot_size, draw_points, key, key_width
from vaekit.plotting.style import MUTED, figure_frame, place, styled

Cloud = tuple[np.ndarray, np.ndarray | None]

_SIDE, _LEFT, _BOTTOM, _LINE, _EDGE = 1.75, 0.4, 0.3, 0.15, 0.12  # inches, of each panel
_LETTERS = 13  # an inch of a panel's title
_MOST_COLUMNS = 4
_DEEP, _SHADOW = 2.5, "#d9dde2"  # inches, the side of a panel with depth; and the color of its shadows


@styled
def scatter_panels(
    panels: Mapping[str, Cloud], title: str, label_names: Sequence[str] = (), subtitle: str = ""
) -> Figure:
    """The points of a plane for each run, colored by label, each panel at its own scale.

    Args:
        panels: for each label the points (N, 2), as `project` gives them, and their labels (N,) or None.
        title: what is shown: the data and what differs between the panels.
        label_names: the name of label 0, 1, ...; by default the numbers.
        subtitle: a second, quieter line.

    Returns:
        The figure, with one key for all panels.

    Raises:
        InvalidError: no panel, points that are not (N, 2), or labels of another number.
    """
    classes = _classes(panels, 2)
    figure, frames = grid(list(panels), _SIDE, title, subtitle, right=key_width(classes, label_names))
    for axes, (points, labels) in zip(frames, panels.values(), strict=True):
        axes.set_aspect("equal", adjustable="datalim")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        draw_points(axes, np.asarray(points), labels, classes)
    key(frames[_columns(len(frames)) - 1], classes, label_names)
    return figure


@styled
def scatter_panels_3d(
    panels: Mapping[str, Cloud],
    title: str,
    label_names: Sequence[str] = (),
    view: tuple[float, float] = (22, -60),
    subtitle: str = "",
) -> Figure:
    """The points of a space for each run, colored by label, over their shadows on the floor.

    Args:
        panels: for each label the points (N, 3), as `principal_components` or `kernel_components` gives them,
            and their labels (N,) or None.
        title: what is shown: the data and what differs between the panels.
        label_names: the name of label 0, 1, ...; by default the numbers.
        view: elevation and azimuth of the eye, in degrees.
        subtitle: a second, quieter line.

    Returns:
        The figure, with one key for all panels.

    Raises:
        InvalidError: no panel, points that are not (N, 3), or labels of another number.
    """
    classes = _classes(panels, 3)
    looks = {"projection": "3d", "computed_zorder": False}
    right = key_width(classes, label_names)
    figure, frames = grid(list(panels), _DEEP, title, subtitle, right=right, **looks)
    for axes, (points, labels) in zip(frames, panels.values(), strict=True):
        _draw_deep(axes, np.asarray(points), labels, classes, view)
    key(frames[_columns(len(frames)) - 1], classes, label_names)
    return figure


def grid(
    names: Sequence[str], side: float, title: str, subtitle: str, right: float = _EDGE, **looks: Any
) -> tuple[Figure, list[Axes]]:
    """A sheet with a square panel for each name, in rows of four at most that are about equally long."""
    if not names:
        raise InvalidError("panels: expected at least one, got none")
    columns = _columns(len(names))
    rows = math.ceil(len(names) / columns)
    titles = [textwrap.fill(name, int(side * _LETTERS)) for name in names]
    across, up = _LEFT + side, _BOTTOM + side + _LINE * max(name.count("\n") + 2 for name in titles) - 0.05
    figure = figure_frame(across * columns + right, up * rows, title, subtitle)
    frames = []
    for position, name in enumerate(titles):
        row, column = divmod(position, columns)
        left, bottom = across * column + _LEFT, up * (rows - 1 - row) + _BOTTOM
        frames.append(place(figure, left, bottom, side, side, **looks))
        frames[-1].set_title(name, pad=4, loc="left")
    return figure, frames


def _columns(count: int) -> int:
    return math.ceil(count / math.ceil(count / _MOST_COLUMNS))


def _classes(panels: Mapping[str, Cloud], dimensions: int) -> np.ndarray:
    """The labels that occur in any panel."""
    for name, (points, labels) in panels.items():
        check_points(points, labels, dimensions, f"panels: {name}")
    known = [np.unique(labels) for _, labels in panels.values() if labels is not None]
    return np.unique(np.concatenate(known)) if known else np.array([], int)


def _draw_deep(
    axes: Any, points: np.ndarray, labels: np.ndarray | None, classes: np.ndarray, view: tuple[float, float]
) -> None:
    """The nearest points last and darkest; the floor lies a tenth below the lowest."""
    size = dot_size(axes, len(points))
    floor = points[:, 2].min() - 0.1 * np.ptp(points[:, 2])
    dots = {"s": size, "linewidths": 0, "rasterized": True}
    axes.scatter(*points[:, :2].T, floor, c=_SHADOW, depthshade=False, **dots)
    axes.scatter(*points.T, c=colors_of(labels, classes, len(points)), depthshade=True, **dots)
    axes.set_box_aspect(None, zoom=1.12)
    axes.view_init(*view)
    axes.set_zlim(bottom=floor)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_ticklabels([])
        axis.set_pane_color((1, 1, 1, 0))
        axis.line.set_color(MUTED)
