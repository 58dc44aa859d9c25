"""A recipe becomes the objects that it names."""

import math

import pytest
import torch
from torch.distributions import kl_divergence

from vaekit import registry
from vaekit.config.build import (
    build,
    build_data,
    build_labels,
    build_model,
    build_objective,
    training_images,
)
from vaekit.config.loading import load_recipe, override_recipe
from vaekit.errors import RecipeError
from vaekit.models.flows import FlowPosterior, FlowPrior
from vaekit.models.objectives import iwae
from vaekit.utils.random import seeded


def test_the_gated_recipe_is_784_300_300_40_300_300_784():
    model = build_model(load_recipe("mnist-gated").model, (1, 28, 28))
    sizes = [tuple(p.shape) for p in model.parameters() if p.dim() == 2]
    assert sizes == [(600, 784), (600, 300), (80, 300), (600, 40), (600, 300), (784, 300)]


def test_weights_follow_from_the_seed_and_leave_the_random_state_alone():
    recipe, before = load_recipe("digits"), torch.get_rng_state()
    one, two, other = (build_model(recipe.model, (1, 8, 8), seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 28, 20), (1, 8, 8), (3, 64, 64), (1, 1, 13)])
@pytest.mark.parametrize("network", ["dense", "convolutional", "residual"])
def test_every_network_is_built_for_any_image(shape, network):
    changes = [f"model.{part}.network={network}" for part in ("encoder", "decoder")]
    model = build_model(load_recipe("mnist", changes).model, shape)
    assert model.sample(2, seed=0).shape == (2, *shape)


def test_the_objective_has_its_schedule():
    objective = build_objective(load_recipe("mnist-gated").objective)
    assert [objective.beta_at(epoch, 0) for epoch in (1, 50, 100, 300)] == [0.01, 0.5, 1.0, 1.0]
    assert [objective.is_warmed_up(epoch, 0) for epoch in (99, 100)] == [False, True]
    assert objective.final_beta == 1


def test_steps_can_be_the_unit_and_the_bound_can_be_another():
    changes = [
        "objective.beta={kind: linear, warmup: 10, unit: step, final: 2}",
        "objective.kind=iwae",
    ]
    objective = build_objective(load_recipe("digits", [*changes, "objective.samples=5"]).objective)
    assert (objective.beta_at(100, 5), objective.samples) == (1.0, 5)
    assert objective.bound is iwae


def test_levels_cannot_be_probable_where_reals_are_seen():
    changes = ["data.binarization=none", "data.values=continuous", "model.decoder.likelihood=categorical"]
    with pytest.raises(RecipeError, match=r"use data\.values=discrete"):
        load_recipe("mnist", changes)
    load_recipe("mnist", ["data.binarization=none", "model.decoder.likelihood=categorical"])


VAMP = ["model.prior={kind: vamp, components: 4, init: data}"]


def test_a_vamp_prior_starts_from_training_images_or_is_loaded_into():
    model = load_recipe("digits", VAMP).model
    bright = build_model(model, (1, 8, 8), images=lambda n: (torch.ones(n, 1, 8, 8), None))
    assert torch.allclose(bright.prior.layers[0].images(), torch.tensor(0.98), atol=1e-6)
    loaded = build_model(model, (1, 8, 8))
    loaded.load_state_dict(bright.state_dict())
    assert torch.equal(loaded.sample(3, seed=0), bright.sample(3, seed=0))


def test_training_images_are_those_of_the_training_split_as_they_are_seen():
    spec = load_recipe("digits", ["data.binarization=none", "data.validation=1700", "data.test=90"])
    dataset, splits = build_data(spec.data)
    taken, labels = training_images(spec, dataset, splits)(len(splits.train))
    own = torch.from_numpy(dataset.images[splits.train]).float() / 255
    assert (taken.sum((1, 2, 3)).sort().values == own.sum((1, 2, 3)).sort().values).all()
    assert labels.sort().values.tolist() == sorted(dataset.labels[splits.train].tolist())
    recipe = override_recipe(spec, ["model.prior={kind: exemplars, components: 8}"])
    with pytest.raises(RecipeError, match=r"prior: components: expected at most 7, .* got 8; use fewer"):
        build(recipe)


def test_a_mixture_of_points_has_no_density():
    with pytest.raises(
        RecipeError, match=r"model\.prior: vamp is a mixture of posteriors.*use standard_normal"
    ):
        load_recipe("digits", [*VAMP, "model.encoder.posterior=delta"])
    load_recipe("digits", VAMP)


# ------------------------------------------------------------------------------------------- several layers


