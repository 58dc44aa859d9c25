import numpy as np
import pytest
import torch

from vaekit.config.build import build_model
from vaekit.config.loading import load_recipe
from vaekit.errors import InvalidError
from vaekit.evaluation import mixture_components

SHAPE = (1, 8, 8)


def model(*changes):
    return build_model(
        load_recipe("digits", list(changes)).model, SHAPE, images=lambda n: torch.rand(n, *SHAPE)
    )


def test_a_latent_at_the_mean_of_a_component_is_assigned_to_it():
    vae = model("model.prior={kind: mixture, components: 5}")
    top = vae.prior.layers[0]
    top.mean.data *= 10
    assert mixture_components.assign_components(vae, top.mean.detach().numpy()).tolist() == [0, 1, 2, 3, 4]


def test_the_weight_decides_between_equally_near_components():
    vae = model("model.prior={kind: mixture, components: 3}")
    top = vae.prior.layers[0]
    top.mean.data.zero_()
    top.logits.data = torch.tensor([0.0, 1.0, -1.0])
    assert (
        mixture_components.assign_components(vae, np.random.default_rng(0).normal(size=(4, 8))).tolist()
        == [1] * 4
    )


def test_only_the_top_layer_decides():
    vae = model("model.latent_dim=[8, 3]", "model.prior={kind: mixture, components: 4}")
    top = vae.prior.layers[0]
    top.mean.data *= 10
    codes = np.concatenate([top.mean.detach().numpy(), np.full((4, 3), 99.0)], 1)
    assert mixture_components.assign_components(vae, codes).tolist() == [0, 1, 2, 3]


def test_a_component_is_decoded_at_its_mean_and_the_means_below():
    vae = model("model.latent_dim=[8, 3]", "model.prior={kind: vamp, components: 4}")
    above = vae.encoder.layers[0](mixture_components.pseudo_inputs(vae)).mean
    below = vae.prior.layers[1](above).mean
    expected = vae.decode(torch.cat([above, below], -1)).mean
    torch.testing.assert_close(mixture_components.decode_components(vae), expected)


def test_pseudo_inputs_are_the_initial_images():
    start = torch.rand(6, *SHAPE)
    recipe = load_recipe("digits", ["model.prior={kind: exemplars, components: 6}"])
    vae = build_model(recipe.model, SHAPE, images=lambda n: (start, None))
    assert torch.equal(mixture_components.pseudo_inputs(vae), start)


@pytest.mark.parametrize(
    "ask",
    [
        mixture_components.pseudo_inputs,
        mixture_components.prior_mixture,
        mixture_components.decode_components,
    ],
)
def test_other_priors_are_refused(ask):
    with pytest.raises(InvalidError, match="prior: expected"):
        ask(model())


def test_counts_and_purity_are_those_of_a_table_made_by_hand():
    counts = mixture_components.contingency(np.array([0, 0, 2, 2, 2, 0]), np.array([1, 1, 0, 0, 1, 0]), 3, 2)
    assert counts.tolist() == [[1, 2], [0, 0], [2, 1]]
    assert mixture_components.purity(counts) == pytest.approx(4 / 6)
