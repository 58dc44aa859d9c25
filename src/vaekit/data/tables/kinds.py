"""The kind of a column, found from its values, and its values as numbers.

    boolean    two words such as true and false, or yes and no; a column of nothing but 0 and 1; a type bool
    integer    whole numbers
    count      whole numbers from 0 on, at least three different ones, that include 0, whose upper tail is
               longer than the lower one, and whose largest value is rare (no scale from 0 to 10)
    real       other numbers
    category   words that occur twice on average, at most 100 different ones
    ordered    an ordered type of a data frame, or by choice

Dates, identifiers, row numbers, free text and columns without any value are set aside, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from vaekit.data.readers.raw import natural_key
from vaekit.data.tables.cells import BOOLEAN_WORDS, find_affix, is_date, to_number, without_affix
from vaekit.data.tables.raw_column import RawColumn
from vaekit.data.tables.suspects import index_reason, suspected_codes, time_reason
from vaekit.errors import DataError
from vaekit.spec import KINDS, NUMERIC, Column, Kind
from vaekit.utils.format import count_of

MAX_CATEGORIES = 100  # different words that are found to be categories; more by choice

Locate = Callable[[str], str]


class InferredColumn(NamedTuple):
    """A column and its values (N,), or the reason why it is set aside; and one sentence per finding.

    >>> InferredColumn(None, np.empty(0), "dates").reason
    'dates'
    """

    column: Column | None
    values: np.ndarray
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnChoice:
    """What the user chose for a column.

    Args:
        kind: one of `KINDS`, ignore, or empty for the kind that is found.
        categories: the words of a boolean, category or ordered column, in their order; empty for those found.
        missing_values: further words or numbers that mean a missing value.

    Raises:
        DataError: there is no such kind.

    >>> ColumnChoice("ordered", ("low", "high")).kind
    'ordered'
    """

    kind: str = ""
    categories: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("", "ignore", *KINDS):
            raise DataError(f"columns: expected ignore or one of {', '.join(KINDS)}, got {self.kind!r}")

    @classmethod
    def parse(cls, given: Any) -> ColumnChoice:
        """The choice of a kind, or of a dict of kind, categories and missing_values.

        Raises:
            DataError: it is something else.

        >>> ColumnChoice.parse({"kind": "real", "missing_values": [-9]}).missing_values
        ('-9',)
        """
        if isinstance(given, ColumnChoice):
            return given
        tree = {"kind": given} if isinstance(given, str) else given
        known = {"kind", "categories", "missing_values"}
        if not isinstance(tree, Mapping) or set(tree) - known:
            raise DataError(
                f"columns: expected a kind, or {{kind, categories, missing_values}}, got {given!r}"
            )
        words = {key: tuple(map(str, tree.get(key) or ())) for key in known - {"kind"}}
        return cls(str(tree.get("kind") or ""), **words)


def infer_column(
    raw: RawColumn,
    choice: ColumnChoice = ColumnChoice(),
    decimal: str = ".",
    locate: Locate = lambda word: f"a cell is {word!r}",
) -> InferredColumn:
    """Find the kind of a column.

    Args:
        raw: the column as it was read.
        choice: what the user chose.
        decimal: the decimal mark of numbers among words.
        locate: says where a word is, for messages.

    Raises:
        DataError: the column does not have the chosen kind, or mixes numbers and words.

    >>> infer_column(RawColumn("n", numbers=np.array([0.0, 1.0, 1.0, 2.0, 0.0, 5.0]))).column.kind
    'count'
    """
    if choice.kind == "ignore":
        return InferredColumn(None, np.empty(0), "left out by data.columns")
    raw = _without_missing(raw, choice.missing_values)
    if raw.n_missing == len(raw):
        return InferredColumn(None, np.empty(0), "no value")
    return _infer_affixed(raw, choice, decimal, locate) or _infer_plain(raw, choice, decimal, locate)


def _infer_affixed(
    raw: RawColumn, choice: ColumnChoice, decimal: str, locate: Locate
) -> InferredColumn | None:
    """A column whose numbers share a currency, a percent sign or a unit; None if it is another one."""
    if raw.numbers is not None or raw.kind or choice.categories or choice.kind not in ("", *NUMERIC):
        return None
    affix = find_affix(raw.words, decimal)
    if affix is None:
        return None
    words = tuple(without_affix(word, *affix) for word in raw.words)
    found = _infer_plain(replace(raw, words=words), choice, decimal, locate)
    if found.column is None or not found.column.is_numeric:
        return None
    prefix, suffix = affix
    sign = (prefix or suffix).strip()
    what = f"numbers with {sign!r}, read without it" if sign else "numbers in parentheses are negative"
    note = f"column {raw.name!r}: {what}"
    column = replace(found.column, prefix=prefix, suffix=suffix)
    return found._replace(column=column, notes=(note, *found.notes))


def _infer_plain(raw: RawColumn, choice: ColumnChoice, decimal: str, locate: Locate) -> InferredColumn:
    if choice.kind:
        return _chosen(raw, choice, decimal, locate)
    if raw.kind == "date":
        return InferredColumn(None, np.empty(0), "dates")
    if raw.kind in ("boolean", "category", "ordered"):
        return _categories(raw, raw.kind, choice.categories or raw.words)  # type: ignore[arg-type]
    if choice.categories:
        return _categories(raw, "category", choice.categories)
    numbers = _as_numbers(raw, decimal)
    if numbers is None:
        return _infer_words(raw, decimal, locate)
    return _infer_numbers(raw.name, numbers)


def _without_missing(raw: RawColumn, words: Sequence[str]) -> RawColumn:
    if not words:
        return raw
    if raw.numbers is not None:
        marks = [number for word in words if (number := to_number(word)) is not None]
        return replace(raw, numbers=np.where(np.isin(raw.numbers, marks), np.nan, raw.numbers))
    known = np.array([word not in words for word in raw.words] + [False])
    kept = tuple(word for word in raw.words if word not in words)
    place = np.cumsum(known) - 1
    codes = np.where(known[raw.codes], place[raw.codes], -1)
    return replace(raw, codes=codes, words=kept)


def _as_numbers(raw: RawColumn, decimal: str) -> np.ndarray | None:
    """The numbers of a column; None if a cell is a word."""
    if raw.numbers is not None:
        return raw.numbers
    numbers = [to_number(word, decimal) for word in raw.words]
    if any(number is None for number in numbers):
        return None
    return np.array([*numbers, math.nan], np.float64)[raw.codes]


def _infer_numbers(name: str, values: np.ndarray) -> InferredColumn:
    reason = index_reason(name, values) or time_reason(name, values)
    if reason:
        return InferredColumn(None, values, reason)
    unique = np.unique(values[~np.isnan(values)])
    notes = [
        f"column {name!r}: {code:g} occurs {count_of(count, 'time')}, far from the other values; if it "
        f"means a missing value, add data.missing_values=[{code:g}]"
        for code, count in suspected_codes(values)
    ]
    if len(unique) == 1:
        notes.append(f"column {name!r} has one value only, {unique[0]:g}")
    if np.array_equal(unique, (0, 1)):
        return InferredColumn(Column(name, "boolean", ("0", "1")), values, "", tuple(notes))
    kind: Kind = "real"
    if not (unique % 1).any() and np.abs(unique).max() < 2**53:
        kind = "count" if looks_like_count(values) else "integer"
    column = Column(name, kind, resolution=1.0 if kind != "real" else find_resolution(unique))
    return InferredColumn(column, values, "", tuple(notes))


def looks_like_count(values: np.ndarray) -> bool:
    """Whether whole numbers (N,) look like counts; NaN is left out.

    They are at least three different ones from 0 on, they include 0, the upper tail is longer than the lower
    one, and the largest value is rare: at most one in twenty.

    >>> looks_like_count(np.array([0, 3, 1, 2, 1, 0, 9, 1, 12.0]))
    True
    >>> looks_like_count(np.arange(1990.0, 2020))
    False
    """
    known = values[~np.isnan(values)]
    if not len(known) or known.min() != 0 or len(np.unique(known)) < 3:
        return False
    low, middle, high = known.min(), np.median(known), known.max()
    return bool(high - middle > middle - low and (known == high).sum() <= max(1, len(known) / 20))


def find_resolution(values: np.ndarray) -> float:
    """The step of the decimal grid of some numbers, or else the smallest distance between different ones.

    Args:
        values: (N,) finite numbers.

    >>> find_resolution(np.array([0.5, 2.0, 3.5])), find_resolution(np.array([1.25, 7.0]))
    (1.5, 5.75)
    >>> find_resolution(np.array([1.25, 7.0, 7.01])), find_resolution(np.array([1.5, 3.5]))
    (0.01, 0.5)
    """
    unique = np.unique(values)
    largest = float(np.abs(unique).max()) if len(unique) else 0.0
    for decimals in range(10):
        if largest * 10**decimals > 1e12:
            break
        scaled = unique * 10.0**decimals
        whole = np.rint(scaled)
        if (np.abs(scaled - whole) <= np.maximum(1e-9, 1e-15 * np.abs(scaled))).all():
            steps = np.diff(whole).astype(np.int64) if len(unique) > 1 else np.ones(1, np.int64)
            step = int(np.gcd.reduce(steps))
            if decimals and step % 10 == 0:  # such as 1.5 and 3.5: the step must show the decimals
                step = int(np.gcd.reduce(whole.astype(np.int64)))
            return step / 10**decimals
    return float(np.diff(unique).min()) if len(unique) > 1 else 0.0


def _infer_words(raw: RawColumn, decimal: str, locate: Locate) -> InferredColumn:
    cells = np.bincount(raw.codes[raw.codes >= 0], minlength=len(raw.words))
    known, different = int(cells.sum()), int((cells > 0).sum())
    pair = next((pair for pair in BOOLEAN_WORDS if set(pair) == {word.lower() for word in raw.words}), None)
    if pair is not None and different == 2:
        return _categories(raw, "boolean", sorted(raw.words, key=lambda word: pair.index(word.lower())))
    looked = raw.words[:500]
    if sum(map(is_date, looked)) >= 0.95 * len(looked):
        return InferredColumn(None, np.empty(0), "dates")
    numbers = np.array([to_number(word, decimal) is not None for word in raw.words])
    share = cells[numbers].sum() / known
    if share >= 0.9 and numbers.sum() > 10:
        return _numbers_among_words(raw, numbers, cells, decimal)
    if different <= min(MAX_CATEGORIES, max(2, known // 2)) and not (numbers.sum() == 1 and known < 4):
        return _categories(raw, "category", ())
    if share >= 0.5:
        word = raw.words[int(np.argmin(numbers))]
        raise DataError(
            f"expected numbers in column {raw.name!r}, but {locate(word)}; correct it, add "
            f"data.missing_values=[{word!r}], or data.columns={{{raw.name!r}: ignore}}"
        )
    what = "identifiers" if different == known else "text"
    return InferredColumn(
        None, np.empty(0), f"{what}, {different} different words such as {_short(raw.words[0])!r}"
    )


def _numbers_among_words(
    raw: RawColumn, numbers: np.ndarray, cells: np.ndarray, decimal: str
) -> InferredColumn:
    """A column of numbers in which a few cells are words: they are missing, and that is said."""
    words = [word for word, number in zip(raw.words, numbers, strict=True) if not number]
    parsed = [to_number(word, decimal) for word in raw.words]
    table = np.array([math.nan if number is None else number for number in parsed] + [math.nan])
    count = int(cells[~numbers].sum())
    found = _infer_numbers(raw.name, table[raw.codes])
    note = (
        f"column {raw.name!r}: {count_of(count, 'cell')} hold words such as {_short(words[0])!r} among "
        "numbers and are read as missing"
    )
    return found._replace(notes=(note, *found.notes))


def _categories(raw: RawColumn, kind: Kind, categories: Sequence[str]) -> InferredColumn:
    """A column of categories; without any given, its words in natural order. Other words are missing."""
    texts = raw.words if raw.numbers is None else _number_words(raw.numbers)
    codes = raw.codes if raw.numbers is None else _number_codes(raw.numbers)
    used = np.unique(codes[codes >= 0])
    words = tuple(categories) or tuple(sorted((texts[i] for i in used.tolist()), key=natural_key))
    place = {word: float(index) for index, word in enumerate(words)}
    table = np.array([place.get(text, math.nan) for text in texts] + [math.nan])
    values = table[codes]
    lost = int(np.isnan(values).sum() - (codes < 0).sum())
    notes = [
        f"column {raw.name!r}: {lost} cells hold other words than its categories and are read as missing"
    ]
    constant = [f"column {raw.name!r} has one value only, {_short(words[0])!r}"]
    said = (*(notes if lost else ()), *(constant if len(used) == 1 else ()))
    return InferredColumn(Column(raw.name, kind, words), values, "", said)


def _number_words(numbers: np.ndarray) -> tuple[str, ...]:
    unique = np.unique(numbers[~np.isnan(numbers)]).tolist()
    return tuple(str(int(v)) if v % 1 == 0 and abs(v) < 2**53 else repr(v) for v in unique)


def _number_codes(numbers: np.ndarray) -> np.ndarray:
    unique = np.unique(numbers[~np.isnan(numbers)])
    return np.where(np.isnan(numbers), -1, np.searchsorted(unique, numbers))


def _chosen(raw: RawColumn, choice: ColumnChoice, decimal: str, locate: Locate) -> InferredColumn:
    kind: Kind = choice.kind  # type: ignore[assignment]
    if kind in ("category", "ordered"):
        ordered = choice.categories or (raw.words if raw.kind == "ordered" else ())
        return _categories(raw, kind, ordered)
    if kind == "boolean":
        return _boolean(raw, choice)
    values = _as_numbers(raw, decimal)
    if values is None:
        word = next(word for word in raw.words if to_number(word, decimal) is None)
        raise DataError(
            f"expected numbers in column {raw.name!r}, which is to be {kind}, but {locate(word)}; "
            "correct it, or choose another kind"
        )
    known = values[~np.isnan(values)]
    bad = known[(known % 1 != 0) | ((known < 0) & (kind == "count"))] if kind != "real" else known[:0]
    if len(bad):
        raise DataError(
            f"expected whole numbers{' from 0 on' * (kind == 'count')} in column {raw.name!r}, which is to "
            f"be {kind}, but got {bad[0]:g}; choose real"
        )
    return InferredColumn(
        Column(raw.name, kind, resolution=1.0 if kind != "real" else find_resolution(known)), values
    )


def _boolean(raw: RawColumn, choice: ColumnChoice) -> InferredColumn:
    words = raw.words if raw.numbers is None else _number_words(raw.numbers)
    if len(words) > 2:
        raise DataError(
            f"expected two different values in column {raw.name!r}, which is to be boolean, got "
            f"{len(words)}; choose category"
        )
    pairs = [pair for pair in BOOLEAN_WORDS if {word.lower() for word in words} <= set(pair)]
    if pairs and not choice.categories:
        words = tuple(sorted(words, key=lambda word: pairs[0].index(word.lower())))
        return _categories(raw, "boolean", words)
    return _categories(raw, "boolean", choice.categories)


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:27] + "..."
