"""The latents of many images in a plane or in space, one point per image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.look import current_look
from vaekit.plotting.panels import draw_space
from vaekit.plotting.points import check_points, draw_legend, draw_points, legend_width
from vaekit.plotting.projection import EMBEDDED, JITTER
from vaekit.plotting.style import draw_title, figure_frame, figure_of, place, styled

_SIDE, _LEFT, _BOTTOM = 4.6, 0.75, 0.5  # inches
_THIRD = 0.35  # inches: room for the name of the third axis


@styled
def latent_scatter(
    latents: np.ndarray,
    labels: np.ndarray | None,
    title: str,
    label_names: Sequence[str] = (),
    axis_names: Sequence[str] = ("z0", "z1"),
    explained: Sequence[float] | None = None,
    subtitle: str = "",
) -> Figure:
    """Scatter latents in a plane or in space, colored by label.

    Up to twenty classes have a legend, more have a color bar. The colors of up to ten classes are safe for
    color-blind readers.

    Args:
        latents: (N, 2), or (N, 3) with three names of axes, as returned by `project` or `embed`.
        labels: (N,) integers, or None.
        title: what is shown, such as the model and the data.
        label_names: the names of labels 0, 1, ... Default: the numbers.
        axis_names: the labels of the axes.
        explained: the share of the variance (0 to 1) of each axis, added to its label.
        subtitle: a second line in gray.

    Returns:
        A figure with one panel. The points are a bitmap in PDF and SVG files, too.

    Raises:
        InvalidError: the latents are not (N, 2) or (N, 3), the axes of the caller are not of a space, or the
            number of labels does not match.

    Example:
        >>> latents, labels = np.random.default_rng(0).normal(size=(50, 2)), np.arange(50) % 2
        >>> axes = latent_scatter(latents, labels, "Latent space", ["cat", "dog"]).axes[0]
        >>> axes.get_xlabel(), axes.get_ylabel()
        ('z0', 'z1')
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['cat', 'dog']
    """
    latents = np.asarray(latents)
    dims = len(axis_names)
    check_points(latents, labels, dims)
    classes = np.array([], int) if labels is None else np.unique(labels)
    right, given = legend_width(classes, label_names), current_look().axes
    axes: Any
    if given is not None:
        figure, axes = figure_of(given), given
        draw_title(axes, title, subtitle)
    else:
        right += _THIRD * (dims == 3)
        side = max((current_look().width or _LEFT + _SIDE + right) - _LEFT - right, 0.5)
        figure = figure_frame(_LEFT + side + right, _BOTTOM + side, title, subtitle)
        space: Any = {"projection": "3d", "computed_zorder": False} if dims == 3 else {}
        axes = place(figure, _LEFT, _BOTTOM, side, side, **space)
    shares = [f" ({share:.0%} of the variance)" for share in explained] if explained else [""] * dims
    named = [name + share for name, share in zip(axis_names, shares, strict=False)]
    axes.set_xlabel(named[0])
    axes.set_ylabel(named[1])
    if dims == 3:
        if axes.name != "3d":
            raise InvalidError('ax: dims=3 needs axes of a space, such as plt.subplot(projection="3d")')
        draw_space(axes, latents, labels, classes)
        axes.set_zlabel(named[2])
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            axis.labelpad = -8  # there are no numbers in between
        draw_legend(axes, classes, label_names)
        if (legend := axes.get_legend()) is not None:  # beside the name of the third axis
            legend.set_bbox_to_anchor((1.0 + _THIRD * figure.dpi / axes.bbox.width, 1.0), axes.transAxes)
        return figure
    axes.grid(True)
    if axis_names[1] == JITTER:
        axes.set_yticks([])
    elif axis_names[0].startswith(EMBEDDED):  # its numbers mean nothing
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_aspect("equal", adjustable="datalim")
    else:
        axes.set_aspect("equal", adjustable="datalim")
    draw_points(axes, latents, labels, classes)
    draw_legend(axes, classes, label_names)
    return figure
