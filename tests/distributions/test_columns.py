"""Densities of columns integrate to 1 in units of the data, and probabilities sum to 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from vaekit.distributions.columns import Categories, DiscretizedNormal, ScaledCounts
from vaekit.models.columns import ColumnsHead, sigma_floor
from vaekit.spec import Column

COUNT = Column("k", "count", offset=4.0, scale=2.5)
INTEGER = Column("n", "integer", offset=10.0, scale=7.0)
CURVED = Column("q", scaling="quantile", knots=((-3.0, -2.0), (0.0, -0.5), (1.0, 0.5), (9.0, 2.0)))


def log_prob(column: Column, values: np.ndarray, output: list[float]) -> np.ndarray:
    """The log-probability of values of one column in units of the data."""
    x = torch.from_numpy(column.to_model(values)).float()[:, None]
    return ColumnsHead([column])(torch.tensor(output)).log_prob(x).double().numpy()


@pytest.mark.parametrize("column", [Column("a", offset=3.0, scale=20.0), CURVED], ids=["scaled", "curved"])
def test_real_columns_integrate_to_one_over_the_data(column):
    grid = np.linspace(-60, 60, 60001) * 4
    density = np.exp(log_prob(column, grid, [0.2, -0.7]))
    assert integrate.trapezoid(density, grid) == pytest.approx(1, abs=2e-3)


def test_a_real_column_is_a_gaussian_of_the_data():
    column = Column("a", offset=3.0, scale=20.0)
    values = np.array([-10.0, 3.0, 30.0])
    sigma = np.hypot(np.exp(-0.7), sigma_floor(column)) * 20
    expected = stats.norm(3 + 20 * 0.2, sigma).logpdf(values)
    np.testing.assert_allclose(log_prob(column, values, [0.2, -0.7]), expected, rtol=1e-5)


@pytest.mark.parametrize("raw", [-6.0, -1.0, 1.0, 4.0])
def test_integers_sum_to_one(raw):
    values = np.arange(-3000, 3001)
    assert np.exp(log_prob(INTEGER, values, [0.3, raw])).sum() == pytest.approx(1, abs=1e-4)


def test_narrow_intervals_agree_with_the_integral():
    for ratio in (1e-6, 1e-3, 0.019, 0.021, 0.5):
        p = DiscretizedNormal(torch.tensor(0.0), torch.tensor(1.0), torch.tensor(ratio))
        x = np.array([-4.0, -1.0, 0.0, 0.5, 3.0])
        exact = stats.norm.logcdf(-np.abs(x) + ratio / 2) + np.log1p(
            -np.exp(stats.norm.logcdf(-np.abs(x) - ratio / 2) - stats.norm.logcdf(-np.abs(x) + ratio / 2))
        )
        np.testing.assert_allclose(p.log_prob(torch.from_numpy(x).float()), exact, atol=2e-3)


def test_far_integers_have_finite_gradients():
    output = torch.tensor([0.0, -8.0], requires_grad=True)
    x = torch.tensor([[30.0], [-30.0], [0.0]])
    log_p = ColumnsHead([INTEGER])(output).log_prob(x)
    log_p.sum().backward()
    assert log_p.isfinite().all()
    assert output.grad.isfinite().all()


def test_counts_are_negative_binomial_and_sum_to_one():
    values = np.arange(0, 400)
    logs = log_prob(COUNT, values, [0.4, 1.0])
    head = ColumnsHead([COUNT])
    rate, size = float(head.rate(torch.tensor(0.4))), np.exp(1.0)
    np.testing.assert_allclose(logs, stats.nbinom(size, size / (size + rate)).logpmf(values), rtol=2e-4)
    assert np.exp(logs).sum() == pytest.approx(1, abs=1e-4)
    assert rate == pytest.approx(COUNT.offset + 0.4 * COUNT.scale, rel=0.05)


def test_large_counts_keep_their_precision():
    column = Column("k", "count", offset=1e6, scale=1e3)
    values = np.array([998_000.0, 1_000_000.0, 1_001_234.0])
    head = ColumnsHead([column])
    rate, size = float(head.rate(torch.tensor(0.0))), np.exp(12.0)
    expected = stats.nbinom(size, size / (size + rate)).logpmf(values)
    np.testing.assert_allclose(log_prob(column, values, [0.0, 12.0]), expected, atol=5e-3)


def test_categories_sum_to_one_and_missing_has_none():
    p = Categories(torch.tensor([[[0.3, -1.0, 2.0], [0.5, 0.5, -torch.inf]]]))
    total = sum(p.log_prob(torch.full((1, 2), float(k))).exp() for k in (1, 2, 3))
    torch.testing.assert_close(total, torch.ones(1, 2))
    assert (p.log_prob(torch.zeros(1, 2)) == -torch.inf).all()


MIXED = (
    Column("c", "category", ("x", "y", "z")),
    Column("a", scale=4.0),
    Column("n", "integer", scale=3.0),
    Column("b", "boolean", ("no", "yes")),
    Column("k", "count", offset=2.0, scale=1.5),
    Column("o", "ordered", ("low", "high")),
    CURVED,
)


def test_parts_follow_the_order_of_the_columns():
    head = ColumnsHead(MIXED)
    torch.manual_seed(0)
    p = head(torch.randn(5, *head.network_output((7,))))
    x = p.sample()
    parts, mask = p.log_prob_parts(x), torch.rand(5, 7) < 0.5
    torch.testing.assert_close(parts.sum(0), p.log_prob(x))
    torch.testing.assert_close(p.log_prob_parts(x, mask), torch.where(mask.T, parts, 0.0))
    torch.testing.assert_close(p.masked_log_prob(x, mask), torch.where(mask.T, parts, 0.0).sum(0))
    changed = x.clone()
    changed[:, 1] += 1
    assert ((p.log_prob_parts(changed) != parts).any(1) == torch.tensor([0, 1, 0, 0, 0, 0, 0]).bool()).all()


def test_samples_have_the_values_and_moments_of_their_columns():
    head = ColumnsHead(MIXED)
    torch.manual_seed(0)
    p = head(torch.randn(*head.network_output((7,))))
    x = p.sample((20000,)).double().numpy()
    data = np.stack([column.to_data(x[:, j]) for j, column in enumerate(MIXED)], 1)
    for j, column in enumerate(MIXED):
        if column.kind != "real":
            np.testing.assert_allclose(column.to_model(data[:, j]), x[:, j], atol=1e-5)
    numbers = [1, 2, 4, 6]
    np.testing.assert_allclose(x.mean(0)[numbers], p.mean[numbers], atol=0.1)
    np.testing.assert_allclose(x.var(0)[numbers], p.variance[numbers], rtol=0.15)
    shares = p.blocks[-1][1].log_probs.exp()
    found = np.bincount(data[:, 0].astype(int), minlength=3) / len(data)
    np.testing.assert_allclose(found, shares[0], atol=0.02)


def test_scaled_counts_below_zero_have_no_probability():
    p = ScaledCounts(*(torch.tensor(value) for value in (3.0, 2.0, 0.0, 1.0)))
    assert p.log_prob(torch.tensor(-1.0)) == -torch.inf


def test_sigma_never_falls_below_the_rounding():
    column = Column("a", scale=2.0, resolution=0.5)
    p = ColumnsHead([column])(torch.tensor([0.0, -50.0]))
    assert float(p.variance.sqrt()) * 2.0 == pytest.approx(0.5 / 12**0.5, rel=1e-5)
