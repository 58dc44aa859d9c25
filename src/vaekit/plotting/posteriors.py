"""The exact posterior of an image in a plane, and the q that stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaekit.plotting.panels import grid
from vaekit.plotting.style import BLUE, VERMILION, styled
from vaekit.plotting.tiles import tiles

_SIDE, _THUMB = 1.75, 0.26  # inches, of a panel; share of it that the image takes
_PAPER = LinearSegmentedColormap.from_list("paper to blue", ["white", BLUE])
_SIGMAS = (2, 1)


class Posterior(NamedTuple):
    """Two densities over a square of the plane, and the image they are of.

    Attributes:
        label: over the panel.
        image: (C, H, W) in [0, 1].
        axes: (n,) values of z0, and of z1.
        exact: (n, n), p(z | x) as [z1][z0].
        log_q: (n, n), log q(z | x) likewise.
    """

    label: str
    image: np.ndarray
    axes: tuple[np.ndarray, np.ndarray]
    exact: np.ndarray
    log_q: np.ndarray


@styled
def posteriors(panels: Sequence[Posterior], title: str, subtitle: str = "") -> Figure:
    """A panel an image: p(z | x) in blue, and the lines where q is one and two deviations from its peak.

    Returns:
        The figure; each panel has its own window and scale.

    Raises:
        InvalidError: no panel.
    """
    figure, frames = grid([panel.label for panel in panels], _SIDE, title, subtitle)
    for axes, panel in zip(frames, panels, strict=True):
        _draw(axes, panel)
    return figure


def _draw(axes: Axes, panel: Posterior) -> None:
    (z0, z1), exact = panel.axes, panel.exact
    extent = (z0[0], z0[-1], z1[0], z1[-1])
    axes.imshow(
        exact, extent=extent, origin="lower", cmap=_PAPER, vmin=0, aspect="auto", interpolation="bilinear"
    )
    levels = [panel.log_q.max() - sigmas**2 / 2 for sigmas in _SIGMAS]
    axes.contour(z0, z1, panel.log_q, levels, colors=VERMILION, linewidths=(0.8, 1.2), linestyles="solid")
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    looks: Any = {"zorder": 3}
    corner = axes.inset_axes((1 - _THUMB - 0.02, 1 - _THUMB - 0.02, _THUMB, _THUMB), **looks)
    corner.imshow(tiles(panel.image[None])[0], interpolation="nearest")
    corner.set(xticks=[], yticks=[])
