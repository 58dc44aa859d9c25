"""Attributes of a dataset from a CSV table: real numbers, one row per image.

The first line names the columns. The rows are in the order of the images. For a folder of images they may be
in any order, with the file names in the first column. A column of numbers stays as it is. A column of words
becomes one column of 0 and 1 per word, named `column=word`.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.data.readers.guard import reading
from vaekit.data.readers.raw import natural_key
from vaekit.errors import DataError
from vaekit.utils.io import read_bounded
from vaekit.utils.paths import user_path

MAX_WORDS = 256  # in one column

MAX_BYTES = 1_000_000_000
Rows = list[list[str]]


def with_attributes(dataset: Dataset, path: str | Path) -> Dataset:
    """The dataset with the attributes of a table that is separated by commas, semicolons or tabs.

    Args:
        dataset: the dataset.
        path: the CSV file.

    Raises:
        NotFoundError: there is no such file.
        DataError: rows and images differ in number or name, or a cell is empty or not a finite number.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sizes.csv"
    >>> _ = path.write_text("size,color\\n1.5,red\\n2.5,blue\\n")
    >>> data = Dataset("two", "Two", np.zeros((2, 1, 4, 4), np.uint8), None, ())
    >>> with_attributes(data, path).attribute_names
    ('size', 'color=blue', 'color=red')
    """
    path = user_path(path)
    with reading(path, "a table of attributes"):
        header, rows = _read(path)
    if _is_keyed(dataset.files, rows):
        header, rows = header[1:], _sort_rows(dataset.files, rows, path)
    if len(rows) != len(dataset) or not header:
        raise DataError(
            f"{path}: expected a line of names and a row for each of the {len(dataset)} images of "
            f"{dataset.name}, got {len(rows)} rows of {len(header)} columns; give exactly one row per image"
        )
    columns = {name: _column(name, cells, path) for name, *cells in zip(header, *rows, strict=True)}
    named = {name: values for column in columns.values() for name, values in column.items()}
    return replace(
        dataset,
        attributes=np.stack(list(named.values()), axis=1).astype(np.float32),
        attribute_names=tuple(named),
        notes=(*dataset.notes, f"{len(named)} attributes from {path.name}"),
    )


def _read(path: Path) -> tuple[list[str], Rows]:
    """The names of the columns, and the rows of cells."""
    lines = read_bounded(path, MAX_BYTES).decode("utf-8-sig").splitlines()
    delimiter = next((mark for mark in ";\t" if lines and mark in lines[0]), ",")
    table = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    header, *rows = [row for row in table if any(row)] or [[]]
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise DataError(
                f"{path}: expected {len(header)} cells in every row, but row {number} "
                f"has {len(row)}; correct it"
            )
    twice = [name for name, times in Counter(header).items() if times > 1]
    if twice:
        raise DataError(f"{path}: expected a different name for each column, but {twice[0]!r} occurs twice")
    return header, rows


def _is_keyed(files: Sequence[str], rows: Rows) -> bool:
    """Whether the first column holds the file names of the images."""
    names = {*files, *map(_file_name, files)}
    return any(row[0] in names for row in rows)


def _sort_rows(files: Sequence[str], rows: Rows, path: Path) -> Rows:
    """The rows in the order of the images, without the files' names; a bare name stands for its path."""
    known = {row[0]: row[1:] for row in rows}
    if len(known) < len(rows):
        name = Counter(row[0] for row in rows).most_common(1)[0][0]
        raise DataError(f"{path}: expected one row per image, but {name!r} has several; keep one")
    bare = Counter(map(_file_name, files))
    found = [_row(known, file, bare) for file in files]
    missing = [file for file, row in zip(files, found, strict=True) if row is None]
    if missing:
        raise DataError(
            f"{path}: has no row for {len(missing)} of {len(files)} images, such as {missing[0]}; add them"
        )
    return [row for row in found if row is not None]


def _row(known: Mapping[str, list[str]], file: str, bare: Mapping[str, int]) -> list[str] | None:
    name = _file_name(file)
    return known.get(file, known.get(name) if bare[name] == 1 else None)


def _file_name(file: str) -> str:
    return file.rpartition("/")[2]


def _column(name: str, cells: Sequence[str], path: Path) -> dict[str, np.ndarray]:
    """A column of numbers as it is; a column of words as one column of 0 and 1 per word."""
    if "" in cells:
        raise DataError(
            f"{path}: column {name!r} is empty in row {cells.index('') + 1}; fill it in, or leave it out"
        )
    try:
        return {name: np.array([float(cell) for cell in cells])}
    except ValueError:
        words = sorted(set(cells), key=natural_key)
    if len(words) > MAX_WORDS:
        raise DataError(
            f"{path}: column {name!r} has {len(words)} different words, such as {words[0]!r}; expected "
            f"numbers, or at most {MAX_WORDS} words; leave it out"
        )
    return {f"{name}={word}": np.array([cell == word for cell in cells], float) for word in words}
