"""The evidence of one image, split into a bound and its gap by one q after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.chart import chart
from vaekit.plotting.style import BLUE, INK, VERMILION, styled

_MARGIN = 0.15  # of the greatest gap, that the bars go on below the least bound


@styled
def elbo_and_gap(
    labels: Sequence[str],
    elbo: np.ndarray,
    gap: np.ndarray,
    title: str,
    x_label: str,
    subtitle: str = "",
) -> Figure:
    """Bars of the lower bound, with KL(q, p(z | x)) on top of each: together they reach log p(x).

    Args:
        labels: of the n bars.
        elbo, gap: (n,), in nats.
        title: what is shown.
        x_label: what tells the bars apart.
        subtitle: a second, quieter line.

    Returns:
        The figure, whose line is at log p(x), the mean of the sums.

    Raises:
        InvalidError: no bars, other numbers of values than labels, or values that are not finite.
    """
    elbo, gap = np.asarray(elbo, float), np.asarray(gap, float)
    if not len(labels) or {elbo.shape, gap.shape} != {(len(labels),)} or not np.isfinite(elbo + gap).all():
        raise InvalidError(
            f"elbo, gap: expected {len(labels) or 'some'} finite values each, got shapes {elbo.shape} and "
            f"{gap.shape}"
        )
    figure, axes = chart(title, subtitle, x_label, "nats", ["log p(x) = −000.0"])
    places, log_px = np.arange(len(labels)), float((elbo + gap).mean())
    low = elbo.min() - _MARGIN * gap.max()
    axes.bar(places, elbo - low, 0.62, low, color=BLUE, alpha=0.35, label="ELBO")
    axes.bar(places, gap, 0.62, elbo, color=VERMILION, alpha=0.75, label="KL(q, p(z|x))")
    axes.axhline(log_px, color=INK, linewidth=0.9)
    looks: Any = {"fontsize": 7.5, "va": "center", "transform": axes.get_yaxis_transform()}
    axes.text(1.02, log_px, f"log p(x) = {log_px:.1f}".replace("-", "−"), **looks)
    for place, value in zip(places, elbo, strict=True):
        below: Any = {"ha": "center", "va": "top", "fontsize": 7}
        axes.annotate(
            f"{value:.1f}".replace("-", "−"), (place, value), (0, -2), textcoords="offset points", **below
        )
    axes.set_xticks(places, labels)
    axes.set_ylim(low, log_px + 0.05 * (log_px - low))
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.1)
    return figure
