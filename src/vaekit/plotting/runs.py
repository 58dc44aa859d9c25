"""Charts of several runs: a metric by epoch, a metric against a parameter, and rate against distortion.

The rate R = KL(q, p) and the distortion D = -E_q log p(x | z), in nats, give the ELBO = -(D + R). Models with
the same ELBO lie on a line of slope -1 in the plane of rate and distortion. A beta-VAE reaches the point of
the optimal curve at which its slope is -beta (Alemi et al. 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from vaekit.errors import InvalidError
from vaekit.plotting.chart import End, chart, colors, frame_late, label_ends
from vaekit.plotting.style import BLUE, MUTED, styled, text_width

_STEEP = 1 / 6  # this share of the epochs may leave the frame if it is steep
_RATE, _DISTORTION = "rate, KL(q, p) (nats)", "Distortion, −log p(x|z) (nats)"
_MAX_TICKS = 10  # values of a parameter that each have a tick


@styled
def curves_by_run(
    series: Mapping[str, tuple[np.ndarray, np.ndarray]],
    title: str,
    y_label: str,
    ordered: bool = False,
    x_label: str = "epoch",
    subtitle: str = "",
) -> Figure:
    """Plot a curve per run, with its label at its end.

    Several seeds are drawn as their mean and a band of one standard deviation. In runs of six epochs or more,
    a steep start may leave the frame, so that later epochs are readable.

    Args:
        series: label -> epochs (E,), and values (E,) or (S, E) for S seeds. Values that are not finite are
            skipped.
        title: what is shown, such as the data and what differs between the runs.
        y_label: the metric and its unit.
        ordered: the runs follow an order, such as a growing parameter; their colors then run from dark to
            light.
        x_label: the label of the x axis.
        subtitle: a second line in gray.

    Returns:
        A figure with one chart.

    Raises:
        InvalidError: no value is finite, or the number of values differs from the number of epochs.

    Example:
        >>> epochs = np.arange(1, 4)
        >>> seeds = np.array([[-119.0, -103, -97], [-117, -101, -95]])
        >>> series = {"VAE": (epochs, np.array([-120.0, -105, -99])), "IWAE": (epochs, seeds)}
        >>> axes = curves_by_run(series, "MNIST", "ELBO (nats)").axes[0]
        >>> [text.get_text() for text in axes.texts]
        ['VAE', 'IWAE']
        >>> axes.lines[1].get_ydata().tolist()  # the mean of two seeds
        [-118.0, -102.0, -96.0]
    """
    lines = {label: _mean_and_deviation(label, *points) for label, points in series.items()}
    if not any(len(epochs) for epochs, _, _ in lines.values()):
        raise InvalidError(f"series: expected finite values, found none in {len(series)} runs")
    figure, axes = chart(title, subtitle, x_label, y_label, list(lines))
    ends = []
    for (label, (epochs, mean, sd)), color in zip(lines.items(), colors(len(lines), ordered), strict=True):
        axes.plot(epochs, mean, color=color, marker="o" if len(epochs) == 1 else "", markersize=4)
        axes.fill_between(epochs, mean - sd, mean + sd, color=color, alpha=0.15, linewidth=0)
        ends += [End(label, color, epochs[-1], mean[-1])] if len(epochs) else []
    frame_late(axes, [(epochs, mean) for epochs, mean, _ in lines.values()], _STEEP)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    label_ends(axes, ends)
    return figure


@styled
def metric_vs_param(
    groups: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray | None]],
    title: str,
    x_label: str,
    y_label: str,
    log: bool = False,
    subtitle: str = "",
) -> Figure:
    """Plot a metric against a parameter, with a line per group. Several groups have labels at their ends.

    Args:
        groups: label -> values of the parameter (n,), means of the metric (n,), and standard deviations (n,)
            or None. Means that are not finite are skipped.
        title: what is shown.
        x_label: the parameter.
        y_label: the metric and its unit.
        log: use a logarithmic axis for the parameter. The value 0 has a place at its left end.
        subtitle: a second line in gray.

    Returns:
        A figure with one chart.

    Raises:
        InvalidError: no mean is finite, a value on a logarithmic axis is negative, or the number of means
            differs from the number of values.

    Example:
        >>> groups = {"VAE": (np.array([0, 1, 4]), np.array([90.0, 95.0, 110.0]), np.array([1.0, 1.0, 2.0]))}
        >>> axes = metric_vs_param(groups, "Effect of β", "β", "negative ELBO (nats)", log=True).axes[0]
        >>> [label.get_text() for label in axes.get_xticklabels()]
        ['0', '1', '4']
    """
    lines = {label: _sorted_points(label, *points) for label, points in groups.items()}
    params = np.unique(np.concatenate([x for x, _, _ in lines.values()] or [np.array([])]))
    if not len(params):
        raise InvalidError(f"groups: expected finite means, found none in {len(groups)} groups")
    figure, axes = chart(title, subtitle, x_label, y_label, list(lines) if len(lines) > 1 else [])
    ends = []
    for (label, (x, mean, sd)), color in zip(lines.items(), colors(len(lines)), strict=True):
        axes.errorbar(x, mean, sd, color=color, marker="o", markersize=4, elinewidth=0.9, capsize=2)
        ends += [End(label, color, x[-1], mean[-1])] if len(x) else []
    _scale_x(axes, params, log)
    if len(lines) > 1:
        label_ends(axes, ends)
    return figure


@styled
def rate_distortion(points: Sequence[tuple[str, float, float]], title: str, subtitle: str = "") -> Figure:
    """Plot models in the plane of rate and distortion, with the line on which the ELBO equals the best one.

    Args:
        points: label, rate KL(q, p) and distortion -E_q log p(x | z), in nats per image, in the order of the
            curve through them. Points that are not finite are listed below the title.
        title: what is shown, such as the data and what differs between the models.
        subtitle: a second line in gray.

    Returns:
        A figure with one chart.

    Raises:
        InvalidError: no point is finite.

    Source: Alemi et al., "Fixing a Broken ELBO", 2018.

    Example:
        >>> points = [("β = 0.1", 40.0, 70.0), ("β = 1", 25.0, 75.0), ("β = 4", 12.0, 95.0)]
        >>> figure = rate_distortion(points, "β-VAEs on MNIST")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['β = 0.1', 'β = 1', 'β = 4', 'dashed: ELBO = −100.0']
    """
    known = [point for point in points if np.isfinite(point[1:]).all()]
    if not known:
        raise InvalidError(f"points: expected a finite rate and distortion, found none in {len(points)}")
    unknown = ", ".join(point[0] for point in points if point not in known)
    note = f"without a finite rate: {unknown}" if unknown else ""
    figure, axes = chart(title, "; ".join(filter(None, [subtitle, note])), _RATE, _DISTORTION, [])
    rates, distortions = np.array([point[1:] for point in known], float).T
    axes.plot(rates, distortions, color=MUTED, linewidth=0.9, zorder=1)
    axes.scatter(rates, distortions, s=22, c=colors(len(known), ordered=True), zorder=2)
    axes.margins(x=0.08, y=0.1)
    axes.set_xlim(
        right=rates.max() + np.ptp(axes.get_xlim()) * (0.03 + text_width([p[0] for p in known]) / 4)
    )
    _label_points(axes, known)
    _draw_constant_elbo(axes, -float((rates + distortions).min()))
    return figure


def _label_points(axes: Axes, points: Sequence[tuple[str, float, float]]) -> None:
    """Write each label at the upper right of its point, or at the lower left where it would cover another."""
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    taken: list[Bbox] = []
    for label, x, y in points:
        looks: Any = {"textcoords": "offset points", "fontsize": 7.5}
        text = axes.annotate(label, (x, y), (4, 4), **looks)
        if any(text.get_window_extent().overlaps(box) for box in taken):
            text.set(ha="right", va="top", position=(-4, -4))
        taken.append(text.get_window_extent())


def _draw_constant_elbo(axes: Axes, elbo: float) -> None:
    """Draw the line D + R = -ELBO without changing the limits of the axes."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    axes.plot([left, right], [-elbo - left, -elbo - right], color=BLUE, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set(xlim=(left, right), ylim=(low, high))
    looks: Any = {"ha": "right", "va": "bottom", "fontsize": 7.5, "color": BLUE, "transform": axes.transAxes}
    axes.text(1, 1.01, f"dashed: ELBO = {elbo:.1f}".replace("-", "−"), **looks)


