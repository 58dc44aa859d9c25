"""Tables that are written: back from their values, and with their gaps filled."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vaekit.data.table_source import TableSource
from vaekit.data.tables import fill_table, read_like, table_dataset, write_table
from vaekit.errors import DataError
from vaekit.spec import Column

COLUMNS = (
    Column("real"),
    Column("grid", resolution=0.25),
    Column("whole", "integer", resolution=1.0),
    Column("n", "count", resolution=1.0),
    Column("yes", "boolean", ("no", "yes")),
    Column("word", "category", ("a,b", 'c"d', "e\nf", "g")),
    Column("rank", "ordered", ("low", "high")),
)
NUMBERS = st.floats(-1e12, 1e12).map(lambda v: v + 0.0)
ROWS = st.lists(
    st.tuples(
        st.none() | NUMBERS,
        st.none() | st.integers(-1000, 1000).map(lambda v: v / 4),
        st.none() | st.integers(-(2**50), 2**50),
        st.none() | st.integers(0, 10**6),
        st.none() | st.integers(0, 1),
        st.none() | st.integers(0, 3),
        st.none() | st.integers(0, 1),
    ),
    min_size=1,
    max_size=8,
)


def as_values(rows: list[tuple[float | None, ...]]) -> np.ndarray:
    return np.array([[np.nan if cell is None else cell for cell in row] for row in rows], np.float64)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=ROWS, delimiter=st.sampled_from(",;\t|"), decimal=st.sampled_from(".,"), bom=st.booleans())
def test_any_values_come_back_from_the_file_they_are_written_to(
    tmp_path: Path, rows: list[tuple[float | None, ...]], delimiter: str, decimal: str, bom: bool
) -> None:
    decimal = "." if delimiter == "," else decimal
    source = TableSource(
        names=tuple(column.name for column in COLUMNS),
        delimiter=delimiter,
        decimal=decimal,
        encoding="utf-8-sig" if bom else "utf-8",
        newline="\r\n",
        missing="NA",
    )
    values = as_values(rows)
    path = write_table(tmp_path / "t.csv", COLUMNS, values, source)
    again = read_like(path, COLUMNS, delimiter=delimiter, header=True)
    np.testing.assert_array_equal(again.images, values)


def test_columns_are_in_the_order_and_under_the_names_of_the_source(tmp_path: Path) -> None:
    source = TableSource(names=("when", "b", "a"), headers=("when", "x", "x"))
    path = write_table(tmp_path / "t.csv", (Column("a"), Column("b")), np.array([[1.5, 2.5]]), source)
    assert path.read_text() == "x,x\n2.5,1.5\n"


def test_several_imputations_are_numbered_in_a_column(tmp_path: Path) -> None:
    values = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
    path = write_table(tmp_path / "t.csv", (Column("a", "integer", resolution=1.0),), values)
    assert path.read_text() == "a,imputation\n1,1\n2,1\n3,2\n4,2\n"


def test_tsv_has_tabs(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.tsv", (Column("a"), Column("b")), np.array([[1.5, -0.0]]))
    assert path.read_text() == "a\tb\n1.5\t-0.0\n"


def test_rounding_never_gives_minus_zero(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", (Column("a", resolution=0.01),), np.array([[-0.001]]))
    assert path.read_text() == "a\n0.00\n"


def test_values_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected values \(N, D\) or \(K, N, D\) of 2 columns, got shape"):
        write_table(tmp_path / "t.csv", (Column("a"), Column("b")), np.zeros((3, 1)))


CELLS = st.sampled_from(["1.50", "2e0", " 3.25", "", "NA", '"4.5"', '""', "-7", "?", "nan"])
WORDS = st.sampled_from(["red", '"blue, ""dark"""', "", "NA", '"two\nlines"', "it's"])


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, WORDS, CELLS), min_size=4, max_size=12),
    newline=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
)
def test_only_missing_cells_change(
    tmp_path: Path, rows: list[tuple[str, str, str]], newline: str, last: bool, encoding: str
) -> None:
    rows = [("1.25", "red", "0.5"), ("2.5", "red", "7.75"), *rows]
    header = ["größe", '"the, color"', "c"]
    body = [",".join(row) for row in (header, *rows)]
    text = newline.join(body) + newline * last
    path = tmp_path / "source.csv"
    path.write_bytes(text.encode(encoding))
    choices = {"the, color": "category", "größe": "real", "c": "real"}
    data = table_dataset(path, columns=choices)
    observed = ~np.isnan(data.images)
    values = np.where(observed, data.images, [99.5, 0, 1234.5])
    (file,) = fill_table(data, np.arange(len(rows)), values, observed, tmp_path / "filled.csv")
    after = list(csv.reader(io.StringIO(file.read_bytes().decode(encoding), newline="")))
    assert len(after) == len(rows) + 1
    word = data.columns[1].categories[0]
    expected, seen = [], iter(observed)
    for row in rows:
        known = next(seen)
        quoted = '"' + word.replace('"', '""') + '"' if set(word) & set(',"\n') else word
        fills = [None, quoted, None]
        cells = []
        for j, cell in enumerate(row):
            fill = fills[j] or after[len(expected) + 1][j]
            cells.append(cell if known[j] else fill)
        expected.append(",".join(cells))
    written = newline.join([body[0], *expected]) + newline * last
    assert file.read_bytes() == written.encode(encoding)
    again = table_dataset(file, columns=choices)
    np.testing.assert_array_equal(again.images, np.where(observed, data.images, again.images))
    assert not np.isnan(again.images).any()


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("a b\n1.5  NA\n  2.5 3.5\n", "a b\n1.5  9.0\n  2.5 3.5\n"),
        ("a;b\n1,5;\n;3,5\n\n", "a;b\n1,5;9,0\n8,0;3,5\n\n"),
        ("# made by hand\na\tb\n1.5\t?\n-\t3.5", "# made by hand\na\tb\n1.5\t9.0\n8.0\t3.5"),
        ("1.5,\n,3.5\n", "1.5,9.0\n8.0,3.5\n"),
    ],
)
def test_the_format_of_the_source_stays(tmp_path: Path, text: str, filled: str) -> None:
    path = tmp_path / "source.csv"
    path.write_text(text)
    data = table_dataset(path)
    observed = ~np.isnan(data.images)
    values = np.where(observed, data.images, [8.0, 9.0])
    (file,) = fill_table(data, np.arange(2), values, observed, tmp_path / "filled.csv")
    assert file.read_text() == filled


