"""A table -> a dataset of vectors with typed columns; labels, weights and conditions are columns apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from math import isqrt
from pathlib import Path
from typing import Any, cast

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.infer import infer_images
from vaekit.data.labels import number_labels
from vaekit.data.readers.raw import split_bounds
from vaekit.data.table_source import SetAside
from vaekit.data.tables.attributes import attribute_columns
from vaekit.data.tables.cells import to_number
from vaekit.data.tables.files import RawTable, read_raw_table
from vaekit.data.tables.kinds import ColumnChoice, InferredColumn, infer_column, looks_like_count
from vaekit.data.tables.notes import describe_columns
from vaekit.data.tables.raw_column import RawColumn, stack_columns
from vaekit.data.tables.times import to_times
from vaekit.errors import DataError, did_you_mean
from vaekit.spec import SCALINGS, Column, Scaling

LABELS = ("label", "labels", "class", "target")

_SIDE = 8  # the smallest side of an image that a row may be
_NOT_RARE = 0.002  # of the pixels, the largest gray level


@dataclass(frozen=True)
class TableOptions:
    """How the columns of a table are used.

    Args:
        label: the column of classes; by default one that is called label, labels, class or target.
        columns: column -> kind, ignore, or a dict of kind, categories and missing_values.
        scaling: how numbers become model values: standard, quantile, robust, minmax or none; the model's
            choice if empty.
        missing_values: further words or numbers that mean a missing value, in all columns.
        group: the column of groups, which a split does not cut.
        time: the column of times; the last rows are for testing.
        weight: the column of weights of the rows.
        attributes: the columns that a model may be conditioned on, instead of being part of x.
        validation_file, test_file: files with the same columns, for validation and testing.
        header: whether the first row of text holds names; found out if None.
        delimiter: between the columns of text; found out if None.
        table: whether rows are those of a table, or may be images; found out if None.

    Raises:
        DataError: an option has another value.

    >>> TableOptions(columns={"a": "ignore"}).choices["a"].kind
    'ignore'
    """

    label: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    scaling: str = ""
    missing_values: Sequence[str | float] = ()
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    attributes: Sequence[str] = ()
    validation_file: str | Path | None = None
    test_file: str | Path | None = None
    header: bool | None = None
    delimiter: str | None = None
    table: bool | None = None

    def __post_init__(self) -> None:
        if self.scaling not in ("", *SCALINGS):
            raise DataError(f"scaling: expected one of {', '.join(SCALINGS)}, got {self.scaling!r}")

    @property
    def choices(self) -> dict[str, ColumnChoice]:
        """What was chosen, by column."""
        return {str(name): ColumnChoice.parse(choice) for name, choice in self.columns.items()}

    @property
    def missing(self) -> tuple[str, ...]:
        """The words that mean a missing value; 3.0 is the same as 3."""
        return tuple(f"{v:g}" if isinstance(v, float) else str(v) for v in self.missing_values)

    @property
    def roles(self) -> dict[str, str]:
        """Option -> column, of those that name one column."""
        named = {"label": self.label, "group": self.group, "time": self.time, "weight": self.weight}
        return {option: column for option, column in named.items() if column}

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the options that were chosen."""
        default = TableOptions()
        return tuple(
            one.name for one in fields(self) if getattr(self, one.name) != getattr(default, one.name)
        )

    @property
    def is_default(self) -> bool:
        """Whether nothing was chosen."""
        return not self.changed


def table_dataset(source: Any, *, name: str | None = None, **options: Any) -> Dataset:
    """The dataset of a table: vectors with one value per column, NaN for missing.

    Args:
        source: a path to CSV, TSV, text, Parquet or Excel, or a data frame of pandas, polars or PyArrow.
        name: of the dataset; that of the file if None.
        options: those of `TableOptions`.

    Returns:
        The dataset. A category is the index of its word. `notes` say what was found.

    Raises:
        NotFoundError: there is no such file.
        DataError: the table cannot be used; the message says why and what to do.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.csv"
    >>> _ = path.write_text("when,size,color\\n2026-01-01,1.5,red\\n2026-01-02,,blue\\n")
    >>> data = table_dataset(path)
    >>> [column.kind for column in data.columns], data.images.tolist()
    (['real', 'category'], [[1.5, 1.0], [nan, 0.0]])
    """
    return dataset_of_options(source, TableOptions(**options), name)


