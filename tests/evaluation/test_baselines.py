"""Baselines of tables, compared with closed forms and independent fits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from vaekit.errors import InvalidError
from vaekit.evaluation.baselines import baselines

RNG = np.random.default_rng(0)
SCALES = np.array([0.01, 5.0, 2000.0])
ROWS = RNG.normal(size=(900, 3)) @ np.array([[1.0, 0.8, 0.0], [0.0, 0.6, 0.0], [0.0, 0.0, 1.0]]) * SCALES
TRAIN, VALIDATION, TEST = ROWS[:600], ROWS[600:700], ROWS[700:]


def test_the_gaussian_is_that_of_scipy_in_units_of_the_data():
    found = baselines(TRAIN, VALIDATION, TEST)[0]
    train, test = TRAIN / SCALES, TEST / SCALES
    expected = multivariate_normal(train.mean(0), np.cov(train.T, bias=True)).logpdf(test).mean()
    assert found.log_density == pytest.approx(expected - np.log(SCALES).sum(), abs=2e-3)


def test_scaling_a_column_shifts_all_densities_by_its_logarithm():
    scaled = [part * np.array([1.0, 10.0, 1.0]) for part in (TRAIN, VALIDATION, TEST)]
    for one, ten in zip(baselines(TRAIN, VALIDATION, TEST), baselines(*scaled), strict=True):
        assert ten.name == one.name
        assert ten.log_density == pytest.approx(one.log_density - np.log(10), abs=1e-6)


def test_clusters_are_found_by_the_mixture_alone():
    centers = np.repeat([[-9.0, 0.0], [0.0, 9.0], [9.0, 0.0]], 200, axis=0)
    rows = RNG.permutation(centers + RNG.normal(size=(600, 2)))
    gaussian, factors, mixture = baselines(rows[:400], rows[400:500], rows[500:])
    assert mixture.log_density > max(gaussian.log_density, factors.log_density) + 1
    assert "components" in mixture.name


def test_gains_are_paired_over_rows():
    own = np.linspace(-9, -7, len(TEST))
    for found in baselines(TRAIN, VALIDATION, TEST, own):
        assert found.gain == pytest.approx(own.mean() - found.log_density)


def test_rows_with_missing_values():
    holes = TRAIN.copy()
    holes[::2, 0] = np.nan
    assert baselines(holes, VALIDATION, TEST)[0].log_density == pytest.approx(
        baselines(TRAIN[1::2], VALIDATION, TEST)[0].log_density
    )
    with pytest.raises(InvalidError, match="complete test rows"):
        baselines(TRAIN, VALIDATION, holes)


def test_a_column_that_repeats_another_gives_no_unlimited_density():
    z = RNG.normal(size=(300, 1))
    rows = np.concatenate([z, 3 * z + 1, RNG.normal(size=(300, 1))], axis=1)
    gaussian, factors, _ = baselines(rows[:200], rows[200:250], rows[250:])
    assert abs(factors.log_density - gaussian.log_density) < 1  # without the least noise: 7 nats more
