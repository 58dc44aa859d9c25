"""Two trainings at once: `python -m benchmarks.side_by_side` prints the images per second of each.

The first starts alone, the second later, as when a second person starts a run. The machine
must be idle otherwise.
"""

from __future__ import annotations

import argparse
import threading
import time

from benchmarks.contestants import Contestant
from benchmarks.workloads import WORKLOADS, Workload

STEPS = 20  # per turn


def rate(contestant: Contestant, workload: Workload, seconds: float) -> float:
    """Images per second of a training that runs for so long."""
    end, steps, spent = time.perf_counter() + seconds, 0, 0.0
    while time.perf_counter() < end:
        turn = contestant.turn(STEPS)
        steps, spent = steps + turn["steps"], spent + turn["seconds"]
    return steps * workload.batch / spent


def beside(contestants: list[Contestant], workload: Workload, seconds: float) -> list[float]:
    """Images per second of trainings that run at the same time."""
    rates = [0.0] * len(contestants)

    def run(place: int) -> None:
        rates[place] = rate(contestants[place], workload, seconds)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(contestants))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rates


def main() -> None:
    """The entry point."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.side_by_side")
    parser.add_argument("workload", nargs="?", default="W1", choices=WORKLOADS)
    parser.add_argument("--seconds", type=float, default=8.0)
    asked = parser.parse_args()
    workload = WORKLOADS[asked.workload]
    first = Contestant("ours", workload)
    rate(first, workload, 1.0)
    alone = rate(first, workload, asked.seconds)
    second = Contestant("ours", workload)
    both = beside([first, second], workload, asked.seconds)
    after = rate(first, workload, asked.seconds)
    print("| training | images per second | share of its speed alone |\n|---|---:|---:|")
    for name, speed in zip(
        ("alone", "first of two", "second of two", "alone again"), (alone, *both, after), strict=True
    ):
        print(f"| {name} | {speed:,.0f} | {speed / alone:.2f} |")
    for each in (first, second):
        each.dismiss()


if __name__ == "__main__":
    main()
