"""Sparse tables of counts: .npz of scipy, Matrix Market as 10x Genomics writes it, and .h5ad of AnnData.

Each becomes a dense table of float32 with the names of its columns, such as genes. Its size is checked before
anything is filled in. Whole numbers from 0 are counts; other numbers are real columns, and a note says so.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.readers.guard import check_dataset, check_size, need, open_maybe_gzip, reading
from vaekit.data.readers.raw import RawData
from vaekit.errors import DataError, did_you_mean
from vaekit.utils.paths import is_file

SPARSE_ARRAYS = frozenset({"format", "shape", "data"})  # in every .npz that scipy.sparse.save_npz writes
MAX_COUNT = 2**24  # float32 is exact up to here

_MATRIX = ("matrix.mtx", "matrix.mtx.gz")
MAX_NAMES = 200_000_000  # bytes of the names of rows or columns
_BLOCK = 1024  # rows that are made dense at once
_COLUMN_FILES = ("features", "genes")
_ROW_FILES = ("barcodes", "cells")


def read_sparse_npz(path: Path) -> RawData:
    """The table of a file of `scipy.sparse.save_npz`.

    Raises:
        DataError: the file is damaged, or too large as a dense table.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.npz"
    >>> from scipy import sparse
    >>> sparse.save_npz(path, sparse.csr_matrix(np.eye(3, 5)))
    >>> raw = read_sparse_npz(path)
    >>> raw.values.shape, raw.counts
    ((3, 5), True)
    """
    from scipy import sparse

    with reading(path, "a sparse .npz file"):
        with np.load(path, allow_pickle=False) as arrays:
            check_size(path, arrays["shape"].tolist(), 4)
        return _raw(_with_checked_indices(sparse.load_npz(path)), path)


def read_matrix_market(path: Path) -> RawData:
    """The table of a .mtx file, with the names of its columns and rows from the files beside it.

    10x Genomics writes genes as rows and cells as columns, with their names in features.tsv (or genes.tsv)
    and barcodes.tsv, gzipped or not. Where these files have as many lines, the table is transposed: one row
    per cell. Without them it is read as it is.

    Args:
        path: the file, or the folder that holds matrix.mtx.

    Raises:
        DataError: the file is damaged, or too large as a dense table.

    >>> import tempfile
    >>> from scipy.io import mmwrite
    >>> folder = Path(tempfile.mkdtemp())
    >>> from scipy import sparse
    >>> mmwrite(folder / "matrix.mtx", sparse.coo_matrix(np.eye(2, 3, dtype=int)))
    >>> _ = (folder / "genes.tsv").write_text("g1\\tACT\\ng2\\tMYC\\n")
    >>> _ = (folder / "barcodes.tsv").write_text("AAA\\nCCC\\nGGG\\n")
    >>> raw = read_matrix_market(folder)
    >>> raw.values.shape, raw.names, raw.files
    ((3, 2), ('ACT', 'MYC'), ('AAA', 'CCC', 'GGG'))
    """
    if path.is_dir():
        path = next(path / name for name in _MATRIX if is_file(path / name))
    with reading(path, "a Matrix Market file"):
        matrix = _market_matrix(path)
        shape = matrix.shape
        names, rows = _names_beside(path, _COLUMN_FILES), _names_beside(path, _ROW_FILES)
        transposed = bool(names or rows) and shape == (len(names) or shape[0], len(rows) or shape[1])
        if transposed:
            matrix = matrix.T.tocsr()
        elif shape != (len(rows) or shape[0], len(names) or shape[1]):
            names, rows = (), ()
        note = "columns of the file are rows of the table, as 10x Genomics writes them"
        return _raw(matrix, path, names, rows, (note,) if transposed else ())


def _market_matrix(path: Path) -> Any:
    """The sparse matrix of a file. scipy reads the header only: its reader crashes on a damaged entry.

    Raises:
        ValueError: the file is damaged, or holds a symmetric or a complex matrix.
        DataError: the file is too large.
    """
    from scipy import sparse
    from scipy.io import mminfo

    n, d, entries, form, field, symmetry = mminfo(path)
    check_size(path, (n, d), 4)
    check_size(path, (entries,), 24)
    if field == "complex" or symmetry != "general":
        raise ValueError(f"expected a general matrix of numbers, got a {symmetry} one of {field} numbers")
    with open_maybe_gzip(path) as stream, warnings.catch_warnings(action="ignore"):  # of no entries
        next(line for line in stream if line.strip() and not line.startswith(b"%"))  # the sizes
        width = 1 if form == "array" else 2 if field == "pattern" else 3
        table = np.loadtxt(stream, comments="%", ndmin=2) if entries else np.empty((0, width))
    if table.shape != (entries, width):
        raise ValueError(f"expected {entries} entries of {width} numbers, got {table.shape}")
    if form == "array":
        return sparse.csr_matrix(table.reshape(d, n).T)
    places = table[:, :2].astype(np.int64)
    if (places < 1).any() or (places > (n, d)).any() or (places != table[:, :2]).any():
        raise ValueError(f"an entry lies outside of {n} rows and {d} columns")
    values = table[:, 2] if width == 3 else np.ones(entries)
    values = values.astype(np.int64) if field != "real" else values
    return sparse.coo_matrix((values, (places[:, 0] - 1, places[:, 1] - 1)), (n, d)).tocsr()


def has_matrix(folder: Path) -> bool:
    """Whether a folder holds matrix.mtx, as 10x Genomics names it.

    >>> has_matrix(Path("nowhere"))
    False
    """
    return any(is_file(folder / name) for name in _MATRIX)


def read_h5ad(path: Path, array: str | None = None, label: str | None = None) -> RawData:
    """The counts of an .h5ad file, by h5py (the extra `hdf5`).

    Args:
        path: the file.
        array: where they are, such as X, raw/X or layers/counts; by default layers/counts if it exists, else
            raw/X if X holds other numbers than counts, else X.
        label: the column of `obs` with the classes of the rows.

    Raises:
        DataError: h5py is not installed, the file is damaged, too large as a dense table, or lacks the array
            or the column.

    >>> read_h5ad(Path("none.h5ad"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    vaekit.errors...
    """
    h5py = need("h5py", "hdf5", path)
    with reading(path, "an .h5ad file"), h5py.File(path, "r") as file:
        place = _place(file, array, path)
        matrix = _matrix(file[place], path)
        variables = file["raw/var"] if place == "raw/X" and "raw/var" in file else file["var"]
        names, rows = _index(variables), _index(file["obs"])
        words = [name for name in file["obs"] if _is_categorical(file["obs"], name)]
        if label is not None and label not in file["obs"]:
            raise DataError(
                f"{path}: data.label: expected a column of obs, such as {', '.join(words[:3]) or 'none'}, "
                f"got {label!r}{did_you_mean(label, words)}"
            )
        labels = None if label is None else _words(file["obs"], label)
        notes = [f"{place} as values"]
        if label is None and words:
            notes.append(f"obs has {', '.join(words[:5])}; data.label={words[0]} makes one the classes")
        return _raw(matrix, path, names, rows, tuple(notes), labels)


# -------------------------------------------------------------------------------------------------- the table


def _raw(
    matrix: Any,
    path: Path,
    names: Sequence[str] = (),
    rows: Sequence[str] = (),
    notes: tuple[str, ...] = (),
    labels: np.ndarray | None = None,
) -> RawData:
    """The dense table of a sparse or dense matrix, with names for its columns and rows."""
    from scipy import sparse

    if matrix.ndim != 2:
        raise DataError(
            f"{path}: expected a table (N, D), got shape {tuple(matrix.shape)}; give such an array"
        )
    values = _dense(matrix, path)
    known = matrix.data if sparse.issparse(matrix) else values
    whole = bool(known.size and (known == np.rint(known)).all() and known.min() >= 0)
    if whole and known.max() > MAX_COUNT:
        raise DataError(
            f"{path}: expected counts up to {MAX_COUNT:,}, got {known.max():,.0f}; divide them, or save a "
            "table of real numbers"
        )
    empty = 1 - np.count_nonzero(values) / max(values.size, 1)
    kind = "counts" if whole else "real numbers, not counts"
    said = f"{len(values):,} rows of {values.shape[1]:,} columns: {kind}, {empty:.0%} of them zero"
    columns = (
        tuple(names) if len(names) == values.shape[1] else tuple(f"x{j}" for j in range(values.shape[1]))
    )
    files = tuple(rows) if len(rows) == len(values) else ()
    return RawData(values, labels, notes=(said, *notes), files=files, names=columns, counts=whole)


def _with_checked_indices(matrix: Any) -> Any:
    """The same matrix; scipy writes beyond its memory if an index of a damaged one lies outside.

    Raises:
        ValueError: one does.
    """
    if hasattr(matrix, "check_format"):
        matrix.check_format(full_check=True)
    return matrix


def _dense(matrix: Any, path: Path) -> np.ndarray:
    """(N, D) float32, filled block by block."""
    from scipy import sparse

    check_size(path, matrix.shape, 4)
    if not sparse.issparse(matrix):
        return np.asarray(matrix, np.float32)
    matrix = matrix.tocsr()
    dense: np.ndarray = np.empty(matrix.shape, np.float32)
    for first in range(0, matrix.shape[0], _BLOCK):
        dense[first : first + _BLOCK] = matrix[first : first + _BLOCK].toarray()
    return dense


def _names_beside(path: Path, files: Sequence[str]) -> tuple[str, ...]:
    """The names in the first of these files: the second column, or the first if that repeats."""
    for name in files:
        for place in (path.with_name(f"{name}.tsv"), path.with_name(f"{name}.tsv.gz")):
            if is_file(place):
                return _column_of_names(list(_lines(place)))
    return ()


def _lines(path: Path) -> Iterator[list[str]]:
    with open_maybe_gzip(path) as stream:
        content = stream.read(MAX_NAMES + 1)
        if len(content) > MAX_NAMES:
            raise DataError(f"{path}: expected names of rows or columns, got more than {MAX_NAMES:,} bytes")
        text = content.decode("utf-8").splitlines()
        yield from (cells for cells in csv.reader(text, delimiter="\t") if cells)


def _column_of_names(lines: list[list[str]]) -> tuple[str, ...]:
    second = tuple(cells[1] for cells in lines if len(cells) > 1)
    is_unique = len(second) == len(lines) == len(set(second))
    return second if is_unique else tuple(cells[0] for cells in lines)


# ------------------------------------------------------------------------------------------- an AnnData file


def _place(file: Any, array: str | None, path: Path) -> str:
    """Where the counts are."""
    places = [place for place in ("X", "raw/X") if place in file]
    places += [f"layers/{name}" for name in file.get("layers", ())]
    if array is not None:
        found = array if array in places else f"layers/{array}"
        if found not in places:
            raise DataError(
                f"{path}: data.array: expected one of {', '.join(places)}, got {array!r}"
                f"{did_you_mean(array, places)}"
            )
        return found
    if "layers/counts" in places:
        return "layers/counts"
    if "X" in places and ("raw/X" not in places or _is_whole(file["X"])):
        return "X"
    if "raw/X" in places:
        return "raw/X"
    raise DataError(f"{path}: expected an array X, got none; choose with data.array")


def _is_whole(item: Any) -> bool:
    """Whether the first values are whole numbers."""
    first = np.asarray(item["data"][:10_000] if hasattr(item, "keys") else item[:100])
    return bool((first == np.rint(first)).all())


def _matrix(item: Any, path: Path) -> Any:
    """A dense array, or a sparse matrix stored as data, indices and indptr."""
    from scipy import sparse

    if not hasattr(item, "keys"):
        check_dataset(path, item)
        return item[()]
    attributes = item.attrs
    shape = tuple(map(int, attributes["shape" if "shape" in attributes else "h5sparse_shape"]))
    check_size(path, shape, 4)
    form = attributes.get("encoding-type", attributes.get("h5sparse_format", "csr"))
    form = form.decode() if isinstance(form, bytes) else form
    build = sparse.csc_matrix if "csc" in form else sparse.csr_matrix
    for name in ("data", "indices", "indptr"):
        check_dataset(path, item[name])
    return _with_checked_indices(
        build((item["data"][()], item["indices"][()], item["indptr"][()]), shape=shape)
    )


def _index(frame: Any) -> tuple[str, ...]:
    """The names of the rows of a data frame."""
    name = frame.attrs.get("_index", "_index") if hasattr(frame, "attrs") else "_index"
    name = name.decode() if isinstance(name, bytes) else name
    return tuple(map(_text, frame[name][()])) if hasattr(frame, "keys") and name in frame else ()


def _is_categorical(frame: Any, name: str) -> bool:
    return hasattr(frame[name], "keys") and "categories" in frame[name]


def _words(frame: Any, name: str) -> np.ndarray:
    """A column of a data frame as text or numbers; a missing category is the word 'missing'."""
    item = frame[name]
    if _is_categorical(frame, name):
        categories = np.array([*map(_text, item["categories"][()]), "missing"])
        return categories[item["codes"][()]]
    values = item[()]
    return values if values.dtype.kind in "biuf" else np.array(list(map(_text, values)))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
