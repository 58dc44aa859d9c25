"""How a table is written in its file, and which of its columns are set aside: what writing it anew needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class SetAside:
    """A column that is no part of a data point, and why.

    >>> SetAside("when", "dates").reason
    'dates'
    """

    name: str
    reason: str


@dataclass(frozen=True)
class TableSource:
    """The format of a table.

    Args:
        names: all columns in the order of the source, each by a name of its own.
        headers: the same as they are written, where that differs, such as an empty name; else empty.
        set_aside: the columns that are no part of a data point.
        format: text, parquet, excel or frame (a data frame in memory).
        encoding: of text, such as utf-8.
        delimiter: of text; a space stands for any white space.
        decimal: the decimal mark, a point or a comma.
        thousands: the mark between thousands; empty for none.
        header: whether the first row holds names.
        skip: the number of lines before the header or the first row.
        newline: the end of a line.
        missing: how a missing value is written.
        missing_values: further words or numbers that mean a missing value.

    >>> source = TableSource(("when", "a"), set_aside=(SetAside("when", "dates"),), delimiter=";")
    >>> TableSource.from_dict(source.to_dict()) == source
    True
    """

    names: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    format: str = "text"
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    header: bool = True
    skip: int = 0
    newline: str = "\n"
    missing: str = ""
    missing_values: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> TableSource:
        """The source of plain data, as `to_dict` returns them.

        Raises:
            KeyError, TypeError: it is something else.
        """
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {
            key: tuple(v) if isinstance(v, list) else v for key, v in tree.items() if key in known
        }
        values["set_aside"] = tuple(SetAside(**aside) for aside in values.get("set_aside", ()))
        return cls(**values)
