"""Many points colored by class, and the key to their colors."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from vaekit.errors import InvalidError
from vaekit.plotting.style import BLUE, DPI, palette, text_width

_MOST_NAMED = 20  # classes beyond this share a color bar instead of a legend


def check_points(points: np.ndarray, labels: np.ndarray | None, dimensions: int, name: str = "codes") -> None:
    """Refuse points that are not (N, dimensions), or labels of another number."""
    if np.ndim(points) != 2 or np.shape(points)[1] != dimensions:
        see = "project()" if dimensions == 2 else "principal_components()"
        raise InvalidError(
            f"{name}: expected shape (N, {dimensions}), got shape {np.shape(points)}; see {see}"
        )
    if labels is not None and len(labels) != len(points):
        raise InvalidError(f"labels: expected {len(points)}, one for each code, got {len(labels)}")


def colors_of(labels: np.ndarray | None, classes: np.ndarray, n: int) -> np.ndarray:
    """RGBA (n, 4), one for each point."""
    if labels is None:
        return np.tile(matplotlib.colors.to_rgba_array(BLUE), (n, 1))
    return palette(len(classes))[np.searchsorted(classes, labels)]


def draw_points(axes: Axes, points: np.ndarray, labels: np.ndarray | None, classes: np.ndarray) -> None:
    """All points in one go and in a random order, so that no class lies on top of the others."""
    order = np.random.default_rng(0).permutation(len(points))
    colors = colors_of(labels, classes, len(points))[order]
    across, up = points[order].T
    size = dot_size(axes, len(points))
    axes.scatter(across, up, s=size, c=colors, alpha=0.75, linewidths=0, rasterized=True)


def dot_size(axes: Axes, n: int) -> float:
    """The area of a dot, in square points, of which n fill the same share of the axes whatever their size."""
    return float(np.clip(945 * np.prod(np.array(axes.bbox.size) / DPI) / max(n, 1), 0.6, 14))


def key_width(classes: np.ndarray, label_names: Sequence[str]) -> float:
    """Inches that the key takes beside the points."""
    if 0 < len(classes) <= _MOST_NAMED:
        return text_width(_names(classes, label_names)) + 0.5
    return 0.8 * bool(len(classes)) + 0.15


def key(axes: Axes, classes: np.ndarray, label_names: Sequence[str]) -> None:
    """A legend at the right of the axes, or for very many classes a color bar."""
    if 0 < len(classes) <= _MOST_NAMED:
        _legend(axes, _names(classes, label_names))
    elif len(classes):
        _color_bar(axes, classes)


def _names(classes: np.ndarray, label_names: Sequence[str]) -> list[str]:
    return [str(label_names[c]) if c < len(label_names) else str(c) for c in classes]


def _legend(axes: Axes, names: Sequence[str]) -> None:
    dots = [
        Line2D([], [], linestyle="", marker="o", markersize=5, color=color, label=name)
        for color, name in zip(palette(len(names)), names, strict=True)
    ]
    axes.legend(handles=dots, loc="upper left", bbox_to_anchor=(1.0, 1.0), handletextpad=0.1)


def _color_bar(axes: Axes, classes: np.ndarray) -> None:
    colors = matplotlib.colors.ListedColormap(palette(len(classes)))
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(classes[0], classes[-1]), colors)
    beside = axes.inset_axes((1.04, 0.0, 0.035, 1.0))
    axes.figure.colorbar(scale, cax=beside, label="label")
