from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vaekit.data.tables.table import table_dataset
from vaekit.errors import DataError, NotFoundError


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "1,2.5\n-3,4e1\n",
        "1;2.5\n-3;4e1\n",
        "1|2.5\n-3|4e1\n",
        "1\t2.5\n-3\t4e1",
        "  1   2.5\n -3 4e1\n",
        "a,b\n1,2.5\n-3,4e1\n",
        '"a","b"\n"1","2.5"\n"-3","4e1"\n',
        "\n\na,b\n\n1,2.5\r\n-3, 4e1\n\n",
        "\ufeff1,2.5\n-3,4e1\n",
        "# a,b\n1,2.5\n-3,4e1\n",
        "# made by hand\n# twice\na,b\n1,2.5\n-3,4e1\n",
        "An export of 2026\n\na,b\n1,2.5\n-3,4e1\n",
        "sep=;\na;b\n1;2,5\n-3;40\n",
        "a;b\n1;2,5\n-3;40,0\n",
    ],
)
def test_numbers_are_read_exactly_as_written(tmp_path: Path, text: str) -> None:
    data = table_dataset(table(tmp_path, text))
    assert data.images.tolist() == [[1, 2.5], [-3, 40]]
    assert data.images.dtype == np.float64
    assert data.labels is None


@pytest.mark.parametrize(
    ("text", "names", "labels"),
    [
        ("a,label,b\n1,cat,2\n3,dog,4\n", ("cat", "dog"), [0, 1]),
        ("Class,a,b\n9,1,2\n10,3,4\n", ("9", "10"), [0, 1]),
        ('a,b,target\n1,2,"x, y"\n3,4,z\n', ("x, y", "z"), [0, 1]),
    ],
)
def test_a_label_column_is_recognized_by_its_name(
    tmp_path: Path, text: str, names: tuple[str, ...], labels: list[int]
) -> None:
    data = table_dataset(table(tmp_path, text))
    assert data.images.tolist() == [[1, 2], [3, 4]]
    assert data.labels is not None
    assert data.labels.tolist() == labels
    assert data.label_names == names
    assert any("labels from column" in note for note in data.notes)


def test_a_column_called_y_is_a_column_unless_it_is_named(tmp_path: Path) -> None:
    path = table(tmp_path, "a b y\n1 2 0\n3 4 1\n5 5 0\n")
    assert [column.name for column in table_dataset(path).columns] == ["a", "b", "y"]
    data = table_dataset(path, label="y")
    assert [column.name for column in data.columns] == ["a", "b"]
    assert data.label_names == ("0", "1")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a table of numbers, got a file without any row"),
        ("\n \n", "expected a table of numbers, got a file without any row"),
        ("a,b\n", "expected a table of numbers, got a file without any row"),
        ("1,2\n3\n", "expected 2 cells in every row, but line 2 has 1"),
        ("a,b\n\n1,2\n3,4,5\n", "expected 2 cells in every row, but line 4 has 3"),
        ('a,b\n"1\n",2\n3\n', "line 4 has 1"),
        ("1,2\n3,x\n", "line 2, column 2 is 'x'"),
        ("1,2\n3,1e999\n", "line 2, column 2 is '1e999', which is infinite"),
        ("1,2\n3\n,5\n", "line 2 has 1"),
        ('a,b\n1,2\n"3,4\n5,6\n7,8\n', "one that opens after line 2 is never closed"),
        ("label\ncat\n", "no column but the labels"),
        ("a,b\n,\nNA,?\n", r"no column is left, set aside: a \(no value\), b \(no value\)"),
    ],
)
def test_an_invalid_table_is_reported_by_line(tmp_path: Path, text: str, says: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(DataError, match=says) as caught:
        table_dataset(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", bytes(range(32)) * 10])
def test_binary_content_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.csv").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as a table of numbers"):
        table_dataset(tmp_path / "b.csv")


def test_a_file_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        table_dataset(tmp_path / "none.csv")


def test_numbers_are_exact(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(5, 3))
    text = "\n".join(",".join(map(repr, row)) for row in values.tolist())
    np.testing.assert_array_equal(table_dataset(table(tmp_path, text)).images, values)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "utf-32"]
)
def test_encodings_are_recognized(tmp_path: Path, encoding: str) -> None:
    data = table_dataset(table(tmp_path, "größe,b\n1,2\n3,4.5\n", encoding))
    assert [column.name for column in data.columns] == ["größe", "b"]
    assert data.images.tolist() == [[1, 2], [3, 4.5]]


@pytest.mark.parametrize(
    "text",
    [
        "1,,3\n,5,\n",
        "a,b,c\n1,,3\n,5,\n",
        "1; ;3\r\n;5; \r\n",
        "1\t\t3\n\t5\t\n",
        "1,nan,3\nNaN,5,\n",
        '"1","","3"\n,5,\n',
        "1 nan 3\nnan 5 nan\n",
        "1,NA,3\nnull,5,?\n",
        "1,-,3\nN/A,5,None\n",
    ],
)
def test_empty_cells_and_words_for_missing_values_are_missing(tmp_path: Path, text: str) -> None:
    expected = [[1, np.nan, 3], [np.nan, 5, np.nan]]
    np.testing.assert_array_equal(table_dataset(table(tmp_path, text)).images, expected)


