"""Write data points in the units and the layout of the data: arrays, or a table with its columns."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from vaekit.data.tables import fill_table, write_table
from vaekit.engine.impute import ImputedDataset
from vaekit.engine.loaded_model import LoadedModel
from vaekit.errors import InvalidError
from vaekit.utils.io import write_whole

ARRAYS = (".npy", ".npz")
TABLES = (".csv", ".tsv", ".txt", ".parquet", ".xlsx")


def is_data_file(path: str | Path) -> bool:
    """Whether a name means a file of data rather than a figure.

    >>> is_data_file("new.csv"), is_data_file("samples.png")
    (True, False)
    """
    return Path(path).suffix.lower() in (*ARRAYS, *TABLES)


def write_data(path: str | Path, trained: LoadedModel, values: np.ndarray) -> Path:
    """Write data points as an array (.npy, .npz) or as a table with the columns of the training data.

    Args:
        path: whose suffix selects the format.
        trained: the model that the data belong to.
        values: (n, *layout) in units of the data.

    Raises:
        InvalidError: the suffix is unknown, or a table is asked for data without columns.
        VaekitError: the file cannot be written.

    >>> import tempfile, vaekit
    >>> file = Path(tempfile.mkdtemp()) / "x.npy"
    >>> write_data(file, vaekit.demo(), np.zeros((2, 1, 28, 28))).name
    'x.npy'
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in ARRAYS:
        content = io.BytesIO()
        if suffix == ".npy":
            np.save(content, values, allow_pickle=False)
        else:
            np.savez_compressed(content, allow_pickle=False, images=values)
        return write_whole(path, content.getvalue())
    if suffix not in TABLES:
        raise InvalidError(f"{path}: expected a name that ends in {', '.join((*ARRAYS, *TABLES))}")
    if not trained.columns:
        raise InvalidError(
            f"{path}: {trained.source} was trained on {'x'.join(map(str, trained.shape))} data without "
            "columns, which make no table; write .npy or .npz"
        )
    return write_table(path, trained.columns, values, trained.table)


def write_filled(
    path: str | Path, trained: LoadedModel, imputed: ImputedDataset, imputations: int | None = None
) -> list[Path]:
    """Write a table with its gaps filled: a copy of the source in which every other cell stays as it is.

    Args:
        path: whose suffix selects the format.
        trained: the model.
        imputed: all rows of the table.
        imputations: M, how many files with samples, NAME-1.csv to NAME-M.csv; None writes one file with the
            best single imputation.

    Returns:
        The files.

    Raises:
        InvalidError: the data are no table.
        VaekitError: a file cannot be written.
    """
    if not trained.columns:
        raise InvalidError(f"{path}: {trained.source} was not trained on a table; write .npy or .npz")
    arrays = imputed.arrays()
    values = arrays["mean"] if imputations is None else np.moveaxis(arrays["imputations"], 1, 0)
    return fill_table(imputed.dataset, imputed.indices, values, arrays["observed"], path)
