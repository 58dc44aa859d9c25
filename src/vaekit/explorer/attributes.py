"""Numbers by which the page filters data points: their attributes, and the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vaekit.data.observation import ObservedImages
from vaekit.engine.trained_model import TrainedModel

MAX_ATTRIBUTES = 16


def named(values: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Columns by their names, the first `MAX_ATTRIBUTES` of them.

    Args:
        values: (N, m).
        names: m of them.

    Returns:
        (N,) by name.

    Example:
        >>> named(np.array([[20.0, 1.7], [30.0, 1.8]]), ["age", "height"])["age"]
        array([20., 30.], dtype=float32)
    """
    columns = zip(names, values.T, strict=True)
    return {name: column.astype(np.float32) for name, column in list(columns)[:MAX_ATTRIBUTES]}


def table_columns(trained: TrainedModel, rows: ObservedImages) -> dict[str, np.ndarray]:
    """The columns of numbers of a table, in units of the data; none for other data.

    Args:
        trained: the model.
        rows: N rows as it sees them.

    Returns:
        (N,) by name; NaN where missing.

    Example:
        >>> from vaekit.explorer.session import demo
        >>> table_columns(demo(), demo().load_split("test", None, 5))
        {}
    """
    numeric = [j for j, column in enumerate(trained.columns) if column.is_numeric][:MAX_ATTRIBUTES]
    if not numeric:
        return {}
    values = rows.all()[:, numeric].double().cpu().numpy()
    columns = [trained.columns[j] for j in numeric]
    units = [column.to_data(values[:, k]) for k, column in enumerate(columns)]
    return named(np.stack(units, 1), [column.name for column in columns])
