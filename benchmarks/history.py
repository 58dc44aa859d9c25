"""Our own speed from commit to commit: `make bench-own` times it and compares it with the last time.

Each case is the real command, `vaekit train` or `vaekit evaluate`, in its own process (see `contestants`),
for a fixed number of steps or images. pytest-benchmark stores the times in `benchmarks/history`, in one
folder per kind of machine. The speed of a machine varies, so repeat a measurement before you believe a few
per cent. `make bench` compares with other libraries.
"""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.contestants import Contestant
from benchmarks.workloads import WORKLOADS

AT_ONCE = {"W1": 100, "W1v": 40, "W1h": 60, "W2": 20, "W5": 5, "W3": 100, "W3v": 100}
CASES = [(name, "ours") for name in AT_ONCE]
CASES += [(name, "ours-bf16") for name in AT_ONCE if WORKLOADS[name].task == "train"]
ROUNDS = 7


@pytest.mark.parametrize(("name", "contender"), CASES)
def test_speed(benchmark: Any, name: str, contender: str) -> None:
    contestant = Contestant(contender, WORKLOADS[name])
    try:
        turn = benchmark.pedantic(contestant.turn, (AT_ONCE[name],), rounds=ROUNDS, warmup_rounds=1)
    finally:
        contestant.dismiss()
    assert turn["steps"] == AT_ONCE[name]
    benchmark.extra_info.update(unit=WORKLOADS[name].unit, at_once=turn["steps"], memory=turn["memory"])
