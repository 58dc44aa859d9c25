"""Where the time of a step goes: `python -m benchmarks.kernels W1` prints one line per kernel.

torch's profiler watches the steps of `vaekit train` after a warm-up. The time of a kernel does not include
the kernels that it calls.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from types import SimpleNamespace
from typing import Any

import torch

from benchmarks.contestants import SCRIPTS
from benchmarks.images import stored
from benchmarks.workloads import WORKLOADS, Workload
from vaekit.runs import train
from vaekit.training.display import SilentLogger
from vaekit.utils.cpu import keep_freed_memory

WARM_UP, STEPS, SHOWN = 30, 100, 20


class _Enough(Exception):
    """Enough steps were profiled; ends the training."""


class _Watch(SilentLogger):
    """Profiles `STEPS` steps after the warm-up, then ends the training."""

    def __init__(self) -> None:
        self.taken = 0
        self.profiler = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU])

    def step(self, state: object, so_far: object) -> None:
        self.taken += 1
        if self.taken == WARM_UP:
            self.profiler.start()
        if self.taken == WARM_UP + STEPS:
            self.profiler.stop()
            raise _Enough


def watched(workload: Workload) -> list[Any]:
    """The kernels of a training step from torch's profiler, the slowest first."""
    sys.path.insert(0, str(SCRIPTS))
    from recipe import overrides

    described = SimpleNamespace(**workload.plain(), path=str(stored(workload)))
    watch, home = _Watch(), os.getcwd()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            train.train("mnist-gated", overrides(described), log=watch)
        except _Enough:
            pass
        finally:
            os.chdir(home)
    return sorted(watch.profiler.key_averages(), key=lambda found: -found.self_cpu_time_total)


def table(found: list[Any]) -> str:
    """A Markdown table of calls per step, microseconds per step, and the share of each kernel."""
    total = sum(each.self_cpu_time_total for each in found)
    rows = ["| kernel | calls | microseconds per step | share |", "|---|---:|---:|---:|"]
    for each in found[:SHOWN]:
        rows.append(_row(each.key, each.count, each.self_cpu_time_total, total))
    rest = found[SHOWN:]
    spent = sum(each.self_cpu_time_total for each in rest)
    rows.append(_row(f"{len(rest)} others", sum(each.count for each in rest), spent, total))
    return "\n".join(rows)


def _row(name: str, calls: int, spent: float, total: float) -> str:
    return f"| {name} | {calls / STEPS:.0f} | {spent / STEPS:.0f} | {100 * spent / total:.1f} % |"


def main() -> None:
    """The entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels")
    parser.add_argument(
        "workload", choices=[name for name, each in WORKLOADS.items() if each.task == "train"]
    )
    print(table(watched(WORKLOADS[parser.parse_args().workload])))


if __name__ == "__main__":
    main()
