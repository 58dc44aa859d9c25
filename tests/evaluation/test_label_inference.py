"""Labels that are missing are averaged over p(y): of a linear-Gaussian model to the closed form."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, MultivariateNormal

from cases import images_for, labels, make_labeled, make_vae
from vaekit.evaluation.importance_sampling import measure_batches, measure_importance, summarize
from vaekit.evaluation.label_inference import (
    label_posterior,
    labels_or_prediction,
    measure_marginal,
    posterior_moments,
    predict_label,
)
from vaekit.evaluation.results import PerImageMetrics
from vaekit.models import likelihoods
from vaekit.models.conditional import Hierarchy
from vaekit.models.labels import LabelPrior, class_prior
from vaekit.models.vae import VAE

PIXELS, LATENT, NOISE = (1, 2, 3), 2, 0.7
LOG_PY = torch.tensor([0.5, 0.0, 0.3, 0.2], dtype=torch.float64).log()  # the second class never occurs


class OfLabel(nn.Module):
    """N(A v + B y + c, S), with v the flattened image or the latent before the label."""

    def __init__(self, matrix: Tensor, by_label: Tensor, offset: Tensor, covariance: Tensor):
        super().__init__()
        self.matrix, self.by_label, self.offset, self.covariance = matrix, by_label, offset, covariance

    def forward(self, v: Tensor, y: Tensor) -> MultivariateNormal:
        flat = v.flatten(-3) if v.shape[-3:] == PIXELS else v
        return MultivariateNormal(flat @ self.matrix.T + y @ self.by_label.T + self.offset, self.covariance)


class Center(nn.Module):
    """The prior N(B y, I)."""

    def __init__(self, by_label: Tensor):
        super().__init__()
        self.by_label = by_label

    def forward(self, y: Tensor) -> MultivariateNormal:
        return MultivariateNormal(y @ self.by_label.T, torch.eye(LATENT, dtype=torch.float64))


class Affine(nn.Module):
    """W z + U y + b as an image."""

    def __init__(self, weight: Tensor, by_label: Tensor, bias: Tensor):
        super().__init__()
        self.weight, self.by_label, self.bias = weight, by_label, bias
        self.head = likelihoods.gaussian(NOISE)

    def forward(self, z: Tensor, y: Tensor):
        numbers = z @ self.weight.T + y @ self.by_label.T + self.bias
        return self.head(numbers.unflatten(-1, PIXELS))


def random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def linear_gaussian(displaced: float = 0.0) -> tuple[VAE, Tensor, Tensor, Tensor]:
    """z ~ N(B y, I), x ~ N(W z + U y + b, s^2 I), q(z | x, y) exact or displaced; x, y, and log p(x, y_k)."""
    n, m = math.prod(PIXELS), len(LOG_PY)
    weight, bias = random(n, LATENT, seed=0), random(n, seed=1)
    center, shift = random(LATENT, m, seed=2), random(n, m, seed=3)
    eye = torch.eye(n, dtype=torch.float64)
    covariance = torch.linalg.inv(torch.eye(LATENT, dtype=torch.float64) + weight.T @ weight / NOISE**2)
    gain = covariance @ weight.T / NOISE**2
    posterior = OfLabel(gain, covariance @ center - gain @ shift, displaced - gain @ bias, covariance)
    known = LabelPrior(torch.eye(m), LOG_PY).double()
    model = VAE(
        Hierarchy([Center(center)], [LATENT]),
        Hierarchy([posterior], [LATENT]),
        Affine(weight, shift, bias),
        known,
        ("prior", "encoder", "decoder"),
    )
    marginals = MultivariateNormal(
        (weight @ center + shift).T + bias, weight @ weight.T + NOISE**2 * eye
    )  # of x, one for each label
    y = torch.tensor([0, 2, 3, 0, 2])
    x = marginals.mean[y] + random(5, n, seed=4) @ torch.linalg.cholesky(marginals.covariance_matrix[0]).T
    return model, x.unflatten(-1, PIXELS), y, marginals.log_prob(x.unsqueeze(1)) + LOG_PY


by_importance_sampling = partial(measure_marginal, measure_conditional=measure_importance)


def measured(model: VAE, x: Tensor, samples: int, by=by_importance_sampling) -> PerImageMetrics:
    return measure_batches(model, iter([(x, None)]), samples, measure=by)


def test_with_exact_posteriors_all_numbers_are_those_of_the_closed_form():
    model, x, _, joint = linear_gaussian()
    for samples in (1, 7):
        found = measured(model, x, samples)
        torch.testing.assert_close(found.log_likelihood, joint.logsumexp(1), rtol=0, atol=1e-9)
        torch.testing.assert_close(found.label_posterior.T, joint.softmax(1), rtol=0, atol=1e-9)
        sizes = samples / joint.softmax(1).square().sum(1)  # all samples of a label weigh the same
        torch.testing.assert_close(found.effective_sample_size, sizes)
    assert (found.label_posterior[1] == 0).all()


def test_the_bound_is_highest_over_label_weights():
    model, x, _, joint = linear_gaussian()
    found = measured(model, x, 40_000)
    torch.testing.assert_close(
        found.reconstruction - found.kl.sum(0) - found.label_kl, joint.logsumexp(1), rtol=0, atol=0.05
    )
    r = joint.softmax(1)
    divergence = torch.distributions.kl_divergence(Categorical(r), Categorical(logits=LOG_PY))
    torch.testing.assert_close(found.label_kl, divergence, rtol=0, atol=0.05)
    summary = summarize(found, model.layer_dims, 40_000, 0, 1.0)
    assert summary.elbo == pytest.approx(joint.logsumexp(1).mean().item(), abs=0.05)
    assert summary.label_kl == pytest.approx(divergence.mean().item(), abs=0.05)


def test_displaced_posteriors_approach_it_from_below():
    model, x, _, joint = linear_gaussian(displaced=0.2)
    many = x.repeat(200, 1, 1, 1)
    gaps = [
        (joint.logsumexp(1).mean() - measured(model, many, k).log_likelihood.mean()).item() for k in (1, 20)
    ]
    assert gaps[0] > gaps[1] + 0.1 > 0.1
    assert gaps[1] < 0.1


def test_log_px_given_y_is_the_joint_minus_the_prior():
    model, x, y, joint = linear_gaussian()
    found = measure_batches(model, iter([(x, y)]), 3)
    expected = joint[torch.arange(5), y] - LOG_PY[y]
    torch.testing.assert_close(found.log_likelihood, expected, rtol=0, atol=1e-9)
    assert found.label_posterior.shape == (0, 5)
    assert summarize(found, model.layer_dims, 3, 0, 1.0).label_kl is None


def test_the_average_is_over_the_labels_measured_one_by_one():
    model, x, *_ = linear_gaussian(displaced=0.1)
    each = [
        measure_batches(model, iter([(x, torch.full((5,), k))]), 4000).log_likelihood
        for k in model.labels.support
    ]
    expected = (torch.stack(each) + LOG_PY[model.labels.support].unsqueeze(1)).logsumexp(0)
    torch.testing.assert_close(measured(model, x, 4000).log_likelihood, expected, rtol=0, atol=0.05)


def test_pareto_shapes_are_averaged_by_the_label_posterior():
    model, x, _, joint = linear_gaussian()
    shapes = torch.tensor([0.9, 0.0, -0.4, 0.6], dtype=torch.float64)

    def given(model: VAE, x: Tensor, y: Tensor, samples: int) -> PerImageMetrics:
        return measure_importance(model, x, y, samples)._replace(pareto_k=shapes[y])

    found = measure_marginal(model, x, None, 5, given).pareto_k
    torch.testing.assert_close(found, joint.softmax(1) @ shapes.clamp_min(0))


def test_an_infinite_tail_of_an_impossible_label_has_no_effect():
    model, x, *_ = linear_gaussian()
    shapes = torch.tensor([0.2, 0.0, math.inf, 0.2], dtype=torch.float64)

    def given(model: VAE, x: Tensor, y: Tensor, samples: int) -> PerImageMetrics:
        found = measure_importance(model, x, y, samples)
        far = torch.where(y == 2, -2000.0, 0.0)
        return found._replace(pareto_k=shapes[y], log_likelihood=found.log_likelihood + far)

    found = measure_marginal(model, x, None, 5, given).pareto_k
    torch.testing.assert_close(found, torch.full((5,), 0.2, dtype=torch.float64))


def test_an_unconditional_model_needs_no_labels():
    model = make_vae()
    with pytest.raises(ValueError, match="expected a conditional model"):
        measured(model, images_for(model), 2)
    with pytest.raises(ValueError, match="expected a conditional model"):
        label_posterior(model, images_for(model))


# ---------------------------------------------------------------------------------------- what a label may be


def test_the_posterior_of_the_label_is_bayes_rule():
    model, x, y, joint = linear_gaussian()
    torch.testing.assert_close(label_posterior(model, x, 1), joint.softmax(1), rtol=0, atol=1e-9)
    assert torch.equal(predict_label(model, x), joint.argmax(1))
    assert torch.equal(labels_or_prediction(model, x, y), y)
    assert torch.equal(labels_or_prediction(model, x, None), joint.argmax(1))
    assert labels_or_prediction(make_vae(), x, y) is None


def test_latents_without_a_label_are_those_of_the_mixture_over_labels():
    model, x, _, joint = linear_gaussian()
    mean, stddev = posterior_moments(model, x, None)
    chosen = Categorical(joint.softmax(1)).sample((20_000,))
    drawn = model.encode(x.expand(20_000, *x.shape).flatten(0, 1), chosen.flatten()).rsample()
    drawn = drawn.unflatten(0, (20_000, 5))
    torch.testing.assert_close(mean, drawn.mean(0), rtol=0, atol=0.05)
    torch.testing.assert_close(stddev, drawn.std(0), rtol=0.05, atol=0)


def test_latents_of_given_labels_are_those_of_the_posterior():
    model = make_labeled()
    x, posterior = images_for(model), make_labeled().encode(images_for(model), labels())
    mean, stddev = posterior_moments(model, x, labels())
    assert torch.equal(mean, posterior.mean)
    assert torch.equal(stddev, posterior.stddev)
    blind = make_vae(conditioned_parts=("decoder",))
    assert torch.equal(posterior_moments(blind, x, None)[0], blind.encode(x).mean)


def test_inferring_labels_keeps_the_random_state():
    model, state = make_labeled(), torch.get_rng_state()
    assert torch.equal(label_posterior(model, images_for(model)), label_posterior(model, images_for(model)))
    assert torch.equal(torch.get_rng_state(), state)
    assert len(class_prior(3)) == 3
