"""Measurements become a table of medians of ratios.

The speed of a machine varies, so the ratio of two times measured one after the other says more than either
time. Every contender has one turn per round. With t_c and t_o the time of a step of a contender and of vaekit
in the same round, the ratio is the median over rounds of t_c / t_o. The same ratio of processor time, of all
cores together, does not change when other work runs on the machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

Line = dict[str, Any]
Times = dict[int, float]


def times(lines: Iterable[Line], clock: str = "seconds") -> dict[str, dict[str, Times]]:
    """workload -> contender -> round -> seconds per step; `clock` is "seconds" or "processor"."""
    found: dict[str, dict[str, Times]] = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        if clock in line:
            found[line["workload"]][line["contender"]][line["round"]] = line[clock] / line["steps"]
    return found


def ratio(of: Times, to: Times) -> float | None:
    """The median ratio over the rounds in which both took part; None if there is no such round."""
    both = of.keys() & to.keys()
    return median(of[each] / to[each] for each in both) if both else None


def memory(lines: Iterable[Line], workload: str, contender: str) -> float | None:
    """The largest resident memory in MB; None if the contender did not take part."""
    return max(
        (line["memory"] for line in lines if (line["workload"], line["contender"]) == (workload, contender)
         and "memory" in line), default=None,
    )  # fmt: skip


def markdown(lines: Sequence[Line], titles: dict[str, str], names: dict[str, str]) -> str:
    """The table, one row per workload and contender, followed by the contenders that could not take part.

    Args:
        lines: measurements.
        titles: workload -> its title, in the order of the table.
        names: contender -> its title.
    """
    rows = [
        "| workload | contender | ms | time / vaekit's | processor time / vaekit's | MB |",
        "|---|---|---:|---:|---:|---:|",
    ]
    found, spent = times(lines), times(lines, "processor")
    for workload, title in titles.items():
        taken = found[workload]
        for contender in sorted(taken, key=lambda name: median(taken[name].values())):
            cells = _cells(contender, taken, spent[workload], memory(lines, workload, contender))
            rows.append(f"| {' | '.join([f'{workload}: {title}', names[contender], *cells])} |")
    absent = [line for line in lines if "unavailable" in line]
    notes = [f"- {names[line['contender']]} on {line['workload']}: {line['unavailable']}" for line in absent]
    return "\n".join([*rows, "", *notes]).strip() + "\n"


def _cells(contender: str, taken: dict[str, Times], spent: dict[str, Times], most: float | None) -> list[str]:
    """Milliseconds, the two ratios, and megabytes."""
    milliseconds = f"{1000 * median(taken[contender].values()):#.3g}".rstrip(".")
    ratios = [_compared(contender, taken), _compared(contender, spent)]
    return [milliseconds, *ratios, "" if most is None else f"{most:.0f}"]


def _compared(contender: str, clock: dict[str, Times]) -> str:
    compared = ratio(clock.get(contender, {}), clock.get("ours", {}))
    return "" if compared is None or contender == "ours" else f"{compared:.2f}"
