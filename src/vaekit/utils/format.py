"""Numbers and durations as text for people."""

from __future__ import annotations

import math


def format_number(value: float, digits: int = 2) -> str:
    """A number for people: thousands apart, a true minus sign, and words where it is not finite."""
    return f"{value:,.{digits}f}".replace("-", "−") if math.isfinite(value) else "not finite"


def format_significant(value: float) -> str:
    """A number with three digits that say something, for scales that are not known beforehand."""
    size = math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    return format_number(value, min(max(2 - size, 0), 8))


def format_duration(seconds: float) -> str:
    """Seconds as the two largest of hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
