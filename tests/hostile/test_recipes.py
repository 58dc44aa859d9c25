"""Recipes and studies from hostile YAML: one short line, and nothing else.

What grows without bound would take minutes; `MOST_SECONDS` only tells it from a slow machine.
"""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given

from hostile import recipes
from hostile.budget import budget
from vaekit.config.loading import load_recipe, override_recipe, recipe_tree
from vaekit.config.schema.recipe import Recipe
from vaekit.errors import InvalidError, NotFoundError, RecipeError, VaekitError
from vaekit.studies.library import load_study
from vaekit.studies.sweep import parse_values

FILES = recipes.as_files(recipes.REFUSED, recipes.BYTES)
MOST_SECONDS = 60
ABSENT = [name for name in FILES if name.startswith("extends")]


def is_short(error: Exception) -> bool:
    text = str(error)
    return len(text) <= 500 and "\n" not in text and all(c.isprintable() for c in text)


@pytest.mark.parametrize("what", FILES)
def test_a_hostile_recipe_is_refused_in_one_short_line(what, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_bytes(FILES[what])
    start = time.process_time()
    with pytest.raises((RecipeError, *([NotFoundError] if what in ABSENT else []))) as caught:
        load_recipe(file)
    assert time.process_time() - start < MOST_SECONDS
    assert is_short(caught.value), str(caught.value)[:1000]
    assert "mine.yaml" in str(caught.value) or what in ABSENT


@pytest.mark.parametrize("what", FILES)
def test_so_is_a_hostile_study(what, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_bytes(FILES[what])
    start = time.process_time()
    with pytest.raises(InvalidError) as caught:
        load_study(file)
    assert time.process_time() - start < MOST_SECONDS
    assert is_short(caught.value), str(caught.value)[:1000]


@pytest.mark.parametrize("name", list(recipes.names()))
def test_a_name_of_nothing_is_not_found(name):
    for load in (load_recipe, load_study):
        with pytest.raises((NotFoundError, InvalidError)) as caught:
            load(name)
        assert is_short(caught.value)


def test_a_key_may_come_by_a_merge_key_and_an_alias():
    tree = recipe_tree("a: &a {epochs: 3}\ntraining: {<<: *a, seed: 1}\nb: [*a, *a]", "mine")
    assert tree["training"] == {"epochs": 3, "seed": 1}
    assert tree["b"] == [{"epochs": 3}] * 2


def test_a_long_chain_of_parents_ends(tmp_path):
    for i in range(40):
        (tmp_path / f"{i}.yaml").write_text(f"extends: {i + 1}.yaml\n")
    with pytest.raises(RecipeError, match="more than 16 others"):
        load_recipe(tmp_path / "0.yaml")


def test_a_circle_by_another_path_is_one(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "a.yaml").write_text("extends: d/../a.yaml\n")
    with pytest.raises(RecipeError, match="extends itself"):
        load_recipe(tmp_path / "a.yaml")


@budget
@given(text=recipes.texts)
def test_any_text_is_a_recipe_or_is_refused(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    for load in (lambda: load_recipe(file, trust=False), lambda: load_study(file)):
        try:
            load()
        except VaekitError as error:
            assert is_short(error), str(error)[:2000]  # noqa: PT017 (there may be none)


@budget
@given(text=recipes.overrides)
def test_any_override_is_applied_or_refused(text):
    try:
        override_recipe(Recipe(), [text])
    except RecipeError as error:
        assert is_short(error), str(error)[:2000]  # noqa: PT017 (there may be none)
    with suppress(InvalidError):
        parse_values(text)
