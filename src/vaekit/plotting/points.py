"""Points colored by class, and their legend. Shared by all scatter plots of latents."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vaekit.errors import InvalidError
from vaekit.plotting.style import BLUE, palette, text_width

_MAX_LEGEND = 20  # more classes than this have a color bar instead of a legend


def check_points(points: np.ndarray, labels: np.ndarray | None, dims: int, name: str = "latents") -> None:
    """Check the shape of points, and the number of their labels.

    Args:
        points: expected to be (N, dims).
        labels: expected to be (N,), or None.
        dims: 2 for a plane, 3 for space.
        name: the argument that the message names.

    Raises:
        InvalidError: the points are not (N, dims), or the number of labels does not match.

    Example:
        >>> check_points(np.zeros((5, 8)), None, 2)
        Traceback (most recent call last):
        ...
        vaekit.errors.InvalidError: latents: expected shape (N, 2), got (5, 8); reduce them with project()
    """
    if np.ndim(points) != 2 or np.shape(points)[1] != dims:
        function = "project()" if dims == 2 else "principal_components()"
        raise InvalidError(
            f"{name}: expected shape (N, {dims}), got {np.shape(points)}; reduce them with {function}"
        )
    if labels is not None and len(labels) != len(points):
        raise InvalidError(f"labels: expected {len(points)}, one per point, got {len(labels)}")


def point_colors(labels: np.ndarray | None, classes: np.ndarray, n: int) -> np.ndarray:
    """Choose the color of each point: that of its class, or blue without labels.

    Args:
        labels: (n,), or None.
        classes: the sorted labels that occur in the figure.
        n: the number of points.

    Returns:
        RGBA, (n, 4).

    Example:
        >>> rgba = point_colors(np.array([7, 3, 7]), classes=np.array([3, 7]), n=3)
        >>> rgba.shape, bool((rgba[0] == rgba[2]).all()), bool((rgba[0] == rgba[1]).all())
        ((3, 4), True, False)
    """
    if labels is None:
        return np.tile(matplotlib.colors.to_rgba_array(BLUE), (n, 1))
    return palette(len(classes))[np.searchsorted(classes, labels)]


def draw_points(axes: Axes, points: np.ndarray, labels: np.ndarray | None, classes: np.ndarray) -> None:
    """Draw all points in a random order, so that no class covers the others.

    Args:
        axes: where to draw.
        points: (N, 2).
        labels: (N,), or None.
        classes: the sorted labels that occur in the figure.

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = Figure().add_subplot()
        >>> draw_points(axes, np.random.default_rng(0).normal(size=(30, 2)), None, np.array([]))
        >>> axes.collections[0].get_offsets().shape
        (30, 2)
    """
    order = np.random.default_rng(0).permutation(len(points))
    x, y = points[order].T
    rgba = point_colors(labels, classes, len(points))[order]
    axes.scatter(x, y, s=dot_size(axes, len(points)), c=rgba, alpha=0.75, linewidths=0, rasterized=True)


def dot_size(axes: Axes, n: int) -> float:
    """The area of a dot in square points: n dots cover the same share of the axes for any n and any size.

    Returns:
        A value between 0.6 (a speck) and 14 (four points wide).

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = Figure(figsize=(4, 4), dpi=300).add_subplot()
        >>> dot_size(axes, 10), round(dot_size(axes, 2000) / dot_size(axes, 4000), 2)
        (14.0, 2.0)
    """
    return float(np.clip(945 * np.prod(np.array(axes.bbox.size) / axes.figure.dpi) / max(n, 1), 0.6, 14))


def legend_width(classes: np.ndarray, label_names: Sequence[str]) -> float:
    """The space in inches that `draw_legend` needs at the right of the axes.

    Example:
        >>> round(legend_width(np.arange(3), ["cat", "dog", "sparrow"]), 2), legend_width(np.array([]), [])
        (0.96, 0.15)
    """
    if 0 < len(classes) <= _MAX_LEGEND:
        return text_width(_class_names(classes, label_names)) + 0.5
    return 0.8 * bool(len(classes)) + 0.15


def draw_legend(axes: Axes, classes: np.ndarray, label_names: Sequence[str]) -> None:
    """Draw a legend at the right of the axes, or a color bar for more than twenty classes.

    Args:
        axes: where to draw.
        classes: the sorted labels that occur in the figure.
        label_names: the names of labels 0, 1, ... A label without a name is written as its number.

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = Figure().add_subplot()
        >>> draw_legend(axes, np.array([0, 2]), ["cat", "dog"])
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['cat', '2']
    """
    if 0 < len(classes) <= _MAX_LEGEND:
        names = _class_names(classes, label_names)
        dots = [
            Line2D([], [], linestyle="", marker="o", markersize=5, color=color, label=name)
            for color, name in zip(palette(len(names)), names, strict=True)
        ]
        axes.legend(handles=dots, loc="upper left", bbox_to_anchor=(1.0, 1.0), handletextpad=0.1)
    elif len(classes):
        colors = matplotlib.colors.ListedColormap(palette(len(classes)))
        scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(classes[0], classes[-1]), colors)
        axes.figure.colorbar(scale, cax=axes.inset_axes((1.04, 0.0, 0.035, 1.0)), label="label")


def _class_names(classes: np.ndarray, label_names: Sequence[str]) -> list[str]:
    return [str(label_names[c]) if c < len(label_names) else str(c) for c in classes]
