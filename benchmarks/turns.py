"""Contenders take turns at a workload.

Each is a process of its own, started once and warmed up. In each round each has one turn of about a second
while the others sleep; the order is turned round every time, so that a machine that grows slower or faster
favors none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from benchmarks.contestants import Contestant
from benchmarks.environments import Unavailable
from benchmarks.workloads import Workload

WARM_UP = 0.5  # seconds

Line = dict[str, Any]


def measure(workload: Workload, names: Sequence[str], rounds: int, seconds: float) -> Iterator[Line]:
    """The measurements of a workload, and who could not take part, a line each.

    Args:
        names: of the contenders.
        rounds: turns of each.
        seconds: that a turn shall take.
    """
    lines = (
        _starts(workload, names, rounds)
        if workload.task == "start"
        else _turns(workload, names, rounds, seconds)
    )
    yield from ({"workload": workload.name, **line} for line in lines)


def _turns(workload: Workload, names: Sequence[str], rounds: int, seconds: float) -> Iterator[Line]:
    contestants: dict[Contestant, int] = {}
    try:
        for name in names:
            try:
                contestant = Contestant(name, workload)
                contestants[contestant] = _steps(contestant, seconds)
            except Unavailable as reason:
                yield {"contender": name, "unavailable": str(reason)}
        for number in range(rounds):
            for contestant in list(contestants)[:: -1 if number % 2 else 1]:
                turn = contestant.turn(contestants[contestant])
                yield {"contender": contestant.name, "round": number, **turn}
    finally:
        for contestant in contestants:
            contestant.dismiss()


def _starts(workload: Workload, names: Sequence[str], rounds: int) -> Iterator[Line]:
    """From the start of a process to its first step, each time in a new one."""
    missing: set[str] = set()
    for number, name in product(range(rounds), names):
        if name in missing:
            continue
        try:
            contestant = Contestant(name, workload)
        except Unavailable as reason:
            missing.add(name)
            yield {"contender": name, "unavailable": str(reason)}
        else:
            contestant.dismiss()
            taken = {"steps": 1, "seconds": contestant.startup, "memory": contestant.memory}
            yield {"contender": name, "round": number, **taken}


def _steps(contestant: Contestant, seconds: float) -> int:
    """How many steps take so long, found while it warms up."""
    turn = contestant.turn(1)
    while turn["seconds"] < WARM_UP:
        turn = contestant.turn(2 * turn["steps"])
    return max(1, round(turn["steps"] * seconds / turn["seconds"]))
