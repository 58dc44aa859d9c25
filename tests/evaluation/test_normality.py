import numpy as np
import pytest
from scipy import stats

from vaekit.errors import InvalidError
from vaekit.evaluation.normality import normality


def test_quantiles_of_the_normal_are_normal():
    n = 4000
    codes = stats.norm.ppf((np.arange(n) + 0.5) / n)[:, None]
    found = normality(codes)
    assert found.max_mean == pytest.approx(0, abs=1e-9)
    assert (found.min_std, found.max_std) == pytest.approx((1, 1), abs=0.002)
    assert found.within_two == pytest.approx(0.9545, abs=1e-3)
    assert found.ks_distance == pytest.approx(0.5 / n)


def test_the_distance_is_that_of_scipy():
    codes = np.random.default_rng(0).normal([0, 0.3, -1], [1, 0.8, 2], (500, 3))
    expected = [stats.kstest(column, "norm").statistic for column in codes.T]
    found = normality(codes)
    assert found.ks_distance == pytest.approx(np.mean(expected))
    assert found.max_mean == pytest.approx(np.abs(codes.mean(0)).max())
    assert (found.min_std, found.max_std) == pytest.approx((codes.std(0).min(), codes.std(0).max()))


def test_normal_samples_have_the_expected_distance():
    draws = np.random.default_rng(0).standard_normal((2000, 200))
    assert normality(draws).ks_distance == pytest.approx(0.87 / np.sqrt(2000), rel=0.05)


@pytest.mark.parametrize("codes", [np.zeros((0, 2)), np.zeros(3), np.full((2, 2), np.nan)])
def test_invalid_latents_are_refused(codes):
    with pytest.raises(InvalidError, match="latents: expected finite values"):
        normality(codes)
