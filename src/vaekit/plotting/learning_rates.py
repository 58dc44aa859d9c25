"""The loss of a training whose learning rate rises, by learning rate."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from vaekit.plotting.chart import chart
from vaekit.plotting.style import BLUE, MUTED, styled


@styled
def learning_rates(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestion: float,
    title: str = "Learning rates",
) -> Figure:
    """Plot the loss of each step by its learning rate.

    Args:
        rates: (T,), the learning rates.
        losses, smoothed: (T,), the losses in nats, and their moving mean.
        suggestion: a learning rate that is marked.
        title: what is shown.

    Returns:
        A figure with one chart.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", 2017.

    Example:
        >>> figure = learning_rates([1e-3, 1e-2, 1e-1], [9.0, 5.0, 8.0], [9.0, 6.9, 7.3], 1e-3)
        >>> figure.axes[0].get_xlabel(), figure.axes[0].texts[0].get_text().strip()
        ('learning rate', '0.001')
    """
    figure, axes = chart(title, "", "learning rate", "Loss (nats)", ["", "−000.0"])
    axes.plot(rates, losses, color=BLUE, alpha=0.3, linewidth=0.8)
    axes.plot(rates, smoothed, color=BLUE)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axvline(suggestion, color=MUTED, linewidth=1, linestyle="--")
    low, high = min(smoothed), max(smoothed[: max(2, len(smoothed) // 2)])
    margin = 0.15 * (high - low) + 1e-6
    axes.set_ylim(low - margin, high + margin)
    axes.text(suggestion, high, f" {suggestion:.2g}", color=MUTED, va="top")
    return figure
