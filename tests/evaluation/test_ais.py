"""Annealed chains against evidence in closed form, on a grid, and against each other."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from cases import (
    LIKELIHOODS,
    POSTERIORS,
    PRIORS,
    SHAPE,
    images_for,
    labels,
    make_hierarchical,
    make_labeled,
    make_vae,
)
from exact_models import factor_analysis, integrals, on_a_line, two_layers
from vaekit.evaluation import ais
from vaekit.evaluation.ais import (
    PILOT_CHAINS,
    Init,
    _evaluate_at,
    _hmc_step,
    annealing_path,
    images_per_batch,
    measure_ais,
    run_forward,
    run_forward_and_reverse,
    temperatures,
    tune_step_sizes,
)
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.evaluation.label_inference import measure_marginal as marginal_measure

inits = pytest.mark.parametrize("init", ["encoder", "prior"])


@pytest.fixture(autouse=True)
def _soon_tuned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer moves, which make weights vary more and leave their mean as it is."""
    monkeypatch.setattr(ais, "WARMUP_MOVES", 8)
    monkeypatch.setattr(ais, "LEAPFROG_STEPS", 5)


def mean_weight(log_weights: Tensor, log_p: Tensor) -> tuple[Tensor, Tensor]:
    """E w / p(x), which should be 1, and its standard error."""
    weights = (log_weights - log_p).exp()
    return weights.mean(0), weights.std(0) / len(weights) ** 0.5


def test_temperatures_rise_from_0_to_1_closest_at_the_ends():
    t = temperatures(10)
    assert (t[0], t[-1], len(t)) == (0, 1, 11)
    assert (t.diff() > 0).all()
    assert t.diff()[0] < t.diff()[4] / 5
    torch.testing.assert_close(t + t.flip(0), torch.ones(11, dtype=torch.float64))
    assert temperatures(1).tolist() == [0, 1]


def test_one_step_is_importance_sampling():
    model, x, _ = factor_analysis(0.3, 1.5)
    torch.manual_seed(1)
    found = run_forward(annealing_path(model, x), 50, 1)
    torch.manual_seed(1)
    z = model.encode(x).rsample_layers((50,)).z
    expected = (
        model.decode(z).log_prob(x) + model.conditional_prior().log_prob(z) - model.encode(x).log_prob(z)
    )
    torch.testing.assert_close(found, expected)


@inits
@pytest.mark.parametrize(
    "make", [lambda: factor_analysis(0.5, 1.3), lambda: two_layers(0.3)], ids=["displaced", "hierarchical"]
)
def test_the_mean_weight_is_the_evidence_in_closed_form(make, init: Init):
    model, x, exact = make()
    mean, error = mean_weight(run_forward(annealing_path(model, x, None, init), 400, 20), exact)
    assert ((mean - 1).abs() < 4 * error + 0.02).all()
    assert (error < 0.2).all()


@inits
def test_the_bounds_lie_on_both_sides_and_close_with_more_steps(init: Init):
    model, x, exact = factor_analysis(0.5, 0.3)
    gaps = []
    for steps in (4, 24):
        torch.manual_seed(2)
        path = annealing_path(model, x, None, init)
        forward, reverse = run_forward_and_reverse(path, posterior_draw(x), 225, steps)
        error = (forward.std(0) + reverse.std(0)) / 15
        assert (forward.mean(0) < exact + 3 * error).all()
        assert (reverse.mean(0) > exact - 3 * error).all()
        gaps.append((reverse.mean(0) - forward.mean(0)).mean())
    assert gaps[1] < gaps[0] / 3


def posterior_draw(x: Tensor) -> Tensor:
    exact, _, _ = factor_analysis()
    return exact.encode(x).sample()


def test_reverse_chains_have_mean_inverse_weight_one_over_the_evidence():
    """Each chain from a draw of its own: the mean over the posterior, too, is that of the closed form."""
    model, x, exact = factor_analysis(0.5, 0.5)
    many, copies = x[:1].expand(400, *x.shape[1:]), exact[:1].expand(400)
    _, reverse = run_forward_and_reverse(annealing_path(model, many), posterior_draw(many), 1, 20)
    ratio = (copies - reverse[0]).exp()
    assert ratio.mean().item() == pytest.approx(1, abs=4 * (ratio.std() / 20).item())


@pytest.mark.parametrize("likelihood", ["bernoulli", "discretized_logistic"])
def test_with_one_latent_ais_finds_the_integral(likelihood: str):
    model, x = on_a_line(likelihood)
    log_p, _, _ = integrals(model, x)
    mean, error = mean_weight(run_forward(annealing_path(model, x, None, "prior"), 300, 20), log_p)
    assert ((mean - 1).abs() < 4 * error).all()
    assert (error < 0.15).all()


def test_hmc_steps_leave_the_posterior_invariant():
    """From exact draws, at the end of the way: after 20 moves mean and covariance are those they were."""
    model, x, _ = factor_analysis()
    path = annealing_path(model, x, None, "prior")
    point = _evaluate_at(path, model.encode(x).sample((2500,)))
    length = torch.full((5,), 0.3, dtype=torch.float64)
    for _ in range(20):
        point, accepted = _hmc_step(path, point, 1.0, length)
    z = point.z
    exact = model.encode(x)
    assert (accepted > 0.5).all()
    torch.testing.assert_close(z.mean(0), exact.mean, rtol=0, atol=5 * exact.stddev.max().item() / 50)
    torch.testing.assert_close(z[:, 0].T.cov(), exact.top.covariance_matrix[0], rtol=0.12, atol=0.01)


