"""What a step costs as one thing grows: batch, width, latents, pseudo-inputs, levels, number of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.workloads import AXES, Workload, position

Line = dict[str, Any]
Measure = Callable[[Workload, list[str], int, float], Iterator[Line]]

SHOWN = {"ours": "vaekit", "limit": "its matrix products alone"}
ROUNDS, SECONDS = 3, 0.5


def measured(measure: Measure) -> Iterator[Line]:
    """The measurements of every point, each with its axis and position."""
    for axis, workloads in AXES.items():
        for workload in workloads:
            at = {"axis": axis, "position": position(axis, workload)}
            named = replace(workload, name=f"{axis} {at['position']}")
            yield from ({**at, **line} for line in measure(named, list(SHOWN), ROUNDS, SECONDS))


def draw(lines: Sequence[Line], path: Path) -> None:
    """A panel an axis, both scales logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), layout="constrained")
    for place, axis in enumerate(AXES, start=1):
        panel = figure.add_subplot(2, 3, place)
        for colour, (contender, name) in zip(("#0b6e99", "#b0b0b0"), SHOWN.items(), strict=True):
            points = _points(lines, axis, contender)
            panel.plot(*zip(*points, strict=True), marker="o", color=colour, label=name, markersize=4)
        _dress(panel, axis, [position(axis, workload) for workload in AXES[axis]])
    figure.axes[0].legend(frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def _points(lines: Sequence[Line], axis: str, contender: str) -> list[tuple[int, float]]:
    """(position, milliseconds a step), medians."""
    own = [
        line
        for line in lines
        if line["axis"] == axis and line["contender"] == contender and "seconds" in line
    ]
    places = sorted({line["position"] for line in own})
    return [
        (at, 1000 * median(each["seconds"] / each["steps"] for each in own if each["position"] == at))
        for at in places
    ]


def _dress(panel: Any, axis: str, places: Sequence[int]) -> None:
    panel.set(xscale="log", yscale="log", xlabel=axis, ylabel="ms a step")
    panel.set_xticks(places, [f"{n:,}" for n in places])
    panel.minorticks_off()
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(alpha=0.2)
