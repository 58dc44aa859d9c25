"""Bring another dataset to the form of a model's training data, by the model's preprocessing.

Values keep their units: what was large for the training data is large for the model, whatever the range of
the other data. Values outside the range of the training rows are counted and said.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.errors import DataError, did_you_mean
from vaekit.spec import FARTHEST, Column, Preprocessing
from vaekit.utils.format import count_of

_SAID = 0.01  # the share of values outside the training range from which on it is said


def conform(dataset: Dataset, preprocessing: Preprocessing | None, shape: tuple[int, ...]) -> Dataset:
    """Another dataset in the form of the training data, with notes about what differs.

    Args:
        dataset: the other data.
        preprocessing: that of the model; None for a model that was saved without it.
        shape: of a data point of the model.

    Raises:
        DataError: a column of the model is not among those of the data.

    >>> model = Preprocessing((1,), (Column("a", scale=2.0, low=0.0, high=2.0),))
    >>> other = Dataset("new", "New", np.array([[5.0], [1.0]]), None, (), columns=(Column("a"),))
    >>> conform(other, model, (1,)).notes
    ('1 of 2 values (50%) lie outside the range of the training rows: a up to 5, at most 2 in training',)
    """
    if preprocessing is not None and preprocessing.columns:
        return _said_outside(_match_columns(dataset, preprocessing.columns), preprocessing)
    if dataset.shape != shape and np.prod(dataset.shape) == np.prod(shape):
        dataset = replace(dataset, images=dataset.images.reshape(-1, *shape), columns=())
    if preprocessing is None or dataset.shape != shape:
        return dataset
    return _said_outside(_in_units_of(dataset, preprocessing), preprocessing)


def _match_columns(dataset: Dataset, columns: tuple[Column, ...]) -> Dataset:
    """The columns of the model, in its order, from a table with the same names."""
    found = {column.name: j for j, column in enumerate(dataset.columns)}
    names = [column.name for column in columns]
    if not dataset.columns and dataset.shape == (len(columns),):
        found = {name: j for j, name in enumerate(names)}
    lacking = [name for name in names if name not in found]
    if lacking:
        raise DataError(
            f"data {dataset.name!r}: expected the columns of the model, but {lacking[0]!r} is missing"
            f"{did_you_mean(lacking[0], found)}; it has {', '.join(list(found)[:10]) or 'no columns'}"
        )
    extra = [name for name in found if name not in names]
    stored = dataset.images if dataset.columns else dataset.in_units(np.arange(len(dataset)))
    values = stored[:, [found[name] for name in names]].astype(np.float64)
    notes = [
        *dataset.notes,
        *([f"columns left out, unknown to the model: {', '.join(extra)}"] if extra else []),
    ]
    for j, column in enumerate(columns):
        given = dataset.columns[found[column.name]] if dataset.columns else Column(column.name)
        if not column.is_numeric:
            values[:, j] = _renumbered(values[:, j], given, column, notes)
    return replace(
        dataset, images=values, columns=columns, offset=0.0, scale=1.0, scaled=False, notes=tuple(notes)
    )


def _renumbered(indices: np.ndarray, given: Column, known: Column, notes: list[str]) -> np.ndarray:
    """Indices of words as the model numbers them; unknown words count as missing."""
    words = given.categories
    place = {word: index for index, word in enumerate(known.categories)}
    numbers = np.array([place.get(word, np.nan) for word in words] + [np.nan])
    if not words:  # numbers in place of words
        unique = np.unique(indices[~np.isnan(indices)])
        table = {value: place.get(f"{value:g}", np.nan) for value in unique.tolist()}
        new = np.array([table.get(value, np.nan) for value in indices.tolist()])
    else:
        new = numbers[np.where(np.isnan(indices), len(words), indices).astype(int)]
    unknown = int((np.isnan(new) & ~np.isnan(indices)).sum())
    if unknown:
        notes.append(f"column {known.name!r}: {unknown} values are unknown to the model and count as missing")
    return new


def _in_units_of(dataset: Dataset, preprocessing: Preprocessing) -> Dataset:
    """Values stored as those of training: u = (value - offset) / scale, or gray levels."""
    offset, scale = dataset.offset, dataset.scale * dataset.divisor
    same = (offset, scale) == (preprocessing.offset, preprocessing.scale) and (
        dataset.n_levels == preprocessing.levels
    )
    levels = dataset.has_levels and preprocessing.levels == dataset.n_levels
    if same or levels:
        return dataset
    if preprocessing.levels and (dataset.has_levels or not dataset.scaled):
        return _in_levels(dataset, preprocessing)
    if not dataset.scaled:
        return dataset
    if preprocessing.levels and scale == 1 and offset == 0:  # [0, 1] stands for black to white
        return dataset
    unit = (dataset.in_units(np.arange(len(dataset))) - preprocessing.offset) / preprocessing.scale
    return replace(
        dataset,
        images=unit.astype(np.float32),
        offset=preprocessing.offset,
        scale=preprocessing.scale,
        levels=0,
    )


def _in_levels(dataset: Dataset, preprocessing: Preprocessing) -> Dataset:
    """Other gray levels, or whole numbers, as the gray levels of the model; unchanged if they are others."""
    unit = preprocessing.scale / (preprocessing.levels - 1)
    levels = (dataset.in_units(np.arange(len(dataset))) - preprocessing.offset) / unit
    dtype = np.uint8 if preprocessing.levels <= 256 else np.uint16
    whole = np.rint(levels)
    if not (np.abs(levels - whole) < 1e-3).all():
        return dataset
    return replace(
        dataset,
        images=whole.clip(0, np.iinfo(dtype).max).astype(
            dtype
        ),  # the outermost levels include what is beyond
        offset=preprocessing.offset,
        scale=unit,
        levels=preprocessing.levels,
        scaled=True,
    )


def _said_outside(dataset: Dataset, preprocessing: Preprocessing) -> Dataset:
    """The dataset with a note about values outside the range of the training rows."""
    if dataset.has_levels and preprocessing.levels == dataset.n_levels:
        return dataset
    values = dataset.in_units(np.arange(len(dataset)))
    known = ~np.isnan(values)
    outside = preprocessing.outside(values) & known
    share = outside.sum() / max(known.sum(), 1)
    if preprocessing.columns:
        dataset = _said_beyond(dataset, preprocessing, values)
    if share <= _SAID:
        return dataset
    note = f"{outside.sum()} of {known.sum()} values ({share:.0%}) lie outside the range of the training rows"
    return replace(dataset, notes=(*dataset.notes, note + _example(values, outside, preprocessing)))


def _said_beyond(dataset: Dataset, preprocessing: Preprocessing, values: np.ndarray) -> Dataset:
    """The dataset with notes about rows without any value, and about values too far for the model."""
    notes = []
    empty = int(np.isnan(values).all(axis=1).sum())
    if empty:
        notes.append(f"{count_of(empty, 'row')} without any value")
    beyond = sum(
        int((np.abs(column.to_model(values[:, j])) > FARTHEST).sum())
        for j, column in enumerate(preprocessing.columns)
        if column.is_numeric and column.scaling != "none"
    )
    if beyond:
        notes.append(
            f"{count_of(beyond, 'value')} more than {FARTHEST:,.0f} deviations from those of training "
            f"count{'s' * (beyond == 1)} as that far"
        )
    return replace(dataset, notes=(*dataset.notes, *notes))


def _example(values: np.ndarray, outside: np.ndarray, preprocessing: Preprocessing) -> str:
    """The value that is farthest outside, in words."""
    if not preprocessing.columns:
        low, high = np.nanmin(values), np.nanmax(values)
        return f": {low:g} to {high:g}, {preprocessing.low:g} to {preprocessing.high:g} in training"
    j = int(outside.sum(0).argmax())
    column, here = preprocessing.columns[j], values[:, j][outside[:, j]]
    if (here > column.high).any():
        return f": {column.name} up to {here.max():g}, at most {column.high:g} in training"
    return f": {column.name} down to {here.min():g}, at least {column.low:g} in training"
