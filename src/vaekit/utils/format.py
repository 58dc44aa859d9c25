"""Numbers and durations as text for people.

Tables and reports use a thousands separator, a true minus sign and words for what is not finite. Files for
programs (JSON, CSV) use plain numbers and never come here.
"""

from __future__ import annotations

import math


def format_number(value: float, digits: int = 2) -> str:
    """A number with a fixed number of decimals; "not finite" for NaN and infinity.

    Args:
        value: the number.
        digits: the number of decimals.

    >>> format_number(-1234.567)
    '−1,234.57'
    >>> format_number(float("nan"))
    'not finite'
    """
    return f"{value:,.{digits}f}".replace("-", "−") if math.isfinite(value) else "not finite"


def format_significant(value: float) -> str:
    """A number with three significant digits, for values whose scale is not known beforehand.

    >>> format_significant(0.012345), format_significant(123.456)
    ('0.0123', '123')
    """
    size = math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    return format_number(value, min(max(2 - size, 0), 8))


def count_of(count: int, noun: str) -> str:
    """A number of things, with the noun in the singular for one.

    Args:
        count: how many.
        noun: in the singular, or a plural that ends in s.

    >>> count_of(1, "rows"), count_of(3, "rows"), count_of(2, "epoch")
    ('1 row', '3 rows', '2 epochs')
    """
    return f"{count} {noun.removesuffix('s')}{'s' * (count != 1)}"


def format_duration(seconds: float) -> str:
    """A duration in seconds as its two largest units: hours, minutes, seconds.

    >>> format_duration(3.21), format_duration(75), format_duration(7384)
    ('3.2 s', '1 min 15 s', '2 h 3 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
