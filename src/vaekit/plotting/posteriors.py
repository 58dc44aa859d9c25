"""The exact posterior p(z | x) of an image in a latent plane, and its approximation q(z | x).

The lines of q are at the heights log q = max log q - s^2 / 2. For a Gaussian these are the ellipses at s
standard deviations from the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaekit.plotting.panels import panel_grid
from vaekit.plotting.style import BLUE, VERMILION, styled
from vaekit.plotting.tiles import tiles

_SIDE = 1.75  # inches, of a panel
_THUMBNAIL = 0.26  # the side of the image, as a share of the panel
_WHITE_TO_BLUE = LinearSegmentedColormap.from_list("white to blue", ["white", BLUE])
_SIGMAS = (2, 1)  # where the lines of q are


class Posterior(NamedTuple):
    """The exact and the approximate posterior of one image, on a grid of the latent plane.

    Attributes:
        label: the title of the panel.
        image: the data point, of any event shape.
        axes: the values of z0 and of z1, (n,) each.
        exact: p(z | x), (n, n), indexed [z1, z0].
        log_q: log q(z | x), (n, n), indexed [z1, z0].

    Example:
        >>> z = np.linspace(-3, 3, 41)
        >>> log_q = -(z[:, None] ** 2 + z**2) / 2
        >>> posterior = Posterior("KL 0.0", np.zeros((1, 8, 8)), (z, z), np.exp(log_q), log_q)
        >>> posterior.label, posterior.exact.shape
        ('KL 0.0', (41, 41))
    """

    label: str
    image: np.ndarray
    axes: tuple[np.ndarray, np.ndarray]
    exact: np.ndarray
    log_q: np.ndarray


@styled
def posteriors(panels: Sequence[Posterior], title: str, subtitle: str = "") -> Figure:
    """Plot p(z | x) of each image in blue, with lines of q(z | x) at one and two standard deviations.

    Args:
        panels: one per image.
        title: what is shown, such as the model and the data.
        subtitle: a second line in gray.

    Returns:
        A figure with one panel per image. Each panel has its own limits and color scale.

    Raises:
        InvalidError: there are no panels.

    Example:
        >>> z = np.linspace(-3, 3, 41)
        >>> log_q = -(z[:, None] ** 2 + z**2) / 2
        >>> posterior = Posterior("KL 0.0", np.zeros((1, 8, 8)), (z, z), np.exp(log_q), log_q)
        >>> figure = posteriors([posterior, posterior], "Posteriors")
        >>> [axes.get_title("left") for axes in figure.axes]
        ['KL 0.0', 'KL 0.0']
    """
    figure, frames = panel_grid([panel.label for panel in panels], _SIDE, title, subtitle)
    thumbnails = tiles(np.stack([panel.image for panel in panels]))
    for axes, panel, thumbnail in zip(frames, panels, thumbnails, strict=True):
        _draw(axes, panel, thumbnail)
    return figure


def _draw(axes: Axes, panel: Posterior, image: np.ndarray) -> None:
    (z0, z1), exact = panel.axes, panel.exact
    extent = (z0[0], z0[-1], z1[0], z1[-1])
    axes.imshow(
        exact,
        extent=extent,
        origin="lower",
        cmap=_WHITE_TO_BLUE,
        vmin=0,
        aspect="auto",
        interpolation="bilinear",
    )
    levels = [panel.log_q.max() - sigmas**2 / 2 for sigmas in _SIGMAS]
    axes.contour(z0, z1, panel.log_q, levels, colors=VERMILION, linewidths=(0.8, 1.2), linestyles="solid")
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    corner: Any = (1 - _THUMBNAIL - 0.02, 1 - _THUMBNAIL - 0.02, _THUMBNAIL, _THUMBNAIL)
    thumbnail = axes.inset_axes(corner, zorder=3)
    thumbnail.imshow(image, interpolation="nearest")
    thumbnail.set(xticks=[], yticks=[])
