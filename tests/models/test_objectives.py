"""Objectives against formulas by hand and finite differences, schedules at chosen positions."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import functional_call

import cases
from vaekit.models.elbo import ELBOTerms
from vaekit.models.objectives import Objective, constant, cyclical, elbo, iwae, linear
from vaekit.testing import check_objective
from vaekit.utils.random import seeded

K, B, L = 3, 4, 2


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def terms(analytic: bool = True) -> ELBOTerms:
    kl = numbers(L, B).square() if analytic else None
    return ELBOTerms(numbers(K, B), numbers(L, K, B), numbers(L, K, B), kl)


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0, 4.0])
def test_elbo_with_the_analytic_kl(beta: float):
    e = terms()
    by_hand = [
        sum(e.log_px[k, b] for k in range(K)) / K - beta * sum(e.analytic_kl[level, b] for level in range(L))
        for b in range(B)
    ]
    assert elbo(e, beta).item() == pytest.approx(-sum(by_hand).item() / B)


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0, 4.0])
def test_elbo_from_samples_alone(beta: float):
    e = terms(analytic=False)
    by_hand = e.log_px.numpy() - beta * (e.log_qz - e.log_pz).numpy().sum(0)
    assert elbo(e, beta).item() == pytest.approx(-by_hand.mean())


def test_with_beta_one_the_loss_is_the_negative_bound():
    for e in (terms(), terms(analytic=False)):
        assert elbo(e).item() == pytest.approx(-e.elbo.mean().item())
        assert iwae(e).item() == pytest.approx(-e.iwae_bound.mean().item())


@pytest.mark.parametrize("beta", [0.3, 1.0])
def test_the_importance_weighted_bound_by_hand(beta: float):
    e = terms()
    weights = np.exp(e.log_px.numpy() + beta * (e.log_pz - e.log_qz).numpy().sum(0))
    by_hand = -np.log(weights.mean(0)).mean()
    assert iwae(e, beta).item() == pytest.approx(by_hand)


def test_with_one_sample_the_two_bounds_are_equal():
    e = ELBOTerms(numbers(1, B), numbers(L, 1, B), numbers(L, 1, B))
    assert iwae(e, 0.7).item() == pytest.approx(elbo(e, 0.7).item())


def test_the_importance_weighted_bound_lies_between_the_mean_and_the_largest_weight():
    e = terms()
    assert (e.iwae_bound >= e.log_weights.mean(0)).all()
    assert (e.iwae_bound <= e.log_weights.max(0).values).all()
    assert (e.iwae_bound >= e.log_weights.max(0).values - math.log(K)).all()


def test_the_importance_weighted_bound_does_not_underflow():
    e = ELBOTerms(torch.tensor([[-5000.0], [-5001.0]]), torch.zeros(1, 2, 1), torch.zeros(1, 2, 1))
    expected = 5000 - math.log((1 + math.exp(-1)) / 2)
    assert iwae(e).item() == pytest.approx(expected, rel=1e-6)


# ------------------------------------------------------------------------------------------------- free bits


def test_free_bits_apply_per_layer_to_the_mean_over_the_batch():
    kl = torch.tensor([[0.1, 0.5], [2.0, 0.0]], dtype=torch.float64, requires_grad=True)
    zeros = torch.zeros(2, 1, 2, dtype=torch.float64)
    e = ELBOTerms(torch.zeros(1, 2, dtype=torch.float64), zeros, zeros, kl)
    loss = elbo(e, beta=0.5, free_bits=0.4)  # the means are 0.3 and 1
    assert loss.item() == pytest.approx(0.5 * (0.4 + 1.0))
    assert torch.autograd.grad(loss, kl)[0].tolist() == [[0, 0], [0.25, 0.25]]


# ------------------------------------------------------------------------------------------------- gradients


@pytest.mark.parametrize("name", cases.OBJECTIVES)
def test_every_objective_has_the_properties_of_an_objective(name: str):
    """Gradients of the terms are finite differences, the order of the batch does not matter, and so on."""
    check_objective(cases.OBJECTIVES[name].bound)


@pytest.mark.parametrize("name", cases.OBJECTIVES)
@pytest.mark.parametrize("posterior", ["gaussian", "gaussian-softplus", "delta"])
def test_gradients_of_a_whole_model_are_finite_differences(name: str, posterior: str):
    shape = (1, 1, 2)
    model = cases.make_vae(
        "gaussian-learned", "dense-linear", posterior, layer_dims=(2,), shape=shape
    ).double()
    x, aim = cases.images_for(model, shape=shape).double(), cases.OBJECTIVES[name]
    names, weights = zip(*model.named_parameters(), strict=True)

    def loss(*weights: Tensor) -> Tensor:
        with seeded(0):
            e = functional_call(model, dict(zip(names, weights, strict=True)), (x, None, aim.samples))
        return aim.loss(e, aim.beta(1))

    assert torch.autograd.gradcheck(loss, weights)


def test_the_gradient_of_the_importance_weighted_bound_weighs_samples_by_their_weight():
    e = terms()
    log_px = e.log_px.requires_grad_()
    gradient = torch.autograd.grad(iwae(ELBOTerms(log_px, e.log_pz, e.log_qz)), log_px)[0]
    torch.testing.assert_close(gradient, -e.log_weights.softmax(0).detach() / B)


# ------------------------------------------------------------------------------------------------- schedules


def at(schedule, *positions: float) -> list[float]:
    return [schedule(position) for position in positions]


def test_constant_is_constant():
    assert at(constant(0.25), 0, 1, 1e6) == [0.25] * 3


def test_linear_warm_up_ends_where_it_says_and_stays():
    assert at(linear(4), 0, 1, 2, 4, 5, 100) == [0, 0.25, 0.5, 1, 1, 1]
    assert at(linear(10, init=0.2, final=4.2), 0, 5, 10, 11) == pytest.approx([0.2, 2.2, 4.2, 4.2])
    assert at(linear(2, init=2.0, final=1.0), 1, 2, 3) == [1.5, 1, 1]


def test_cycles_rise_then_stay_constant_then_restart():
    expected = [0.5, 1, 1, 1] * 3
    assert at(cyclical(4), *range(1, 13)) == expected
    assert at(cyclical(4, ratio=1.0), *range(1, 9)) == [0.25, 0.5, 0.75, 1] * 2
    assert at(cyclical(5, ratio=0.4, init=1.0, final=3.0), *range(1, 8)) == [2, 3, 3, 3, 3, 2, 3]
    assert at(cyclical(2.5, ratio=1.0), 1, 2, 3) == pytest.approx([0.4, 0.8, 0.2])


def test_the_first_cycle_is_a_warm_up():
    positions = range(1, 11)
    assert at(cyclical(10, 0.6), *positions) == at(linear(6), *positions)


# ------------------------------------------------------------------------------------------------- objective


def test_an_objective_counts_epochs_or_steps():
    by_epoch = Objective(beta=linear(10), unit="epoch", warmup_end=10)
    by_step = Objective(beta=linear(10), unit="step", warmup_end=10)
    assert (by_epoch.beta_at(2, 500), by_step.beta_at(2, 5)) == (0.2, 0.5)
    assert [by_epoch.is_warmed_up(epoch, 5000) for epoch in (9, 10, 11)] == [False, True, True]
    assert [by_step.is_warmed_up(1, step) for step in (9, 10, 11)] == [False, True, True]


def test_the_final_beta_is_that_after_warm_up_or_at_the_end_of_a_cycle():
    assert Objective(beta=constant(4.0)).final_beta == 4
    assert Objective(beta=linear(10, final=2.0), warmup_end=10).final_beta == 2
    assert Objective(beta=cyclical(10, final=3.0), warmup_end=10).final_beta == 3


def test_an_objective_passes_beta_and_free_bits_to_its_bound():
    e = terms()
    assert Objective(partial(elbo, free_bits=1.5)).loss(e, 0.7) == elbo(e, 0.7, 1.5) != elbo(e, 0.7)
    assert Objective(iwae).loss(e, 0.7) == iwae(e, 0.7)
