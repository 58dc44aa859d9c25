"""How the importance-weighted lower bound of log p(x) grows with the number of samples.

L_n = E log 1/n sum_k p(x, z_k) / q(z_k | x) never falls with n and tends to log p(x) (Burda et al. 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from vaekit.errors import InvalidError
from vaekit.plotting.chart import chart
from vaekit.plotting.style import BLUE, styled

_MAX_LABELED = 6  # points with their value next to them


@styled
def bound_by_samples(
    points: Sequence[tuple[int, float, float | None]], title: str, subtitle: str = ""
) -> Figure:
    """Plot the mean bound for n = 1, 2, 5, ..., K samples, with a band of two standard errors.

    If the curve still rises at its right end, more samples would raise the estimate.

    Args:
        points: n, the bound in nats, and its standard error over images (None for a single image).
        title: what is shown.
        subtitle: a second line in gray; it also says what the band is.

    Returns:
        A figure with one chart.

    Raises:
        InvalidError: there are fewer than two points, or a bound is not finite.

    Source: Burda et al., "Importance Weighted Autoencoders", 2016, theorem 1.

    Example:
        >>> figure = bound_by_samples([(1, -110.0, 1.0), (10, -101.0, 0.8)], "IWAE bound")
        >>> figure.axes[0].get_xlabel()
        'importance samples per image'
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['−110.0', '−101.0']
    """
    counts, bounds = (np.array([point[i] for point in points], float) for i in (0, 1))
    errors = np.array([point[2] or 0.0 for point in points], float)
    if len(points) < 2 or not np.isfinite(bounds).all():
        raise InvalidError(
            f"points: expected at least two with finite bounds, got {len(points)} points with bounds {bounds}"
        )
    band = "band: two standard errors over data points" if errors.any() else ""
    subtitle = "; ".join(filter(None, [subtitle, band]))
    x_label, y_label = "importance samples per image", "Lower bound of log p(x) (nats)"
    figure, axes = chart(title, subtitle, x_label, y_label, ["", "−000.0"])
    axes.fill_between(counts, bounds - 2 * errors, bounds + 2 * errors, color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(counts, bounds, color=BLUE, marker="o", markersize=3.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    below: Any = {"textcoords": "offset points", "ha": "left", "va": "top", "fontsize": 7}
    for i in sorted({0, *np.linspace(0, len(points) - 1, _MAX_LABELED).round().astype(int)}):
        axes.annotate(f"{bounds[i]:.1f}".replace("-", "−"), (counts[i], bounds[i]), (3, -5), **below)
    return figure
