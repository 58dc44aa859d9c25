"""`make bench`: all workloads, contenders in turns, one JSON line per measurement, a table and the curves."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks import curves, machine
from benchmarks.contestants import CONTENDERS
from benchmarks.document import put
from benchmarks.environments import HERE
from benchmarks.table import markdown
from benchmarks.turns import Line, measure
from benchmarks.workloads import ON_GPU, WORKLOADS, Workload

RESULTS = HERE / "results"
DOCUMENT = HERE.parent / "docs" / "speed.md"
CURVES = HERE.parent / "docs" / "images" / "speed.png"


def record(lines: Iterator[Line], path: Path, about: Line) -> list[Line]:
    """Append each measurement to a file as it comes, with the machine and the commit; return all of them."""
    kept = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        for line in lines:
            kept.append({**about, **line, "at": datetime.now(UTC).isoformat(timespec="seconds")})
            print(json.dumps(kept[-1]), file=file, flush=True)
            print(_said(line), file=sys.stderr, flush=True)
    return kept


def _said(line: Line) -> str:
    head = f"{line['workload']:4} {CONTENDERS[line['contender']].title:24}"
    if "unavailable" in line:
        return f"{head} left out: {line['unavailable']}"
    return f"{head} {1000 * line['seconds'] / line['steps']:9.3f} ms  {line['memory']:.0f} MB"


def main() -> None:
    """The entry point."""
    asked = _arguments()
    if asked.gpu and not torch.cuda.is_available():
        sys.exit("error: --gpu: no CUDA GPU found; expected one, and a build of torch for CUDA")
    if asked.threads:
        os.environ["OMP_NUM_THREADS"] = str(asked.threads)
    lines = _read(asked.files) if asked.files else _measure(asked)
    titles = {name: workload.title for name, workload in (ON_GPU if asked.gpu else WORKLOADS).items()}
    points = [line for line in lines if "axis" in line]
    table = markdown([line for line in lines if "axis" not in line], titles, _names())
    text = f"{machine.words(lines[-1])}, {lines[-1]['at'][:10]}.\n\n{table}"
    print(f"\n{text}")
    if asked.write:
        put(DOCUMENT, "bench", text)
    if asked.write and points:
        curves.draw(points, CURVES)


def _measure(asked: argparse.Namespace) -> list[Line]:
    """Measure the workloads and curves of the command line, and store each line."""
    began, about = time.monotonic(), machine.describe()
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}.jsonl"
    workloads = ON_GPU.values() if asked.gpu else [WORKLOADS[name] for name in asked.only]
    lines = [line for workload in workloads for line in record(_workload(workload, asked), path, about)]
    lines += record(curves.measured(measure), path, about) if asked.curves else []
    print(f"{path}, {(time.monotonic() - began) / 60:.0f} minutes", file=sys.stderr)
    return lines


def _workload(workload: Workload, asked: argparse.Namespace) -> Iterator[Line]:
    """Measure one workload with the contenders of the command line."""
    names = ("ours", *workload.against)
    wanted = [each for each in names if asked.contenders is None or each in asked.contenders]
    return measure(workload, wanted, asked.rounds, asked.seconds)


def _read(paths: list[Path]) -> list[Line]:
    """Read measurements from files; for a workload in several files, the last file counts."""
    lines: list[Line] = []
    for path in paths:
        later = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        again = {line["workload"] for line in later}
        lines = [line for line in lines if line["workload"] not in again] + later
    return lines


def _names() -> dict[str, str]:
    return {name: contender.title for name, contender in CONTENDERS.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", metavar="WORKLOAD", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--contenders", nargs="+", metavar="NAME", choices=CONTENDERS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one turn")
    parser.add_argument("--threads", type=int, help="of each contender; its own choice if not given")
    parser.add_argument("--no-curves", dest="curves", action="store_false")
    parser.add_argument("--gpu", action="store_true", help="W1, and W2 with batches of 1024, on a CUDA GPU")
    parser.add_argument("--write", action="store_true", help="write them into docs")
    parser.add_argument(
        "--from", dest="files", nargs="+", type=Path, metavar="FILE", help="stored measurements to show"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
