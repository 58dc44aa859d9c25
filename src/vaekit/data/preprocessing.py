"""Fit a `Preprocessing` on training rows, and bring other data to the values that a model knows.

Numbers are scaled per column of a table, and by one offset and scale for signals, images and volumes whose
values are in units of the source. Gray levels and values in [0, 1] stay as they are.

    standard   the mean and the standard deviation
    robust     the median and the interquartile range / 1.349, which is the deviation of a Gaussian
    minmax     the smallest and the largest value become 0 and 1
    quantile   quantiles become those of N(0, 1), by a strictly increasing function with linear tails
    none       the values as they are
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from vaekit.data.dataset import Dataset, to_layout
from vaekit.data.known import recall_arrays
from vaekit.data.lazy import LazyArray, rows_at_once
from vaekit.errors import DataError
from vaekit.spec import SCALINGS, Column, Preprocessing, Scaling

MAX_KNOTS = 101
_NORMAL_IQR = 1.3489795003921634  # interquartile range of N(0, 1)
_TINY = 1e-6  # the smallest scale, relative to the largest magnitude


def fit_preprocessing(
    dataset: Dataset, train: np.ndarray | None = None, scaling: Scaling = "standard"
) -> Preprocessing:
    """Find offsets and scales on the training rows.

    Args:
        dataset: the data.
        train: (n,) indices of the training rows; all rows if None.
        scaling: how numbers of a table are scaled: standard, quantile, robust, minmax or none.

    Raises:
        DataError: the scaling is unknown, or all values of these rows are missing or the same.

    >>> data = Dataset("two", "Two", np.array([[0.0], [4.0]]), None, (), columns=(Column("a"),))
    >>> fit_preprocessing(data).columns[0].offset
    2.0
    """
    if scaling not in SCALINGS:
        raise DataError(f"scaling: expected one of {', '.join(SCALINGS)}, got {scaling!r}")
    if dataset.columns:
        rows = dataset.images if train is None else dataset.images[train]
        _check_range(dataset, float(np.fmin.reduce(rows, None)), float(np.fmax.reduce(rows, None)))
        columns = [
            fit_column(column, rows[:, j], scaling if column.scaling == "none" else column.scaling)
            for j, column in enumerate(dataset.columns)
        ]
        return Preprocessing(dataset.shape, tuple(columns), dtype=str(rows.dtype), layout=dataset.layout)
    low, high, sample = _known_range(dataset.images, train)
    _check_range(dataset, low, high)
    first, width = (0.0, float(dataset.divisor)) if dataset.scaled else _robust_range(low, high, sample)
    return Preprocessing(
        dataset.shape,
        offset=dataset.offset + dataset.scale * first,
        scale=dataset.scale * width,
        levels=dataset.n_levels,
        low=float(dataset.offset + dataset.scale * low),
        high=float(dataset.offset + dataset.scale * high),
        dtype=str(dataset.images.dtype),
        layout=dataset.layout,
    )


def _check_range(dataset: Dataset, low: float, high: float) -> None:
    """Check that there is anything to learn from values in [low, high]."""
    where = dataset.source or f"data {dataset.name!r}"
    if not low <= high:
        raise DataError(f"{where}: all values for training are missing (NaN); check how it was made")
    if low == high and all(column.is_numeric for column in dataset.columns):
        value = dataset.offset + dataset.scale * low
        raise DataError(
            f"{where}: all values for training are {value:g}, so there is nothing to learn; check how it was "
            "made"
        )


def fit_column(column: Column, values: np.ndarray, scaling: Scaling = "standard") -> Column:
    """The column with offset, scale and range of some values (n,); NaN is left out.

    >>> fit_column(Column("a"), np.array([0.0, 4.0, np.nan]), "minmax").scale
    4.0
    """
    known = values[~np.isnan(values)]
    if not column.is_numeric or not len(known):
        return column
    column = replace(column, scaling=scaling, low=float(known.min()), high=float(known.max()))
    if scaling == "quantile":
        knots = _knots(known)
        return replace(column, knots=knots) if len(knots) > 1 else fit_column(column, values, "standard")
    if scaling == "none":
        return column
    if scaling == "minmax":
        offset, scale = known.min(), known.max() - known.min()
    elif scaling == "robust":
        quarter, offset, three_quarters = np.quantile(known, (0.25, 0.5, 0.75))
        scale = (three_quarters - quarter) / _NORMAL_IQR or known.std()
    else:
        offset, scale = known.mean(), known.std()
    return replace(column, offset=float(offset), scale=_positive(float(scale), column, known))


def _positive(scale: float, column: Column, known: np.ndarray) -> float:
    """The scale; for a constant column its resolution, or else 1."""
    smallest = _TINY * float(np.abs(known).max())
    return scale if scale > smallest * 1e-3 and scale > 0 else column.resolution or 1.0


def _knots(known: np.ndarray) -> tuple[tuple[float, float], ...]:
    """Quantiles and those of N(0, 1), strictly increasing. Equal quantiles share their middle probability."""
    from scipy.special import ndtri  # imported late, since reading data needs no scipy

    count = int(np.clip(len(known) // 5, 2, MAX_KNOTS))
    probabilities = (np.arange(count) + 0.5) / count
    quantiles = np.quantile(known, probabilities)
    values, place = np.unique(quantiles, return_inverse=True)
    middle = np.bincount(place, probabilities) / np.bincount(place)
    return tuple(zip(values.tolist(), ndtri(middle).tolist(), strict=True))


def _known_range(images: np.ndarray, train: np.ndarray | None) -> tuple[float, float, np.ndarray]:
    """The same as `_range_and_sample`; what is found in an array that is read by rows is kept."""
    if not isinstance(images, LazyArray):
        return _range_and_sample(images, train)
    rows = "all" if train is None else hashlib.sha256(np.ascontiguousarray(train).data).hexdigest()

    def compute() -> dict[str, np.ndarray]:
        low, high, sample = _range_and_sample(images, train)
        return {"range": np.array([low, high]), "sample": sample}

    found = recall_arrays("range", (*images.identity, rows), compute)
    return float(found["range"][0]), float(found["range"][1]), found["sample"]


def _range_and_sample(images: np.ndarray, train: np.ndarray | None) -> tuple[float, float, np.ndarray]:
    """The smallest and the largest known value of some data points, and about a million of all of them.

    They are read piece by piece, so a memory map is not copied.
    """
    count = len(images) if train is None else len(train)
    step, stride = rows_at_once(images), max(1, count * images[0].size // 10**6)
    low, high, parts = np.inf, -np.inf, []
    for start in range(0, count, step):
        past = min(start + step, count)
        values = images[start:past] if train is None else images[train[start:past]]
        low = float(np.fmin(low, np.fmin.reduce(values, None)))
        high = float(np.fmax(high, np.fmax.reduce(values, None)))
        parts.append(values.reshape(-1)[::stride].copy())  # a view would keep all values
    return low, high, np.concatenate(parts)


def _robust_range(low: float, high: float, sample: np.ndarray) -> tuple[float, float]:
    """Offset and scale that bring most values to [0, 1]: the range, or that of 99.8 % of them."""
    first, last = (float(quantile) for quantile in np.nanquantile(sample, (0.001, 0.999)))
    if last > first and high - low > 2 * (last - first):
        low, high = first, last
    return low, (high - low) or 1.0


def to_source(x: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """Model values of arrays and pictures in units, layout and type of the source, as they are saved.

    Gray levels are rounded to the nearest one; other values are not changed or clamped.

    Args:
        x: (..., *shape), model values.
        preprocessing: of data without columns.

    Returns:
        (..., *layout); integers for gray levels in whole units, float32 otherwise.

    >>> levels = Preprocessing((1, 1, 2), scale=4095.0, levels=4096, dtype="uint16", layout=(1, 2))
    >>> to_source(np.array([[[[0.0, 0.5]]]]), levels)
    array([[[   0, 2048]]], dtype=uint16)
    """
    levels = preprocessing.levels
    dtype: np.dtype = np.dtype(np.float32)
    if levels:
        unit = preprocessing.scale / (levels - 1)
        x = np.clip(np.rint(np.asarray(x, np.float64) * (levels - 1)), 0, levels - 1) / (levels - 1)
        low, high = preprocessing.offset, preprocessing.offset + preprocessing.scale
        if float(low).is_integer() and unit.is_integer():
            names = ("uint8", "uint16", "int16", "int32")
            limits = ((name, np.iinfo(name)) for name in names)
            dtype = np.dtype(next(name for name, limit in limits if limit.min <= low and high <= limit.max))
    values = preprocessing.to_data(np.asarray(x, np.float64))
    values = values if dtype.kind == "f" else np.rint(values)
    return to_layout(values, preprocessing.shape, preprocessing.layout).astype(dtype)
