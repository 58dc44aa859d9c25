"""What a cell of a table is: a missing value, a number, a date, or a word.

Numbers are written with a decimal point or a decimal comma, and with or without a mark between thousands:
1234.5, 1,234.5, 1.234,5, 1 234,5, 1'234.5.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence

MISSING = frozenset(
    (
        "",
        "na",
        "n/a",
        "#n/a",
        "#na",
        "n.a.",
        "nan",
        "-nan",
        "null",
        "none",
        "nil",
        "<na>",
        "?",
        "-",
        "--",
        ".",
    )
)
BOOLEAN_WORDS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("off", "on"))

_EXPONENT = r"(?:[eE][+-]?\d+)?"
_POINT = re.compile(rf"[+-]?(?:\d+|[1-9]\d{{0,2}}(?:[,'\u2019 \u00a0\u202f]\d{{3}})+)?(?:\.\d*)?{_EXPONENT}")
_COMMA = re.compile(rf"[+-]?(?:\d+|[1-9]\d{{0,2}}(?:[.'\u2019 \u00a0\u202f]\d{{3}})+)?(?:,\d*)?{_EXPONENT}")
_MARKS = str.maketrans("", "", "'\u2019 \u00a0\u202f")
_TIME = r"(?:[T ]\d{1,2}(?::?\d{2}){0,2}(?:[.,]\d+)?\s*(?:Z|UTC|[AaPp]\.?[Mm]\.?|[+-]\d{2}:?\d{2})?)?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DATE = re.compile(
    rf"(?:(?:1[6-9]|2[01])\d\d[-/.](?:0?[1-9]|1[0-2])(?:[-/.](?:0?[1-9]|[12]\d|3[01]){_TIME})?"
    rf"|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:\d{{4}}|\d\d){_TIME}"
    rf"|\d{{1,2}}[ -]{_MONTH}[ -]\d{{2,4}}{_TIME}|{_MONTH} \d{{1,2}},? \d{{4}}{_TIME}"
    rf"|{_MONTH}[ -]\d{{1,2}}[ ,-]+\d{{4}}{_TIME}|{_MONTH}[ -]\d{{4}}"
    r"|(?:1[6-9]|2[01])\d\d[ -]?(?:Q[1-4]|W\d{1,2})"
    r"|\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?)",
    re.IGNORECASE,
)


def is_missing(cell: str, more: Collection[str] = ()) -> bool:
    """Whether a cell is empty or says that its value is missing.

    Args:
        cell: the text.
        more: further words that mean so, exactly as they are written.

    >>> is_missing(" N/A "), is_missing("0"), is_missing("unknown", ["unknown"])
    (True, False, True)
    """
    text = cell.strip()
    return text.lower() in MISSING or text in more


def to_number(cell: str, decimal: str = ".") -> float | None:
    """The number in a cell; None if it is none. A number beyond the range of floats is infinite.

    Args:
        cell: the text.
        decimal: the decimal mark, a point or a comma.

    >>> to_number("1,234.5"), to_number("1.234,5", ","), to_number("12_3"), to_number("1e999")
    (1234.5, 1234.5, None, inf)
    """
    text = cell.strip()
    form = _POINT if decimal == "." else _COMMA
    if not any(mark.isdecimal() for mark in text):
        return math.copysign(math.inf, -1 if text[:1] == "-" else 1) if _is_infinity(text) else None
    if not form.fullmatch(text):
        return None
    plain = text.translate(_MARKS)
    plain = plain.replace(",", "") if decimal == "." else plain.replace(".", "").replace(",", ".")
    try:
        return float(plain)
    except ValueError:
        return None


def _is_infinity(text: str) -> bool:
    return text.lstrip("+-").lower() in ("inf", "infinity")


def decimal_mark(cells: Sequence[str], default: str = ".") -> str:
    """The decimal mark under which most of some cells are numbers.

    Args:
        cells: the text of cells.
        default: the mark where both explain as many.

    >>> decimal_mark(["1,5", "12,25"]), decimal_mark(["1,234.5", "12.25"])
    (',', '.')
    """
    written = [cell for cell in cells if "," in cell or "." in cell]
    counts = {mark: sum(to_number(cell, mark) is not None for cell in written) for mark in ".,"}
    return max(".,", key=lambda mark: (counts[mark], mark == default))


def thousands_mark(cells: Sequence[str], decimal: str) -> str:
    """The mark between thousands in some cells, or an empty text.

    >>> thousands_mark(["1.234,5", "7"], ","), thousands_mark(["1234.5"], ".")
    ('.', '')
    """
    marks = ("," if decimal == "." else ".") + "'\u2019 \u00a0\u202f"
    for cell in cells:
        text = cell.strip()
        found = next((mark for mark in marks if mark in text), "")
        if found and to_number(text, decimal) is not None:
            return found
    return ""


def is_date(cell: str) -> bool:
    """Whether a cell is a date, a time, or both.

    >>> [is_date(cell) for cell in ("2026-01-31T00:00:00", "31.1.2026", "12:30", "1974Q1", "1.5")]
    [True, True, True, True, False]
    """
    return _DATE.fullmatch(cell.strip()) is not None