def test_set_aside_columns_and_rows_that_are_not_chosen_stay(tmp_path: Path) -> None:
    path = tmp_path / "source.csv"
    path.write_text("when,a,b\n2026-01-01,1.5,\n2026-01-02,,2.5\n,3.5,4.5\n")
    data = table_dataset(path)
    (file,) = fill_table(
        data, np.array([1]), np.array([[7.5, 2.5]]), np.array([[False, True]]), tmp_path / "filled.csv"
    )
    assert file.read_text() == "when,a,b\n2026-01-01,1.5,\n2026-01-02,7.5,2.5\n,3.5,4.5\n"


def test_several_imputations_are_files_or_rows(tmp_path: Path) -> None:
    path = tmp_path / "source.csv"
    path.write_text("a,b\n1.5,\n2.5,3.5\n")
    data = table_dataset(path)
    values, observed = np.array([[[1.5, 7.0], [2.5, 3.5]], [[1.5, 8.0], [2.5, 3.5]]]), ~np.isnan(data.images)
    files = fill_table(data, np.arange(2), values, observed, tmp_path / "filled.csv")
    assert [file.name for file in files] == ["filled-1.csv", "filled-2.csv"]
    assert [file.read_text() for file in files] == ["a,b\n1.5,7.0\n2.5,3.5\n", "a,b\n1.5,8.0\n2.5,3.5\n"]
    (file,) = fill_table(data, np.arange(2), values, observed, tmp_path / "all.csv", as_column=True)
    assert file.read_text() == "a,b,imputation\n1.5,7.0,1\n2.5,3.5,1\n1.5,8.0,2\n2.5,3.5,2\n"


def test_a_file_that_changed_or_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "source.csv"
    path.write_text("a,b\n1.5,\n2.5,3.5\n")
    data = table_dataset(path)
    observed = ~np.isnan(data.images)
    fill = (np.arange(2), np.ones((2, 2)), observed)
    with pytest.raises(DataError, match=r"expected the format of source\.csv"):
        fill_table(data, *fill, tmp_path / "filled.parquet")
    path.write_text("a,b\n1.5,\n2.5,3.5\n1,2\n")
    with pytest.raises(DataError, match="has 3 rows, but the data have 2; it was changed"):
        fill_table(data, *fill, tmp_path / "filled.csv")
