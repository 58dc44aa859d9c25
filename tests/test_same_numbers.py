"""The comparator of `scripts/same_numbers.py`: what it translates, and what it calls a difference."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from same_numbers import rows, table
from same_numbers.compare import compare
from same_numbers.names import Names, old_recipe


def differing(old: dict, new: dict) -> list[str]:
    return [difference.path for difference in compare(old, new).differences]


def test_values_are_equal_to_the_last_bit():
    assert differing({"a": [0.1, None, True]}, {"a": [0.1, None, True]}) == []
    assert differing({"a": [0.1, 0.0, 1]}, {"a": [0.1 + 2e-17, -0.0, 1.0]}) == ["a/0", "a/1", "a/2"]
    assert differing({"a": 1.0, "b": 2}, {"a": 1.0, "c": 2}) == ["b", "c"]


def test_texts_may_differ_but_digests_and_recipes_may_not():
    assert differing({"a": "two words"}, {"a": "others"}) == []
    assert differing({"a": "two words"}, {"a": None}) == ["a"]
    assert differing({"a": "0123456789 float32"}, {"a": "0123456780 float32"}) == ["a"]
    assert differing({"recipe": {"kind": "x"}}, {"recipe": {"kind": "y"}}) == ["recipe/kind"]


def test_failures_on_both_sides_are_differences():
    assert differing({"a": {"error": "E"}}, {"a": {"error": "E"}}) == ["a/error"]


def test_new_names_are_compared_with_the_old_ones(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(table, "FIELDS", {"bits": "bits_per_dimension", "quality/fid": "frechet"})
    monkeypatch.setattr(table, "WEIGHTS", {r"^posterior\.": "encoder."})
    monkeypatch.setattr(table, "ADDED", {"*/median": "new"})
    old = {"bits_per_dimension": 1.0, "quality": {"frechet": 2.0}, "fid": 3.0, "weights": {"encoder.a.b": 4}}
    new = {
        "bits": 1.0,
        "quality": {"fid": 2.5},
        "fid": 3.0,
        "weights": {"posterior.a.b": 4},
        "x": {"median": 5},
    }
    assert differing(old, new) == ["quality/fid (was quality/frechet)"]
    assert differing({"bits_per_dimension": 1}, {"bits": 1, "bits_per_dimension": 1}) == [
        "bits_per_dimension"
    ]


def test_a_rename_without_a_row_is_reported():
    old = {"a": {"weights": {"encoder.links.0": 1.5, "encoder.links.1": 2.5}}, "b": [{"bits": 3.5}]}
    new = {"a": {"weights": {"encoder.levels.0": 1.5, "encoder.levels.1": 2.5}}, "b": [{"nats": 4.5}]}
    assert compare(old, new).renamed == [("levels", "links", 2)]


def test_recipes_are_converted_to_the_old_schema(monkeypatch: pytest.MonkeyPatch):
    def shape(tree: dict) -> dict:
        tree["model"]["posterior"] = {"kind": tree["model"]["posterior"]["form"]}
        return tree

    monkeypatch.setattr(table, "recipe_shape", shape)
    monkeypatch.setattr(table, "RECIPE_KEYS", {"training.rate": "learning_rate", "*.seed": "start"})
    monkeypatch.setattr(table, "RECIPE_VALUES", {"model.posterior.kind": {"normal": "gaussian"}})
    recipe = {"model": {"posterior": {"form": "normal"}}, "training": {"rate": 1, "seed": 2}}
    assert old_recipe(recipe) == {
        "model": {"posterior": {"kind": "gaussian"}},
        "training": {"learning_rate": 1, "start": 2},
    }
    assert Names(old=False).recipe(recipe) == recipe


def test_each_tree_is_called_by_its_own_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(table, "PYTHON", {"vaekit.dates": "datetime", "vaekit.dates.day": "datetime.date"})
    monkeypatch.setattr(table, "MEMBERS", {"Day.changed": "replace"})
    monkeypatch.setattr(table, "KEYWORDS", {"Day.changed:moon": "month"})
    monkeypatch.setattr(table, "ARGUMENTS", {"Day.changed:moon": {"June": 6}})
    names = Names(old=True)
    day = names.run("vaekit.dates.day", 2020, 1, 31)
    assert names.find("vaekit.dates.timedelta").__name__ == "timedelta"
    assert str(names.call(day, "Day.changed", moon="June", day=1)) == "2020-06-01"


def test_every_pair_of_choices_is_in_a_row():
    found = {pair for row in rows.models("") for pair in combinations(row.name.split("+"), 2)}
    for (_, first), (_, second) in combinations(rows.CHOICES.items(), 2):
        assert {(a, b) for a in first for b in second} - found <= {
            (prior, "dirac") for prior in ("vamp", "vamp-learned", "exemplars")
        }
