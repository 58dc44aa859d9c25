"""How training went: the ELBO, its two terms, and the KL weight by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
_STEEP = 1 / 20  # this share of the epochs may leave the frame if it is steep


@dataclass(frozen=True)
class _Line:
    """One quantity over the epochs that have a value."""

    label: str
    color: Any
    epochs: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class _Panel:
    """Lines that share a y axis, and the point to mark on them."""

    title: str
    lines: list[_Line]
    best: tuple[float, float] | None = None


@styled
def training_curves(records: Sequence[Record], title: str, subtitle: str = "") -> Figure:
    """Plot the ELBO, the reconstruction term, the KL of each layer, and the KL weight beta by epoch.

    The loss takes the place of the ELBO if a model has none. Panels without values are left out: an
    autoencoder has no KL, and beta is shown only if it changes. In runs of twenty epochs or more, a steep
    start may leave the frame, so that later epochs are readable.

    Args:
        records: one per epoch, with `epoch` and any of `loss`, `reconstruction` (-log p(x | z)), `kl`,
            `kl_layers`, `beta`, `validation_elbo`, `validation_loss`, in nats per image, and `is_best` (the
            weights of this epoch were the best so far). Values that are missing, None or not finite are
            skipped.
        title: what is shown, such as the model and the data.
        subtitle: a second line in gray.

    Returns:
        A figure with one to four panels. The epoch with the best validation is marked.

    Raises:
        InvalidError: no record has a value to plot.

    Example:
        >>> records = [{"epoch": e, "reconstruction": 90 / e, "kl": 20 + e, "beta": e / 3} for e in (1, 2, 3)]
        >>> figure = training_curves(records, "Training")
        >>> for axes in figure.axes:
        ...     print(axes.get_title("left"))
        ELBO (nats)
        Reconstruction, −log p(x|z) (nats)
        KL (nats)
        KL weight β
    """
    bound = _bound_panel(records)
    reconstruction = _line("training", BLUE, records, lambda record: record.get("reconstruction"))
    beta = _line("beta", GREEN, records, lambda record: record.get("beta"))
    panels = [
        bound,
        _Panel("Reconstruction, −log p(x|z) (nats)", reconstruction),
        _kl_panel(records),
        _Panel("KL weight β", [line for line in beta if np.ptp(line.values) > 0]),
    ]
    panels = [panel for panel in panels if panel.lines]
    if not panels:
        raise InvalidError(f"records: expected a loss or its terms, found none in {len(records)} epochs")
    columns = 2 if len(panels) == 4 else len(panels)
    rows = len(panels) // columns
    width, height = _LEFT + _WIDTH + _EDGE, _BOTTOM + _HEIGHT + _TOP
    figure = figure_frame(width * columns, height * rows, title, subtitle)
    for i, panel in enumerate(panels):
        row, column = divmod(i, columns)
        left, bottom = width * column + _LEFT, height * (rows - 1 - row) + _BOTTOM
        _draw(place(figure, left, bottom, _WIDTH, _HEIGHT), panel)
    return figure


def _bound_panel(records: Sequence[Record]) -> _Panel:
    """The ELBO, or the loss if no epoch has an ELBO."""

    def elbo(record: Record) -> float | None:
        nll, kl = record.get("reconstruction"), record.get("kl")
        return None if nll is None or kl is None else -(nll + kl)

    title, validation = "ELBO (nats)", "validation_elbo"
    train = _line("training", BLUE, records, elbo)
    held_out = _line("validation", VERMILION, records, lambda record: record.get(validation))
    if not train and not held_out:
        title, validation = "Loss (nats)", "validation_loss"
        train = _line("training", BLUE, records, lambda record: record.get("loss"))
        held_out = _line("validation", VERMILION, records, lambda record: record.get(validation))
    best = best_epoch(records)
    values = [float(value) for line in held_out for value in line.values[line.epochs == best]]
    point = (float(best), values[0]) if best is not None and values else None
    return _Panel(title, train + held_out, point)


def _kl_panel(records: Sequence[Record]) -> _Panel:
    """The KL, with a line per layer if there are several."""
    layers = max((len(record.get("kl_layers") or ()) for record in records), default=0)
    total = _line("total", MUTED if layers > 1 else BLUE, records, lambda record: record.get("kl"))
    if layers < 2 or not total:
        return _Panel("KL (nats)", total)
    lines = list(total)
    for i, color in enumerate(palette(layers)):
        kl = [
            {"epoch": r.get("epoch", n + 1), "kl": [*(r.get("kl_layers") or ()), *[None] * layers][i]}
            for n, r in enumerate(records)
        ]
        lines += _line(str(i + 1), color, kl, lambda record: record["kl"])
    return _Panel("KL by layer (nats)", lines)


def _line(label: str, color: Any, records: Sequence[Record], value: Callable[[Record], Any]) -> list[_Line]:
    """A list with the line of a quantity; empty if no epoch has a value."""
    points = [(record.get("epoch", i + 1), value(record)) for i, record in enumerate(records)]
    known = [point for point in points if point[1] is not None and math.isfinite(point[1])]
    return [_Line(label, color, *np.array(known, float).T)] if known else []


def _draw(axes: Axes, panel: _Panel) -> None:
    for line in panel.lines:
        dot = "o" if len(line.epochs) == 1 else ""
        axes.plot(line.epochs, line.values, color=line.color, label=line.label, marker=dot, markersize=4)
    axes.set_title(panel.title, pad=16)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.grid(True, axis="y")
    frame_late(axes, [(line.epochs, line.values) for line in panel.lines], _STEEP)
    if panel.best:
        label = f"best: epoch {panel.best[0]:.0f}"
        axes.axvline(panel.best[0], color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)), zorder=0)
        axes.plot(*panel.best, "o", color=VERMILION, markersize=4.5, label=label)
    if len(panel.lines) > 1 or panel.best:  # a legend in one row between the title and the frame
        tight = {"handlelength": 0.9, "handletextpad": 0.35, "columnspacing": 0.7, "borderaxespad": 0.1}
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=20, **tight)
