"""Overrides as Python writes them: mappings, keywords and strings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vaekit.config.loading import override_recipe
from vaekit.config.overrides import as_overrides, find_path
from vaekit.config.schema.recipe import Recipe
from vaekit.errors import RecipeError


def test_each_form_gives_the_same_recipe():
    forms = [
        as_overrides(["model.latent_dim=7", "training.epochs=3"]),
        as_overrides({"model.latent_dim": 7, "training.epochs": 3}),
        as_overrides({"model": {"latent_dim": 7}, "training": {"epochs": 3}}),
        as_overrides(latent_dim=7, epochs=3),
        as_overrides({"latent_dim": np.int64(7)}, **{"training.epochs": 3}),
    ]
    recipes = [override_recipe(Recipe(), form) for form in forms]
    assert all(recipe == recipes[0] for recipe in recipes)
    assert recipes[0].model.layer_dims == (7,)
    assert recipes[0].training.epochs == 3


def test_a_component_may_be_a_word_or_a_section():
    recipe = override_recipe(Recipe(), as_overrides(prior={"kind": "vamp", "components": 20}))
    assert recipe.model.prior.components == 20
    assert override_recipe(Recipe(), as_overrides(prior="vamp")).model.prior.kind == "vamp"
    assert override_recipe(Recipe(), as_overrides(objective={"kind": "iwae"})).objective.kind == "iwae"


def test_the_seed_is_that_of_training():
    assert find_path("seed") == "training.seed"


@pytest.mark.parametrize(
    ("overrides", "keys", "message"),
    [
        ((), {"latent": 4}, "latent: no such key of a recipe; did you mean .*latent_dim"),
        ((), {"network": "dense"}, "stands for .*encoder.network or model.decoder.network"),
        ((), {"epochs": object()}, "training.epochs: expected a plain value, got object"),
        ("training.epochs=5", {}, "expected a list of strings or a dict"),
    ],
)
def test_what_cannot_be_meant_is_refused(overrides, keys, message):
    with pytest.raises(RecipeError, match=message):
        as_overrides(overrides, **keys)


def test_paths_are_plain_values():
    assert as_overrides({"data.dataset": Path("a.csv")}) == ['data.dataset="a.csv"']
