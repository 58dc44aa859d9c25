"""A grid becomes variants, overrides come in their order, seeds are trained in rounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaekit.errors import InvalidError, RecipeError
from vaekit.studies import plan
from vaekit.studies.library import parse_study
from vaekit.studies.schema import EvaluationProtocol, Preset


def planned(preset: dict | None = None, **run: object) -> list[plan.Variant]:
    study = parse_study({"runs": [{"name": "a", "recipe": "digits", **run}]})
    return plan.plan_variants(study, Preset.model_validate(preset or {}))


def test_a_grid_is_every_combination_with_its_values_filled_in():
    found = planned(
        name="d{d}-b{b}",
        label="d = {d}, beta = {b}",
        grid={"d": [2, 3], "b": [0.5, 4]},
        overrides=["model.latent_dim={d}", "objective.beta={kind: constant, value: {b}}"],
    )
    assert [variant.name for variant in found] == ["d2-b0.5", "d2-b4", "d3-b0.5", "d3-b4"]
    assert found[2].label == "d = 3, beta = 0.5"
    assert found[2].values == {"d": 3, "b": 0.5}
    assert (found[2].recipe.model.latent_dim, found[2].recipe.objective.beta.value) == (3, 0.5)


def test_small_numbers_lists_and_mappings_can_be_values():
    [small] = planned(name="b{b}", grid={"b": [1e-5]}, overrides=["objective.beta={b}"])
    assert small.recipe.objective.beta.value == 1e-5
    [deep] = planned(name="l{l}", grid={"l": [[4, 3]]}, overrides=["model.latent_dim={l}"])
    assert (deep.name, deep.recipe.model.layer_dims) == ("l4-3", (4, 3))
    prior = {"kind": "mixture", "components": 3}
    [mixture] = planned(name="p{p}", grid={"p": [prior]}, overrides=["model.prior={p}"])
    assert mixture.recipe.model.prior.components == 3


def test_overrides_of_a_preset_follow_those_of_the_run_and_precede_those_of_a_pattern():
    preset = {
        "overrides": ["training.epochs=2", "model.latent_dim=7"],
        "runs": {"a-*": ["training.epochs=3"]},
    }
    first, second = (
        planned(preset, name=name, overrides=["model.latent_dim=5"])[0].recipe for name in ("a-1", "a-2")
    )
    assert (first.model.latent_dim, first.training.epochs) == (7, 3)
    assert second == first


def test_overrides_of_a_study_precede_those_of_a_run():
    tree = {
        "overrides": ["model.latent_dim=5", "training.epochs=3"],
        "runs": [
            {"name": "a", "recipe": "digits"},
            {"name": "b", "recipe": "digits", "overrides": ["model.latent_dim=6"]},
        ],
    }
    found = [v.recipe for v in plan.plan_variants(parse_study(tree), Preset())]
    assert [(recipe.model.latent_dim, recipe.training.epochs) for recipe in found] == [(5, 3), (6, 3)]


def test_no_samples_are_saved_in_training_unless_the_study_sets_it():
    assert planned()[0].recipe.training.sample_every == 0
    assert planned(overrides=["training.sample_every=2"])[0].recipe.training.sample_every == 2


def test_a_preset_may_select_by_name_or_group():
    grid = {"name": "v{d}", "grid": {"d": [1, 2, 3]}, "overrides": ["model.latent_dim={d}"], "group": "VAE"}
    assert [variant.name for variant in planned({"only": ["v1", "v3"]}, **grid)] == ["v1", "v3"]
    assert len(planned({"only": "VAE"}, **grid)) == 3


def test_seeds_start_at_that_of_the_recipe_and_are_trained_in_rounds():
    found = planned({"seeds": 2}, name="v{d}", grid={"d": [1, 2]}, overrides=["training.seed=5"])
    tasks = plan.plan_tasks(found, EvaluationProtocol(), Path("x"))
    assert [str(task.directory) for task in tasks] == [
        "x/v1/seed-5", "x/v2/seed-5", "x/v1/seed-6", "x/v2/seed-6",
    ]  # fmt: skip
    assert [task.recipe.training.seed for task in tasks] == [5, 5, 6, 6]


@pytest.mark.parametrize(
    ("error", "words", "preset", "run"),
    [
        (InvalidError, "two variants are called 'a'; put the variables", None, {"grid": {"d": [1, 2]}}),
        (InvalidError, r"expected letters, digits, .* got 'a b'", None, {"name": "a b"}),
        (InvalidError, r"got 'a-\{d\}'", None, {"name": "a-{d}"}),
        (InvalidError, "no run is called 'x\\*'; expected one of a", {"only": "x*"}, {}),
        (InvalidError, "no run is called 'y'", {"runs": {"y": []}}, {}),
        (RecipeError, "did you mean 'epochs'", None, {"overrides": ["training.epoch=1"]}),
    ],
)
def test_invalid_plans_are_refused(error, words, preset, run):
    with pytest.raises(error, match=words):
        planned(preset, **run)


def test_the_default_preset_is_quick():
    study = parse_study({"runs": [{"name": "a", "recipe": "digits"}], "presets": {"full": {}, "quick": {}}})
    assert plan.choose_preset(study, None)[0] == "quick"
    assert plan.choose_preset(study, "full")[0] == "full"
    with pytest.raises(InvalidError, match="expected one of full, quick, got 'quik'; did you mean 'quick'"):
        plan.choose_preset(study, "quik")
