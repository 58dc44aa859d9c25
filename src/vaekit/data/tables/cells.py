"""What a cell of a table is: a missing value, a number, a date, or a word.

Numbers are written with a decimal point or a decimal comma, and with or without a mark between thousands:
1234.5, 1,234.5, 1.234,5, 1 234,5, 1'234.5. All numbers of a column may share a currency, a percent sign or a
unit, such as $5, 12.5% or 70 kg, and a number in parentheses is negative, as accountants write it.
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
_SIGN = "[+\u2212-]?"
_INDIAN = r"|[1-9]\d?(?:,\d{2})+,\d{3}"  # 12,34,567
_POINT = re.compile(
    rf"{_SIGN}(?:\d+|[1-9]\d{{0,2}}(?:[,'\u2019 \u00a0\u202f]\d{{3}})+{_INDIAN})?(?:\.\d*)?{_EXPONENT}"
)
_COMMA = re.compile(rf"{_SIGN}(?:\d+|[1-9]\d{{0,2}}(?:[.'\u2019 \u00a0\u202f]\d{{3}})+)?(?:,\d*)?{_EXPONENT}")
_MARKS = str.maketrans({**dict.fromkeys("'\u2019 \u00a0\u202f"), "\u2212": "-"})
_SYMBOLS = (
    r"(?:(?:US|AU|CA|NZ|HK|[ACRS])?\$|[€£¥₹₽₩₺₪฿₫₱₴]|kr\.?|Rs\.?|zł|Kč|Ft"
    r"|USD|EUR|GBP|JPY|CHF|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|KRW|TRY|SGD|HKD)"
)
_AFFIXED = re.compile(
    rf"(?P<open>\()?(?P<sign>{_SIGN})(?P<prefix>{_SYMBOLS}\s*)?(?P<inner>{_SIGN})"
    rf"(?P<number>(?:[\d.,'\u2019 \u00a0\u202f]*\d|\d+[.,]){_EXPONENT})"
    rf"(?P<suffix>\s*(?:[%\u2030]|{_SYMBOLS}|[°µμΩ]?[A-Za-z]{{1,8}}[²³]?(?:/[A-Za-z]{{1,8}}[²³]?)?))?(?(open)\))"
)
_SHARE = 0.9  # of the cells of a column, those that must be numbers
_FEW = 10  # different numbers: with a unit they may be words, such as 3 doors and 5 doors
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


def split_affix(cell: str) -> tuple[str, str, str] | None:
    """(prefix, number, suffix) of a cell such as $5, 12.5%, 70 kg or (300); None if it is something else.

    Args:
        cell: the text. A number in parentheses is negative.

    >>> split_affix("-$1,234.50"), split_affix("12.5 %"), split_affix("(300)")
    (('$', '-1,234.50', ''), ('', '12.5', ' %'), ('', '-300', ''))
    >>> split_affix("CUST-7"), split_affix("12 monkeys ago")
    (None, None)
    """
    match = _AFFIXED.fullmatch(cell.strip())
    if match is None or (match["sign"] and match["inner"]):
        return None
    sign = "-" if match["open"] else match["sign"] or match["inner"]
    return match["prefix"] or "", sign + match["number"].strip(), match["suffix"] or ""


def bare_number(cell: str) -> str:
    """A cell without a currency, a percent sign or parentheses around its number; other cells as they are.

    >>> bare_number("$1,234.50"), bare_number("12 %"), bare_number("70 kg"), bare_number("a")
    ('1,234.50', '12', '70 kg', 'a')
    """
    parts = split_affix(cell)
    return cell if parts is None or _is_unit(parts[2]) else parts[1]


def find_affix(words: Sequence[str], decimal: str = ".") -> tuple[str, str] | None:
    """The prefix and the suffix that the numbers of a column share.

    Args:
        words: the different words of the column.
        decimal: the decimal mark.

    Returns:
        Both are empty for numbers in parentheses alone. None if fewer than nine in ten words are numbers, if
        none of them is affixed, or if they have different ones. Few whole numbers with a unit are words.

    >>> find_affix(["$5", "$7.50", "-$3"]), find_affix(["12,5 %", "7 %"], ","), find_affix(["5 kg", "3 mm"])
    (('$', ''), ('', ' %'), None)
    """
    plain = {word for word in words if to_number(word, decimal) is not None}
    parts = {word: split_affix(word) for word in words if word not in plain}
    found = [part for part in parts.values() if part is not None and to_number(part[1], decimal) is not None]
    kinds = {(prefix.strip(), suffix.strip()) for prefix, _, suffix in found}
    if not found or len(found) + len(plain) < _SHARE * len(words) or len(kinds - {("", "")}) > 1:
        return None
    prefix, _, suffix = next((part for part in found if part[0] or part[2]), found[0])
    numbers = {to_number(number, decimal) for _, number, _ in found}
    whole = all(number is not None and number % 1 == 0 for number in numbers)
    if _is_unit(suffix) and whole and len(numbers) <= _FEW:
        return None
    return prefix, suffix


def without_affix(word: str, prefix: str, suffix: str) -> str:
    """The number of a word with this prefix or suffix, or with neither; other words as they are.

    >>> without_affix("($5)", "$", ""), without_affix("5", "$", ""), without_affix("5 kg", "$", "")
    ('-5', '5', '5 kg')
    """
    parts = split_affix(word)
    if parts is None or parts[0].strip() not in ("", prefix.strip()):
        return word
    return parts[1] if parts[2].strip() in ("", suffix.strip()) else word


def _is_unit(suffix: str) -> bool:
    """Whether a suffix is a unit rather than a currency or a percent sign."""
    text = suffix.strip()
    return bool(text) and text not in "%\u2030" and not re.fullmatch(_SYMBOLS, text)


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
