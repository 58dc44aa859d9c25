"""Public tables of numbers and words, from packages of pip; a table whose package is missing is left out.

A table is what a user would have in a CSV: classes, sexes, islands and votes are words, and everything else
is a number. Rows with missing values are left out, so that every value that a benchmark hides is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MAX_ROWS = 2000


@dataclass(frozen=True)
class Table:
    """Columns of floats or of words, each (N,), by name.

    Args:
        name: of the table.
        columns: float64 for numbers, objects for words.
        target: the column that the others predict.
    """

    name: str
    columns: dict[str, np.ndarray]
    target: str

    def __len__(self) -> int:
        return len(self.columns[self.target])

    def take(self, rows: np.ndarray) -> Table:
        """The table of some rows."""
        return Table(self.name, {name: values[rows] for name, values in self.columns.items()}, self.target)

    @property
    def words(self) -> list[str]:
        """The names of the columns of words."""
        return [name for name, values in self.columns.items() if values.dtype == object]

    @property
    def numbers(self) -> list[str]:
        """The names of the columns of numbers."""
        return [name for name in self.columns if name not in self.words]

    def write(self, path: Path, hidden: np.ndarray | None = None) -> Path:
        """Write a CSV, with empty cells where `hidden` (N, D) is true."""
        hidden = np.zeros((len(self), len(self.columns)), bool) if hidden is None else hidden
        cells = [[_cell(value) for value in values] for values in self.columns.values()]
        lines = [",".join(self.columns)]
        for i, row in enumerate(zip(*cells, strict=True)):
            lines.append(",".join("" if hidden[i, j] else cell for j, cell in enumerate(row)))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def read(path: Path, like: Table) -> Table:
    """Read a CSV with the columns of a table, in any order.

    Raises:
        ValueError: a cell is no number in a column of numbers.
    """
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    cells = np.array([line.split(",") for line in lines], dtype=object)
    place = {name: j for j, name in enumerate(header.split(","))}
    return Table(
        like.name,
        {
            name: cells[:, place[name]].astype(object if name in like.words else float)
            for name in like.columns
        },
        like.target,
    )


def as_numbers(table: Table, like: Table) -> tuple[np.ndarray, list[slice]]:
    """Numbers as they are, words as one-hot vectors over the words of `like`.

    Returns:
        (N, F), and the place of each column.
    """
    parts: list[np.ndarray] = []
    places: list[slice] = []
    for name, values in table.columns.items():
        part = values[:, None]
        if name in table.words:
            part = part == np.unique(like.columns[name].astype(str))
        start = places[-1].stop if places else 0
        parts.append(part.astype(float))
        places.append(slice(start, start + part.shape[1]))
    return np.concatenate(parts, 1), places


def _clean(name: str) -> str:
    return "_".join(name.replace("(", "").replace(")", "").replace("/", " ").split())


def _scikit_learn() -> Iterator[Table]:
    from sklearn import datasets

    for name, target in (("iris", "species"), ("wine", "cultivar"), ("breast_cancer", "diagnosis")):
        bunch = getattr(datasets, f"load_{name}")()
        columns = {_clean(str(word)): bunch.data[:, j] for j, word in enumerate(bunch.feature_names)}
        classes = np.array([str(word) for word in bunch.target_names], dtype=object)
        yield Table(name, {**columns, target: classes[bunch.target]}, target)
    bunch = datasets.load_diabetes(scaled=False)
    columns = {str(word): bunch.data[:, j] for j, word in enumerate(bunch.feature_names)}
    columns["sex"] = np.array(["one", "two"], dtype=object)[columns["sex"].astype(int) - 1]
    yield Table("diabetes", {**columns, "progression": bunch.target}, "progression")


def _palmerpenguins() -> Iterator[Table]:
    from palmerpenguins import load_penguins

    yield _of_frame("penguins", load_penguins().drop(columns="year").dropna(), "species")


def _statsmodels() -> Iterator[Table]:
    from statsmodels import datasets

    frame = datasets.anes96.load_pandas().data.drop(columns="popul")
    frame["vote"] = np.where(frame["vote"] == 1, "Dole", "Clinton")
    yield _of_frame("anes96", frame, "vote")
    frame = datasets.fair.load_pandas().data.sample(MAX_ROWS, random_state=0)
    frame["occupation"] = ["work" + str(int(value)) for value in frame["occupation"]]
    frame["occupation_husb"] = ["work" + str(int(value)) for value in frame["occupation_husb"]]
    frame["affairs"] = np.where(frame["affairs"] > 0, "yes", "no")
    yield _of_frame("fair", frame, "affairs")
    frame = datasets.randhie.load_pandas().data.sample(MAX_ROWS, random_state=0)
    for name in ("idp", "hlthg", "hlthf", "hlthp"):
        frame[name] = np.where(frame[name] > 0, "yes", "no")
    yield _of_frame("randhie", frame, "mdvis")
    yield _of_frame("star98", datasets.star98.load_pandas().data.iloc[:, 2:14], "LOWINC")


def _of_frame(name: str, frame: Any, target: str) -> Table:
    columns = {}
    for column in frame.columns:
        values = frame[column].to_numpy()
        is_word = any(isinstance(value, str) for value in values)
        columns[_clean(str(column))] = values.astype(object if is_word else float)
    return Table(name, columns, target)


SOURCES: tuple[Callable[[], Iterator[Table]], ...] = (_scikit_learn, _palmerpenguins, _statsmodels)


def tables(names: Sequence[str] | None = None) -> Iterator[Table]:
    """The public tables, or those with these names."""
    for source in SOURCES:
        try:
            for table in source():
                if names is None or table.name in names:
                    yield table
        except ImportError:
            continue


def halves(table: Table, seed: int, test: float) -> tuple[Table, Table]:
    """Split the rows at random into training and test rows; `test` is the share of the latter."""
    rows = np.random.default_rng(seed).permutation(len(table))
    count = round(test * len(table))
    return table.take(rows[count:]), table.take(rows[:count])
