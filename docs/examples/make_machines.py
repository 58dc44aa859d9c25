"""Simulate the tables of docs/tables.md: python docs/examples/make_machines.py [FOLDER]

machines.csv      600 hourly records of three machines, with words, dates, counts and gaps
machines-new.csv  60 later records, of which the last five are of a machine that runs hot
"""

from __future__ import annotations

import csv
import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

HEADER = ("time", "machine", "shift", "maintained", "load", "temperature", "vibration", "parts")
MACHINES, SHIFTS = ("lathe", "mill", "press"), ("early", "late", "night")
LOAD, PARTS = (45.0, 60.0, 80.0), (12.0, 8.0, 20.0)
START = datetime(2026, 1, 5)


def records(n: int, first: int, rng: np.random.Generator, hot: int = 0) -> list[list[str]]:
    """n rows of cells; the last `hot` of them are too warm for their load."""
    rows = []
    for i in range(n):
        hour, kind = first + i, int(rng.integers(3))
        shift = (hour % 24) // 8
        maintained = rng.random() < 0.3
        load = LOAD[kind] * (1 - 0.15 * (shift == 2)) + 6 * rng.normal()
        temperature = 18 + 0.45 * load + 1.5 * rng.normal() + 25 * (i >= n - hot)
        vibration = 0.02 * np.exp(0.02 * load + 0.3 * rng.normal() - 0.4 * maintained)
        parts = rng.poisson(PARTS[kind] * load / LOAD[kind])
        cells = [
            (START + timedelta(hours=hour)).isoformat(sep=" "), MACHINES[kind], SHIFTS[shift],
            "yes" if maintained else "no",
            f"{load:.1f}", f"{temperature:.2f}", f"{vibration:.4f}", str(parts),
        ]  # fmt: skip
        if not hot:
            gaps = rng.random(len(cells)) < (0, 0.02, 0, 0, 0.05, 0.06, 0.05, 0.03)
            blank = "" if rng.random() < 0.7 else "NA"
            cells = [blank if gap else cell for cell, gap in zip(cells, gaps, strict=True)]
        rows.append(cells)
    return rows


def main(folder: str = ".") -> None:
    """Write both files."""
    rng = np.random.default_rng(0)
    tables = {"machines.csv": records(600, 0, rng), "machines-new.csv": records(60, 600, rng, hot=5)}
    for name, rows in tables.items():
        with open(Path(folder) / name, "w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows([HEADER, *rows])


if __name__ == "__main__":
    main(*sys.argv[1:2])
