"""What a data point is: its shape, its columns and their types, and how data become model values.

A `Preprocessing` is fitted on the training rows and belongs to the model. It maps values in the units of the
data to the values x that the model sees, and back:

    x = (value - offset) / scale                  numbers; one offset and scale per column of a table
    x = 1 + index of the category                 categories, ordered categories and truth values
    x = knots interpolated linearly               numbers scaled by quantiles

A missing value is NaN on both sides. The VAE replaces it by 0, which is the offset of a number and no
category. A density of x becomes a density of the data by the slope dx / dvalue, which `Column.log_slopes`
returns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

Kind = Literal["real", "integer", "count", "boolean", "category", "ordered"]
Scaling = Literal["standard", "quantile", "robust", "minmax", "none"]

KINDS: tuple[str, ...] = get_args(Kind)
SCALINGS: tuple[str, ...] = get_args(Scaling)
NUMERIC = ("real", "integer", "count")


FARTHEST = 1e6
"""The largest model value of a scaled column: float32 holds the log-density of a row with such values."""


@dataclass(frozen=True)
class Column:
    """One column of a table: its type, and how its values become model values.

    Args:
        name: as in the header.
        kind: real, integer, count (integers from 0), boolean, category or ordered (categories with an order).
        categories: the words of a boolean, category or ordered column; a value is an index into them.
        scaling: how offset and scale were found: standard, quantile, robust, minmax or none.
        offset, scale: x = (value - offset) / scale, for numbers.
        resolution: the smallest distance between different values, in units of the data; 0 if unknown.
        low, high: the smallest and the largest value of the training rows.
        knots: pairs (value, x), strictly increasing, of a column that is scaled by quantiles.
        prefix, suffix: what is written around numbers, such as "$" or " %"; values are without it.

    Raises:
        ValueError: an argument has another value.

    >>> age = Column("age", "real", scaling="standard", offset=40.0, scale=10.0)
    >>> age.to_model(np.array([50.0, np.nan])), age.to_data(np.array([1.0]))
    (array([ 1., nan]), array([50.]))
    >>> Column("color", "category", ("red", "blue")).to_model(np.array([0.0, 1.0]))
    array([1., 2.])
    """

    name: str
    kind: Kind = "real"
    categories: tuple[str, ...] = ()
    scaling: Scaling = "none"
    offset: float = 0.0
    scale: float = 1.0
    resolution: float = 0.0
    low: float = 0.0
    high: float = 0.0
    knots: tuple[tuple[float, float], ...] = ()
    prefix: str = ""
    suffix: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"column {self.name!r}: expected a kind among {', '.join(KINDS)}, got {self.kind!r}"
            )
        if self.is_numeric == bool(self.categories):
            raise ValueError(
                f"column {self.name!r}: expected categories for boolean, category and ordered only, "
                f"got {len(self.categories)} for {self.kind}"
            )
        if not (self.scale > 0 and math.isfinite(self.scale) and math.isfinite(self.offset)):
            raise ValueError(f"column {self.name!r}: expected a scale > 0, got {self.scale}")

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers rather than categories."""
        return self.kind in NUMERIC

    def to_model(self, values: np.ndarray) -> np.ndarray:
        """Values in units of the data, of any shape -> model values, float64."""
        values = np.asarray(values, np.float64)
        if not self.is_numeric:
            return values + 1
        if self.knots:
            return _interpolate(values, *zip(*self.knots, strict=True))
        return (values - self.offset) / self.scale

    def to_data(self, x: np.ndarray) -> np.ndarray:
        """Model values, of any shape -> values in units of the data, float64.

        Categories are rounded to the nearest index, integers to the nearest integer, counts to the nearest
        one from 0 on.
        """
        x = np.asarray(x, np.float64)
        if not self.is_numeric:
            return np.clip(np.rint(x) - 1, 0, len(self.categories) - 1)
        if self.knots:
            values, points = zip(*self.knots, strict=True)
            data = _interpolate(x, points, values)
        else:
            data = self.offset + self.scale * x
        if self.kind == "real":
            return data
        whole = np.rint(data)
        return np.maximum(whole, 0) if self.kind == "count" else whole

    def log_slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """log dx / dvalue of a real column as a function of x, which is constant between edges.

        Returns:
            Edges in x, (k,), increasing; and the slopes below, between and above them, (k + 1,).

        >>> Column("a", scale=2.0).log_slopes()
        (array([], dtype=float64), array([-0.69314718]))
        """
        if not self.knots:
            return np.empty(0), np.array([-math.log(self.scale)])
        values, points = (np.array(side) for side in zip(*self.knots, strict=True))
        slopes = np.log(np.diff(points)) - np.log(np.diff(values))
        return points[1:-1], slopes