def test_an_empty_label_is_not_a_missing_value(tmp_path: Path) -> None:
    data = table_dataset(table(tmp_path, 'a,label,b\n1,,2\n,"x,, y",4\n'))
    np.testing.assert_array_equal(data.images, [[1, 2], [np.nan, 4]])
    assert data.label_names == ("missing", "x,, y")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a;b\n1.234,5;1\n2.000;0,5\n", [[1234.5, 1], [2000, 0.5]]),
        ('a,b\n"1,234.5",1\n"2,000",0.5\n', [[1234.5, 1], [2000, 0.5]]),
        ("a;b\n1 234,5;1\n2\u202f000;0,5\n", [[1234.5, 1], [2000, 0.5]]),
        ("a;b\n1'234.5;1\n2'000;0.5\n", [[1234.5, 1], [2000, 0.5]]),
        ("a\tb\n1,25\t3\n0,5\t4\n", [[1.25, 3], [0.5, 4]]),
        ("a;b\n0.125;1.250\n0.500;2.125\n", [[0.125, 1.25], [0.5, 2.125]]),
    ],
)
def test_decimal_and_thousands_marks_are_recognized(
    tmp_path: Path, text: str, values: list[list[float]]
) -> None:
    assert table_dataset(table(tmp_path, text)).images.tolist() == values


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("5.1,Iris-setosa\n4.9,Iris-setosa\n7.0,Iris-versicolor\n6.0,Iris-versicolor\n", ["x0", "x1"], 4),
        ("0,1,2\n0.5,0.7,0.1\n0.25,0.125,1.5\n", ["0", "1", "2"], 2),
        ("2019,2020,2021\n5,7,9\n3,2,8\n", ["2019", "2020", "2021"], 2),
        ("0,1,2\n3,4,5\n6,7,8\n", ["x0", "x1", "x2"], 3),
        ("a,a,\n1,2,3.5\n4,5,6\n", ["a", "a.1", "column 3"], 2),
        ('"a","b"\n"r1",1.5,2\n"r2",3,4\n', ["column 1", "a", "b"], 2),
        ("NA,2\n3,4\n5,7\n", ["x0", "x1"], 3),
    ],
)
def test_a_first_row_of_names_is_told_from_data(
    tmp_path: Path, text: str, names: list[str], rows: int
) -> None:
    data = table_dataset(table(tmp_path, text))
    assert data.table is not None
    assert list(data.table.names) == names
    assert len(data) == rows


def test_lines_before_a_table_are_skipped_and_said(tmp_path: Path) -> None:
    data = table_dataset(table(tmp_path, "150,2,setosa\n" + "5.1,3.5,1.4,0\n4.9,3.0,1.4,1\n" * 3))
    assert data.images.shape == (6, 4)
    assert data.notes[0] == "lines before the table, such as '150,2,setosa', are skipped"


def test_whole_numbers_have_no_decimal_comma(tmp_path: Path) -> None:
    data = table_dataset(table(tmp_path, "a;b\n1;2\n3;4\n5;9\n"))
    assert not any("decimal comma" in note for note in data.notes)


def test_the_header_can_be_chosen(tmp_path: Path) -> None:
    path = table(tmp_path, "0,1,2\n0.5,0.7,0.1\n0.25,0.125,1.5\n")
    assert len(table_dataset(path, header=False)) == 3
    assert [column.name for column in table_dataset(path, header=True).columns] == ["0", "1", "2"]


def test_quotes_commas_and_newlines_may_be_in_cells(tmp_path: Path) -> None:
    text = 'n,word\n1.5,"a, ""b""\nc"\n2.5,x\n3.5,"a, ""b""\nc"\n4.5,x\n'
    data = table_dataset(table(tmp_path, text))
    assert data.columns[1].categories == ('a, "b"\nc', "x")
    assert data.images[:, 1].tolist() == [0, 1, 0, 1]


def test_words_that_come_late_are_words_from_the_first_row_on(tmp_path: Path) -> None:
    rows = [f"{i % 3},{i}.5" for i in range(250_000)]
    rows[240_000] = "x,0.5"
    data = table_dataset(table(tmp_path, "kind,value\n" + "\n".join(rows) + "\n"))
    assert data.columns[0].categories == ("0", "1", "2", "x")
    assert data.images[:3, 0].tolist() == [0, 1, 2]
    assert data.images[240_000].tolist() == [3, 0.5]


def test_underscores_do_not_belong_to_numbers(tmp_path: Path) -> None:
    data = table_dataset(table(tmp_path, "a,b\n1_0,1.5\n2_0,2\n1_0,3\n2_0,4\n"))
    assert data.columns[0].categories == ("1_0", "2_0")


def test_a_thousand_columns_are_read(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(7, 1000)).round(3)
    header = ",".join(f"c{j}" for j in range(1000))
    text = "\n".join([header, *(",".join(map(str, row)) for row in values.tolist())])
    data = table_dataset(table(tmp_path, text))
    np.testing.assert_array_equal(data.images, values)
    assert len(" ".join(data.notes)) < 1000
