"""Which cells of a column are marked as best, by Welch's interval of scipy over the seeds."""

from __future__ import annotations

from collections.abc import Sequence

from scipy import stats

from vaekit.studies.elements import Cell


def best_over_seeds(cells: Sequence[Cell], better: str) -> list[bool]:
    """Whether a cell's interval of the difference from every other one is on the better side of 0."""
    sign = 1 if better == "higher" else -1
    return [all(_is_better(cell, other, sign) for other in cells if other is not cell) for cell in cells]


def _is_better(cell: Cell, other: Cell, sign: int) -> bool:
    if cell.std is None or other.std is None:
        return False
    one, two = ((each.value, each.std**2 / each.count, each.count - 1) for each in (cell, other))
    error = one[1] + two[1]
    freedom = error**2 / (one[1] ** 2 / one[2] + two[1] ** 2 / two[2])
    return bool(sign * (one[0] - two[0]) > stats.t.ppf(0.975, freedom) * error**0.5)
