"""The distribution of each latent dimension: a histogram against the prior N(0, 1), and the KL as a bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from vaekit.errors import InvalidError
from vaekit.plotting.chart import chart, colors
from vaekit.plotting.style import INK, MUTED, figure_frame, place, styled

_WIDTH, _HEIGHT, _GAP, _ROW = 0.92, 0.6, 0.13, 0.98  # inches, of a histogram and its row
_NAME = 0.26  # inches, the line with the name of a model
_MAX_COLUMNS, _MAX_HISTOGRAMS, _BINS = 8, 16, 30
_UNUSED_KL, _UNUSED_COLOR = 0.01, "#c3c8ce"  # nats, and the color of bars at or below
_MAX_NAMED = 24  # bars with their name below the axis


@dataclass(frozen=True)
class _Block:
    """The histograms of one model: values (N, k) of k latents."""

    label: str
    names: list[str]
    values: np.ndarray
    color: np.ndarray

    @property
    def rows(self) -> int:
        return -(-len(self.names) // _MAX_COLUMNS)

    @property
    def columns(self) -> int:
        return -(-len(self.names) // self.rows)

    @property
    def height(self) -> float:
        """In inches, with the line of the label."""
        return _NAME + _ROW * self.rows


@styled
def latent_histograms(
    latents: Mapping[str, np.ndarray], title: str, dims: Sequence[int] | None = None, subtitle: str = ""
) -> Figure:
    """Plot a histogram of each latent dimension, with the density of N(0, 1) as a line.

    Samples of q(z | x) over all x, the aggregated posterior, are close to the prior in a well trained VAE.
    The latents of an autoencoder have no prior to follow. All histograms of a model share one x axis.

    Args:
        latents: label of the model -> (N, d), finite.
        title: what is shown, such as the model and the data.
        dims: the latent dimensions to plot. Default: up to sixteen, those of the largest variance.
        subtitle: a second line in gray.

    Returns:
        A figure with one block of histograms per model, one below the other.

    Raises:
        InvalidError: there are no models, the latents have another shape or are not finite, or a dimension
            does not exist.

    Example:
        >>> latents = np.random.default_rng(0).normal(size=(400, 4)) * [1, 0.1, 2, 1]
        >>> figure = latent_histograms({"VAE": latents}, "Latents", dims=[1, 2])
        >>> [axes.get_title("left") for axes in figure.axes]  # mean and standard deviation
        ['z1  0.0 ± 0.1', 'z2  −0.1 ± 2.0']
    """
    if not latents:
        raise InvalidError("latents: expected those of at least one model, got none")
    blocks = [
        _make_block(label, z, color, dims)
        for (label, z), color in zip(latents.items(), colors(len(latents)), strict=True)
    ]
    columns = max(block.columns for block in blocks)
    height = sum(block.height for block in blocks)
    figure = figure_frame(max(_GAP + (_WIDTH + _GAP) * columns, 3.0), height, title, subtitle)
    for block in blocks:
        _draw_block(figure, block, height)
        height -= block.height
    return figure


@styled
def kl_by_latent(
    kl: np.ndarray, title: str, layer_dims: Sequence[int] = (), dead: float = _UNUSED_KL, subtitle: str = ""
) -> Figure:
    """Plot the KL of each latent dimension as a bar, the largest first.

    The color of a bar is that of its latent layer; unused dimensions are gray.

    Args:
        kl: (d,), the mean KL(q, p) of each latent dimension per image, in nats.
        title: what is shown, such as the model and the data.
        layer_dims: the number of dimensions of each latent layer, the top layer first. Default: one layer.
        dead: a dimension counts as unused if its KL is at most this, in nats.
        subtitle: a second line in gray.

    Returns:
        A figure with one chart. Its legend counts the used dimensions.

    Raises:
        InvalidError: the KL has another shape or is not finite, or the layers have another number of
            dimensions.

    Example:
        >>> axes = kl_by_latent(np.array([0.5, 0.001, 2.0]), "KL").axes[0]
        >>> [label.get_text() for label in axes.get_xticklabels()]
        ['z2', 'z0', 'z1']
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['2 of 3 used', 'unused']
    """
    kl, layer_dims = np.asarray(kl, float), list(layer_dims) or [np.size(kl)]
    if kl.ndim != 1 or not np.isfinite(kl).all() or sum(layer_dims) != len(kl) or not len(kl):
        raise InvalidError(f"kl: expected {sum(layer_dims)} finite values, got shape {kl.shape}: {kl}")
    order, layer = np.argsort(-kl, kind="stable"), np.repeat(np.arange(len(layer_dims)), layer_dims)
    layer_colors, used = colors(len(layer_dims)), kl > dead
    figure, axes = chart(title, subtitle, "latent dimension, sorted by KL", "KL (nats)", [])
    bars = np.where(used[:, None], layer_colors[layer], to_rgba_array(_UNUSED_COLOR))[order]
    axes.bar(np.arange(len(kl)), kl[order], color=bars, width=0.8)
    named = len(kl) <= _MAX_NAMED
    axes.set_xticks(np.arange(len(kl)) if named else [], [f"z{i}" for i in order] if named else [])
    axes.set_xlim(-0.7, len(kl) - 0.3)
    patches = []
    for i, color in enumerate(layer_colors):
        name = f"layer {i + 1}: " if len(layer_dims) > 1 else ""
        counts = f"{used[layer == i].sum()} of {(layer == i).sum()} used"
        patches.append(Patch(color=color, label=name + counts))
    patches += [] if used.all() else [Patch(color=_UNUSED_COLOR, label="unused")]
    tight: Any = {"handlelength": 0.8, "handleheight": 0.8, "labelcolor": MUTED}
    axes.legend(handles=patches, loc="upper right", **tight)
    return figure


def _make_block(label: str, latents: np.ndarray, color: np.ndarray, dims: Sequence[int] | None) -> _Block:
    latents = np.asarray(latents)
    if latents.ndim != 2 or not latents.size or not np.isfinite(latents).all():
        raise InvalidError(
            f"latents: {label}: expected finite values of shape (N, d), got shape {latents.shape}"
        )
    by_variance = np.argsort(-latents.var(0), kind="stable")
    chosen = sorted(by_variance[:_MAX_HISTOGRAMS]) if dims is None else list(dims)
    if not chosen or not set(chosen) <= set(range(latents.shape[1])):
        raise InvalidError(
            f"dims: {label}: expected dimensions from 0 to {latents.shape[1] - 1}, got {chosen}"
        )
    return _Block(label, [f"z{dim}" for dim in chosen], latents[:, chosen], color)


def _draw_block(figure: Figure, block: _Block, top: float) -> None:
    """Draw a block; its upper edge is `top` inches above the lower edge of the figure."""
    width, height = figure.get_size_inches()
    figure.text(_GAP / width, (top - 0.02) / height, block.label, fontsize=8.5, va="top")
    reach = max(4.0, float(np.abs(block.values).max()))
    for i, (name, values) in enumerate(zip(block.names, block.values.T, strict=True)):
        row, column = divmod(i, block.columns)
        left, bottom = _GAP + (_WIDTH + _GAP) * column, top - _NAME - _ROW * (row + 1) + _ROW - _HEIGHT - 0.16
        _draw_histogram(place(figure, left, bottom, _WIDTH, _HEIGHT), name, values, block.color, reach)


def _draw_histogram(axes: Axes, name: str, values: np.ndarray, color: np.ndarray, reach: float) -> None:
    z, bins = np.linspace(-reach, reach, 400), np.linspace(-reach, reach, _BINS + 1)
    looks: Any = {"bins": bins, "density": True, "color": color, "alpha": 0.55}
    axes.hist(values, **looks)
    axes.plot(z, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), color=INK, linewidth=0.9)
    mean, sd = round(values.mean(), 1) + 0.0, values.std()
    axes.set_title(f"{name}  {mean:.1f} ± {sd:.1f}".replace("-", "−"), fontsize=7, pad=2)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MaxNLocator(3, symmetric=True))
    axes.tick_params(labelsize=6.5, length=2, pad=1.5)
