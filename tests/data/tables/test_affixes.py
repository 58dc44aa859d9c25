"""Numbers with a currency, a percent sign or a unit, and the other forms in which people write numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vaekit.data import load_dataset
from vaekit.data.tables import fill_table, read_like, write_table
from vaekit.data.tables.cells import find_affix, to_number

VALUES = np.array([1234.5, -2.25, 70.0, 1500.75, 0.5, 17.0, 28.25, -310.0, 4.0, 91.5, 6.25, 33.0])
FORMS = {
    "dollar": lambda v: f"{'-' * (v < 0)}${abs(v):,.2f}",
    "dollar after the sign": lambda v: f"${v:.2f}",
    "euro": lambda v: f"{v:.2f} €",
    "code": lambda v: f"CHF {v:.2f}",
    "percent": lambda v: f"{v}%",
    "unit": lambda v: f"{v} kg",
    "rate": lambda v: f"{v} µg/m³",
    "parentheses": lambda v: f"({-v:,.2f})" if v < 0 else f"{v:,.2f}",
    "currency in parentheses": lambda v: f"(${-v:,.2f})" if v < 0 else f"${v:,.2f}",
    "minus sign": lambda v: f"{v:.2f}".replace("-", "\u2212"),
}


def table(path: Path, cells: list[str]) -> Path:
    rows = [f'"{cell}",{i % 4 + i / 8}' for i, cell in enumerate(cells)]
    path.write_text("x,other\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("form", FORMS)
def test_a_form_of_numbers_is_read_said_and_written_again(tmp_path: Path, form: str) -> None:
    cells = [FORMS[form](value) for value in VALUES.tolist()]
    data = load_dataset(table(tmp_path / "x.csv", ["", *cells]))
    column = data.columns[0]
    assert (column.name, column.kind) == ("x", "real")
    np.testing.assert_array_equal(data.images[1:, 0], VALUES)
    note = [note for note in data.notes if note.startswith("column 'x': numbers")]
    assert len(note) == (form != "minus sign")
    back = load_dataset(write_table(tmp_path / "back.csv", data, data.images))
    np.testing.assert_array_equal(back.images, data.images)
    assert (back.columns[0].prefix.strip(), back.columns[0].suffix) == (column.prefix.strip(), column.suffix)
    values = np.where(np.isnan(data.images), 3.5, data.images)
    (filled,) = fill_table(data, np.arange(13), values, ~np.isnan(data.images), tmp_path / "filled.csv")
    before, after = ((tmp_path / name).read_text().splitlines() for name in ("x.csv", "filled.csv"))
    assert after[2:] == before[2:]
    assert load_dataset(filled).images[0, 0] == 3.5


def test_other_rows_may_have_the_affix_or_not_but_no_other_one(tmp_path: Path) -> None:
    data = load_dataset(table(tmp_path / "x.csv", [f"{v} kg" for v in VALUES.tolist()]))
    other = read_like(table(tmp_path / "new.csv", ["3.5 kg", "3.5", "3500 g", "3.5kg"]), data.columns)
    np.testing.assert_array_equal(other.images[:, 0], [3.5, 3.5, np.nan, 3.5])
    assert any("1 values are no numbers and count as missing: '3500 g'" in note for note in other.notes)


@pytest.mark.parametrize(
    "words",
    [["3 doors", "5 doors"] * 6, ["5 kg", "3 mm", "2 g"] * 4, ["A-12", "A-13", "A-14"], ["12a 3", "1"]],
)
def test_words_with_numbers_in_them_stay_words(tmp_path: Path, words: list[str]) -> None:
    assert find_affix(words) is None
    data = load_dataset(table(tmp_path / "x.csv", words * 3))
    assert data.columns[0].kind == "category"


def test_decimal_commas_are_recognized_in_prices_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    prices = [1234.5, 2.25, 70.0, 15.75]
    marks = str.maketrans(",.", ".,")
    rows = [f"{v:,.2f} €".translate(marks) + ";a" for v in prices] * 3
    path.write_text("preis;wort\n" + "\n".join(rows) + "\n", encoding="utf-8")
    data = load_dataset(path)
    np.testing.assert_array_equal(data.images[:4, 0], prices)


def test_the_first_of_prices_without_names_is_data(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("".join(f"${v:.2f},{v}\n" for v in VALUES.tolist()))
    np.testing.assert_array_equal(load_dataset(path).images, np.stack([VALUES, VALUES], 1))


def test_indian_thousands() -> None:
    assert [to_number(cell) for cell in ("12,34,567.50", "1,23,456", "1,2,3", "12,345")] == [
        1234567.5, 123456, None, 12345,
    ]  # fmt: skip


def test_the_affix_is_kept_with_the_model(tmp_path: Path) -> None:
    from vaekit.data.preprocessing import fit_preprocessing
    from vaekit.spec import Preprocessing

    data = load_dataset(table(tmp_path / "x.csv", [f"{v}%" for v in VALUES.tolist()]))
    found = fit_preprocessing(data, np.arange(8))
    again = Preprocessing.from_dict(found.to_dict())
    assert [column.suffix for column in again.columns] == ["%", ""]