def _mean_and_deviation(label: str, epochs: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, ...]:
    """The epochs with a value, the mean over seeds, and the standard deviation (0 for one seed)."""
    values = np.atleast_2d(np.asarray(values, float))
    if values.shape[-1] != len(epochs):
        raise InvalidError(f"series: {label}: expected {len(epochs)} values, got shape {np.shape(values)}")
    seeds = np.ma.masked_invalid(values)
    known = seeds.count(0) > 0
    seeds = seeds[:, known]
    sd = np.where(seeds.count(0) > 1, seeds.std(0, ddof=1).filled(0), 0) if len(seeds) > 1 else 0 * seeds[0]
    return np.asarray(epochs)[known], seeds.mean(0).filled(np.nan), np.asarray(sd)


def _sorted_points(
    label: str, x: np.ndarray, means: np.ndarray, sds: np.ndarray | None
) -> tuple[np.ndarray, ...]:
    """The parameter in ascending order, with means and standard deviations, where the mean is finite."""
    columns = [np.asarray(column, float) for column in (x, means, np.zeros(len(x)) if sds is None else sds)]
    if len({column.shape for column in columns}) > 1:
        raise InvalidError(f"groups: {label}: expected {len(x)} means, got shape {columns[1].shape}")
    table = np.stack(columns)[:, np.argsort(columns[0], kind="stable")]
    x, mean, sd = table[:, np.isfinite(table[:2]).all(0)]
    return x, mean, np.nan_to_num(sd)


def _scale_x(axes: Axes, params: np.ndarray, log: bool) -> None:
    """Set the scale of the x axis. On a logarithmic axis, few values each have a tick."""
    if not log:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=bool((params % 1 == 0).all())))
        return
    if params[0] < 0:
        raise InvalidError(f"groups: expected values of 0 or more on a logarithmic axis, got {params[0]:g}")
    positive = params[params > 0]
    if params[0] > 0 or not len(positive):
        axes.set_xscale("log" if len(positive) else "linear")
    else:
        axes.set_xscale("symlog", linthresh=positive[0], linscale=0.6)
        axes.set_xlim(left=-0.3 * positive[0])
    if len(params) <= _MAX_TICKS:
        axes.set_xticks(params, [f"{value:g}" for value in params])
        axes.xaxis.set_minor_locator(NullLocator())
