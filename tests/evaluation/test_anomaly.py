"""What a model says of a data point agrees with the exact model, and p-values are uniform."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chi2, kstest, multivariate_normal
from sklearn.covariance import MinCovDet
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from torch.distributions import Bernoulli, Independent, Normal

from vaekit.distributions.product import Product
from vaekit.evaluation.anomaly import RowTerms, element_log_prob
from vaekit.evaluation.anomaly_views import (
    Ellipsoid,
    Neighbors,
    Surprise,
    TableViews,
    flag,
    p_values,
    robust_scale,
)
from vaekit.evaluation.image_anomaly import complexity, typicality
from vaekit.spec import Column


def gaussian_terms(x: np.ndarray) -> RowTerms:
    """The terms of rows under N(0, I), as if the model were that."""
    parts = -0.5 * np.nan_to_num(x) ** 2 - 0.5 * np.log(2 * np.pi)
    zeros = np.zeros(len(x))
    return RowTerms(x, parts.sum(1), parts.sum(1), zeros, zeros, parts, x)


def test_the_parts_of_a_product_of_columns_sum_to_its_log_probability():
    generator = torch.Generator().manual_seed(0)
    loc = torch.randn(7, 2, generator=generator)
    p = Product([Normal(loc, 0.5), Bernoulli(logits=loc[:, :1])], event_dims=1)
    x = torch.cat([torch.randn(7, 2, generator=generator), torch.ones(7, 1)], 1)
    each = element_log_prob(p, x)
    assert each.shape == (7, 3)
    torch.testing.assert_close(each.sum(1), p.log_prob(x))
    x[2, 1] = torch.nan
    assert element_log_prob(p, x)[2].tolist() == [each[2, 0].item(), 0.0, each[2, 2].item()]


def test_elements_that_depend_on_each_other_are_refused():
    p = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    with pytest.raises(TypeError, match="independent elements"):
        element_log_prob(p, torch.zeros(3, 2))
    assert element_log_prob(Independent(Normal(torch.zeros(2), 1.0), 1), torch.zeros(3, 2)).shape == (3, 2)


def test_distances_to_neighbors_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    reference, rows = rng.normal(size=(200, 3)), rng.normal(size=(50, 3))
    neighbors = Neighbors(reference)
    assert neighbors.k == 30
    distances, _ = NearestNeighbors(n_neighbors=31).fit(reference).kneighbors(rows)
    np.testing.assert_allclose(neighbors(rows), distances[:, :30].mean(1))
    own, _ = NearestNeighbors(n_neighbors=31).fit(reference).kneighbors(reference)
    np.testing.assert_allclose(neighbors(reference, np.arange(200)), own[:, 1:].mean(1))


def test_the_ellipsoid_ignores_a_fifth_of_outliers_as_the_minimum_covariance_determinant_does():
    rng = np.random.default_rng(1)
    clean = rng.normal(size=(400, 3)) @ np.diag([1.0, 2.0, 0.5])
    rows = np.concatenate([clean, rng.normal(8.0, 0.1, (100, 3))])
    found, known = Ellipsoid(rows), MinCovDet(random_state=0).fit(rows)
    probe = rng.normal(size=(300, 3)) * 3
    agreement = np.corrcoef(np.log(found(probe)), np.log(known.mahalanobis(probe)))[0, 1]
    assert agreement > 0.98
    assert np.abs(found.mean - clean.mean(0)).max() < 0.3
    assert found(rows[400:]).min() > np.quantile(found(clean), 0.99)


def test_without_outliers_the_ellipsoid_is_proportional_to_the_mahalanobis_distance():
    x = np.random.default_rng(2).normal(size=(5000, 2))
    distances = Ellipsoid(x)(x)
    ratio = np.quantile(distances, [0.25, 0.5, 0.9]) / chi2(2).ppf([0.25, 0.5, 0.9])
    assert np.ptp(ratio) < 0.15 * ratio.mean()


def test_surprise_is_a_share_of_the_training_rows_and_rises_strictly_beyond_them():
    training = np.sort(np.random.default_rng(0).normal(size=99))
    surprise, values = Surprise(training), np.linspace(-5, 12, 60)
    found = surprise(values)
    inside = values <= training[-1]
    share = [(1 + (training >= value).sum()) / 100 for value in values[inside]]
    np.testing.assert_allclose(found[inside], -np.log(share))
    assert (np.diff(found) >= 0).all()
    assert (np.diff(found[~inside]) > 0).all()
    assert found[0] == 0 < np.log(100) < found[~inside].min()


def test_robust_units_are_standard_deviations_of_a_gaussian_and_never_zero():
    rng = np.random.default_rng(0)
    rows = np.stack([rng.normal(5, 3, 20000), np.ones(20000), rng.random(20000) < 0.1], 1)
    rows[:100, 0] = np.nan
    center, scale = robust_scale(rows)
    np.testing.assert_allclose(center, [5, 1, 0], atol=0.1)
    np.testing.assert_allclose(scale, [3, 1, rows[:, 2].std()], atol=0.06)


def test_p_values_are_uniform_for_rows_like_the_held_out_ones():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        training, held_out, new = (gaussian_terms(rng.standard_t(4, (n, 3))) for n in (120, 199, 40))
        views = TableViews(training)
        scores, reference = (views.score(views.measure(terms)) for terms in (new, held_out))
        found.append(p_values(scores, reference))
        assert found[-1].min() >= 1 / 200
    p = np.array(found)
    assert abs(p.mean() - 0.5) < 0.02
    for level in (0.05, 0.1, 0.5):
        assert abs((p <= level).mean() - level) < 0.02
    assert kstest(p[:, 0], "uniform").pvalue > 0.01  # one row per repetition: independent
    shifted = gaussian_terms(np.random.default_rng(99).normal(3.0, 1.0, (40, 3)))
    assert p_values(views.score(views.measure(shifted)), reference).mean() < 0.1


def test_the_p_value_counts_ties_as_at_least_as_odd():
    assert p_values(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 1.0])).tolist() == [1.0, 0.75, 0.25]
    assert p_values(np.array([1.0]), np.empty(0)).tolist() == [1.0]


def test_outliers_among_the_training_rows_do_not_hide_others_of_their_kind():
    """The likelihood of a model that learned them is fooled; together the views are not."""
    rng = np.random.default_rng(0)

    def draw(normal: int, odd: int) -> np.ndarray:
        return np.concatenate([rng.normal(size=(normal, 4)), rng.normal(4.0, 0.05, (odd, 4))])

    def terms(x: np.ndarray) -> RowTerms:
        logs = np.stack(
            [np.log(0.95) + multivariate_normal(np.zeros(4)).logpdf(x),
             np.log(0.05) + multivariate_normal(np.full(4, 4.0), 0.05**2 * np.eye(4)).logpdf(x)]
        )  # fmt: skip
        zeros = np.zeros(len(x))
        total = np.logaddexp(*logs)
        return RowTerms(x, total, total, zeros, zeros, x, x)

    views = TableViews(terms(draw(380, 20)))
    test = terms(draw(190, 10))
    odd = np.arange(200) >= 190
    assert roc_auc_score(odd, -test.log_likelihood) < 0.1
    assert roc_auc_score(odd, views.score(views.measure(test))) > 0.8
    assert roc_auc_score(odd, views.measure(test)["ellipsoid"]) == 1.0


def test_categories_and_missing_values_are_scored():
    rng = np.random.default_rng(0)
    columns = (Column("size"), Column("color", "category", ("red", "blue", "green")))
    x = np.stack([rng.normal(size=300), 1.0 + (rng.random(300) < 0.5)], 1)
    x[:20, 0] = np.nan
    views = TableViews(gaussian_terms(x), columns)
    found = views.measure(gaussian_terms(np.array([[0.0, 1.0], [0.0, 3.0], [9.0, 1.0], [np.nan, np.nan]])))
    assert np.isfinite(np.array(list(found.values()))).all()
    assert found["neighbors"][1] > 2 * found["neighbors"][0]  # a color that no row has
    assert found["ellipsoid"][2] > found["ellipsoid"][0] == found["ellipsoid"][1]


def test_flags_by_share_and_by_p_value():
    scores, p = np.array([0.1, 0.9, 0.5, 0.7]), np.array([0.6, 0.01, 0.2, 0.05])
    assert flag(scores, p, 0.5)[0].tolist() == [False, True, False, True]
    assert flag(scores, p, "p:0.01")[0].tolist() == [False, True, False, False]
    for wrong in ("1.5", "0", "q:0.1", "p:2", "many"):
        with pytest.raises(ValueError, match="between 0 and 1"):
            flag(scores, p, wrong)


def test_the_complexity_of_noise_is_about_its_entropy_and_that_of_a_flat_image_is_small():
    noise = np.random.default_rng(0).random((3, 1, 64, 64))
    nats = complexity(noise)
    assert (np.abs(nats / (64 * 64 * np.log(256)) - 1) < 0.05).all()
    assert (complexity(np.full((2, 3, 16, 16), 0.5)) < 150).all()


def test_typicality_is_two_sided():
    assert typicality(np.array([-1.0, -5.0, -3.0]), np.array([-2.0, -4.0])).tolist() == [2.0, 2.0, 0.0]
