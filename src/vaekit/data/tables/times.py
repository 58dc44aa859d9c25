"""The times of a column as numbers, for a split by time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from vaekit.data.tables.cells import to_number
from vaekit.data.tables.raw_column import RawColumn
from vaekit.errors import DataError

_FORMS = (
    "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%Y/%m/%d", "%d-%m-%Y",
    "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%Y-%m",
)  # fmt: skip
Parse = Callable[[str], datetime | float | None]

_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")


def to_times(column: RawColumn, where: str) -> np.ndarray:
    """The times (N,) of a column as numbers that grow with time.

    Args:
        column: of numbers, or of dates and times as words.
        where: the file, for messages.

    Raises:
        DataError: a value is missing, or is no time.

    >>> from vaekit.data.tables.raw_column import word_column
    >>> np.diff(to_times(word_column("when", ["2026-01-01", "2026-01-02"]), "x.csv")).tolist()
    [86400.0]
    """
    if column.n_missing:
        raise DataError(
            f"{where}: column {column.name!r} holds the times, but {column.n_missing} are missing"
        )
    if column.numbers is not None:
        return column.numbers
    forms: list[Parse] = [_by_form(form + clock) for form in _FORMS for clock in _CLOCKS]
    for parse in (_iso, *forms, to_number):
        times = [_seconds(parse, word) for word in column.words]
        if None not in times:
            return np.array(times, np.float64)[column.codes]
    raise DataError(
        f"{where}: expected times in column {column.name!r}, got words such as {column.words[0]!r}; write "
        "them as YYYY-MM-DD"
    )


def _iso(word: str) -> datetime:
    return datetime.fromisoformat(word)


def _by_form(form: str) -> Parse:
    return lambda word: datetime.strptime(word, form)


def _seconds(parse: Parse, word: str) -> float | None:
    try:
        found = parse(word)
    except ValueError:
        return None
    if isinstance(found, datetime):
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return found
