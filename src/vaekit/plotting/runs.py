"""Charts of several runs: a number by epoch, a number against a setting, and rate against distortion.

With R = KL(q, p) and D = -E_q log p(x | z), in nats, ELBO = -(D + R): on the plane of rate and distortion
the models of one lower bound lie on a line that falls by one nat a nat, and beta chooses the place on the
curve of what can be reached, where its slope is -beta (Alemi et al. 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from vaekit.errors import InvalidError
from vaekit.plotting.chart import End, chart, colors, frame_late, label_ends
from vaekit.plotting.style import BLUE, MUTED, styled, text_width

_STEEP = 1 / 6  # of the epochs may leave the frame, where they are steep
_RATE, _DISTORTION = "rate, KL(q, p) (nats)", "Distortion, −log p(x|z) (nats)"
_TICKS = 10  # values of a setting that are each named at the axis


@styled
def curves_by_run(
    series: Mapping[str, tuple[np.ndarray, np.ndarray]],
    title: str,
    y_label: str,
    ordered: bool = False,
    x_label: str = "epoch",
    subtitle: str = "",
) -> Figure:
    """A curve for each run, named at its end; of several seeds the mean, in a band of one standard deviation.

    From six epochs on a steep beginning may leave the frame, so that the rest can be read.

    Args:
        series: for each label the epochs (E,), and the values (E,) or, of S seeds, (S, E); what is not
            finite is passed over.
        title: what is shown: the data and what differs between the runs.
        y_label: what the values are, and their unit.
        ordered: whether the runs follow an order, as those of a growing number do: the colors then do, too.
        x_label: what the epochs are.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: no finite value at all, or values of another number than epochs.
    """
    lines = {label: _mean_and_spread(label, *each) for label, each in series.items()}
    if not any(len(epochs) for epochs, _, _ in lines.values()):
        raise InvalidError(f"series: expected finite values, found none in {len(series)} runs")
    figure, axes = chart(title, subtitle, x_label, y_label, list(lines))
    ends = []
    for (label, (epochs, mean, sd)), color in zip(lines.items(), colors(len(lines), ordered), strict=True):
        axes.plot(epochs, mean, color=color, marker="o" if len(epochs) == 1 else "", markersize=4)
        axes.fill_between(epochs, mean - sd, mean + sd, color=color, alpha=0.15, linewidth=0)
        ends += [End(label, color, epochs[-1], mean[-1])] if len(epochs) else []
    epochs, values = (np.concatenate([line[i] for line in lines.values()]) for i in (0, 1))
    frame_late(axes, epochs, values, _STEEP)
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
    """A number against a setting, a line for each group, named at its end where there are several.

    Args:
        groups: for each label the settings (n,), the means (n,), and their standard deviations (n,) or None;
            means that are not finite are passed over.
        title: what is shown.
        x_label, y_label: the setting, and the number with its unit.
        log: whether the setting has a logarithmic axis; a setting of 0 has a place of its own before it.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: no finite mean at all, a negative setting on a logarithmic axis, or other numbers of
            means than settings.
    """
    lines = {label: _points(label, *each) for label, each in groups.items()}
    settings = np.unique(np.concatenate([x for x, _, _ in lines.values()] or [np.array([])]))
    if not len(settings):
        raise InvalidError(f"groups: expected finite means, found none in {len(groups)} groups")
    figure, axes = chart(title, subtitle, x_label, y_label, list(lines) if len(lines) > 1 else [])
    ends = []
    for (label, (x, mean, sd)), color in zip(lines.items(), colors(len(lines)), strict=True):
        axes.errorbar(x, mean, sd, color=color, marker="o", markersize=4, elinewidth=0.9, capsize=2)
        ends += [End(label, color, x[-1], mean[-1])] if len(x) else []
    _scale(axes, settings, log)
    if len(lines) > 1:
        label_ends(axes, ends)
    return figure


@styled
def rate_distortion(points: Sequence[tuple[str, float, float]], title: str, subtitle: str = "") -> Figure:
    """Models on the plane of rate and distortion, and the line of those whose ELBO equals the best one's.

    Args:
        points: label, rate KL(q, p), and distortion -E_q log p(x | z), in nats an image, in the order in
            which the curve goes through them; those that are not finite are named below the title.
        title: what is shown: the data and what differs between the models.
        subtitle: a second, quieter line.

    Returns:
        The figure.

    Raises:
        InvalidError: no point is finite.
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
    for label, rate, distortion in known:
        axes.annotate(label, (rate, distortion), (4, 4), textcoords="offset points", fontsize=7.5)
    axes.margins(x=0.08, y=0.1)
    axes.set_xlim(
        right=rates.max() + np.ptp(axes.get_xlim()) * (0.03 + text_width([p[0] for p in known]) / 4)
    )
    _constant_bound(axes, float((rates + distortions).min()))
    return figure