def dataset_of_options(source: Any, options: TableOptions, name: str | None = None) -> Dataset:
    """The same as `table_dataset`, with options in one object.

    >>> dataset_of_options("no/such.csv", TableOptions())
    Traceback (most recent call last):
    vaekit.errors.NotFoundError: no/such.csv: no such file; check the path
    """
    read = partial(
        read_raw_table, header=options.header, missing=options.missing, delimiter=options.delimiter
    )
    raw = read(source)
    files = {"validation": options.validation_file, "test": options.test_file}
    parts = {"train": raw} | {part: read(file) for part, file in files.items() if file is not None}
    if len(parts) > 1:
        raw = replace(raw, columns=_stacked(parts))
    path = Path(source) if isinstance(source, str | Path) else None
    title = name or (path.name.removesuffix(path.suffix) if path else "frame")
    data = _assemble(raw, options, title)
    if len(parts) == 1:
        return data
    return replace(data, published=split_bounds({part: len(table) for part, table in parts.items()}))


def _stacked(parts: Mapping[str, RawTable]) -> list[RawColumn]:
    """The rows of several files with the same columns, in one."""
    names = parts["train"].source.names
    for part, table in parts.items():
        absent = [name for name in names if name not in table.source.names]
        if absent:
            raise DataError(
                f"{table.where}: expected the columns of {parts['train'].where}, but {absent[0]!r} is "
                f"missing; give the {part} file the same columns"
            )
    tables = [{column.name: column for column in table.columns} for table in parts.values()]
    return [stack_columns([table[name] for table in tables]) for name in names]


def _assemble(raw: RawTable, options: TableOptions, name: str) -> Dataset:
    by_name, choices = {column.name: column for column in raw.columns}, options.choices
    _check_names(raw, options, by_name)
    labels, label, label_notes = _labels(raw, options)
    used = {*options.roles.values(), *options.attributes, *([label] if label else [])}
    rest = [column for column in raw.columns if column.name not in used]
    if not rest:
        raise DataError(f"{raw.where}: has no column but the labels; add the columns of numbers")
    numbers, names, numbered = number_labels(labels, raw.where)
    shared: dict[str, Any] = {
        "name": name, "title": name, "labels": numbers, "label_names": names, "source": raw.where,
        **_per_row(by_name, options, raw.where), **attribute_columns(by_name, options.attributes, raw),
    }  # fmt: skip
    shared["notes"] = (*raw.notes, *label_notes, *numbered)
    if not choices and options.table is not True and _are_images(rest, raw.source.header, options.table):
        return _image_dataset(rest, raw.where, shared)
    found = [_infer(column, choices, options, raw) for column in rest]
    kept = _as_counts([one for one in found if one.column is not None], choices)
    aside = _aside(raw, rest, found, options, label)
    if not kept:
        reasons = ", ".join(f"{one.name} ({one.reason})" for one in aside[:5])
        raise DataError(f"{raw.where}: no column is left, set aside: {reasons}; choose with data.columns")
    columns = tuple(_with_scaling(one.column, options) for one in kept)
    values = np.stack([one.values for one in kept], axis=1).astype(np.float64)
    shared["notes"] += tuple(
        f"{role} from column {c!r}" for role, c in options.roles.items() if role != "label"
    )
    shared["notes"] += describe_columns(columns, values, aside, kept, label is not None)
    return Dataset(
        images=values,
        columns=columns,
        scaled=False,
        table=replace(raw.source, set_aside=aside, missing_values=options.missing),
        **shared,
    )


