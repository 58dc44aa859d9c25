"""Every prior is a normalized distribution over its d numbers, and moves with its model."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from scipy import stats
from torch import nn
from torch.distributions import Independent, Normal

import cases
from vaekit.distributions.mixture import Mixture
from vaekit.distributions.operations import with_temperature
from vaekit.models import priors
from vaekit.models.build_context import BuildContext
from vaekit.models.conditional import Hierarchy
from vaekit.models.priors import MixtureOfGaussians, StandardNormal
from vaekit.models.vae import VAE
from vaekit.models.vampprior import PseudoInputs
from vaekit.testing import check_prior

every_prior = pytest.mark.parametrize("name", cases.PRIORS)


@every_prior
def test_every_prior_has_the_properties_of_a_prior(name: str):
    """Its density integrates to one, its samples have it, gradients reach every parameter, and so on."""
    check_prior(cases.PRIORS[name])


def test_the_standard_normal_is_that_of_scipy_for_any_context():
    z = torch.randn(4, 3, dtype=torch.float64)
    prior = StandardNormal(3).double()
    expected = stats.multivariate_normal(mean=[0, 0, 0]).logpdf(z.numpy())
    torch.testing.assert_close(prior().log_prob(z), torch.from_numpy(expected))
    torch.testing.assert_close(prior(torch.randn(9)).log_prob(z), torch.from_numpy(expected))


def test_the_standard_normal_has_no_parameters_or_stored_buffers():
    assert not list(StandardNormal(3).parameters())
    assert not StandardNormal(3).state_dict()


def test_the_initial_means_of_a_mixture_have_the_given_std():
    torch.manual_seed(0)
    near, far = (MixtureOfGaussians(100, 50, init_std=spread).mean for spread in (0.1, 2.0))
    assert near.std().item() == pytest.approx(0.1, rel=0.05)
    assert far.std().item() == pytest.approx(2.0, rel=0.05)


def test_an_initial_mixture_of_one_component_is_a_normal():
    prior, z = MixtureOfGaussians(3, 1).double(), torch.randn(4, 3, dtype=torch.float64)
    expected = stats.multivariate_normal(mean=prior.mean[0].detach().numpy()).logpdf(z.numpy())
    torch.testing.assert_close(prior().log_prob(z), torch.from_numpy(expected))


# ----------------------------------------------------------------------------------------------- VampPrior


def vamp(**options) -> tuple[VAE, nn.Module]:
    """A model in double precision, and its VampPrior of 5 components in 2 dimensions."""
    model = cases.make_vae(layer_dims=(2,))
    context = BuildContext(
        2, model.encoder.layers[0], cases.SHAPE, lambda n: (cases.images("binary", n=n, seed=7), None)
    )
    prior = priors.vamp(context, **{"components": 5, "std": 0.4, **options})
    return VAE(Hierarchy([prior], (2,)), model.encoder, model.decoder).double(), prior


@pytest.mark.parametrize("weights", ["uniform", "learned"])
def test_the_vamp_density_is_the_mixture_of_posteriors_written_by_hand(weights: str):
    model, prior = vamp(weights=weights)
    with torch.no_grad():
        prior.logits.copy_(torch.arange(5.0) if weights == "learned" else torch.zeros(5))
        z, w = torch.randn(3, 4, 2, dtype=torch.float64), prior.logits.softmax(0)
        posteriors = [model.encoder.layers[0](u) for u in prior.images()]
        density = sum(w[c] * q.log_prob(z).exp() for c, q in enumerate(posteriors))
        torch.testing.assert_close(model.prior().log_prob(z).exp(), density)


def test_the_vamp_density_integrates_to_one_on_a_grid():
    model, _ = vamp()
    axis = torch.linspace(-9, 9, 361, dtype=torch.float64)
    with torch.no_grad():
        total = model.prior().log_prob(torch.cartesian_prod(axis, axis)).exp().sum() / 20**2
    assert abs(total - 1) < 1e-6


def test_the_encoder_is_borrowed_and_every_weight_stored_once():
    model, prior = vamp(weights="learned")
    assert {name for name, _ in prior.named_parameters()} == {"logits", "images.values"}
    assert set(prior.state_dict()) == {"logits", "images.values"}
    assert len(model.state_dict()) == len(list(model.parameters()))
    assert set(vamp()[1].state_dict()) == {"images.values"}


def test_a_copy_borrows_the_encoder_of_the_copy():
    model, _ = vamp()
    twin, z = copy.deepcopy(model), torch.randn(4, 2, dtype=torch.float64)
    before = model.prior().log_prob(z)
    assert torch.equal(twin.prior().log_prob(z), before)
    with torch.no_grad():
        for weight in twin.encoder.parameters():
            weight.add_(0.1)
    assert torch.equal(model.prior().log_prob(z), before)
    assert not torch.allclose(twin.prior().log_prob(z), before)


def test_the_density_moves_the_pseudo_inputs_and_the_encoder():
    model, prior = vamp(weights="learned")
    model.prior().log_prob(torch.randn(4, 2, dtype=torch.float64)).sum().backward()
    for name, weight in [*prior.named_parameters(), *model.encoder.named_parameters()]:
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


def test_samples_come_from_every_component():
    model, prior = vamp()
    means = model.encoder.layers[0](prior.images()).mean
    z = with_temperature(model.prior(), 1e-6).sample((200,))
    assert torch.cdist(z, means).argmin(-1).unique().tolist() == [0, 1, 2, 3, 4]


def test_pseudo_inputs_start_as_training_images_or_at_random():
    images = cases.images("binary", n=5, seed=7).double()
    found = vamp(init="data")[1].images()
    torch.testing.assert_close(found, images.clamp(0.02, 0.98), rtol=0, atol=1e-6)
    pixels = vamp(components=400, mean=0.3, std=0.05)[1].images()
    assert pixels.mean().item() == pytest.approx(0.3, abs=0.002)
    assert pixels.std().item() == pytest.approx(0.05, abs=0.002)


def test_pseudo_inputs_stay_in_range_and_keep_gradients():
    inputs = PseudoInputs(torch.rand(2, 1, 3, 3))
    with torch.no_grad():
        inputs.values.mul_(4).sub_(1.5)
    assert 0 < inputs().min() < inputs().max() < 1
    inputs().sum().backward()
    assert (inputs.values.grad > 0).all()


def test_without_training_images_pseudo_inputs_are_random_until_loaded():
    context = BuildContext(2, nn.Identity(), cases.SHAPE)
    assert priors.vamp(context, components=5, init="data").images().shape == (5, *cases.SHAPE)


# ----------------------------------------------------------------------------------------------- exemplars


def test_exemplars_are_fixed_stored_training_images():
    context = BuildContext(
        2,
        cases.make_vae(layer_dims=(2,)).encoder.layers[0],
        cases.SHAPE,
        lambda n: (torch.ones(n, 1, 6, 5), None),
    )
    prior = priors.exemplars(context, components=4)
    assert not list(prior.parameters())
    assert torch.equal(prior.state_dict()["images.values"], torch.ones(4, 1, 6, 5))
    expected = context.posterior(torch.ones(1, 6, 5))
    z = torch.randn(5, 2)
    torch.testing.assert_close(prior().log_prob(z), expected.log_prob(z))
    empty = priors.exemplars(replace(context, sample_training=None), components=4)
    empty.load_state_dict(prior.state_dict())
    assert torch.equal(empty().log_prob(z), prior().log_prob(z))


# -------------------------------------------------------------------------------------------- given a label


def labeled(name: str, given=("prior",), size: int = 2) -> tuple[VAE, nn.Module]:
    """A model whose prior takes a label, in double precision; its weights differ from label to label."""
    model = cases.make_vae(prior=name, layer_dims=(size,), conditioned_parts=given).double()
    prior = model.prior.layers[0]
    with torch.no_grad():
        if getattr(prior, "by_label", None) is not None:
            prior.by_label.weight.normal_()
    return model, prior


every_labeled = pytest.mark.parametrize("name", [*cases.PRIORS, *cases.LABELED_PRIORS])


@every_labeled
def test_every_prior_of_a_label_has_the_properties_of_a_prior_for_each_label(name: str):
    check_prior((cases.PRIORS | cases.LABELED_PRIORS)[name], classes=cases.CLASSES)


@pytest.mark.parametrize("name", ["mixture", "vamp", "vamp-learned", "exemplars"])
def test_at_first_the_weights_of_a_mixture_are_the_same_for_all_labels(name: str):
    prior = cases.make_vae(prior=name, conditioned_parts=("prior",)).prior.layers[0]
    weights = prior(torch.eye(cases.CLASSES)).log_weights
    torch.testing.assert_close(weights, torch.full((cases.CLASSES, 3), 1 / 3).log())


def test_class_conditional_components_average_to_the_mixture():
    model, prior = labeled("mixture-class")
    with torch.no_grad():
        prior.log_variance.normal_()
        z = torch.randn(9, 2, dtype=torch.float64)
        log_py = model.labels.log_prob
        averaged = torch.stack([prior(y).log_prob(z) for y in model.labels.values]) + log_py.unsqueeze(1)
        components = Independent(Normal(prior.mean, (prior.log_variance / 2).exp()), 1)
        torch.testing.assert_close(averaged.logsumexp(0), Mixture(log_py, components).log_prob(z))


def test_class_conditional_weights_need_one_component_per_class():
    model = cases.make_vae(conditioned_parts=("prior",))
    context = BuildContext(
        2, labels=model.labels, condition_on="label", conditioned_parts=frozenset(["prior"])
    )
    with pytest.raises(
        ValueError, match=r"weights=class_conditional needs one component per class, 3, got 4"
    ):
        priors.mixture(context, 4, "class_conditional")


def test_with_a_conditional_encoder_components_are_posteriors_of_labeled_images():
    for name in ("vamp-data", "exemplars"):
        model, prior = labeled(name, given=("encoder",))
        images, labels = prior.images(), prior.labels()
        torch.testing.assert_close(labels.sum(1), torch.ones(3, dtype=torch.float64))
        assert labels.argmax(1).tolist() == cases.labels(3).tolist()
        z = torch.randn(5, 2, dtype=torch.float64)
        with torch.no_grad():
            each = [model.encoder.layers[0](u, y).log_prob(z) for u, y in zip(images, labels, strict=True)]
            expected = torch.stack(each).logsumexp(0) - torch.tensor(3.0, dtype=torch.float64).log()
            torch.testing.assert_close(model.conditional_prior().log_prob(z), expected)
    assert isinstance(labeled("vamp", given=("encoder",))[1].labels.values, nn.Parameter)
    assert not list(labeled("exemplars", given=("encoder",))[1].labels.parameters())
