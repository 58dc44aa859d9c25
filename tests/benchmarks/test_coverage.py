"""Intervals of 95 % with the Monte Carlo error contain the truth in 92.5 to 97.5 % of 400 repetitions."""

from __future__ import annotations

import pytest
import torch
from benchmarks.quality.coverage import (
    SETTINGS,
    IntegrableCase,
    LinearGaussianCase,
    measure_coverage,
    measure_paired_coverage,
)

FAIR = [setting for setting in SETTINGS if not setting.heavy]


@pytest.mark.slow
@pytest.mark.parametrize("setting", FAIR, ids=[f"{s.name}, {s.estimator}" for s in FAIR])
def test_intervals_contain_the_truth(setting):
    found = measure_coverage(setting)
    assert 0.925 <= found.population <= 0.975
    assert 0.925 <= found.images <= 0.975


@pytest.mark.slow
def test_intervals_of_paired_differences_contain_the_truth():
    assert 0.925 <= measure_paired_coverage() <= 0.975


@pytest.mark.parametrize("case", [LinearGaussianCase(0.1), LinearGaussianCase(0.1, 0.5), IntegrableCase(1.3)])
def test_the_truth_of_the_population_is_the_mean_over_many_images(case):
    torch.manual_seed(0)
    values = case.log_prob(case.sample(20_000))
    error = values.std().item() / 20_000**0.5
    assert values.mean().item() == pytest.approx(case.population, abs=4 * error)


def test_the_grid_integrates_to_one():
    assert IntegrableCase(1.3).log_evidence.exp().sum().item() == pytest.approx(1, abs=1e-6)