def _image_dataset(columns: Sequence[RawColumn], where: str, shared: dict[str, Any]) -> Dataset:
    values = np.stack([column.numbers for column in columns if column.numbers is not None], axis=1)
    found = infer_images(values, where)
    shared["notes"] += found.notes
    return Dataset(
        images=found.images,
        offset=found.offset,
        scale=found.scale,
        levels=found.levels,
        scaled=found.scaled,
        layout=values.shape[1:],
        **shared,
    )


def _infer(
    column: RawColumn, choices: Mapping[str, ColumnChoice], options: TableOptions, raw: RawTable
) -> InferredColumn:
    choice = choices.get(column.name, ColumnChoice())
    choice = replace(choice, missing_values=(*choice.missing_values, *options.missing))
    place = raw.source.names.index(column.name)
    try:
        return infer_column(column, choice, raw.source.decimal, partial(raw.locate, place))
    except DataError as error:
        raise DataError(f"{raw.where}: {error}") from None


def _with_scaling(column: Column | None, options: TableOptions) -> Column:
    assert column is not None
    return (
        replace(column, scaling=cast(Scaling, options.scaling))
        if options.scaling and column.is_numeric
        else column
    )


def _as_counts(kept: list[InferredColumn], choices: Mapping[str, ColumnChoice]) -> list[InferredColumn]:
    """All columns as counts, if they are whole numbers from 0 on and most of them look like counts."""
    if not all(
        found.column.kind in ("integer", "count") or found.column.categories == ("0", "1")  # type: ignore[union-attr]
        for found in kept
    ) or any(choice.kind for choice in choices.values()):
        return kept
    if not most_are_counts([found.values for found in kept]):
        return kept
    return [
        found._replace(column=Column(found.column.name, "count", resolution=1.0))  # type: ignore[union-attr]
        for found in kept
    ]


def most_are_counts(columns: Sequence[np.ndarray]) -> bool:
    """Whether columns (N,) of whole numbers are counts, all of them.

    They start from 0, at least two vary, and most of those look like counts.

    >>> most_are_counts([np.array([0, 1, 0, 2, 7.0]), np.array([3, 0, 1, 0, 9.0])])
    True
    """
    known = [values[~np.isnan(values)] for values in columns]
    varying = [values for values in known if len(values) and values.min() < values.max()]
    if len(varying) < 2 or any(len(values) and values.min() < 0 for values in known):
        return False
    counts = sum(looks_like_count(values) or bool(np.isin(values, (0, 1)).all()) for values in varying)
    real = sum(looks_like_count(values) for values in varying)
    return counts >= 0.8 * len(varying) and real >= 0.5 * len(varying)


def _check_names(raw: RawTable, options: TableOptions, known: Mapping[str, RawColumn]) -> None:
    wanted = [*options.roles.items(), *(("attributes", name) for name in options.attributes)]
    wanted += [("columns", name) for name in options.choices]
    for option, name in wanted:
        if name not in known:
            raise DataError(
                f"{raw.where}: {option} names the column {name!r}, but the columns are "
                f"{', '.join(list(known)[:20])}{', ...' * (len(known) > 20)}{did_you_mean(name, list(known))}"
            )
    taken = [name for _, name in wanted[: len(options.roles) + len(options.attributes)]]
    twice = [name for name in taken if taken.count(name) > 1]
    if twice:
        raise DataError(f"{raw.where}: column {twice[0]!r} has two uses, choose one of them")


