"""What is streamed against sums over everything."""

from __future__ import annotations

import math

import pytest
import torch

from vaekit.evaluation.importance_weights import ImportanceWeights, sample_sizes
from vaekit.evaluation.psis import pareto_k, tail_length

CPU = torch.device("cpu")


def spread(n: int, by: float) -> torch.Tensor:
    return by * torch.randn(n, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 2000


def streamed(log_weights: torch.Tensor, portion: int) -> ImportanceWeights:
    weights = ImportanceWeights(log_weights.shape[1], len(log_weights), CPU)
    for part in log_weights.split(portion):
        weights.add(part)
    return weights


@pytest.mark.parametrize("portion", [1, 10, 57])
def test_streaming_agrees_with_a_sum_over_everything_also_where_weights_overflow(portion: int):
    log_weights = spread(57, 300)
    weights = streamed(log_weights, portion)
    torch.testing.assert_close(weights.log_mean, log_weights.logsumexp(0) - math.log(57))
    normal = log_weights.softmax(0)
    torch.testing.assert_close(weights.effective_sample_size, 1 / normal.square().sum(0))


@pytest.mark.parametrize("portion", [1, 7, 1000])
def test_the_bound_is_kept_for_each_number_of_samples(portion: int):
    log_weights = spread(1000, 3)
    expected = []
    for n in sample_sizes(1000):
        starts = range(0, 100 // n * n, n) if n <= 100 else [0]  # disjoint groups of the first 100
        groups = [log_weights[at : at + n].logsumexp(0) - math.log(n) for at in starts]
        expected.append(sum(groups) / len(groups))
    torch.testing.assert_close(streamed(log_weights, portion).growth, torch.stack(expected))


def test_the_bound_of_one_sample_is_the_elbo_and_no_bound_is_above_that_of_more_samples():
    log_weights = spread(100, 3)
    growth = streamed(log_weights, 30).growth
    torch.testing.assert_close(growth[0], log_weights.mean(0))
    assert bool((growth.diff(dim=0) >= 0).all())


@pytest.mark.parametrize("portion", [1, 13, 1000])
def test_the_tail_is_that_of_all_weights(portion: int):
    log_weights = spread(1000, 2)
    weights = streamed(log_weights, portion)
    expected = pareto_k(log_weights.topk(tail_length(1000) + 1, 0).values)
    torch.testing.assert_close(weights.pareto_k, expected)
    assert len(weights._tail) <= 2 * (tail_length(1000) + 1)


def test_sample_sizes_end_with_all_samples():
    assert sample_sizes(1) == [1]
    assert sample_sizes(100) == [1, 2, 5, 10, 20, 50, 100]
    assert sample_sizes(700) == [1, 2, 5, 10, 20, 50, 100, 200, 500, 700]


def test_weights_of_zero_are_counted():
    weights = ImportanceWeights(1, 2, CPU)
    weights.add(torch.tensor([[-math.inf]]))
    weights.add(torch.tensor([[0.0]]))
    assert weights.log_mean.item() == pytest.approx(math.log(0.5))
