"""How the bound of log p(x) grows with the number of importance samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from vaekit.errors import InvalidError
from vaekit.plotting.chart import chart
from vaekit.plotting.style import BLUE, styled

_LABELED = 6  # points at most that have their value beside them


@styled
def bound_by_samples(
    points: Sequence[tuple[int, float, float | None]], title: str, subtitle: str = ""
) -> Figure:
    """The mean bound of n = 1, 2, 5, ... K samples, with a band of two standard errors.

    Where it still climbs at its right end, more samples would raise the estimate.

    Args:
        points: n, the bound in nats, and its standard error over images, None for a single image.
        title: what is shown.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: fewer than two points, or values that are not finite.
    """
    counts, values = (np.array([point[i] for point in points], float) for i in (0, 1))
    errors = np.array([point[2] or 0.0 for point in points], float)
    if len(points) < 2 or not np.isfinite(values).all():
        raise InvalidError(f"points: expected at least two with finite values, got {len(points)}")
    figure, axes = chart(title, subtitle, "samples an image", "bound of log p(x) (nats)", ["", "−000.0"])
    axes.fill_between(counts, values - 2 * errors, values + 2 * errors, color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(counts, values, color=BLUE, marker="o", markersize=3.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    below: Any = {"textcoords": "offset points", "ha": "left", "va": "top", "fontsize": 7}
    for place in sorted({0, *np.linspace(0, len(points) - 1, _LABELED).round().astype(int)}):
        words = f"{values[place]:.1f}".replace("-", "−")
        axes.annotate(words, (counts[place], values[place]), (3, -5), **below)
    return figure
