"""Monte Carlo errors against the spread of many repetitions, and intervals against the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from exact_models import SHAPE, factor_analysis, on_a_line
from vaekit.evaluation.importance_sampling import measure_importance
from vaekit.evaluation.importance_weights import JACKKNIFE_GROUPS, ImportanceWeights
from vaekit.evaluation.monte_carlo import (
    combine_repeats,
    evidence_interval,
    images_interval,
    monte_carlo_error,
)


def log_mean(log_weights: torch.Tensor) -> torch.Tensor:
    return log_weights.logsumexp(0) - math.log(len(log_weights))


def streamed(log_weights: torch.Tensor, chunk: int) -> ImportanceWeights:
    weights = ImportanceWeights(log_weights.shape[1], len(log_weights), torch.device("cpu"))
    for part in log_weights.split(chunk):
        weights.add(part)
    return weights


@pytest.mark.parametrize("samples", [2, 7, JACKKNIFE_GROUPS])
def test_with_few_weights_it_is_the_jackknife_that_leaves_one_out(samples):
    log_weights = torch.randn(samples, 3, generator=torch.Generator().manual_seed(0)).double() - 800
    variance, shortfall = streamed(log_weights, 3).monte_carlo_error
    whole = log_mean(log_weights)
    keep = [[j for j in range(samples) if j != k] for k in range(samples)]
    without = torch.stack([log_mean(log_weights[rest]) for rest in keep])
    torch.testing.assert_close(
        variance, (samples - 1) / samples * without.sub(without.mean(0)).square().sum(0)
    )
    torch.testing.assert_close(shortfall, (samples - 1) * (whole - without.mean(0)))


def test_it_does_not_depend_on_how_the_weights_are_streamed():
    log_weights = torch.randn(1003, 4, generator=torch.Generator().manual_seed(1)).double()
    for one, other in zip(
        streamed(log_weights, 1003).monte_carlo_error,
        streamed(log_weights, 10).monte_carlo_error,
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_error_and_shortfall_are_those_of_many_repetitions():
    """Log-normal weights, of which the log of a mean of 100 is known by 4000 repetitions."""
    log_weights = 0.8 * torch.randn(100, 4000, generator=torch.Generator().manual_seed(2)).double()
    variance, shortfall = streamed(log_weights, 50).monte_carlo_error
    means = log_mean(log_weights)
    assert variance.mean().item() == pytest.approx(means.var().item(), rel=0.08)
    truth = 0.8**2 / 2
    assert shortfall.mean().item() == pytest.approx(
        truth - means.mean().item(), abs=4 * means.std().item() / 63
    )


def test_equal_weights_have_no_error_and_one_weight_has_none_that_is_known():
    assert [each.tolist() for each in streamed(torch.zeros(50, 2), 9).monte_carlo_error] == [[0, 0], [0, 0]]
    assert all(each.isnan().all() for each in streamed(torch.zeros(1, 2), 1).monte_carlo_error)
    alone = torch.full((50, 1), -5000.0)
    alone[3] = 0.0  # the others vanish beside it
    variance, shortfall = streamed(alone, 50).monte_carlo_error
    assert torch.isfinite(variance).all()
    assert torch.isfinite(shortfall).all()


def test_repeats_give_the_error_of_their_mean():
    model, x, exact = factor_analysis(displaced=0.1)
    with torch.no_grad():
        torch.manual_seed(0)
        whole = [measure_importance(model, x, None, 50) for _ in range(100)]
    both = combine_repeats(whole)
    values = torch.stack([each.log_likelihood for each in whole])
    torch.testing.assert_close(both.log_likelihood, values.mean(0))
    torch.testing.assert_close(both.mc_variance, values.var(0) / 100)
    torch.testing.assert_close(both.reconstruction, torch.stack([r.reconstruction for r in whole]).mean(0))
    torch.testing.assert_close(both.log_likelihood + both.shortfall, exact, atol=0.02, rtol=0)
    assert combine_repeats(whole[:1]) is whole[0]


def test_repeats_of_one_sample_have_an_error_though_one_sample_has_none():
    model, x = on_a_line("bernoulli")
    with torch.no_grad():
        both = combine_repeats([measure_importance(model, x, None, 1) for _ in range(3)])
    assert torch.isfinite(both.mc_variance).all()
    assert torch.isfinite(both.shortfall).all()


def test_weights_of_images_count_in_error_and_interval():
    variance, weights = torch.tensor([1.0, 9.0]), torch.tensor([3.0, 0.0])
    assert monte_carlo_error(variance, weights) == 1.0
    assert monte_carlo_error(variance) == pytest.approx(math.sqrt(10) / 2)
    values = torch.randn(40, generator=torch.Generator().manual_seed(3))
    equal = evidence_interval(values, torch.zeros(40), torch.full((40,), 2.5))
    assert equal == pytest.approx(evidence_interval(values, torch.zeros(40)))
    assert evidence_interval(values[:1], torch.zeros(1)) is None
    assert evidence_interval(values, torch.full((40,), torch.nan)) is None
    nan = np.full(2, np.nan)
    assert images_interval(np.zeros(2), nan, nan) is None
    assert monte_carlo_error(torch.full((3,), torch.nan)) is None


def test_annealed_chains_have_an_error_too():
    from vaekit.evaluation.ais import measure_ais

    model, x, _ = factor_analysis(displaced=0.3)
    with torch.no_grad():
        torch.manual_seed(0)
        found = measure_ais(model, x.view(-1, *SHAPE).repeat(40, 1, 1, 1), None, 16, steps=4)
    spread = found.log_likelihood.view(40, 5).var(0).mean().item()
    assert found.mc_variance.mean().item() == pytest.approx(spread, rel=0.4)
