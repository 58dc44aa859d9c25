"""Data frames, Parquet and Excel; each test is left out where its package is not installed."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from vaekit.data import Dataset, load_dataset
from vaekit.data.own_dataset import to_dataset
from vaekit.data.tables import fill_table, read_like, table_dataset, write_table
from vaekit.data.tables.frames import object_column
from vaekit.errors import DataError

N = 12
ROWS = {
    "day": [datetime.date(2026, 1, 1 + i) for i in range(N)],
    "real": [None if i == 3 else 0.5 * i - 0.25 for i in range(N)],
    "whole": [None if i == 4 else i - 5 for i in range(N)],
    "yes": [i % 3 == 0 for i in range(N)],
    "word": [None if i == 5 else "ab"[i % 2] for i in range(N)],
}
KINDS = {"real": "real", "whole": "integer", "yes": "boolean", "word": "category"}


def check(data: Dataset) -> None:
    assert {column.name: column.kind for column in data.columns} == KINDS
    assert data.table is not None
    assert [(one.name, one.reason) for one in data.table.set_aside] == [("day", "dates")]
    expected = [
        [np.nan if v is None else v for v in ROWS["real"]],
        [np.nan if v is None else v for v in ROWS["whole"]],
        [float(v) for v in ROWS["yes"]],
        [np.nan if v is None else float(v == "b") for v in ROWS["word"]],
    ]
    np.testing.assert_array_equal(data.images.T, expected)
    assert data.columns[2].categories == ("False", "True")


def test_a_frame_of_pandas_is_a_table() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS)
    check(load_dataset(frame))
    check(load_dataset(frame.convert_dtypes()))
    check(to_dataset(frame, "mine", "data own.py:mine"))
    frame.index = frame.index[::-1]
    check(load_dataset(frame))


def test_types_of_pandas_are_kept() -> None:
    pandas = pytest.importorskip("pandas")
    order = pandas.CategoricalDtype(["low", "mid", "high"], ordered=True)
    frame = pandas.DataFrame(
        {
            "rank": pandas.Series(["high", None, "low", "high"], dtype=order),
            "when": pandas.date_range("2026-01-01", periods=4, tz="UTC"),
            "size": np.array([1.5, 2.5, 0.25, 1], np.float32),
        }
    )
    data = load_dataset(frame)
    assert [column.kind for column in data.columns] == ["ordered", "real"]
    assert data.columns[0].categories == ("low", "mid", "high")
    np.testing.assert_array_equal(data.images[:, 0], [2, np.nan, 0, 2])
    other = read_like(frame.iloc[::-1], data.columns)
    np.testing.assert_array_equal(other.images, data.images[::-1])


def test_a_frame_of_polars_is_a_table() -> None:
    polars = pytest.importorskip("polars")
    check(load_dataset(polars.DataFrame(ROWS)))


def test_parquet_is_read_written_and_filled(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    parquet.write_table(arrow.table(ROWS), path)
    data = load_dataset(path)
    check(data)
    written = parquet.read_table(write_table(tmp_path / "back.parquet", data, data.images))
    for name in KINDS:
        assert written.column(name).to_pylist() == ROWS[name]
    observed = ~np.isnan(data.images)
    values = np.where(observed, data.images, [7.125, 3, 1, 0])
    (file,) = fill_table(data, np.arange(N), values, observed, tmp_path / "filled.parquet")
    filled, source = parquet.read_table(file), parquet.read_table(path)
    assert filled.schema == source.schema
    assert filled.column("day").to_pylist() == ROWS["day"]
    assert filled.column("whole").to_pylist() == [3 if i == 4 else i - 5 for i in range(N)]
    assert filled.column("real").to_pylist()[3] == pytest.approx(7.125, abs=0.13)
    assert filled.column("word").to_pylist()[5] == "a"


def test_excel_is_read_written_and_filled(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(list(ROWS))
    for row in zip(*ROWS.values(), strict=True):
        book.active.append(row)
    path = tmp_path / "t.xlsx"
    book.save(path)
    data = load_dataset(path)
    check(data)
    check_back = load_dataset(write_table(tmp_path / "back.xlsx", data, data.images))
    np.testing.assert_array_equal(check_back.images, data.images)
    observed = ~np.isnan(data.images)
    values = np.where(observed, data.images, [7.25, 3, 1, 0])
    (file,) = fill_table(data, np.arange(N), values, observed, tmp_path / "filled.xlsx")
    sheet = openpyxl.load_workbook(file).active
    assert [cell.value for cell in sheet[1]] == list(ROWS)
    assert [sheet.cell(i + 2, 3).value for i in range(N)] == [3 if i == 4 else i - 5 for i in range(N)]
    assert sheet.cell(2, 1).value == datetime.datetime(2026, 1, 1)


@pytest.mark.parametrize(("name", "package"), [("t.parquet", "pyarrow"), ("t.xlsx", "openpyxl")])
def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    monkeypatch.setitem(__import__("sys").modules, f"{package}.parquet", None)
    (tmp_path / name).write_bytes(b"x")
    extra = "parquet" if package == "pyarrow" else "excel"
    with pytest.raises(
        DataError,
        match=rf'{name}: needs {package}, which is not installed; run: pip install "vaekit\[{extra}\]"',
    ):
        table_dataset(tmp_path / name)


def test_objects_of_python_are_numbers_words_or_times() -> None:
    assert object_column("a", ["1", "2", None]).words == ("1", "2")
    assert object_column("a", [1, float("nan"), 3]).n_missing == 1
    assert object_column("a", [datetime.datetime(2026, 1, 1), None]).kind == "date"
    assert object_column("a", [1, "x", True]).words == ("1", "x", "True")


def test_a_title_over_merged_cells_of_a_sheet_is_skipped(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Measurements 2024", None, None])
    sheet.merge_cells("A1:C1")
    sheet.append(["size", None, "kind"])
    sheet.append(["a", "b", "color"])
    for i in range(12):
        sheet.append([i / 4 if i != 5 else None, float(i * i), ("red", "blue")[i % 2]])
    book.save(tmp_path / "x.xlsx")
    data = table_dataset(tmp_path / "x.xlsx")
    assert [column.name for column in data.columns] == ["a", "b", "color"]
    assert len(data) == 12
    assert "rows above the names, such as 'Measurements 2024', are skipped" in data.notes
    values = np.where(np.isnan(data.images), 9.0, data.images)
    (file,) = fill_table(data, np.arange(12), values, ~np.isnan(data.images), tmp_path / "filled.xlsx")
    before, after = (openpyxl.load_workbook(p).active for p in (tmp_path / "x.xlsx", file))
    cells = [[cell.value for cell in row] for row in before.iter_rows()]
    cells[8][0] = 9.0
    assert [[cell.value for cell in row] for row in after.iter_rows()] == cells


def test_several_imputations_of_a_sheet_keep_the_columns_that_are_set_aside(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("openpyxl")
    when = pandas.date_range("2024-01-01", periods=8)
    size = [1.5, None, 2.25, 4.0, None, 3.5, 2.0, 1.0]
    pandas.DataFrame({"when": when, "size": size, "word": list("abababab")}).to_excel(
        tmp_path / "x.xlsx", index=False
    )
    data = table_dataset(tmp_path / "x.xlsx")
    values = np.stack([np.where(np.isnan(data.images), fill, data.images) for fill in (7.0, 8.0)])
    (file,) = fill_table(
        data, np.arange(8), values, ~np.isnan(data.images), tmp_path / "filled.xlsx", as_column=True
    )
    found = pandas.read_excel(file)
    assert list(found.columns) == ["when", "size", "word", "imputation"]
    assert found["when"].tolist() == [*when, *when]
    assert found["imputation"].tolist() == [1] * 8 + [2] * 8
    assert found["size"].tolist() == [
        fill if value is None else value for fill in (7.0, 8.0) for value in size
    ]
