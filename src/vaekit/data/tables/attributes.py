"""Columns that a model is conditioned on: numbers as they are, words as one column of 0 and 1 each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vaekit.data.tables.cells import to_number
from vaekit.data.tables.files import RawTable
from vaekit.data.tables.kinds import MAX_CATEGORIES, ColumnChoice, infer_column
from vaekit.data.tables.raw_column import RawColumn
from vaekit.errors import DataError


def attribute_columns(
    columns: Mapping[str, RawColumn], names: Sequence[str], raw: RawTable
) -> dict[str, Any]:
    """The attributes (N, m) of some columns and their names, such as age and color=red.

    Raises:
        DataError: a number is missing, or a column has too many words.

    >>> attribute_columns({"a": RawColumn("a", numbers=np.ones(2))}, ["a"], RawTable([], None, (), "x"))
    {'attributes': array([[1.],
           [1.]], dtype=float32), 'attribute_names': ('a',)}
    """
    if not names:
        return {}
    found: dict[str, np.ndarray] = {}
    for name in names:
        column = columns[name]
        if column.numbers is not None:
            found[name] = column.numbers
            continue
        category = infer_column(column, ColumnChoice("category"))
        if category.column is None or len(category.column.categories) > MAX_CATEGORIES:
            raise DataError(
                f"{raw.where}: column {name!r} has {len(column.words)} different words; expected numbers, "
                f"or at most {MAX_CATEGORIES} words, to condition on"
            )
        words = category.column.categories
        found |= {f"{name}={word}": (category.values == index) * 1.0 for index, word in enumerate(words)}
    return {"attributes": _complete(found, raw.where), "attribute_names": tuple(found)}


def attributes_like(
    columns: Mapping[str, RawColumn], names: Sequence[str], decimal: str, where: str
) -> np.ndarray | None:
    """The attributes (N, m) of another table, by the names of those of training; None if columns are missing.

    Raises:
        DataError: a number is missing.

    >>> from vaekit.data.tables.raw_column import word_column
    >>> table = {"color": word_column("color", ["red", "green"])}
    >>> attributes_like(table, ("color=blue", "color=red"), ".", "x.csv").tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    found = {}
    for name in names:
        base, mark, word = name.partition("=")
        if name in columns:
            column = columns[name]
            words = [to_number(text, decimal) for text in column.texts().tolist()]
            found[name] = np.array([np.nan if number is None else number for number in words])
        elif mark and base in columns:
            found[name] = (columns[base].texts() == word).astype(np.float64)
        else:
            return None
    return _complete(found, where) if found else None


def _complete(found: Mapping[str, np.ndarray], where: str) -> np.ndarray:
    for name, values in found.items():
        if np.isnan(values).any():
            raise DataError(
                f"{where}: {int(np.isnan(values).sum())} values of column {name!r} are missing, but a model "
                "that is conditioned on it needs them all; fill them in, or leave the column out"
            )
    return np.stack(list(found.values()), axis=1).astype(np.float32)
