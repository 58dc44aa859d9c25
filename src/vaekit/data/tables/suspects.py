"""Numbers that are no measurements: row numbers, identifiers, times, and -9999 for a missing value."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np

_INDEX = {
    "", "index", "idx", "id", "ids", "row", "rows", "rowid", "row_id", "row_number", "rownames", "row.names",
    "no", "no.", "nr", "nr.", "number", "#", "obs", "sno", "s.no", "unnamed: 0", "unnamed: 0.1",
    "__index_level_0__",
}  # fmt: skip
_IDENTIFIER = re.compile(r"(?:^|[_\W])(?:id|ids|uuid|guid|key|identifier|index)$")
_TIME = re.compile(r"time|date|epoch|unix|when|(?:^|_)ts(?:$|_)|(?:^|_)at$")
_UNITS = {1: "seconds", 10**3: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}
_FEW = 0.15  # of the values; more zeros are no mark for missing ones
_FIRST, _LAST = 946_684_800, 2_208_988_800  # 2000 and 2040 as Unix time in seconds
_CODES = np.array(
    [sign * (10**digits - 1) for digits in range(2, 10) for sign in (1, -1)]
    + [-(10**digits) for digits in range(3, 10)]
    + [
        -(2**15),
        2**15 - 1,
        2**16 - 1,
        -(2**31),
        2**31 - 1,
        2**32 - 1,
        1e20,
        -1e20,
        1e30,
        -1e30,
        1e35,
        9.96921e36,
    ],
    np.float64,
)


def index_reason(name: str, values: np.ndarray) -> str:
    """Why a column of numbers (N,) is no measurement but counts or names the rows; empty if it may be one.

    >>> index_reason("", np.arange(5.0)), index_reason("customer_id", np.array([7.0, 3.0, 9.0]))
    ('a running index', 'identifiers')
    >>> index_reason("a", np.arange(5.0))
    ''
    """
    known, lower = ~np.isnan(values), re.sub(r"^column \d+$", "", name.strip().lower())
    indexed, identified = lower in _INDEX, bool(_IDENTIFIER.search(lower))
    if not (indexed or identified) or len(values) < 2 or not known.all() or (values != np.rint(values)).any():
        return ""
    if (values == np.arange(len(values)) + values[0]).all():
        return "a running index"
    return ("row numbers" if lower == "" else "identifiers") if len(np.unique(values)) == len(values) else ""


def time_reason(name: str, values: np.ndarray) -> str:
    """Why a column of numbers (N,) is a time: a Unix time, or a date such as 20240131; empty if it is none.

    >>> time_reason("time", 1.7e9 + 60 * np.arange(3))
    'a Unix time in seconds, 2023-11-14 to 2023-11-14'
    """
    known = values[~np.isnan(values)]
    if len(known) < 2 or known.min() == known.max():
        return ""
    low, high, named = float(known.min()), float(known.max()), bool(_TIME.search(name.lower()))
    sorted_ = len(known) >= 20 and bool((np.diff(known) >= 0).all())
    for unit, word in _UNITS.items():
        if (named or sorted_) and _FIRST / (2 if named else 1) <= low / unit <= high / unit <= _LAST:
            days = [datetime.fromtimestamp(edge / unit, UTC).date() for edge in (low, high)]
            return f"a Unix time in {word}, {days[0]} to {days[1]}"
    whole = len(known) >= 5 and 1.9e7 <= low <= high < 2.1e7 and bool(np.all(known == np.rint(known)))
    if whole and all(_is_day(int(value)) for value in np.unique(known).tolist()):
        return "dates written as numbers"
    return ""


def _is_day(number: int) -> bool:
    try:
        datetime(number // 10_000, number // 100 % 100, number % 100)
    except ValueError:
        return False
    return True


def suspected_codes(values: np.ndarray) -> list[tuple[float, int]]:
    """Values of a column (N,) that may mean a missing value, and how often they occur.

    They are the smallest or the largest value, and far from all others: -9999, 999, or 0 among numbers far
    above it; or -1 and -9 among numbers from 0 on.

    >>> suspected_codes(np.array([0.3, 0.1, -9999, 0.2, 0.7, -9999]))
    [(-9999.0, 2)]
    """
    unique, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    few = _FEW * counts.sum()
    found = []
    for place, rest in ((0, unique[1:]), (-1, unique[:-1])):
        if len(rest) < 3:
            continue
        value, count = float(unique[place]), int(counts[place])
        spread = float(rest[-1] - rest[0])
        gap = float(rest[0] - value) if place == 0 else float(value - rest[-1])
        known = bool(np.isin(value, _CODES))
        below_zero = value in (-1, -9) and rest[0] >= 0 and count > 2
        if (
            (known and gap > spread)
            or below_zero
            or (value == 0 and 1 < count < few and gap > spread / 4 > 0 == place)
        ):
            found.append((value, count))
    return found
