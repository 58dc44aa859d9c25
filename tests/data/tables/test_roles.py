"""Columns with a use of their own: labels, groups, times, weights, conditions; and files as splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vaekit.config.build import build_data
from vaekit.config.loading import load_recipe, override_recipe
from vaekit.data import load_dataset, split
from vaekit.data.tables import read_like
from vaekit.errors import DataError, RecipeError


def table(folder: Path, rows: int = 60, name: str = "t.csv", shift: float = 0.0) -> Path:
    rng = np.random.default_rng(int(shift))
    lines = ["when,patient,weight,age,sex,dose,size"]
    for i in range(rows):
        lines.append(
            f"{1 + (7 * i) % 28}.{1 + i % 12}.2024,p{i % 9},{1 + i % 3},{30 + i % 40},{'fm'[i % 2]},"
            f"{rng.normal():.3f},{rng.normal(shift):.3f}"
        )
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_group_is_not_cut(tmp_path: Path) -> None:
    data = load_dataset(table(tmp_path), group="patient")
    parts = split(data, validation=0.2, test=0.2)
    assert data.groups is not None
    found = [set(data.groups[indices]) for indices in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, found)) == 9
    assert "patient" not in [column.name for column in data.columns]


def test_the_last_rows_in_time_are_the_test_rows(tmp_path: Path) -> None:
    data = load_dataset(table(tmp_path), time="when")
    parts = split(data, validation=0.2, test=0.2)
    assert data.times is not None
    assert data.times[parts.test].min() >= data.times[parts.validation].max()
    assert data.times[parts.validation].min() >= data.times[parts.train].max()


def test_a_column_that_is_no_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected times in column 'sex', got words such as 'f'"):
        load_dataset(table(tmp_path), time="sex")


def test_weights_are_a_column_apart(tmp_path: Path) -> None:
    data = load_dataset(table(tmp_path), weight="weight")
    assert data.weights is not None
    assert data.weights[:4].tolist() == [1, 2, 3, 1]
    with pytest.raises(DataError, match="expected numbers from 0 on in column 'dose'"):
        load_dataset(table(tmp_path), weight="dose")


def test_columns_become_conditions(tmp_path: Path) -> None:
    path = table(tmp_path)
    data = load_dataset(path, attributes=["age", "sex"])
    assert data.attribute_names == ("age", "sex=f", "sex=m")
    assert data.attributes is not None
    assert data.attributes[:2].tolist() == [[30, 1, 0], [31, 0, 1]]
    assert {"age", "sex"}.isdisjoint(column.name for column in data.columns)
    other = read_like(path, data.columns, attributes=data.attribute_names)
    np.testing.assert_array_equal(other.attributes, data.attributes)
    path.write_text(path.read_text().replace(",30,", ",,", 1))
    with pytest.raises(DataError, match="1 values of column 'age' are missing"):
        load_dataset(path, attributes=["age"])


def test_own_files_are_the_splits(tmp_path: Path) -> None:
    train, test = table(tmp_path), table(tmp_path, 20, "test.csv", shift=5)
    data = load_dataset(train, test_file=test)
    assert data.published == {"train": (0, 60), "test": (60, 80)}
    alone = read_like(test, data.columns)
    np.testing.assert_array_equal(data.images[60:], alone.images)
    test.write_text(test.read_text().replace("dose", "doze"))
    with pytest.raises(DataError, match=r"'dose' is missing.*give the test file the same columns"):
        load_dataset(train, test_file=test)


def test_columns_can_be_chosen_ignored_and_ordered(tmp_path: Path) -> None:
    path = table(tmp_path)
    choice = {"sex": {"kind": "ordered", "categories": ["m", "f"]}, "dose": "ignore", "patient": "category"}
    data = load_dataset(path, columns=choice)
    found = {column.name: column for column in data.columns}
    assert found["sex"].kind == "ordered"
    assert found["sex"].categories == ("m", "f")
    assert found["patient"].categories == tuple(f"p{i}" for i in range(9))
    assert "dose" not in found
    assert data.table is not None
    assert "left out by data.columns" in [one.reason for one in data.table.set_aside]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"columns": {"doze": "real"}},
            "columns names the column 'doze', but the columns are .*did you mean",
        ),
        ({"columns": {"dose": "complex"}}, "expected ignore or one of real, integer"),
        ({"columns": {"dose": "integer"}}, "expected whole numbers in column 'dose'.*choose real"),
        ({"columns": {"sex": "real"}}, "expected numbers in column 'sex'.*line 2, column 5 is 'f'"),
        ({"columns": {"patient": "boolean"}}, "expected two different values in column 'patient'"),
        ({"label": "sex", "group": "sex"}, "column 'sex' has two uses"),
        ({"scaling": "log"}, "scaling: expected one of standard"),
    ],
)
def test_a_wrong_choice_is_one_line(tmp_path: Path, options: dict[str, object], says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        load_dataset(table(tmp_path), **options)
    assert "\n" not in str(caught.value)


def test_options_of_tables_are_refused_for_other_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no columns to choose, but got label"):
        load_dataset("digits", label="x")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(5, 3)))
    with pytest.raises(DataError, match="group applies to tables"):
        load_dataset(tmp_path / "x.npy", group="x")


def test_a_recipe_names_columns(tmp_path: Path) -> None:
    path = table(tmp_path)
    keys = [
        f"data.dataset={path}", "data.validation=0.2", "data.test=0.2", "data.binarization=none",
        "data.values=continuous", "data.group=patient", "data.weight=weight", "data.attributes=[age, sex]",
        "data.columns={dose: ignore}", "data.missing_values=[-9, x]", "model.condition=attributes",
    ]  # fmt: skip
    recipe = override_recipe(load_recipe("mnist"), keys)
    data, _ = build_data(recipe.data)
    assert [column.name for column in data.columns] == ["size"]
    assert data.attribute_names == ("age", "sex=f", "sex=m")
    assert data.groups is not None
    assert data.weights is not None
    with pytest.raises(RecipeError, match=r"data\.columns"):
        override_recipe(recipe, ["data.columns={dose: complex}"])


def test_rows_without_a_label_are_a_class_and_are_said(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,label\n" + "".join(f"{i / 8},{('', 'p', 'q')[i % 3]}\n" for i in range(12)))
    data = load_dataset(path)
    assert data.label_names == ("missing", "p", "q")
    assert data.labels.tolist() == [0, 1, 2] * 4
    assert "4 rows without a label are the class 'missing'" in data.notes
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("a,label\n" + "".join(f"{i / 8},{('', '1', '2')[i % 3]}\n" for i in range(12)))
    assert load_dataset(numbers).label_names == ("1", "2", "missing")
