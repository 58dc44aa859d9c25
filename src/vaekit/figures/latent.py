"""Where the codes of many images lie: every latent space brought to a plane, a point an image.

One dimension is spread at random across the second axis, two are drawn as they are, and more are
projected on their first two principal components.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vaekit.errors import InvalidError
from vaekit.figures.style import BLUE, palette, place, sheet, styled, text_width

_SIDE, _LEFT, _BOTTOM, _EDGE = 4.6, 0.75, 0.5, 0.15  # inches
_AT_RANDOM = "spread at random"  # the name of an axis whose values mean nothing
_MOST_NAMED = 20  # classes beyond this share a colour bar instead of a legend


def project(codes: np.ndarray) -> tuple[np.ndarray, tuple[str, str], tuple[float, float] | None]:
    """Codes of any dimension as points of a plane.

    Beyond two dimensions: principal component analysis, the share of a component being its variance over
    the whole variance. In one dimension the second axis is uniform noise, which only spreads the points.

    Args:
        codes: (N, d), N >= 2.

    Returns:
        The points (N, 2), the names of the two axes, and for principal components the two shares of the
        variance that they explain (0..1), else None.

    Raises:
        InvalidError: codes of another shape, or fewer than two.
    """
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[0] < 2 or codes.shape[1] < 1:
        raise InvalidError(f"codes: expected shape (N, d) with N >= 2 and d >= 1, got shape {codes.shape}")
    if codes.shape[1] == 1:
        return _spread(codes), ("z0", _AT_RANDOM), None
    if codes.shape[1] == 2:
        return codes, ("z0", "z1"), None
    return _principal(codes)


@styled
def latent_scatter(
    codes: np.ndarray,
    labels: np.ndarray | None,
    title: str,
    label_names: Sequence[str] = (),
    axis_names: tuple[str, str] = ("z0", "z1"),
    explained: tuple[float, float] | None = None,
    subtitle: str = "",
) -> Figure:
    """The points of a plane, coloured by label.

    Up to twenty classes get a legend, in which ten have colours told apart by colour-blind readers too;
    more share a colour bar.

    Args:
        codes: (N, 2), as `project` gives them.
        labels: (N,) whole numbers, or None.
        title: what is shown: model and data.
        label_names: the name of label 0, 1, ...; by default the numbers.
        axis_names: what the two coordinates are.
        explained: the share of the variance (0..1) that each coordinate explains, written at its axis.
        subtitle: a second, quieter line.

    Returns:
        The figure; its points are a bitmap in PDF and SVG too.

    Raises:
        InvalidError: codes that are not (N, 2), or labels of another number.
    """
    codes = np.asarray(codes)
    _check(codes, labels)
    classes = np.array([], int) if labels is None else np.unique(labels)
    names = [str(label_names[c]) if c < len(label_names) else str(c) for c in classes]
    named = 0 < len(classes) <= _MOST_NAMED
    margin = text_width(names) + 0.5 if named else 0.8 * bool(len(classes)) + _EDGE
    figure = sheet(_LEFT + _SIDE + margin, _BOTTOM + _SIDE, title, subtitle)
    axes = place(figure, _LEFT, _BOTTOM, _SIDE, _SIDE)
    _name_axes(axes, axis_names, explained)
    _draw(axes, codes, labels, classes)
    if named:
        _legend(axes, names)
    elif len(classes):
        _colour_bar(figure, axes, classes)
    return figure


def _check(codes: np.ndarray, labels: np.ndarray | None) -> None:
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise InvalidError(f"codes: expected shape (N, 2), got shape {codes.shape}; see project()")
    if labels is not None and len(labels) != len(codes):
        raise InvalidError(f"labels: expected {len(codes)}, one for each code, got {len(labels)}")


def _spread(codes: np.ndarray) -> np.ndarray:
    reach = 0.15 * max(np.ptp(codes), 1e-12)
    return np.hstack([codes, np.random.default_rng(0).uniform(-reach, reach, codes.shape)])


def _principal(codes: np.ndarray) -> tuple[np.ndarray, tuple[str, str], tuple[float, float]]:
    from sklearn.decomposition import PCA

    with np.errstate(invalid="ignore"):  # codes that are all equal explain 0 of 0
        analysis = PCA(n_components=2, svd_solver="full").fit(codes)
    first, second = np.nan_to_num(analysis.explained_variance_ratio_).tolist()
    return analysis.transform(codes), ("first component", "second component"), (first, second)


def _name_axes(axes: Axes, names: tuple[str, str], explained: tuple[float, float] | None) -> None:
    shares = [f" ({share:.0%} of the variance)" for share in explained] if explained else ["", ""]
    axes.set_xlabel(names[0] + shares[0])
    axes.set_ylabel(names[1] + shares[1])
    axes.grid(True)
    if names[1] == _AT_RANDOM:
        axes.set_yticks([])
    else:
        axes.set_aspect("equal", adjustable="datalim")


def _draw(axes: Axes, codes: np.ndarray, labels: np.ndarray | None, classes: np.ndarray) -> None:
    """All points in one go and in a random order, so that no class lies on top of the others."""
    order = np.random.default_rng(0).permutation(len(codes))
    colours = [BLUE] if labels is None else palette(len(classes))[np.searchsorted(classes, labels)][order]
    size = float(np.clip(20_000 / max(len(codes), 1), 0.6, 14))
    across, up = codes[order].T
    axes.scatter(across, up, s=size, c=colours, alpha=0.75, linewidths=0, rasterized=True)


def _legend(axes: Axes, names: Sequence[str]) -> None:
    dots = [
        Line2D([], [], linestyle="", marker="o", markersize=5, color=colour, label=name)
        for colour, name in zip(palette(len(names)), names, strict=True)
    ]
    axes.legend(handles=dots, loc="upper left", bbox_to_anchor=(1.0, 1.0), handletextpad=0.1)


def _colour_bar(figure: Figure, axes: Axes, classes: np.ndarray) -> None:
    colours = matplotlib.colors.ListedColormap(palette(len(classes)))
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(classes[0], classes[-1]), colours)
    beside = axes.inset_axes((1.04, 0.0, 0.035, 1.0))
    figure.colorbar(scale, cax=beside, label="label")
