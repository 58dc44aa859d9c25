"""The distribution of anomaly scores, with the threshold and the scores of held-out data for comparison."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.chart import chart
from vaekit.plotting.style import BLUE, MUTED, VERMILION, styled

_BINS = 40
_LEAST_BINS = 10
_FRINGE = 0.005  # share of the scores at each end that may lie outside the frame, at its edge


@styled
def anomaly_scores(
    scores: np.ndarray,
    title: str,
    held_out: np.ndarray | None = None,
    is_anomaly: np.ndarray | None = None,
    subtitle: str = "",
) -> Figure:
    """Plot a histogram of anomaly scores.

    Args:
        scores: (N,), finite; higher is odder.
        title: what is shown.
        held_out: the scores of held-out data, (m,), drawn as a line.
        is_anomaly: which of the N are flagged, (N,) of booleans; their lowest score is the threshold.
        subtitle: a second line in gray.

    Raises:
        InvalidError: there are no scores, or they are not finite.

    Example:
        >>> scores = np.linspace(0, 1, 100)
        >>> figure = anomaly_scores(scores, "Scores", held_out=scores / 2, is_anomaly=scores > 0.9)
        >>> figure.axes[0].get_xlabel(), len(figure.axes[0].lines)
        ('anomaly score', 1)
    """
    scores, held_out = np.asarray(scores, float), np.asarray([] if held_out is None else held_out, float)
    if not len(scores) or not np.isfinite(scores).all():
        raise InvalidError(f"scores: expected finite numbers, at least one, got {scores}")
    everything = np.concatenate([scores, held_out])
    low, high = np.quantile(everything, [_FRINGE, 1 - _FRINGE])
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    bins = int(np.clip(2 * np.sqrt(len(scores)), _LEAST_BINS, _BINS))
    edges = np.linspace(low, high, bins + 1)
    flagged = np.zeros(len(scores), bool) if is_anomaly is None else np.asarray(is_anomaly, bool)
    outline = f"held out ({len(held_out)})"
    labels = [outline if len(held_out) else "flagged"]
    figure, axes = chart(title, subtitle, "anomaly score", "Share of the data", labels)
    groups, colors = [scores[~flagged], scores[flagged]], [BLUE, VERMILION]
    counts = [np.histogram(np.clip(group, low, high), edges)[0] / len(scores) for group in groups]
    bottom = np.zeros(bins)
    for count, color, label in zip(counts, colors, ("scored", "flagged"), strict=True):
        if count.any():
            axes.bar(edges[:-1], count, np.diff(edges), bottom, align="edge", color=color, label=label)
            bottom = bottom + count
    if len(held_out):
        share = np.histogram(np.clip(held_out, low, high), edges)[0] / len(held_out)
        axes.stairs(share, edges, color=MUTED, linewidth=1.2, label=outline)
    if flagged.any():
        axes.axvline(float(scores[flagged].min()), color=VERMILION, linewidth=1, linestyle="--")
    axes.legend(frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