@pytest.mark.parametrize("network", ["dense", "convolutional", "residual"])
@pytest.mark.parametrize("prior", ["standard_normal", "mixture", "vamp", "exemplars"])
@pytest.mark.parametrize("layer_dims", [[4], [4, 3], [4, 3, 2], [4, 3, 2, 1]])
def test_any_number_of_layers_is_built_from_a_list(network: str, prior: str, layer_dims: list[int]):
    changes = [f"model.latent_dim={layer_dims}", f"model.encoder.network={network}", f"model.prior={prior}"]
    model = build_model(load_recipe("mnist", changes).model, (1, 8, 8))
    x = torch.rand(5, 1, 8, 8).round()
    assert model.layer_dims == tuple(layer_dims)
    assert model.encode(x).rsample((2,)).shape == (2, 5, sum(layer_dims))
    assert model.sample(3, temperature=0.7, seed=0).shape == (3, 1, 8, 8)
    terms = model.elbo_terms(x, n_samples=2)
    assert terms.log_ratio.shape == (len(layer_dims), 2, 5)
    assert torch.isfinite(terms.elbo).all()


def test_two_levels_with_a_vamp_prior_are_those_of_the_paper():
    model = build_model(load_recipe("mnist-hvae-vamp").model, (1, 28, 28))
    parts = {
        part: [tuple(p.shape) for p in module.parameters() if p.dim() == 2]
        for part, module in model.named_children()
    }
    assert parts["encoder"] == [
        (600, 784), (600, 300), (80, 300),
        (600, 784), (600, 40), (600, 300), (80, 300),
    ]  # fmt: skip
    assert parts["prior"] == [(600, 40), (600, 300), (80, 300)]
    assert parts["decoder"] == [(600, 80), (600, 300), (784, 300)]
    assert model.prior.layers[0].images().shape == (500, 1, 28, 28)


def test_the_evidence_of_two_levels_with_a_vamp_prior_on_top_is_its_parts_by_hand():
    changes = ["model.latent_dim=[2, 3]", "model.prior={kind: vamp, components: 5, std: 0.5}"]
    model = build_model(load_recipe("digits", changes).model, (1, 8, 8)).double()
    x = torch.rand(4, 1, 8, 8, dtype=torch.float64).round()
    terms = model.elbo_terms(x, n_samples=6, seed=1)
    with seeded(1):
        q = model.encode(x).rsample_layers((6,))
    top, below = q.z.split((2, 3), -1)
    vamp, link = model.prior.layers
    posteriors = [model.encoder.layers[0](u) for u in vamp.images()]
    densities = torch.stack([p.log_prob(top) for p in posteriors]).logsumexp(0) - math.log(5)
    torch.testing.assert_close(terms.log_pz[0], densities)
    torch.testing.assert_close(terms.log_pz[1], link(top).log_prob(below))
    torch.testing.assert_close(terms.log_px, model.decode(q.z).log_prob(x))
    torch.testing.assert_close(terms.analytic_kl[0], terms.log_ratio[0].mean(0))
    torch.testing.assert_close(terms.analytic_kl[1], kl_divergence(q.layers[1], link(top)).mean(0))


def test_the_links_of_the_prior_have_a_network_of_their_own_if_so_said():
    changes = ["model.latent_dim=[4, 3]", "model.prior.network={kind: dense, hidden_sizes: [7]}"]
    model = build_model(load_recipe("mnist", changes).model, (1, 8, 8))
    assert [tuple(p.shape) for p in model.prior.parameters()] == [(7, 4), (7,), (6, 7), (6,)]


def test_below_a_point_the_prior_has_a_density():
    changes = ["model.latent_dim=[4, 3]", "model.encoder.posterior=delta"]
    model = build_model(load_recipe("digits", changes).model, (1, 8, 8))
    assert torch.isfinite(model.prior().log_prob(model.encode(torch.rand(5, 1, 8, 8)).mean)).all()


@pytest.mark.parametrize("form", ["coupling", "autoregressive"])
def test_flows_are_built_for_every_level(form: str):
    flow = f"{{kind: flow, type: {form}, transforms: 1, hidden_sizes: [4]}}"
    changes = ["model.latent_dim=[3, 2]", f"model.prior={flow}", f"model.encoder.posterior={flow}"]
    model = build_model(load_recipe("digits", changes).model, (1, 8, 8))
    assert isinstance(model.prior.layers[0], FlowPrior)
    for link in (*model.encoder.layers, model.prior.layers[1]):
        assert isinstance(link.head, FlowPosterior)
    assert model.sample(3, seed=0).shape == (3, 1, 8, 8)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("model.encoder.network", "network"),
        ("model.encoder.posterior", "posterior"),
        ("model.decoder.likelihood", "likelihood"),
        ("model.prior", "prior"),
        ("objective", "objective"),
        ("objective.beta", "schedule"),
    ],
)
def test_a_recipe_can_name_every_component_of_the_registry_and_no_other(key: str, kind: str):
    for name in registry.BUILT_IN[kind]:
        load_recipe("mnist", [f"{key}={{kind: {name}}}"])
    with pytest.raises(RecipeError) as refusal:
        load_recipe("mnist", [f"{key}={{kind: nothing}}"])
    listed = str(refusal.value).partition("expected one of ")[2].partition(", or MODULE")[0]
    assert set(listed.split(", ")) == set(registry.names(kind))


