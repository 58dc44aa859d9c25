"""How codes are distributed, latent by latent: against the prior N(0, 1), and by their KL."""

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

_WIDTH, _HEIGHT, _GAP, _ROW, _NAME = (
    0.92,
    0.6,
    0.13,
    0.98,
    0.26,
)  # inches, of a histogram and its surroundings
_COLUMNS, _MOST, _BINS = 8, 16, 30  # histograms in a row, and of a model unless others are asked for; bins
_DEAD, _GRAY = 0.01, "#c3c8ce"  # nats, below which a latent tells nothing, and its color
_MOST_NAMED = 24  # latents that are each named at the axis


@dataclass(frozen=True)
class Block:
    """The histograms of one model: values (N, k) of the latents of these names."""

    label: str
    names: list[str]
    values: np.ndarray
    color: np.ndarray

    @property
    def rows(self) -> int:
        """Of histograms."""
        return -(-len(self.names) // _COLUMNS)

    @property
    def columns(self) -> int:
        """Of histograms, so that the rows are about equally long."""
        return -(-len(self.names) // self.rows)

    @property
    def height(self) -> float:
        """Inches, the label's line included."""
        return _NAME + _ROW * self.rows


@styled
def latent_histograms(
    codes: Mapping[str, np.ndarray], title: str, latents: Sequence[int] | None = None, subtitle: str = ""
) -> Figure:
    """A histogram of each coordinate of the codes, with the density of N(0, 1) over it.

    Draws from q(z | x), taken over all x, follow the prior where the model has learned to; an autoencoder's
    codes have no reason to. All histograms of a model have the same axis.

    Args:
        codes: (N, d) for each model, finite.
        title: what is shown: model and data.
        latents: which coordinates; by default the sixteen of the greatest variance, in their order.
        subtitle: a second, quieter line.

    Returns:
        The figure, one model below the other.

    Raises:
        InvalidError: no model, codes of another shape, or a coordinate that they have not.
    """
    if not codes:
        raise InvalidError("codes: expected those of at least one model, got none")
    inks = colors(len(codes))
    blocks = [_block(*each, ink, latents) for each, ink in zip(codes.items(), inks, strict=True)]
    columns = max(block.columns for block in blocks)
    height = sum(block.height for block in blocks)
    figure = figure_frame(max(_GAP + (_WIDTH + _GAP) * columns, 3.0), height, title, subtitle)
    for block in blocks:
        _draw(figure, block, height)
        height -= block.height
    return figure


@styled
def kl_by_latent(
    kl: np.ndarray, title: str, levels: Sequence[int] = (), dead: float = _DEAD, subtitle: str = ""
) -> Figure:
    """What each latent tells of an image, the greatest first, colored by level; unused ones are gray.

    Args:
        kl: (d,), the mean KL(q, p) of each latent in nats.
        title: what is shown: model and data.
        levels: the number of latents of each level, top first; by default one level.
        dead: nats, up to which a latent counts as unused.
        subtitle: a second, quieter line.

    Returns:
        The figure, which says how many are used.

    Raises:
        InvalidError: KL of another shape or not finite, or levels of another number of latents.
    """
    kl, levels = np.asarray(kl, float), list(levels) or [np.size(kl)]
    if kl.ndim != 1 or not np.isfinite(kl).all() or sum(levels) != len(kl) or not len(kl):
        raise InvalidError(f"kl: expected {sum(levels)} finite values, got shape {kl.shape}: {kl}")
    order, level = np.argsort(-kl, kind="stable"), np.repeat(np.arange(len(levels)), levels)
    inks = colors(len(levels))
    figure, axes = chart(title, subtitle, "latent, the greatest KL first", "KL (nats)", [])
    bars = np.where((kl > dead)[:, None], inks[level], to_rgba_array(_GRAY))[order]
    axes.bar(np.arange(len(kl)), kl[order], color=bars, width=0.8)
    named = len(kl) <= _MOST_NAMED
    axes.set_xticks(np.arange(len(kl)) if named else [], [f"z{i}" for i in order] if named else [])
    axes.set_xlim(-0.7, len(kl) - 0.3)
    _key(axes, kl > dead, level, inks)
    return figure


def _block(label: str, codes: np.ndarray, color: np.ndarray, latents: Sequence[int] | None) -> Block:
    codes = np.asarray(codes)
    if codes.ndim != 2 or not codes.size or not np.isfinite(codes).all():
        raise InvalidError(f"codes: {label}: expected finite ones of shape (N, d), got shape {codes.shape}")
    which = sorted(np.argsort(-codes.var(0), kind="stable")[:_MOST]) if latents is None else list(latents)
    if not which or not set(which) <= set(range(codes.shape[1])):
        raise InvalidError(f"latents: expected some of 0 to {codes.shape[1] - 1} ({label}), got {which}")
    return Block(label, [f"z{latent}" for latent in which], codes[:, which], color)


def _draw(figure: Figure, block: Block, top: float) -> None:
    """A block whose upper edge is `top` inches from the figure's lower one."""
    across, up = figure.get_size_inches()
    figure.text(_GAP / across, (top - 0.02) / up, block.label, fontsize=8.5, va="top")
    reach = max(4.0, float(np.abs(block.values).max()))
    for position, (name, values) in enumerate(zip(block.names, block.values.T, strict=True)):
        row, column = divmod(position, block.columns)
        left, bottom = _GAP + (_WIDTH + _GAP) * column, top - _NAME - _ROW * (row + 1) + _ROW - _HEIGHT - 0.16
        _histogram(place(figure, left, bottom, _WIDTH, _HEIGHT), name, values, block.color, reach)


def _histogram(axes: Axes, name: str, values: np.ndarray, color: np.ndarray, reach: float) -> None:
    z = np.linspace(-reach, reach, 400)
    looks: Any = {
        "bins": np.linspace(-reach, reach, _BINS + 1),
        "density": True,
        "color": color,
        "alpha": 0.55,
    }
    axes.hist(values, **looks)
    axes.plot(z, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), color=INK, linewidth=0.9)
    mean, sd = round(values.mean(), 1) + 0.0, values.std()
    axes.set_title(f"{name}  {mean:.1f} ± {sd:.1f}".replace("-", "−"), fontsize=7, pad=2)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MaxNLocator(3, symmetric=True))
    axes.tick_params(labelsize=6.5, length=2, pad=1.5)


def _key(axes: Axes, used: np.ndarray, level: np.ndarray, inks: np.ndarray) -> None:
    """How many of the latents of each level are used."""
    names = [f"level {i + 1}: " if len(inks) > 1 else "" for i in range(len(inks))]
    counts = [f"{used[level == i].sum()} of {(level == i).sum()} used" for i in range(len(inks))]
    patches = [
        Patch(color=ink, label=name + count) for ink, name, count in zip(inks, names, counts, strict=True)
    ]
    patches += [] if used.all() else [Patch(color=_GRAY, label="unused")]
    tight: Any = {"handlelength": 0.8, "handleheight": 0.8, "labelcolor": MUTED}
    axes.legend(handles=patches, loc="upper right", **tight)
