"""The latents of many images in a plane, one point per image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from vaekit.plotting.points import check_points, draw_legend, draw_points, legend_width
from vaekit.plotting.projection import JITTER
from vaekit.plotting.style import figure_frame, place, styled

_SIDE, _LEFT, _BOTTOM = 4.6, 0.75, 0.5  # inches


@styled
def latent_scatter(
    latents: np.ndarray,
    labels: np.ndarray | None,
    title: str,
    label_names: Sequence[str] = (),
    axis_names: tuple[str, str] = ("z0", "z1"),
    explained: tuple[float, float] | None = None,
    subtitle: str = "",
) -> Figure:
    """Scatter latents in a plane, colored by label.

    Up to twenty classes have a legend, more have a color bar. The colors of up to ten classes are safe for
    color-blind readers.

    Args:
        latents: (N, 2), as returned by `project`.
        labels: (N,) integers, or None.
        title: what is shown, such as the model and the data.
        label_names: the names of labels 0, 1, ... Default: the numbers.
        axis_names: the labels of the two axes.
        explained: the share of the variance (0 to 1) of each axis, added to its label.
        subtitle: a second line in gray.

    Returns:
        A figure with one panel. The points are a bitmap in PDF and SVG files, too.

    Raises:
        InvalidError: the latents are not (N, 2), or the number of labels does not match.

    Example:
        >>> latents, labels = np.random.default_rng(0).normal(size=(50, 2)), np.arange(50) % 2
        >>> axes = latent_scatter(latents, labels, "Latent space", ["cat", "dog"]).axes[0]
        >>> axes.get_xlabel(), axes.get_ylabel()
        ('z0', 'z1')
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['cat', 'dog']
    """
    latents = np.asarray(latents)
    check_points(latents, labels, 2)
    classes = np.array([], int) if labels is None else np.unique(labels)
    figure = figure_frame(
        _LEFT + _SIDE + legend_width(classes, label_names), _BOTTOM + _SIDE, title, subtitle
    )
    axes = place(figure, _LEFT, _BOTTOM, _SIDE, _SIDE)
    shares = [f" ({share:.0%} of the variance)" for share in explained] if explained else ["", ""]
    axes.set_xlabel(axis_names[0] + shares[0])
    axes.set_ylabel(axis_names[1] + shares[1])
    axes.grid(True)
    if axis_names[1] == JITTER:
        axes.set_yticks([])
    else:
        axes.set_aspect("equal", adjustable="datalim")
    draw_points(axes, latents, labels, classes)
    draw_legend(axes, classes, label_names)
    return figure