def test_step_sizes_reach_the_target_acceptance():
    model, x, _ = factor_analysis(0.5, 0.3)
    path = annealing_path(model, x, None, "prior")
    here, length = tune_step_sizes(path, temperatures(120))[-1]
    z = posterior_draw(x.repeat(200, 1, 1, 1)).view(200, 5, -1)
    _, accepted = _hmc_step(path, _evaluate_at(path, z), here, length)
    assert 0.4 < accepted.mean() < 0.9


@pytest.mark.parametrize("posterior", ["gaussian", "full_covariance"])
def test_diverging_trajectories_are_rejected(posterior: str):
    model = make_vae(posterior=posterior)
    path = annealing_path(model, images_for(model))
    start = _evaluate_at(path, path.sample_initial(3))
    end, accepted = _hmc_step(path, start, 0.5, torch.full((4,), 1e30))
    assert all(torch.equal(a, b) for a, b in zip(end, start, strict=True))
    assert (accepted == 0).all()


@pytest.mark.parametrize(
    "row",
    [{"prior": name} for name in PRIORS]
    + [{"posterior": name} for name in POSTERIORS if name != "delta"]
    + [{"likelihood": name} for name in LIKELIHOODS],
    ids=str,
)
def test_ais_works_with_every_component(row: dict[str, str]):
    model = make_vae(**row)
    parts = measure_batches(model, iter([(images_for(model), None)]), 3, measure=measure_quickly)
    assert parts.log_likelihood.isfinite().all()
    assert all(each.grad is None for each in model.parameters())


def measure_quickly(model, x, y, samples):
    return measure_ais(model, x, y, samples, steps=8, init="prior")


@inits
@pytest.mark.parametrize("make", [make_hierarchical, make_labeled])
def test_ais_works_with_layers_labels_and_missing_values(make, init: Init):
    model = make()
    x = images_for(model)
    x[:, :, :2] = torch.nan
    y = labels() if model.labels is not None else None
    path = annealing_path(model, x, y, init)
    assert run_forward(path, 5, 4).shape == (5, 4)
    prior = model.conditional_prior(y)
    with torch.no_grad():  # importance sampling from the prior, which misses nothing of so small a model
        z = prior.sample((20_000,) if prior.batch_shape else (20_000, len(x)))
        exact = (path.log_joint(z) - prior.log_prob(z)).double().logsumexp(0) - math.log(20_000)
    mean, error = mean_weight(run_forward(annealing_path(model, x, y, "prior"), 400, 10), exact)
    assert ((mean - 1).abs() < 5 * error + 0.02).all()


def test_missing_labels_are_averaged_over():
    model, x = make_labeled(), images_for(make_labeled())

    def by(model, x, y, samples):
        return marginal_measure(model, x, y, samples, measure_quickly)

    found = measure_batches(model, iter([(x, None)]), 300, measure=by)
    each = torch.stack(
        [run_forward(annealing_path(model, x, k.expand(4), "prior"), 300, 8) for k in torch.arange(3)]
    )
    exact = (each.logsumexp(1) - math.log(300) + model.labels.log_prob[:, None]).logsumexp(0)
    torch.testing.assert_close(found.log_likelihood, exact, rtol=0, atol=0.2)
    assert found.label_posterior.shape == (3, 4)


def test_the_effective_sample_size_is_that_of_the_chains():
    model, x, _ = factor_analysis(0.3)
    parts = measure_ais(model, x, None, 20, steps=20)
    assert (parts.effective_sample_size <= 20).all()
    assert (parts.log_likelihood - (parts.reconstruction - parts.kl.sum(0)) > 0).all()
    assert parts.growth.shape == (0, 5)
    assert parts.pareto_k.isnan().all()


def test_memory_is_bounded_by_the_decoder_output():
    one, many = make_vae("bernoulli").decoder, make_vae("categorical").decoder
    assert [images_per_batch(one, SHAPE, chains) for chains in (16, 10_000)] == [32, 1]
    assert images_per_batch(many, SHAPE, 16) == (1 << 20) // (30 * 256) // 16
    model = make_vae()
    path = annealing_path(model, images_for(model))
    decoded = []
    model.decoder.head.register_forward_pre_hook(lambda _, inputs: decoded.append(len(inputs[0])))
    assert run_forward(replace(path, chains_per_batch=9), 5, 3).shape == (5, 4)
    assert set(decoded) == {PILOT_CHAINS, 2, 1}  # 5 chains of 4 images, 2 at once


def test_chunks_of_chains_are_equivalent_to_all_at_once():
    model, x, exact = factor_analysis(0.5, 0.7)
    path = replace(annealing_path(model, x), chains_per_batch=300)
    forward, reverse = run_forward_and_reverse(path, posterior_draw(x), 130, 20)
    assert forward.shape == reverse.shape == (130, 5)
    mean, error = mean_weight(forward, exact)
    assert ((mean - 1).abs() < 4 * error + 0.05).all()
    assert (reverse.mean(0) > exact - 0.2).all()
