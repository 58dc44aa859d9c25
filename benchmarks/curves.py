"""The time of a step as one setting grows: batch, width, latents, pseudo-inputs, latent layers, images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.workloads import AXES, Workload, position

Line = dict[str, Any]
Measure = Callable[[Workload, list[str], int, float], Iterator[Line]]

SHOWN = {"ours": ("vaekit", "#0b6e99"), "limit": ("the limit: its products and Adam's memory", "#a0a0a0")}
MARKS = (1, 2, 5, 10, 20, 50, 100, 200)
ROUNDS, SECONDS = 3, 0.5


def measured(measure: Measure) -> Iterator[Line]:
    """Measure every point of every axis; each line has its axis and position."""
    for axis, workloads in AXES.items():
        for workload in workloads:
            at = {"axis": axis, "position": position(axis, workload)}
            named = replace(workload, name=f"{axis} {at['position']}")
            yield from ({**at, **line} for line in measure(named, list(SHOWN), ROUNDS, SECONDS))


def draw(lines: Sequence[Line], path: Path) -> None:
    """Draw one panel per axis, all with the same logarithmic time scale, so that a flat curve looks flat."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True)
    for panel, axis in zip(panels.flat, AXES, strict=True):
        for contender, (name, color) in SHOWN.items():
            points = _points(lines, axis, contender)
            panel.plot(*zip(*points, strict=True), marker="o", color=color, label=name, markersize=4)
        _dress(panel, axis, [position(axis, workload) for workload in AXES[axis]])
    for panel in panels[:, 0]:
        panel.set_ylabel("milliseconds per step")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def _points(lines: Sequence[Line], axis: str, contender: str) -> list[tuple[int, float]]:
    """(position, milliseconds per step): the fastest turn, which other work disturbed least."""
    own = [each for each in lines if (each["axis"], each["contender"]) == (axis, contender)]
    timed = [each for each in own if "seconds" in each]
    return [
        (at, min(1000 * each["seconds"] / each["steps"] for each in timed if each["position"] == at))
        for at in sorted({each["position"] for each in timed})
    ]


def _dress(panel: Any, axis: str, places: Sequence[int]) -> None:
    panel.set(xscale="log", yscale="log", xlabel=axis)
    panel.set_xticks(places, [f"{n:,}" for n in places])
    panel.set_yticks(MARKS, [str(mark) for mark in MARKS])
    panel.minorticks_off()
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(alpha=0.2)
