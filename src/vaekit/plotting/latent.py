"""Where the codes of many images lie: one plane, a point an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaekit.plotting.points import check_points, draw_points, key, key_width
from vaekit.plotting.projection import AT_RANDOM
from vaekit.plotting.style import figure_frame, place, styled

_SIDE, _LEFT, _BOTTOM = 4.6, 0.75, 0.5  # inches


@styled
def latent_scatter(
    codes: np.ndarray,
    labels: np.ndarray | None,
    title: str,
    label_names: Sequence[str] = (),
    axis_names: tuple[str, str] = ("z0", "z1"),
    explained: tuple[float, float] | None = None,
    subtitle: str = "",
) -> Figure:
    """The points of a plane, colored by label.

    Up to twenty classes get a legend, in which ten have colors distinguishable by color-blind readers too;
    more share a color bar.

    Args:
        codes: (N, 2), as `project` gives them.
        labels: (N,) whole numbers, or None.
        title: what is shown: model and data.
        label_names: the name of label 0, 1, ...; by default the numbers.
        axis_names: what the two coordinates are.
        explained: the share of the variance (0..1) that each coordinate explains, written at its axis.
        subtitle: a second, quieter line.

    Returns:
        The figure; its points are a bitmap in PDF and SVG too.

    Raises:
        InvalidError: codes that are not (N, 2), or labels of another number.
    """
    codes = np.asarray(codes)
    check_points(codes, labels, 2)
    classes = np.array([], int) if labels is None else np.unique(labels)
    figure = figure_frame(_LEFT + _SIDE + key_width(classes, label_names), _BOTTOM + _SIDE, title, subtitle)
    axes = place(figure, _LEFT, _BOTTOM, _SIDE, _SIDE)
    _name_axes(axes, axis_names, explained)
    draw_points(axes, codes, labels, classes)
    key(axes, classes, label_names)
    return figure


def _name_axes(axes: Axes, names: tuple[str, str], explained: tuple[float, float] | None) -> None:
    shares = [f" ({share:.0%} of the variance)" for share in explained] if explained else ["", ""]
    axes.set_xlabel(names[0] + shares[0])
    axes.set_ylabel(names[1] + shares[1])
    axes.grid(True)
    if names[1] == AT_RANDOM:
        axes.set_yticks([])
    else:
        axes.set_aspect("equal", adjustable="datalim")
