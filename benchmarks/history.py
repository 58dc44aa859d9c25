"""Our own speed from commit to commit: `make bench-own` times it and compares it with the last time.

Each is the real command, `vaekit train` or `vaekit evaluate`, in a process of its own (see `contestants`),
over so many steps or images at once. pytest-benchmark keeps what it found in `benchmarks/history`, a folder a
kind of machine; the speed of one machine swings as well, so look twice before believing a few per cent. Other
libraries, in turns with ours, are the matter of `make bench`.
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
