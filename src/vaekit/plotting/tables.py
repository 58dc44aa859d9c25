"""A table shown as a table: the distribution of each column, the correlations, and the errors per column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaekit.errors import InvalidError
from vaekit.plotting.look import current_look
from vaekit.plotting.style import (
    BLUE,
    INK,
    MUTED,
    VERMILION,
    draw_title,
    figure_frame,
    figure_of,
    place,
    styled,
    text_width,
)

MAX_COLUMNS = 24  # drawn in one figure
MAX_WORDS = 12  # bars of one column
_WIDTH, _HEIGHT, _GAP, _ROW, _ACROSS = 1.45, 0.85, 0.35, 1.55, 4  # inches, and columns of panels
_BINS = 30
_COLORS = (MUTED, VERMILION, BLUE)


@styled
def marginals(
    tables: Mapping[str, np.ndarray],
    names: Sequence[str],
    words: Mapping[str, Sequence[str]],
    title: str,
    subtitle: str = "",
) -> Figure:
    """Plot the distribution of each column for several tables, such as data and samples.

    Numbers are histograms that share their bins; they cover 99 % of the values of the first table and a
    margin. Categories are bars, the most frequent words of the first table first.

    Args:
        tables: label -> (N, D) in units of the data, NaN for missing values, categories as indices.
        names: of the D columns. The first 24 are drawn.
        words: column -> its words, for categories.
        title, subtitle: of the figure.

    Returns:
        A figure with one panel per column.

    Raises:
        InvalidError: there are no tables, or the number of columns differs from the names.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(50, 2))
        >>> figure = marginals({"data": rows, "samples": rows}, ["a", "b"], {}, "Columns")
        >>> [axes.get_title("left") for axes in figure.axes]
        ['a', 'b']
    """
    if not tables or any(np.ndim(rows) != 2 or np.shape(rows)[1] != len(names) for rows in tables.values()):
        raise InvalidError(f"tables: expected tables (N, {len(names)}), one column per name")
    shown = list(names)[:MAX_COLUMNS]
    across = min(current_look().columns or _ACROSS, len(shown))
    down = -(-len(shown) // across)
    whole = current_look().width
    panel = _WIDTH if whole is None else max((whole - _GAP) / across - _GAP, 0.3)
    width, height = _GAP + across * (panel + _GAP), down * _ROW + 0.3
    figure = figure_frame(max(width, whole or 3.2), height, title, _with_number(subtitle, len(names)))
    for j, name in enumerate(shown):
        axes = place(
            figure,
            _GAP + (j % across) * (panel + _GAP),
            height - (j // across + 1) * _ROW + 0.35,
            panel,
            _HEIGHT,
        )
        columns = [np.asarray(rows, float)[:, j] for rows in tables.values()]
        (_draw_words if name in words else _draw_numbers)(axes, columns, words.get(name, ()))
        axes.set_title(_short(name, 24), fontsize=8)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    handles = [
        matplotlib.patches.Patch(color=color, alpha=0.55, label=label)
        for label, color in zip(tables, _COLORS, strict=False)
    ]
    figure.legend(handles=handles, loc="lower left", ncols=len(handles), bbox_to_anchor=(0.02, 0.0))
    return figure


def _with_number(subtitle: str, columns: int) -> str:
    more = f"the first {MAX_COLUMNS} of {columns} columns" if columns > MAX_COLUMNS else ""
    return ", ".join(filter(None, [subtitle, more]))


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _draw_numbers(axes: Axes, columns: Sequence[np.ndarray], words: Sequence[str]) -> None:
    known = [column[np.isfinite(column)] for column in columns]
    first = next((column for column in known if len(column)), np.zeros(1))
    low, high = np.quantile(first, (0.005, 0.995))
    margin = 0.1 * (high - low) or max(abs(high), 1.0) * 0.1
    bins = np.linspace(low - margin, high + margin, _BINS + 1)
    for column, color in zip(known, _COLORS, strict=False):
        if len(column):
            inside = np.clip(column, bins[0], bins[-1])
            weights = np.full(len(column), 1 / len(column))
            axes.hist(inside, bins.tolist(), weights=weights, color=color, alpha=0.5, histtype="stepfilled")
    axes.set_xlim(bins[0], bins[-1])
    axes.locator_params(axis="x", nbins=3)
    axes.tick_params(labelsize=6.5)


def _draw_words(axes: Axes, columns: Sequence[np.ndarray], words: Sequence[str]) -> None:
    shares = [
        np.bincount(column[np.isfinite(column)].astype(int), minlength=len(words)) / max(len(column), 1)
        for column in columns
    ]
    order = np.argsort(-shares[0], kind="stable")[:MAX_WORDS]
    width = 0.8 / len(columns)
    for k, (share, color) in enumerate(zip(shares, _COLORS, strict=False)):
        axes.bar(
            np.arange(len(order)) + (k + 0.5) * width - 0.4, share[order], width, color=color, alpha=0.55
        )
    letters = max(3, int(14 / max(len(order), 1)))
    axes.set_xticks(np.arange(len(order)), [_short(words[i], letters) for i in order], fontsize=6)


@styled
def correlations(
    tables: Mapping[str, np.ndarray], names: Sequence[str], title: str, subtitle: str = ""
) -> Figure:
    """Plot the correlation matrix of each table, such as data and samples, side by side.

    Args:
        tables: label -> (N, D) numbers, NaN for missing values.
        names: of the D columns. The first 24 are drawn.
        title, subtitle: of the figure.

    Returns:
        A figure with one matrix per table and a color bar from -1 to 1.

    Raises:
        InvalidError: there are no tables, or fewer than two columns.

    Example:
        >>> rows = np.random.default_rng(0).normal(size=(50, 2))
        >>> len(correlations({"data": rows, "samples": rows}, ["a", "b"], "Correlations").axes)
        3
    """
    if not tables or len(names) < 2:
        raise InvalidError(f"correlations: expected tables of at least two columns, got {len(names)}")
    shown = [_short(name, 16) for name in list(names)[:MAX_COLUMNS]]
    side = min(3.2, max(1.3, 0.2 * len(shown)))
    left = 0.2 + text_width(shown)
    width = left + len(tables) * (side + 0.25) + 0.6
    height = side + 0.4 + text_width(shown)
    figure = figure_frame(width, height, title, _with_number(subtitle, len(names)))
    image: Any = None
    for k, (label, rows) in enumerate(tables.items()):
        axes = place(figure, left + k * (side + 0.25), height - side - 0.25, side, side)
        matrix = _correlation(np.asarray(rows, float)[:, : len(shown)])
        image = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
        axes.set_title(label, fontsize=8)
        axes.set_xticks(np.arange(len(shown)), shown, rotation=90, fontsize=6.5)
        axes.set_yticks(np.arange(len(shown)), shown if k == 0 else [], fontsize=6.5)
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    bar = place(figure, width - 0.55, height - side - 0.25, 0.1, side)
    figure.colorbar(image, cax=bar, ticks=[-1, 0, 1])
    return figure


def _correlation(rows: np.ndarray) -> np.ndarray:
    """Correlations over the rows where both columns are known; 0 for a constant column."""
    known = np.isfinite(rows)
    weight = known.astype(float)
    values = np.where(known, rows, 0.0)
    values = values - np.where(known, values.sum(0) / np.maximum(weight.sum(0), 1), 0.0)
    scale = np.abs(values).max(0)
    values = np.where(known, values / np.where(scale > 0, scale, 1), 0.0)
    covariance, squares = values.T @ values, np.square(values).T @ weight
    deviations = np.sqrt(squares * squares.T)
    return np.divide(covariance, deviations, out=np.zeros_like(covariance), where=deviations > 0)


@styled
def column_errors(
    errors: Mapping[str, float],
    title: str,
    subtitle: str = "",
    x_label: str = "error, 1 = as poor as the mean",
) -> Figure:
    """Plot the error of each column as a bar, the largest first.

    Args:
        errors: column -> its error relative to that of a constant.
        title, subtitle: of the figure.
        x_label: of the axis.

    Returns:
        A figure with one bar per column; the 24 largest are drawn.

    Raises:
        InvalidError: there are no columns.

    Example:
        >>> axes = column_errors({"a": 0.2, "b": 0.9}, "Errors").axes[0]
        >>> [label.get_text() for label in axes.get_yticklabels()]
        ['b', 'a']
    """
    if not errors:
        raise InvalidError("errors: expected those of at least one column, got none")
    ordered = sorted(errors.items(), key=lambda item: -item[1])[:MAX_COLUMNS]
    labels = [_short(name, 28) for name, _ in ordered]
    values = np.array([value for _, value in ordered])
    left, height = 0.3 + text_width(labels), 0.19 * len(ordered) + 0.55
    subtitle, given = _with_number(subtitle, len(errors)), current_look().axes
    if given is not None:
        figure, axes = figure_of(given), given
        draw_title(axes, title, subtitle)
    else:
        long = max((current_look().width or left + 3.6) - left - 0.4, 0.5)
        figure = figure_frame(left + long + 0.4, height, title, subtitle)
        axes = place(figure, left, 0.45, long, height - 0.5)
    axes.barh(np.arange(len(ordered)), values, 0.7, color=BLUE, alpha=0.75)
    axes.axvline(1.0, color=INK, linewidth=0.8)
    axes.set_yticks(np.arange(len(ordered)), labels)
    axes.set_ylim(len(ordered) - 0.4, -0.6)
    axes.set_xlim(0, max(1.05, float(values.max()) * 1.05))
    axes.set_xlabel(x_label)
    axes.tick_params(axis="y", length=0)
    return figure
