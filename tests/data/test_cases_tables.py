"""Small tables that stand for kinds of tables: what is read, set aside, said, and written back."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from vaekit.data import Dataset, load_dataset
from vaekit.data.tables import fill_table, read_like, write_table
from vaekit.errors import DataError


def write(path: Path, columns: dict[str, object]) -> Path:
    with open(path, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))  # type: ignore[call-overload]
    return path


def kinds(data: Dataset) -> dict[str, str]:
    return {column.name: column.kind for column in data.columns}


def aside(data: Dataset) -> dict[str, str]:
    assert data.table is not None
    return {one.name: one.reason for one in data.table.set_aside}


def test_columns_of_other_scales_keep_their_units(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {"a": rng.normal(0, 0.01, 200), "b": rng.normal(3, 5, 200), "c": rng.normal(0, 2000, 200)}
    data = load_dataset(write(tmp_path / "T01.csv", columns))
    np.testing.assert_array_equal(data.images, np.stack(list(columns.values()), 1))
    assert kinds(data) == dict.fromkeys("abc", "real")
    assert (data.offset, data.scale, data.scaled) == (0, 1, False)


def test_a_code_for_missing_values_is_suspected_and_said_and_treated_by_a_key(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(200, 4))
    values[::20, 0] = -9999
    path = write(tmp_path / "T05.csv", dict(zip("abcd", values.T, strict=True)))
    data = load_dataset(path)
    assert kinds(data) == dict.fromkeys("abcd", "real")
    note = next(note for note in data.notes if "-9999" in note)
    assert "'a'" in note
    assert "10 times" in note
    assert "data.missing_values=[-9999]" in note
    masked = load_dataset(path, missing_values=[-9999])
    assert np.isnan(masked.images).sum(0).tolist() == [10, 0, 0, 0]
    one = load_dataset(path, columns={"a": {"missing_values": [-9999]}})
    np.testing.assert_array_equal(one.images, masked.images)


def test_a_unix_time_is_recognized_and_set_aside(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {"time": 1.7e9 + 60 * np.arange(200), "a": rng.normal(size=200), "b": rng.normal(size=200)}
    path = write(tmp_path / "T06.csv", columns)
    data = load_dataset(path)
    assert kinds(data) == {"a": "real", "b": "real"}
    assert aside(data) == {"time": "a Unix time in seconds, 2023-11-14 to 2023-11-15"}
    assert any("data.columns={time: real}" in note for note in data.notes)
    kept = load_dataset(path, columns={"time": "real"})
    np.testing.assert_array_equal(kept.images[:, 0], columns["time"])


def mixed(folder: Path) -> Path:
    rng, lines = np.random.default_rng(0), ["when,machine,ok,load,temp,count"]
    for i in range(300):
        load = "" if i % 17 == 0 else ("NA" if i % 23 == 0 else f"{rng.normal(50, 12):.3f}")
        lines.append(
            f"2026-01-{1 + i % 28:02}T00:00:00,{('press', 'lathe', 'mill')[i % 3]},{bool(i % 5)},{load},"
            f"{rng.normal(20, 3):.4f},{rng.poisson(4)}"
        )
    path = folder / "T10.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_of_dates_words_and_gaps_has_typed_columns(tmp_path: Path) -> None:
    data = load_dataset(mixed(tmp_path))
    expected = {"machine": "category", "ok": "boolean", "load": "real", "temp": "real", "count": "count"}
    assert kinds(data) == expected
    assert aside(data) == {"when": "dates"}
    machine, ok, load, temp, count = data.columns
    assert machine.categories == ("lathe", "mill", "press")
    assert ok.categories == ("False", "True")
    assert (load.resolution, temp.resolution, count.resolution) == (0.001, 0.0001, 1)
    missing = {i for i in range(300) if i % 17 == 0 or i % 23 == 0}
    assert set(np.flatnonzero(np.isnan(data.images[:, 2]))) == missing
    assert data.images[:6, 0].tolist() == [2, 0, 1, 2, 0, 1]
    assert data.images[:6, 1].tolist() == [0, 1, 1, 1, 1, 0]


def test_a_european_table_is_read_and_what_was_recognized_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = np.stack([rng.normal(3, 1, 50), rng.normal(1, 0.2, 50), rng.normal(12000, 900, 50)], 1).round(2)
    swap = str.maketrans(",.", ".,")
    rows = [";".join(f"{v:,.2f}".translate(swap) for v in row) for row in values.tolist()]
    path = tmp_path / "T11.csv"
    path.write_bytes(("länge;breite;preis\n" + "\n".join(rows) + "\n").encode("latin-1"))
    data = load_dataset(path)
    np.testing.assert_array_equal(data.images, values)
    assert list(kinds(data)) == ["länge", "breite", "preis"]
    said = " / ".join(data.notes)
    assert "cp1252" in said
    assert "semicolons" in said
    assert "decimal comma" in said
    assert "'.' between thousands" in said


@pytest.mark.parametrize("header", ["", "id", "Unnamed: 0", "index"])
@pytest.mark.parametrize("start", [0, 1])
def test_a_running_index_is_set_aside(tmp_path: Path, header: str, start: int) -> None:
    rng = np.random.default_rng(0)
    columns = {header: np.arange(start, start + 90), "a": rng.normal(size=90), "b": rng.normal(size=90)}
    data = load_dataset(write(tmp_path / "T12.csv", columns))
    assert kinds(data) == {"a": "real", "b": "real"}
    assert list(aside(data).values()) == ["a running index"]


def test_a_first_row_with_a_missing_value_is_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = "".join(f"{rng.normal():.3f},{rng.normal():.3f}\n" for _ in range(60))
    (tmp_path / "T13.csv").write_text("NA,2\n3,4\n5,7\n" + rows)
    data = load_dataset(tmp_path / "T13.csv")
    assert data.images.shape == (63, 2)
    assert np.argwhere(np.isnan(data.images)).tolist() == [[0, 0]]


def test_y_is_a_feature_unless_it_is_named_as_label(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = write(tmp_path / "T14.csv", {name: rng.normal(size=120) for name in "xyz"})
    data = load_dataset(path)
    assert list(kinds(data)) == ["x", "y", "z"]
    assert data.labels is None
    with pytest.raises(DataError, match="holds real numbers, not classes"):
        load_dataset(path, label="y")


def test_a_column_of_words_is_a_category_and_offered_as_label(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {"petal": rng.normal(size=90), "species": ["red", "green", "blue"] * 30}
    path = write(tmp_path / "T15.csv", columns)
    data = load_dataset(path)
    assert kinds(data) == {"petal": "real", "species": "category"}
    assert any("data.label=species" in note for note in data.notes)
    labeled = load_dataset(path, label="species")
    assert labeled.label_names == ("blue", "green", "red")
    assert kinds(labeled) == {"petal": "real"}


def test_whole_numbers_from_zero_on_are_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mu = rng.gamma(0.5, 2, (1, 60)) * rng.lognormal(0, 0.6, (500, 1))
    np.save(tmp_path / "T16.npy", rng.negative_binomial(2, 2 / (2 + mu)).astype(np.int64))
    data = load_dataset(tmp_path / "T16.npy")
    assert set(kinds(data).values()) == {"count"}
    assert data.columns[0].resolution == 1


def holes(folder: Path) -> tuple[Path, np.ndarray]:
    rng = np.random.default_rng(0)
    values = rng.normal([0, 100, 2.2e6], [1, 20, 3e5], (300, 3))
    missing = rng.random(values.shape) < 0.1
    rows = [
        ",".join("" if hole else repr(v) for v, hole in zip(row, gaps, strict=True))
        for row, gaps in zip(values.tolist(), missing.tolist(), strict=True)
    ]
    path = folder / "T17.csv"
    path.write_text("a,b,c\n" + "\n".join(rows) + "\n")
    return path, missing


def test_observed_cells_stay_byte_for_byte_when_gaps_are_filled(tmp_path: Path) -> None:
    path, missing = holes(tmp_path)
    data = load_dataset(path)
    np.testing.assert_array_equal(np.isnan(data.images), missing)
    values = np.where(missing, [0.5, 101.25, 2e6], data.images + 1)
    (file,) = fill_table(data, np.arange(300), values, ~missing, tmp_path / "filled.csv")
    before = [line.split(",") for line in path.read_text().split("\n")]
    after = [line.split(",") for line in file.read_text().split("\n")]
    assert after[0] == before[0]
    assert len(after) == len(before)
    for i, row in enumerate(missing):
        for j, hole in enumerate(row):
            if hole:
                assert float(after[i + 1][j]) == [0.5, 101.25, 2e6][j]
            else:
                assert after[i + 1][j] == before[i + 1][j]
    assert not np.isnan(load_dataset(file).images).any()


def test_a_mixed_table_comes_back_from_its_values(tmp_path: Path) -> None:
    path = mixed(tmp_path)
    data = load_dataset(path)
    file = write_table(tmp_path / "back.csv", data, data.images)
    again = load_dataset(file)
    np.testing.assert_array_equal(again.images, data.images)
    assert again.columns == data.columns
    lines = path.read_text().replace("NA", "").split("\n")
    without_date = [line.partition(",")[2] for line in lines]
    assert file.read_text().split("\n") == without_date


def test_another_table_is_read_by_the_columns_of_the_first(tmp_path: Path) -> None:
    columns = load_dataset(mixed(tmp_path)).columns
    path = tmp_path / "new.csv"
    path.write_text("count,extra,temp,machine,load,ok\n3,1,20.5,mill,?,true\n2.6,1,x,drill,7,0\n")
    data = read_like(path, columns)
    np.testing.assert_array_equal(data.images, [[1, 1, np.nan, 20.5, 3], [np.nan, 0, 7, np.nan, 3]])
    said = " / ".join(data.notes)
    assert "unknown to the model: extra" in said
    assert "column 'machine': 1 values are unknown to the model and count as missing: 'drill'" in said
    assert "column 'temp': 1 values are no numbers" in said
    assert "rounded" in said
    path.write_text("count,temp,machine,ok\n3,20.5,mill,true\n")
    with pytest.raises(DataError, match=r"'load' is missing.*the table has count, temp, machine, ok"):
        read_like(path, columns)
