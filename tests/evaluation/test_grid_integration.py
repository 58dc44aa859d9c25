"""The plane's integrals against a model of which they are known: x = W z + b + noise."""

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from cases import images, make_hierarchical, make_labeled, make_vae
from vaekit.errors import InvalidError
from vaekit.evaluation.grid_integration import integrate_over_grid, joint_log_prob
from vaekit.evaluation.importance_sampling import measure_batches

NOISE = 0.5  # of the row gaussian-fixed


def linear():
    """A model with a linear decoder; W (D, 2), b (D,)."""
    model = make_vae("gaussian-fixed", "dense-linear", layer_dims=(2,))
    with torch.no_grad():
        shift = model.decode(torch.zeros(2)).mean.flatten().double()
        weight = model.decode(torch.eye(2)).mean.flatten(1).double() - shift
    return model, weight.T, shift


def exact(weight, shift, x):
    """p(x) and p(z | x)."""
    terms = MultivariateNormal(shift, weight @ weight.T + NOISE**2 * torch.eye(len(shift)).double())
    covariance = torch.linalg.inv(torch.eye(2).double() + weight.T @ weight / NOISE**2)
    return terms, MultivariateNormal(
        ((x.flatten(1).double() - shift) @ weight @ covariance) / NOISE**2, covariance
    )


def test_the_integrals_are_those_in_closed_form():
    model, weight, shift = linear()
    x = images("unit_interval")
    terms, posterior = exact(weight, shift, x)
    found = integrate_over_grid(model, x, half_width=9.0, spacing=0.05)
    assert found.log_evidence.tolist() == pytest.approx(
        terms.log_prob(x.flatten(1).double()).tolist(), abs=1e-4
    )
    assert found.log_evidence_coarse.tolist() == pytest.approx(found.log_evidence.tolist(), abs=1e-4)
    q = model.encode(x)
    diagonal = MultivariateNormal(q.mean.double(), torch.diag_embed(q.variance.double()))
    assert found.gap.tolist() == pytest.approx(kl_divergence(diagonal, posterior).tolist(), rel=1e-3)
    assert found.mass.tolist() == pytest.approx([1] * len(x), abs=1e-4)
    torch.testing.assert_close(found.mean, posterior.mean, atol=1e-3, rtol=0)
    torch.testing.assert_close(found.stddev, posterior.stddev, atol=1e-3, rtol=0)


def test_bound_and_gap_are_the_evidence_of_a_network():
    model = make_vae(layer_dims=(2,))
    x = images("binary")
    found = integrate_over_grid(model, x, spacing=0.1)
    sampled = measure_batches(model, iter([(x, None)]), 4000)
    elbo = sampled.reconstruction - sampled.kl.sum(0)
    assert (elbo + found.gap).tolist() == pytest.approx(found.log_evidence.tolist(), abs=0.06)
    assert sampled.log_likelihood.tolist() == pytest.approx(found.log_evidence.tolist(), abs=0.06)


def test_a_coarse_grid_differs_from_every_second_point():
    model, *_ = linear()
    found = integrate_over_grid(model, images("real"), spacing=1.5)
    assert (found.log_evidence_coarse - found.log_evidence).abs().max() > 0.01


def test_the_joint_is_likelihood_times_prior():
    model = make_vae(layer_dims=(2,))
    x, z = images("binary"), torch.randn(7, 2)
    expected = [
        [
            (model.decode(point).log_prob(image) + model.conditional_prior().log_prob(point)).item()
            for image in x
        ]
        for point in z
    ]
    torch.testing.assert_close(
        joint_log_prob(model, x, z), torch.tensor(expected, dtype=torch.float64), atol=1e-4, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("model", "came"),
    [
        (make_vae(), r"\[3\]"),
        (make_hierarchical(), r"\[2, 3\]"),
        (make_labeled(layer_dims=(2,)), r"\[2\] of a conditional model"),
    ],
)
def test_other_models_are_refused(model, came):
    with pytest.raises(InvalidError, match=f"expected one layer of two latents and no labels.*layers {came}"):
        integrate_over_grid(model, images("binary"))
