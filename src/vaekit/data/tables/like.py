"""Read another table by the columns of a model: their names, kinds and categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.labels import number_labels
from vaekit.data.table_source import SetAside
from vaekit.data.tables.attributes import attributes_like
from vaekit.data.tables.cells import BOOLEAN_WORDS, to_number, without_affix
from vaekit.data.tables.files import RawTable, read_raw_table
from vaekit.data.tables.raw_column import RawColumn
from vaekit.errors import DataError, did_you_mean
from vaekit.spec import Column

_EXAMPLES = 3


def read_like(
    data: Any,
    columns: Sequence[Column],
    *,
    label: str | Sequence[str] | None = None,
    attributes: Sequence[str] = (),
    weight: str | None = None,
    missing_values: Sequence[str | float] = (),
    missing_by_column: Mapping[str, Sequence[str]] = MappingProxyType({}),
    header: bool | None = None,
    delimiter: str | None = None,
    name: str | None = None,
) -> Dataset:
    """All rows of another table, as values of the columns of a model.

    Columns are found by name, in any order; without a header, by position if their number is that of the
    model. Other columns are left out. A word that the model does not know, or a word in place of a number,
    counts as missing. `notes` say all this.

    Args:
        data: a path to a table, or a data frame.
        columns: those of the model.
        label: the column of classes, or names of which it may have one, if the table has it.
        attributes: the names of the model's attributes, such as age and color=red.
        weight: the column of weights, if the table has it.
        missing_values: further words or numbers that mean a missing value.
        missing_by_column: column -> further ones of its own.
        header: whether the first row of text holds names; found out if None.
        delimiter: between the columns of text; found out if None.
        name: of the dataset; that of the file if None.

    Raises:
        NotFoundError: there is no such file.
        DataError: a column of the model is missing, or the table cannot be read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "new.csv"
    >>> _ = path.write_text("color,size\\nred,1.5\\ngreen,2\\n")
    >>> model = (Column("size"), Column("color", "category", ("blue", "red")))
    >>> read_like(path, model).images.tolist()
    [[1.5, 1.0], [2.0, nan]]
    """
    missing = tuple(f"{v:g}" if isinstance(v, float) else str(v) for v in missing_values)
    raw = read_raw_table(data, header=header, missing=missing, delimiter=delimiter)
    notes = list(raw.notes)
    raw = _by_position(raw, columns, notes)
    by_name = {column.name: column for column in raw.columns}
    lacking = [column.name for column in columns if column.name not in by_name]
    if lacking:
        raise DataError(
            f"{raw.where}: expected the columns of the model, but {', '.join(map(repr, lacking[:5]))} "
            f"{'is' if len(lacking) == 1 else 'are'} missing{did_you_mean(lacking[0], by_name)}; the table "
            f"has {', '.join(list(by_name)[:10])}"
        )
    marks = {c.name: (*missing, *missing_by_column.get(c.name, ())) for c in columns}
    values = np.stack([_values(by_name[c.name], c, raw, marks[c.name], notes) for c in columns], axis=1)
    label = _label_name(label, by_name, columns)
    numbers, label_names, found = _labels(by_name.get(label or ""), raw)
    given = attributes_like(by_name, attributes, raw.source.decimal, raw.where)
    used = {*(column.name for column in columns), *([label] if label else []), *([weight] if weight else [])}
    conditions = {name.partition("=")[0] for name in attributes} if given is not None else set()
    aside = [
        SetAside(n, "condition" if n in conditions else "unknown to the model")
        for n in raw.source.names
        if n not in {column.name for column in columns}
    ]
    extra = [one.name for one in aside if one.name not in used | conditions]
    if extra:
        notes.append(
            f"columns left out, unknown to the model: {', '.join(extra[:10])}" + ", ..." * (len(extra) > 10)
        )
    path = Path(data) if isinstance(data, str | Path) else None
    title = name or (path.name.removesuffix(path.suffix) if path else "frame")
    return Dataset(
        name=title,
        title=title,
        images=values,
        labels=numbers,
        label_names=label_names,
        source=raw.where,
        notes=(*notes, *found),
        attributes=given,
        attribute_names=tuple(attributes) if given is not None else (),
        columns=tuple(columns),
        scaled=False,
        table=replace(raw.source, set_aside=tuple(aside), missing_values=missing),
        weights=by_name[weight].numbers if weight in by_name else None,
    )


def _by_position(raw: RawTable, columns: Sequence[Column], notes: list[str]) -> RawTable:
    """The table with the names of the model, if it has none of its own and as many columns."""
    if raw.source.header or len(raw.columns) != len(columns):
        return raw
    names = tuple(column.name for column in columns)
    if names != raw.source.names:
        notes.append("the table has no names, so its columns are those of the model in their order")
    renamed = [replace(column, name=name) for column, name in zip(raw.columns, names, strict=True)]
    return replace(raw, columns=renamed, source=replace(raw.source, names=names))


def _label_name(
    label: str | Sequence[str] | None, known: Mapping[str, RawColumn], columns: Sequence[Column]
) -> str | None:
    """The column of classes: the one that is named, or the first that has one of some names."""
    if label is None or isinstance(label, str):
        return label
    taken = {column.name for column in columns}
    return next((name for name in known if name.lower() in label and name not in taken), None)


def _labels(column: RawColumn | None, raw: RawTable) -> Any:
    if column is None:
        return None, (), ()
    whole = column.numbers is not None and not np.isnan(column.numbers).any()
    return number_labels(column.numbers if whole else column.labels(), raw.where)


def _values(
    raw: RawColumn, column: Column, table: RawTable, missing: Sequence[str], notes: list[str]
) -> np.ndarray:
    """(N,) float64, values in units of the data or indices of categories; NaN for missing and unknown."""
    words = raw.words if raw.numbers is None else tuple(_text(v) for v in np.unique(raw.numbers).tolist())
    codes = raw.codes if raw.numbers is None else np.unique(raw.numbers, return_inverse=True)[1]
    if column.is_numeric:
        if raw.numbers is not None:
            values = raw.numbers
        else:
            plain = [without_affix(word, column.prefix, column.suffix) for word in words]
            parsed = [to_number(word, table.source.decimal) for word in plain]
            values = np.array([np.nan if number is None else number for number in (*parsed, None)])[codes]
        marks = [number for word in missing if (number := to_number(word)) is not None]
        values = np.where(np.isin(values, marks), np.nan, values)
        _say_unknown(raw, column, values, words, codes, missing, notes)
        return _whole(values, column, notes)
    place = _places(column)
    found = [place.get(w, place.get(w.lower(), np.nan)) if w not in missing else np.nan for w in words]
    values = np.array([*found, np.nan])[codes]
    _say_unknown(raw, column, values, words, codes, missing, notes)
    return values


def _text(value: float) -> str:
    return str(int(value)) if value % 1 == 0 and abs(value) < 2**53 else repr(value)


def _places(column: Column) -> dict[str, float]:
    """Word -> index of the category, also for 1.0 in place of 1, and yes or 1 in place of True."""
    place = {word: float(index) for index, word in enumerate(column.categories)}
    for word, index in list(place.items()):
        number = to_number(word)
        if number is not None:
            place.setdefault(_text(number), index)
    lower = [word.lower() for word in column.categories]
    if column.kind == "boolean" and (tuple(lower) in BOOLEAN_WORDS or lower == ["0", "1"]):
        for pair in (*BOOLEAN_WORDS, ("0", "1")):
            place = {**{word: float(index) for index, word in enumerate(pair)}, **place}
    return place


def _say_unknown(
    raw: RawColumn,
    column: Column,
    values: np.ndarray,
    words: Sequence[str],
    codes: np.ndarray,
    missing: Sequence[str],
    notes: list[str],
) -> None:
    known = codes >= 0 if raw.numbers is None else ~np.isnan(raw.numbers)
    lost = np.isnan(values) & known
    places = np.unique(codes[lost]).tolist()
    named = [words[place] for place in places if words[place] not in missing]
    count = int(np.isin(codes[lost], [place for place in places if words[place] in named]).sum())
    if count:
        shown = ", ".join(map(repr, named[:_EXAMPLES])) + ", ..." * (len(named) > _EXAMPLES)
        what = "no numbers" if column.is_numeric else "unknown to the model"
        notes.append(f"column {column.name!r}: {count} values are {what} and count as missing: {shown}")


def _whole(values: np.ndarray, column: Column, notes: list[str]) -> np.ndarray:
    """Whole numbers for integers and counts: others are rounded, negative counts are missing."""
    if column.kind == "real":
        return values
    known = ~np.isnan(values)
    broken = int((values[known] != np.rint(values[known])).sum())
    if broken:
        notes.append(f"column {column.name!r}: {broken} values are no whole numbers and are rounded")
    values = np.rint(values)
    negative = known & (np.where(known, values, 0) < 0)
    if column.kind == "count" and negative.any():
        notes.append(f"column {column.name!r}: {int(negative.sum())} counts below 0 count as missing")
        values = np.where(negative, np.nan, values)
    return values
