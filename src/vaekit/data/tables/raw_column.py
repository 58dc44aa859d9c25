"""A column as it was read: numbers, or words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class RawColumn:
    """A column before its kind is known.

    Args:
        name: as in the header.
        numbers: (N,) float64, NaN for missing; None for a column of words.
        codes: (N,) int64, indices into `words`, -1 for missing; empty for a column of numbers.
        words: the different words.
        kind: what the type of the source says: date, boolean, category or ordered; empty if nothing.

    >>> len(RawColumn("a", numbers=np.zeros(3)))
    3
    """

    name: str
    numbers: np.ndarray | None = None
    codes: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    words: tuple[str, ...] = ()
    kind: str = ""

    def __len__(self) -> int:
        return len(self.numbers if self.numbers is not None else self.codes)

    @property
    def missing(self) -> np.ndarray:
        """(N,), which values are missing."""
        return self.codes < 0 if self.numbers is None else np.isnan(self.numbers)

    @property
    def n_missing(self) -> int:
        """The number of missing values."""
        return int(self.missing.sum())

    def texts(self) -> np.ndarray:
        """(N,), the words, or the numbers as text; empty for missing."""
        if self.numbers is None:
            return np.array([*self.words, ""], object)[self.codes]
        return np.array(["" if np.isnan(v) else f"{v:.17g}" for v in self.numbers.tolist()], object)

    def labels(self) -> np.ndarray:
        """(N,), the texts as the names of classes; rows without one are the class `missing`."""
        texts = self.texts().astype(str)
        return np.where(texts == "", "missing", texts)


def word_column(name: str, cells: list[str | None], kind: str = "") -> RawColumn:
    """The column of some words; None is a missing value.

    >>> word_column("a", ["x", None, "y", "x"]).codes
    array([ 0, -1,  1,  0])
    """
    known: dict[str, int] = {}
    codes = [-1 if cell is None else known.setdefault(cell, len(known)) for cell in cells]
    return RawColumn(name, codes=np.array(codes, np.int64), words=tuple(known), kind=kind)


def stack_columns(columns: Sequence[RawColumn]) -> RawColumn:
    """The rows of several columns, one after the other; words if one of them has words.

    >>> stack_columns([RawColumn("a", numbers=np.ones(1)), word_column("a", ["x"])]).words
    ('1', 'x')
    """
    first = columns[0]
    if all(column.numbers is not None for column in columns):
        return RawColumn(first.name, numbers=np.concatenate([column.numbers for column in columns]))
    texts = [None if text == "" else text for column in columns for text in column.texts().tolist()]
    stacked = word_column(first.name, texts, first.kind)
    if first.kind not in ("category", "ordered", "boolean"):
        return stacked
    words = tuple(dict.fromkeys((*first.words, *stacked.words)))
    place = np.array([*(words.index(word) for word in stacked.words), -1])
    return RawColumn(first.name, codes=place[stacked.codes], words=words, kind=first.kind)