def _interpolate(at: np.ndarray, inputs: Sequence[float], outputs: Sequence[float]) -> np.ndarray:
    """The piecewise linear function through points, continued by its first and last piece."""
    x, y = np.asarray(inputs), np.asarray(outputs)
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    slope = (y[piece + 1] - y[piece]) / (x[piece + 1] - x[piece])
    return y[piece] + slope * (at - x[piece])


@dataclass(frozen=True)
class Preprocessing:
    """The map between data and model values, found on the training rows. It belongs to the model.

    Args:
        shape: the event shape: (D,), (C, L), (C, H, W) or (C, D, H, W).
        columns: the columns of a table, D of them; empty for other data.
        offset, scale: without columns, value = offset + scale * x.
        levels: the number of gray levels of x in [0, 1]; 0 for other values.
        low, high: without columns, the smallest and the largest value of the training rows.
        dtype: the type of the source, such as uint8; empty if unknown.
        layout: the shape of a data point in the source, such as (H, W, C); empty for `shape`.

    >>> table = Preprocessing((2,), (Column("a", scale=2.0), Column("b", "category", ("x", "y"))))
    >>> table.to_model(np.array([[4.0, 1.0]]))
    array([[2., 2.]], dtype=float32)
    >>> Preprocessing.from_dict(table.to_dict()) == table
    True
    """

    shape: tuple[int, ...]
    columns: tuple[Column, ...] = ()
    offset: float = 0.0
    scale: float = 1.0
    levels: int = 0
    low: float = 0.0
    high: float = 1.0
    dtype: str = ""
    layout: tuple[int, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def is_count(self) -> bool:
        """Whether the data are counts and nothing else, seen as they are."""
        return bool(self.columns) and all(
            column.kind == "count" and column.scaling == "none" for column in self.columns
        )

    @property
    def log_scale(self) -> float:
        """log |dvalue / dx| of one element of data without columns; 0 for gray levels."""
        return 0.0 if self.columns or self.levels else math.log(abs(self.scale))

    def to_model(self, values: np.ndarray) -> np.ndarray:
        """Values (N, *shape) in units of the data -> model values, float32.

        In a column that is scaled, values more than `FARTHEST` away from 0 count as that far.
        """
        if not self.columns:
            return ((np.asarray(values, np.float64) - self.offset) / self.scale).astype(np.float32)
        x = np.empty(np.shape(values), np.float32)
        for j, column in enumerate(self.columns):
            farthest = np.inf if column.scaling == "none" else FARTHEST
            x[..., j] = column.to_model(values[..., j]).clip(-farthest, farthest)
        return x

    def to_data(self, x: np.ndarray) -> np.ndarray:
        """Model values (..., *shape) -> values in units of the data, float64 for tables."""
        if not self.columns:
            return self.offset + self.scale * x
        values = np.empty(np.shape(x), np.float64)
        for j, column in enumerate(self.columns):
            values[..., j] = column.to_data(x[..., j])
        return values

    def outside(self, values: np.ndarray) -> np.ndarray:
        """Which values (N, *shape) in units of the data lie outside the range of the training rows."""
        with np.errstate(invalid="ignore"):
            if not self.columns:
                return (values < self.low) | (values > self.high)
            low = np.array([column.low if column.is_numeric else -np.inf for column in self.columns])
            high = np.array([column.high if column.is_numeric else np.inf for column in self.columns])
            return (values < low) | (values > high)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Preprocessing:
        """The preprocessing of plain data, as `to_dict` returns them.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        known = {field.name for field in fields(cls)}
        values = {key: _tuples(value) for key, value in tree.items() if key in known}
        values["columns"] = tuple(
            Column(**{key: _tuples(value) for key, value in column.items()}) for column in tree["columns"]
        )
        return cls(**values)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
