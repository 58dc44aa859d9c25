"""Say in a few sentences what the columns of a table are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vaekit.data.table_source import SetAside
from vaekit.data.tables.kinds import InferredColumn
from vaekit.spec import KINDS, Column
from vaekit.utils.format import count_of

_CLASSES = 20  # at most, of a column that is offered as label
_LIKELY = ("species", "type", "kind", "category", "outcome", "diagnosis", "group")
_NAMES, _FINDINGS = 8, 12  # at most, in one note and in all


def describe_columns(
    columns: Sequence[Column],
    values: np.ndarray,
    set_aside: Sequence[SetAside],
    found: Sequence[InferredColumn],
    has_label: bool,
) -> tuple[str, ...]:
    """What was found, one short sentence each.

    Args:
        columns: those of the data.
        values: (N, D).
        set_aside: the others.
        found: the findings about each column.
        has_label: whether there are labels.

    >>> describe_columns([Column("a")], np.zeros((3, 1)), [SetAside("when", "dates")], [], False)
    ('3 rows of 1 column: 1 real (a)', 'set aside: when (dates)', 'data.time=when would split by time')
    """
    kinds = [
        f"{len(names)} {kind} ({_listed(names)})"
        for kind in KINDS
        if (names := [column.name for column in columns if column.kind == kind])
    ]
    rows = count_of(len(values), "row")
    notes = [f"{rows} of {count_of(len(columns), 'column')}: {', '.join(kinds)}"]
    if set_aside:
        notes.append(f"set aside: {_listed([f'{aside.name} ({aside.reason})' for aside in set_aside])}")
        numbers = [a.name for a in set_aside if "Unix time" in a.reason or "running index" in a.reason]
        words = [a.name for a in set_aside if "different words" in a.reason]
        if numbers or words:
            name, kind = (numbers[0], "real") if numbers else (words[0], "category")
            notes.append(f"data.columns={{{name}: {kind}}} would keep {name!r}")
        times = [aside.name for aside in set_aside if "Unix time" in aside.reason or "dates" in aside.reason]
        if times:
            notes.append(f"data.time={times[0]} would split by time")
    missing = np.isnan(values)
    if missing.any():
        count = int(missing.sum())
        notes.append(f"{count} of {values.size} values ({count / values.size:.1%}) are missing")
        empty = int(missing.all(axis=1).sum())
        if empty:
            notes.append(f"{count_of(empty, 'row')} without any value")
    findings = [note for one in found for note in one.notes]
    notes += findings[:_FINDINGS]
    if len(findings) > _FINDINGS:
        notes.append(f"{len(findings) - _FINDINGS} more findings of this kind")
    classes = [c.name for c in columns if c.kind == "category" and 1 < len(c.categories) <= _CLASSES]
    if classes and not has_label:
        chosen = next((name for name in classes if name.lower() in _LIKELY), classes[-1])
        rest = [name for name in classes if name != chosen]
        others = f", or {', '.join(rest[:3])}" if rest else ""
        notes.append(f"no labels; data.label={chosen} takes a category as label{others}")
    return tuple(notes)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")