def _labels(raw: RawTable, options: TableOptions) -> tuple[np.ndarray | None, str | None, tuple[str, ...]]:
    """The labels (N,), their column, and notes."""
    chosen = options.label
    if chosen is None:
        taken = {*options.choices, *options.attributes, *options.roles.values()}
        chosen = next((c.name for c in raw.columns if c.name.lower() in LABELS and c.name not in taken), None)
    if chosen is None:
        return None, None, ()
    column = next(column for column in raw.columns if column.name == chosen)
    numbers = column.numbers
    if numbers is None:
        parsed = [to_number(word, raw.source.decimal) for word in column.words]
        if column.codes.min() >= 0 and None not in parsed:
            numbers = np.array(parsed, np.float64)[column.codes]
    notes: tuple[str, ...] = (f"labels from column {chosen!r}",)
    if column.n_missing:
        notes = (*notes, f"{column.n_missing} rows without a label are the class 'missing'")
    if numbers is None:
        return column.labels(), chosen, notes
    known = numbers[~np.isnan(numbers)]
    whole = bool(np.all(known == np.rint(known))) and bool(np.all(np.abs(known) < 2**53))
    if options.label is None and not (whole and len(np.unique(known)) <= max(20, len(known) // 10)):
        note = f"column {chosen!r} holds too many different numbers for labels and is part of the data"
        return None, None, (note,)
    if not whole:
        raise DataError(
            f"{raw.where}: label names the column {chosen!r}, which holds real numbers, not classes; "
            "choose another, or use it as a condition with data.attributes"
        )
    return numbers if len(known) == len(numbers) else column.labels(), chosen, notes


def _per_row(columns: Mapping[str, RawColumn], options: TableOptions, where: str) -> dict[str, np.ndarray]:
    """Weights, groups and times (N,) of the columns that the options name."""
    found = {}
    if options.weight:
        weights = columns[options.weight].numbers
        if weights is None or np.isnan(weights).any() or weights.min() < 0 or not weights.sum():
            raise DataError(
                f"{where}: expected numbers from 0 on in column {options.weight!r}, which holds the weights, "
                "without missing values; correct them"
            )
        found["weights"] = weights
    if options.group:
        _, found["groups"] = np.unique(columns[options.group].texts().astype(str), return_inverse=True)
    if options.time:
        found["times"] = to_times(columns[options.time], where)
    return found


def _aside(
    raw: RawTable,
    rest: Sequence[RawColumn],
    found: Sequence[InferredColumn],
    options: TableOptions,
    label: str | None,
) -> tuple[SetAside, ...]:
    """The columns of the source that are no part of x, in order."""
    uses = {column: option for option, column in options.roles.items()}
    uses |= dict.fromkeys(options.attributes, "condition") | ({label: "label"} if label else {})
    reasons = {c.name: f.reason for c, f in zip(rest, found, strict=True) if f.column is None} | uses
    return tuple(SetAside(name, reasons[name]) for name in raw.source.names if name in reasons)


def _are_images(columns: Sequence[RawColumn], header: bool, table: bool | None) -> bool:
    """Whether rows are two-valued, or gray levels 0..255 of a square image."""
    if any(column.numbers is None for column in columns):
        return False
    square = len(columns) >= _SIDE**2 and isqrt(len(columns)) ** 2 == len(columns)
    if header and not square and table is None:
        return False
    values = np.stack([column.numbers for column in columns], axis=1)  # type: ignore[misc]
    return rows_are_images(values)


def rows_are_images(values: np.ndarray) -> bool:
    """Whether rows (N, D) of numbers are two-valued, or gray levels of a square image of at least 8x8.

    Gray levels are whole numbers in 0..255 that reach 128 or whose largest value is no rare one, unlike that
    of counts; or multiples of 1/255 in [0, 1].

    >>> rows_are_images(np.eye(3)), rows_are_images(np.full((2, 64), 200))
    (True, True)
    >>> rows_are_images(np.full((2, 9), 200))
    False
    """
    if values.dtype == bool:
        return True
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    if not known.size:
        return False
    low, high = known.min(), known.max()
    if low == 0 and high == 1 and bool(((known == 0) | (known == 1)).all()):
        return True
    length = values.shape[1]
    if length < _SIDE**2 or isqrt(length) ** 2 != length or low < 0:
        return False
    if 1 < high <= 255:
        return not (known % 1).any() and bool(high >= 128 or (known == high).mean() >= _NOT_RARE)
    levels = known * np.float64(255)
    return bool(high <= 1 and (np.abs(levels - np.rint(levels)) < 1e-3).all())
