"""A recipe becomes the objects that it names."""

import pytest
import torch

from vaekit import recipes
from vaekit.build import build_data, build_model, build_objective, check, training_images
from vaekit.errors import DataError, RecipeError
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


VAMP = ["model.prior={kind: vamp, components: 4, start: data}"]


def test_a_vamp_prior_starts_from_training_images_or_is_loaded_into():
    model = recipes.load("digits", VAMP).model
    bright = build_model(model, (1, 8, 8), images=lambda n: torch.ones(n, 1, 8, 8))
    assert torch.allclose(bright.prior.links[0].images(), torch.tensor(0.98), atol=1e-6)
    loaded = build_model(model, (1, 8, 8))
    loaded.load_state_dict(bright.state_dict())
    assert torch.equal(loaded.sample(3, seed=0), bright.sample(3, seed=0))


def test_training_images_are_those_of_the_training_split_as_they_are_seen():
    spec = recipes.load("digits", ["data.observation=grey", "data.validation=1700", "data.test=90"]).data
    dataset, splits = build_data(spec)
    taken = training_images(spec, dataset, splits)(len(splits.train))
    own = torch.from_numpy(dataset.images[splits.train]).float() / 255
    assert (taken.sum((1, 2, 3)).sort().values == own.sum((1, 2, 3)).sort().values).all()
    with pytest.raises(DataError, match=r"expected at least 8 images to choose as many from, got 7"):
        training_images(spec, dataset, splits)(8)


def test_a_mixture_of_points_has_no_density():
    with pytest.raises(
        RecipeError, match=r"model\.prior: vamp is a mixture of posteriors.*use model\.prior="
    ):
        check(recipes.load("digits", [*VAMP, "model.encoder.posterior=dirac"]))
    check(recipes.load("digits", VAMP))