def _constant_bound(axes: Axes, total: float) -> None:
    """The line D + R = total, within the frame that the points have."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    axes.plot([left, right], [total - left, total - right], color=BLUE, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.set(xlim=(left, right), ylim=(low, high))
    looks: Any = {"ha": "right", "va": "bottom", "fontsize": 7.5, "color": BLUE, "transform": axes.transAxes}
    axes.text(1, 1.01, f"dashed: ELBO = {-total:.1f}".replace("-", "−"), **looks)


def _mean_and_spread(label: str, epochs: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Epochs that have a value, the mean over seeds there, and the standard deviation (0 for one seed)."""
    values = np.atleast_2d(np.asarray(values, float))
    if values.shape[-1] != len(epochs):
        raise InvalidError(f"series: {label}: expected {len(epochs)} values, got shape {np.shape(values)}")
    seeds = np.ma.masked_invalid(values)
    known = seeds.count(0) > 0
    seeds = seeds[:, known]
    sd = np.where(seeds.count(0) > 1, seeds.std(0, ddof=1).filled(0), 0) if len(seeds) > 1 else 0 * seeds[0]
    return np.asarray(epochs)[known], seeds.mean(0).filled(np.nan), np.asarray(sd)


def _points(label: str, x: np.ndarray, means: np.ndarray, sds: np.ndarray | None) -> tuple[np.ndarray, ...]:
    """Settings in their order, with mean and standard deviation, where the mean is finite."""
    columns = [np.asarray(each, float) for each in (x, means, np.zeros(len(x)) if sds is None else sds)]
    if len({each.shape for each in columns}) > 1:
        raise InvalidError(f"groups: {label}: expected {len(x)} means, got shape {columns[1].shape}")
    table = np.stack(columns)[:, np.argsort(columns[0], kind="stable")]
    x, mean, sd = table[:, np.isfinite(table[:2]).all(0)]
    return x, mean, np.nan_to_num(sd)


def _scale(axes: Axes, settings: np.ndarray, log: bool) -> None:
    """The axis of a setting; few of its values are its ticks."""
    if log:
        _logarithmic(axes, settings)
    if log and len(settings) <= _TICKS:
        axes.set_xticks(settings, [f"{value:g}" for value in settings])
        axes.xaxis.set_minor_locator(NullLocator())
    if not log:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=bool((settings % 1 == 0).all())))


def _logarithmic(axes: Axes, settings: np.ndarray) -> None:
    if settings[0] < 0:
        raise InvalidError(
            f"groups: expected settings of 0 or more on a logarithmic axis, got {settings[0]:g}"
        )
    positive = settings[settings > 0]
    if settings[0] > 0 or not len(positive):
        axes.set_xscale("log" if len(positive) else "linear")
    else:
        axes.set_xscale("symlog", linthresh=positive[0], linscale=0.6)
        axes.set_xlim(left=-0.3 * positive[0])
