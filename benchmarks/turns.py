"""Contenders take turns on a workload.

Each contender is its own process, started once and warmed up. In each round, each has one turn of about a
second while the others sleep. The order is reversed every round, so that a machine that gets slower or faster
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
    """Measure a workload: one line per measurement, and one per contender that could not take part.

    Args:
        names: the contenders, keys of `CONTENDERS`.
        rounds: turns per contender.
        seconds: the length of a turn.
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
    """Time from the start of a process to its first step, in a new process each time."""
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
    """The number of steps that take this long, found during the warm-up."""
    turn = contestant.turn(1)
    while turn["seconds"] < WARM_UP:
        turn = contestant.turn(2 * turn["steps"])
    return max(1, round(turn["steps"] * seconds / turn["seconds"]))
