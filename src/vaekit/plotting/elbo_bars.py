"""log p(x) of one image, split into the ELBO and its gap, for several approximate posteriors q.

log p(x) = ELBO(q) + KL(q(z | x), p(z | x))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.chart import chart
from vaekit.plotting.style import BLUE, INK, VERMILION, styled

_MARGIN = 0.15  # bars continue below the lowest ELBO by this share of the largest gap


@styled
def elbo_and_gap(
    labels: Sequence[str],
    elbo: np.ndarray,
    gap: np.ndarray,
    title: str,
    x_label: str,
    subtitle: str = "",
) -> Figure:
    """Plot the ELBO of each q as a bar, with its gap KL(q, p(z | x)) on top: together they reach log p(x).

    Args:
        labels: n names, one per bar.
        elbo, gap: (n,), in nats.
        title: what is shown.
        x_label: what differs between the bars.
        subtitle: a second line in gray.

    Returns:
        A figure with one chart. The horizontal line is at log p(x), the mean of elbo + gap.

    Raises:
        InvalidError: there are no bars, the number of values differs from the number of labels, or a value is
            not finite.

    Example:
        >>> elbo, gap = np.array([-95, -92]), np.array([6, 3])
        >>> figure = elbo_and_gap(["encoder", "refined"], elbo, gap, "ELBO and gap", "posterior")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['log p(x) = −89.0', '−95.0', '−92.0']
    """
    elbo, gap = np.asarray(elbo, float), np.asarray(gap, float)
    if not len(labels) or {elbo.shape, gap.shape} != {(len(labels),)} or not np.isfinite(elbo + gap).all():
        raise InvalidError(
            f"elbo, gap: expected {len(labels) or 'at least 1'} finite values each, "
            f"got shapes {elbo.shape} and {gap.shape}"
        )
    figure, axes = chart(title, subtitle, x_label, "nats", ["log p(x) = −000.0"])
    places, log_px = np.arange(len(labels)), float((elbo + gap).mean())
    low = elbo.min() - _MARGIN * gap.max()
    axes.bar(places, elbo - low, 0.62, low, color=BLUE, alpha=0.35, label="ELBO")
    axes.bar(places, gap, 0.62, elbo, color=VERMILION, alpha=0.75, label="KL(q, p(z|x))")
    axes.axhline(log_px, color=INK, linewidth=0.9)
    looks: Any = {"fontsize": 7.5, "va": "center", "transform": axes.get_yaxis_transform()}
    axes.text(1.02, log_px, f"log p(x) = {log_px:.1f}".replace("-", "−"), **looks)
    below: Any = {"textcoords": "offset points", "ha": "center", "va": "top", "fontsize": 7}
    for place, value in zip(places, elbo, strict=True):
        axes.annotate(f"{value:.1f}".replace("-", "−"), (place, value), (0, -2), **below)
    axes.set_xticks(places, labels)
    axes.set_ylim(low, log_px + 0.05 * (log_px - low))
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.1)
    return figure