# ----------------------------------------------------------------------------------------- conditional models

CONDITIONED = "model.condition={variable: label, parts: [prior, encoder, decoder]}"


def conditional(*changes: str):
    """A model of digits by recipe, told labels, and its labels."""
    recipe = load_recipe("digits", list(changes))
    dataset, splits = build_data(recipe.data)
    labels = build_labels(recipe, dataset, splits)
    images = training_images(recipe, dataset, splits)
    return build_model(recipe.model, dataset.shape, images=images, labels=labels), dataset, splits


@pytest.mark.parametrize("layer_dims", ["4", "[4, 3]"])
@pytest.mark.parametrize(
    "prior",
    [
        "standard_normal", "{kind: standard_normal, network: {kind: dense, hidden_sizes: [5]}}",
        "{kind: mixture, weights: class_conditional}", "mixture", "{kind: vamp, components: 5, init: data}",
        "{kind: exemplars, components: 5}", "{kind: flow, transforms: 1, hidden_sizes: [4]}",
    ],
)  # fmt: skip
def test_labels_reach_every_prior_at_every_depth(prior: str, layer_dims: str):
    model, dataset, splits = conditional(
        CONDITIONED, f"model.prior={prior}", f"model.latent_dim={layer_dims}"
    )
    y = torch.from_numpy(dataset.labels[:5])
    terms = model.elbo_terms(torch.from_numpy(dataset.images[:5] / 255).float().round(), y, n_samples=2)
    assert terms.log_ratio.shape == (len(model.layer_dims), 2, 5)
    assert torch.isfinite(terms.elbo).all()
    assert model.sample(3, seed=0).shape == (3, 1, 8, 8)
    frequencies = torch.bincount(torch.from_numpy(dataset.labels[splits.train])) / len(splits.train)
    torch.testing.assert_close(model.labels.log_prob.exp(), frequencies)


def test_by_default_the_label_goes_past_the_encoder():
    model, *_ = conditional("model.condition=label")
    assert model.conditioned_parts == {"decoder"}
    assert [tuple(p.shape) for p in model.decoder.network.join.parameters()] == [(128, 8), (128,), (128, 10)]
    assert not list(model.prior.parameters())


def test_attributes_take_the_place_of_labels(tmp_path):
    rows = "\n".join(f"{i % 7},{'odd' if i % 2 else 'even'}" for i in range(1797))
    (tmp_path / "a.csv").write_text(f"week,parity\n{rows}\n")
    changes = ("model.condition=attributes", f"data.attributes={tmp_path / 'a.csv'}")
    model, dataset, splits = conditional(*changes)
    assert dataset.attribute_names == ("week", "parity=even", "parity=odd")
    assert model.labels.values.shape == (14, 3)
    torch.testing.assert_close(model.labels.log_prob.exp().sum(), torch.tensor(1.0))
    training = torch.from_numpy(dataset.attributes[splits.train])
    torch.testing.assert_close(model.labels.center, training.mean(0))
    assert model.sample(4, context=training[:4]).shape == (4, 1, 8, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ["model.condition=attributes"],
            r"attributes, but the data digits have no attributes; add data.attributes=FILE",
        ),
        (
            [CONDITIONED, "model.prior={kind: mixture, weights: class_conditional, components: 9}"],
            "one component per class, 10, got 9",
        ),
    ],
)
def test_what_cannot_be_told_is_named(changes, message):
    with pytest.raises(RecipeError, match=message):
        conditional(*changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "model.condition={parts: []}",
            "expected at least one of prior, encoder and decoder, each once, got",
        ),
        ("model.condition={parts: [prior, prior]}", "each once, got"),
        (
            "model.condition=lable",
            "model.condition.variable: expected one of 'label' or 'attributes', got 'lable'",
        ),
        (
            "model.prior={kind: mixture, weights: class_conditional}",
            "needs a prior conditioned on the label; add model.cond",
        ),
    ],
)
def test_conditions_of_no_meaning_are_refused(change, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe("digits", [change])
