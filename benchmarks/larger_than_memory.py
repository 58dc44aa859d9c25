"""Train W2 on data of many times the memory, and compare the throughput with data in memory.

    python -m benchmarks.larger_than_memory FOLDER --limit 640 --times 20 --rounds 12

Both contestants are `vaekit train` on float32 images of 28 x 28, and take turns of a second. One has 20,000
images, which it holds in memory. The other has shards of `times` the limit, and is in a control group of the
kernel whose limit counts the pages of files, too. The pages of the shards are dropped before it starts, so
that they come from the disk. It needs the rights to make a control group, and the disk space.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np

from benchmarks.contestants import LOGS, SCRIPTS, Contestant, _environment
from benchmarks.environments import python
from benchmarks.workloads import WORKLOADS

MIB = 1 << 20
SHARD = 256 * MIB
BATCH = WORKLOADS["W2"].batch
NAMES = {"seconds": "the clock", "processor": "all cores"}
GROUP = Path("/sys/fs/cgroup/memory/vaekit-benchmark")  # version 1
GROUP2 = Path("/sys/fs/cgroup/vaekit-benchmark")


class Reader(Contestant):
    """A `vaekit train` of W2 on own data, optionally with a limit of memory.

    Args:
        name: of the log.
        data: the path.
        group: a control group, or None.
    """

    def __init__(self, name: str, data: Path, group: Path | None = None):
        order = json.dumps({**WORKLOADS["W2"].plain(), "data": "own", "path": str(data)})
        command = [python("ours"), str(SCRIPTS / "ours.py"), order]
        if group is not None:
            command = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh", *command]
        self.name, self.log = name, LOGS / f"larger-{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env=_environment(),
            )  # fmt: skip
        self.memory = float(self._answer()["memory"])
        self.startup = time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=640, help="MiB")
    parser.add_argument("--times", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=25)
    given = parser.parse_args()
    small, large = given.folder / "small.npy", given.folder / "shards"
    size = write(small, large, int(given.limit * given.times) * MIB)
    group = limited_group(given.limit * MIB)
    try:
        contestants = [Reader("in-memory", small), Reader("larger", large, group)]
        turns = take_turns(contestants, given.rounds, given.steps)
        peak = next(int((group / n).read_text()) for n in PEAKS if (group / n).is_file())
        print(f"data {size / MIB:,.0f} MiB, limit {given.limit} MiB ({size / MIB / given.limit:.1f} times)")
        print(
            f"first step after {contestants[1].startup:.0f} s; most memory of the group {peak / MIB:.0f} MiB"
        )
        for what in ("seconds", "processor"):
            rates = [[turn["steps"] * BATCH / turn[what] for turn in each] for each in turns]
            ratios = [b / a for a, b in zip(*rates, strict=True)]
            medians = [f"{statistics.median(rate):,.0f}" for rate in rates]
            print(
                f"images per second of {NAMES[what]}: in memory {medians[0]}, larger {medians[1]}; median of"
            )
            print(f"  the ratios {statistics.median(ratios):.3f} ({', '.join(f'{r:.2f}' for r in ratios)})")
        for contestant in contestants:
            contestant.dismiss()
    finally:
        time.sleep(1)
        group.rmdir()


PEAKS = ("memory.max_usage_in_bytes", "memory.peak")


def write(small: Path, large: Path, size: int) -> int:
    """Random images, in one small file and in shards of `size` bytes; what is there is kept."""
    rng = np.random.default_rng(0)
    large.mkdir(parents=True, exist_ok=True)
    if not small.is_file():
        np.save(small, rng.random((20_000, 28, 28), dtype=np.float32))
    rows = SHARD // (28 * 28 * 4)
    for n in range(max(1, size // SHARD)):
        file = large / f"images-{n:04}.npy"
        if not file.is_file():
            np.save(file, rng.random((rows, 28, 28), dtype=np.float32))
    for file in large.iterdir():
        handle = os.open(file, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
    return sum(file.stat().st_size for file in large.iterdir())


def limited_group(limit: int) -> Path:
    """A control group with a limit of memory."""
    group, name = (GROUP, "memory.limit_in_bytes") if GROUP.parent.is_dir() else (GROUP2, "memory.max")
    group.mkdir(exist_ok=True)
    (group / name).write_text(str(limit))
    return group


def take_turns(contestants: list[Reader], rounds: int, steps: int) -> list[list[dict[str, float]]]:
    """What each contestant answered in each round; the order is reversed every round."""
    answers: list[list[dict[str, float]]] = [[] for _ in contestants]
    for number in range(rounds + 1):
        for place in list(range(len(contestants)))[:: -1 if number % 2 else 1]:
            turn = contestants[place].turn(steps)
            if number:  # the first round warms up
                answers[place].append(turn)
    return answers


if __name__ == "__main__":
    main()
