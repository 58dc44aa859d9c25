"""Scatter plots of several runs side by side: panels of one size, with one title and one legend."""

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
from vaekit.plotting.points import (
    check_points,
    dot_size,
    draw_legend,
    draw_points,
    legend_width,
    point_colors,
)
from vaekit.plotting.style import MUTED, figure_frame, place, styled

LabeledPoints = tuple[np.ndarray, np.ndarray | None]

_SIDE, _LEFT, _BOTTOM, _LINE, _EDGE = 1.75, 0.4, 0.3, 0.15, 0.12  # inches, of each panel
_SIDE_3D = 2.5  # inches, of a panel in three dimensions
_SHADOW = "#d9dde2"
_TITLE_LETTERS = 13  # per inch of a panel's title
_MAX_COLUMNS = 4


@styled
def scatter_panels(
    panels: Mapping[str, LabeledPoints], title: str, label_names: Sequence[str] = (), subtitle: str = ""
) -> Figure:
    """Scatter the points of each run in a plane, colored by label. Each panel has its own scale.

    Args:
        panels: label of the run -> points (N, 2), as returned by `project`, and their labels (N,) or None.
        title: what is shown, such as the data and what differs between the panels.
        label_names: the names of labels 0, 1, ... Default: the numbers.
        subtitle: a second line in gray.

    Returns:
        A figure with one panel per run and one legend.

    Raises:
        InvalidError: there are no panels, the points are not (N, 2), or the number of labels does not match.

    Example:
        >>> points, labels = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2
        >>> panels = {"AE": (points, labels), "VAE": (points, labels)}
        >>> figure = scatter_panels(panels, "Latents", ["cat", "dog"])
        >>> [axes.get_title("left") for axes in figure.axes]
        ['AE', 'VAE']
        >>> [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
        ['cat', 'dog']
    """
    classes = _all_classes(panels, 2)
    figure, frames = panel_grid(
        list(panels), _SIDE, title, subtitle, right=legend_width(classes, label_names)
    )
    for axes, (points, labels) in zip(frames, panels.values(), strict=True):
        axes.set_aspect("equal", adjustable="datalim")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        draw_points(axes, np.asarray(points), labels, classes)
    draw_legend(frames[_columns(len(frames)) - 1], classes, label_names)
    return figure


@styled
def scatter_panels_3d(
    panels: Mapping[str, LabeledPoints],
    title: str,
    label_names: Sequence[str] = (),
    view: tuple[float, float] = (22, -60),
    subtitle: str = "",
) -> Figure:
    """Scatter the points of each run in space, colored by label, with their shadows on the floor.

    Args:
        panels: label of the run -> points (N, 3), as returned by `principal_components` or
            `kernel_components`, and their labels (N,) or None.
        title: what is shown, such as the data and what differs between the panels.
        label_names: the names of labels 0, 1, ... Default: the numbers.
        view: elevation and azimuth of the camera, in degrees.
        subtitle: a second line in gray.

    Returns:
        A figure with one panel per run and one legend.

    Raises:
        InvalidError: there are no panels, the points are not (N, 3), or the number of labels does not match.

    Example:
        >>> points = np.random.default_rng(0).normal(size=(30, 3))
        >>> axes = scatter_panels_3d({"VAE": (points, None)}, "Latents", view=(30, -45)).axes[0]
        >>> axes.name, axes.elev, axes.azim
        ('3d', 30, -45)
    """
    classes = _all_classes(panels, 3)
    right = legend_width(classes, label_names)
    looks = {"projection": "3d", "computed_zorder": False}
    figure, frames = panel_grid(list(panels), _SIDE_3D, title, subtitle, right=right, **looks)
    for axes, (points, labels) in zip(frames, panels.values(), strict=True):
        draw_space(axes, np.asarray(points), labels, classes, view)
    draw_legend(frames[_columns(len(frames)) - 1], classes, label_names)
    return figure


def panel_grid(
    names: Sequence[str], side: float, title: str, subtitle: str, right: float = _EDGE, **looks: Any
) -> tuple[Figure, list[Axes]]:
    """Create a figure with a square panel per name, in rows of about equal length and at most four panels.

    Args:
        names: the titles of the panels; long ones wrap.
        side: of a panel, in inches.
        title, subtitle: of the figure.
        right: space at the right in inches, for a legend.
        looks: further arguments of `Figure.add_axes`.

    Returns:
        The figure and the axes of the panels.

    Raises:
        InvalidError: there are no panels.

    Example:
        >>> figure, frames = panel_grid(["a", "b", "c", "d", "e"], 1.75, "Five runs", "")
        >>> len({round(axes.get_position().x0, 3) for axes in frames})  # columns
        3
    """
    if not names:
        raise InvalidError("panels: expected at least one, got none")
    columns = _columns(len(names))
    rows = math.ceil(len(names) / columns)
    titles = [textwrap.fill(name, int(side * _TITLE_LETTERS)) for name in names]
    width = _LEFT + side
    height = _BOTTOM + side + _LINE * max(name.count("\n") + 2 for name in titles) - 0.05
    figure = figure_frame(width * columns + right, height * rows, title, subtitle)
    frames = []
    for i, name in enumerate(titles):
        row, column = divmod(i, columns)
        left, bottom = width * column + _LEFT, height * (rows - 1 - row) + _BOTTOM
        frames.append(place(figure, left, bottom, side, side, **looks))
        frames[-1].set_title(name, pad=4, loc="left")
    return figure, frames


def _columns(count: int) -> int:
    """The number of columns at which rows of at most four panels are about equally long."""
    return math.ceil(count / math.ceil(count / _MAX_COLUMNS))


def _all_classes(panels: Mapping[str, LabeledPoints], dims: int) -> np.ndarray:
    """The sorted labels that occur in any panel, after a check of the points."""
    for name, (points, labels) in panels.items():
        check_points(points, labels, dims, f"panels: {name}")
    known = [np.unique(labels) for _, labels in panels.values() if labels is not None]
    return np.unique(np.concatenate(known)) if known else np.array([], int)


def draw_space(
    axes: Any,
    points: np.ndarray,
    labels: np.ndarray | None,
    classes: np.ndarray,
    view: tuple[float, float] = (22, -60),
) -> None:
    """Draw points in space with their shadows on the floor, near points last and darkest.

    The floor is below the lowest point by a tenth of the height.

    Args:
        axes: with the projection "3d".
        points: (N, 3).
        labels: (N,), or None.
        classes: the sorted labels that occur in the figure.
        view: elevation and azimuth of the camera, in degrees.

    >>> axes = Figure().add_subplot(projection="3d", computed_zorder=False)
    >>> draw_space(axes, np.random.default_rng(0).normal(size=(30, 3)), None, np.array([]))
    >>> len(axes.collections)  # points and shadows
    2
    """
    size = dot_size(axes, len(points))
    floor = points[:, 2].min() - 0.1 * np.ptp(points[:, 2])
    dots = {"s": size, "linewidths": 0, "rasterized": True}
    axes.scatter(*points[:, :2].T, floor, c=_SHADOW, depthshade=False, **dots)
    axes.scatter(*points.T, c=point_colors(labels, classes, len(points)), depthshade=True, **dots)
    axes.set_box_aspect(None, zoom=1.12)
    axes.view_init(*view)
    axes.set_zlim(bottom=floor)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_ticklabels([])
        axis.set_pane_color((1, 1, 1, 0))
        axis.line.set_color(MUTED)
