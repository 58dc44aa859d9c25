from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vaekit.data.readers.csv import read_table
from vaekit.errors import DataError


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "1,2.5\n-3,4e1\n",
        "1;2.5\n-3;4e1\n",
        "1\t2.5\n-3\t4e1",
        "  1   2.5\n -3 4e1\n",
        "a,b\n1,2.5\n-3,4e1\n",
        '"a","b"\n"1","2.5"\n"-3","4e1"\n',
        "\n\na,b\n\n1,2.5\r\n-3, 4e1\n\n",
        "\ufeff1,2.5\n-3,4e1\n",
    ],
)
def test_numbers_are_read_exactly_as_written(tmp_path: Path, text: str) -> None:
    raw = read_table(table(tmp_path, text))
    assert raw.values.tolist() == [[1, 2.5], [-3, 40]]
    assert raw.labels is None


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("a,label,b\n1,cat,2\n3,dog,4\n", ["cat", "dog"]),
        ("Class,a,b\n9,1,2\n10,3,4\n", [9, 10]),
        ('a,b,target\n1,2,"x, y"\n3,4,z\n', ["x, y", "z"]),
        ("a b y\n1 2 0\n3 4 1\n", [0, 1]),
    ],
)
def test_a_label_column_is_recognized_by_its_name(tmp_path: Path, text: str, labels: list[object]) -> None:
    raw = read_table(table(tmp_path, text))
    assert raw.values.tolist() == [[1, 2], [3, 4]]
    assert raw.labels is not None
    assert raw.labels.tolist() == labels
    assert "labels from column" in raw.notes[0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a table of numbers, got a file without any row"),
        ("\n \n", "expected a table of numbers, got a file without any row"),
        ("a,b\n", "expected a table of numbers, got a file without any row"),
        ("1,2\n3\n", "expected 2 numbers in every row, but line 2 has 1"),
        ("a,b\n\n1,2\n3,4,5\n", "line 4 has 3"),
        ("1,2\n3,x\n", "line 2, column 2 is 'x'"),
        ("1,2\n3,NA\n", "line 2, column 2 is 'NA'"),
        ("1,2\n3\n,5\n", "line 2 has 1"),
        ("label\ncat\n", "no column but the labels"),
    ],
)
def test_an_invalid_table_is_reported_by_line(tmp_path: Path, text: str, says: str) -> None:
    path = table(tmp_path, text)
    with pytest.raises(DataError, match=says) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_binary_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x9d")
    with pytest.raises(DataError, match="cannot be read as a table of numbers"):
        read_table(tmp_path / "b.csv")


def test_numbers_are_exact(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(5, 3))
    text = "\n".join(",".join(map(repr, row)) for row in values.tolist())
    np.testing.assert_array_equal(read_table(table(tmp_path, text)).values, values)


def test_text_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("größe,b\n1,2\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.csv: .*it is not text in UTF-8; save it as such"):
        read_table(path)


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
    ],
)
def test_empty_cells_are_missing_values(tmp_path: Path, text: str) -> None:
    expected = [[1, np.nan, 3], [np.nan, 5, np.nan]]
    np.testing.assert_array_equal(read_table(table(tmp_path, text)).values, expected)


def test_an_empty_label_is_not_a_missing_value(tmp_path: Path) -> None:
    raw = read_table(table(tmp_path, 'a,label,b\n1,,2\n,"x,, y",4\n'))
    np.testing.assert_array_equal(raw.values, [[1, 2], [np.nan, 4]])
    assert raw.labels is not None
    assert raw.labels.tolist() == ["", "x,, y"]
