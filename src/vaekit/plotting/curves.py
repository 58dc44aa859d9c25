"""How training went: the bound, its two terms and their weight, over the epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaekit.errors import InvalidError
from vaekit.plotting.chart import frame_late
from vaekit.plotting.style import BLUE, GREEN, MUTED, VERMILION, figure_frame, palette, place, styled
from vaekit.utils.io import best_epoch

Record = Mapping[str, Any]

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _EDGE = 2.2, 1.8, 0.6, 0.42, 0.48, 0.12  # inches, of each panel
_STEEP = 1 / 20  # of the epochs may leave the frame, where they are steep


@dataclass(frozen=True)
class Line:
    """One quantity over the epochs in which it is known."""

    label: str
    color: Any
    epochs: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Panel:
    """Lines that share an axis, and the point to mark among them."""

    title: str
    lines: list[Line]
    best: tuple[float, float] | None = None


@styled
def training_curves(records: Sequence[Record], title: str, subtitle: str = "") -> Figure:
    """The bound (or the loss, for what has none), the reconstruction, the KL of each level, and beta.

    A panel is drawn where there is something to show: no KL for an autoencoder, beta only if it changes.
    From twenty epochs on the steep beginning may leave the frame, so that the rest can be read.

    Args:
        records: one an epoch, with `epoch` and any of `loss`, `reconstruction` (an nll), `kl`, `kl_layers`,
            `beta`, `validation_elbo`, `validation_loss`, in nats an image, and `is_best`, whether its weights
            were the best so far; what is missing, None or not finite is passed over.
        title: what is shown: model and data.
        subtitle: a second, quieter line.

    Returns:
        The figure, with the epoch of the best validation marked.

    Raises:
        InvalidError: there is nothing to draw in the records.
    """
    panels = [panel for make in (_bound, _reconstruction, _kl, _beta) if (panel := make(records)).lines]
    if not panels:
        raise InvalidError(f"records: expected a loss or its terms, found none in {len(records)} epochs")
    columns = 2 if len(panels) == 4 else len(panels)
    rows = len(panels) // columns
    across, up = _LEFT + _WIDTH + _EDGE, _BOTTOM + _HEIGHT + _TOP
    figure = figure_frame(across * columns, up * rows, title, subtitle)
    for position, panel in enumerate(panels):
        row, column = divmod(position, columns)
        left, bottom = across * column + _LEFT, up * (rows - 1 - row) + _BOTTOM
        _draw(place(figure, left, bottom, _WIDTH, _HEIGHT), panel)
    return figure


def _bound(records: Sequence[Record]) -> Panel:
    elbo = _line("validation", VERMILION, records, lambda record: record.get("validation_elbo"))
    train = _line("training", BLUE, records, _elbo)
    if elbo or train:
        return Panel("ELBO (nats)", train + elbo, _at(best_epoch(records), elbo))
    loss = _line("validation", VERMILION, records, lambda record: record.get("validation_loss"))
    train = _line("training", BLUE, records, lambda record: record.get("loss"))
    return Panel("Loss (nats)", train + loss, _at(best_epoch(records), loss))


def _reconstruction(records: Sequence[Record]) -> Panel:
    title = "Reconstruction, −log p(x|z) (nats)"
    return Panel(title, _line("training", BLUE, records, lambda record: record.get("reconstruction")))


def _kl(records: Sequence[Record]) -> Panel:
    levels = max((len(record.get("kl_layers") or ()) for record in records), default=0)
    total = _line("all", MUTED if levels > 1 else BLUE, records, lambda record: record.get("kl"))
    if levels < 2 or not total:
        return Panel("KL (nats)", total)
    each = [_line(str(i + 1), color, records, _level(i)) for i, color in enumerate(palette(levels))]
    return Panel("KL by level (nats)", [*total, *chain.from_iterable(each)])


def _beta(records: Sequence[Record]) -> Panel:
    lines = _line("beta", GREEN, records, lambda record: record.get("beta"))
    return Panel("Weight of the KL, beta", [line for line in lines if np.ptp(line.values) > 0])


def _elbo(record: Record) -> float | None:
    nll, kl = record.get("reconstruction"), record.get("kl")
    return None if nll is None or kl is None else -(nll + kl)


def _level(index: int) -> Callable[[Record], float | None]:
    return lambda record: dict(enumerate(record.get("kl_layers") or ())).get(index)


def _line(label: str, color: Any, records: Sequence[Record], value: Callable[[Record], Any]) -> list[Line]:
    """The line of a quantity, or no line where no epoch knows it."""
    points = [(record.get("epoch", i + 1), value(record)) for i, record in enumerate(records)]
    known = [point for point in points if point[1] is not None and math.isfinite(point[1])]
    return [Line(label, color, *np.array(known, float).T)] if known else []


def _at(epoch: int | None, lines: list[Line]) -> tuple[float, float] | None:
    """The point of a line at an epoch, where there is one."""
    values = [float(value) for line in lines for value in line.values[line.epochs == epoch]]
    return (float(epoch), values[0]) if epoch is not None and values else None


def _draw(axes: Axes, panel: Panel) -> None:
    for line in panel.lines:
        dot = "o" if len(line.epochs) == 1 else ""
        axes.plot(line.epochs, line.values, color=line.color, label=line.label, marker=dot, markersize=4)
    axes.set_title(panel.title, pad=16)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.grid(True, axis="y")
    epochs, values = (
        np.concatenate([getattr(line, of) for line in panel.lines]) for of in ("epochs", "values")
    )
    frame_late(axes, epochs, values, _STEEP)
    if panel.best:
        _mark(axes, panel.best)
    if len(panel.lines) > 1 or panel.best:
        _legend(axes)


def _mark(axes: Axes, best: tuple[float, float]) -> None:
    label = f"best: epoch {best[0]:.0f}"
    axes.axvline(best[0], color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)), zorder=0)
    axes.plot(*best, "o", color=VERMILION, markersize=4.5, label=label)


def _legend(axes: Axes) -> None:
    """One row between the title and the frame, where it hides nothing."""
    tight = {"handlelength": 0.9, "handletextpad": 0.35, "columnspacing": 0.7, "borderaxespad": 0.1}
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=20, **tight)
