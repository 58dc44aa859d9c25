"""A recipe becomes the objects that it names."""

import pytest
import torch

from vaekit import recipes
from vaekit.build import build_model, build_objective, check
from vaekit.errors import RecipeError
from vaekit.objectives import importance_weighted


def test_the_gated_recipe_is_784_300_300_40_300_300_784():
    model = build_model(recipes.load("mnist-gated").model, (1, 28, 28))
    sizes = [tuple(p.shape) for p in model.parameters() if p.dim() == 2]
    assert sizes == [(600, 784), (600, 300), (80, 300), (600, 40), (600, 300), (784, 300)]


def test_weights_follow_from_the_seed_and_leave_the_random_state_alone():
    recipe, before = recipes.load("digits"), torch.get_rng_state()
    one, two, other = (build_model(recipe.model, (1, 8, 8), seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 28, 20), (1, 8, 8), (3, 64, 64), (1, 1, 13)])
@pytest.mark.parametrize("network", ["dense", "convolutional", "residual"])
def test_every_network_is_built_for_any_image(shape, network):
    changes = [f"model.{part}.network={network}" for part in ("encoder", "decoder")]
    model = build_model(recipes.load("mnist", changes).model, shape)
    assert model.sample(2, seed=0).shape == (2, *shape)


def test_the_objective_has_its_schedule():
    objective = build_objective(recipes.load("mnist-gated").objective)
    assert [objective.beta_at(epoch, 0) for epoch in (1, 50, 100, 300)] == [0.01, 0.5, 1.0, 1.0]
    assert [objective.settled(epoch, 0) for epoch in (99, 100)] == [False, True]
    assert objective.final_beta == 1


def test_steps_can_be_the_unit_and_the_bound_can_be_another():
    changes = [
        "objective.beta={kind: linear, over: 10, unit: step, value: 2}",
        "objective.kind=importance_weighted",
    ]
    objective = build_objective(recipes.load("digits", [*changes, "objective.samples=5"]).objective)
    assert (objective.beta_at(100, 5), objective.samples) == (1.0, 5)
    assert objective.bound is importance_weighted


def test_levels_cannot_be_probable_where_reals_are_seen():
    changes = ["data.observation=unit", "model.decoder.likelihood=categorical"]
    with pytest.raises(RecipeError, match=r"use data\.observation=grey"):
        check(recipes.load("mnist", changes))
    check(recipes.load("mnist", ["data.observation=grey", "model.decoder.likelihood=categorical"]))
