"""Preprocessing: values and model values map to each other, and densities of the data integrate to one."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from vaekit.data import Dataset
from vaekit.data.preprocessing import fit_column, fit_preprocessing
from vaekit.distributions.units import DataUnits
from vaekit.spec import SCALINGS, Column, Preprocessing

RNG = np.random.default_rng(0)
SKEWED = np.exp(RNG.normal(size=500)) * 300 - 50  # far from Gaussian, in a unit of its own
WORDS = Column("color", "category", ("red", "green", "blue"))


@pytest.mark.parametrize("scaling", SCALINGS)
def test_values_come_back_also_far_outside_the_training_rows(scaling):
    column = fit_column(Column("a"), SKEWED, scaling)
    values = np.array([-1e5, SKEWED.min(), 0.0, 100.0, SKEWED.max(), 1e6, np.nan])
    x = column.to_model(values)
    assert (np.diff(x[:-1]) > 0).all()
    np.testing.assert_allclose(column.to_data(x), values, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_density_of_model_values_is_one_of_the_data(scaling):
    """The integral of p(x) dx / dvalue over the values of the data is 1, tails included."""
    column = fit_column(Column("a"), SKEWED, scaling)
    center, spread = (column.to_model(SKEWED).mean(), column.to_model(SKEWED).std())
    x = np.linspace(center - 9 * spread, center + 9 * spread, 400_001)
    values = column.to_data(x)
    units = DataUnits(Preprocessing((1,), (column,)))
    density = units(Normal(torch.tensor(center), torch.tensor(spread))).log_prob(torch.from_numpy(x)[:, None])
    heights = density.exp().numpy()[:, 0]
    total = (np.diff(values) * (heights[1:] + heights[:-1]) / 2).sum()
    assert total == pytest.approx(1, abs=2e-4)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_slopes_are_those_of_finite_differences(scaling):
    column = fit_column(Column("a"), SKEWED, scaling)
    edges, slopes = column.log_slopes()
    values = np.quantile(SKEWED, np.linspace(0.003, 0.997, 50)) + 1e-4
    found = slopes[np.searchsorted(edges, column.to_model(values), side="right")]
    step = 1e-6
    expected = np.log((column.to_model(values + step) - column.to_model(values)) / step)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_standard_scaling_uses_the_training_rows_alone():
    rows = np.concatenate([RNG.normal(5, 2, (50, 2)), np.full((50, 2), 1e6)])
    data = Dataset("d", "D", rows, None, (), columns=(Column("a"), Column("b")), scaled=False)
    found = fit_preprocessing(data, np.arange(50))
    np.testing.assert_allclose([c.offset for c in found.columns], rows[:50].mean(0))
    np.testing.assert_allclose([c.scale for c in found.columns], rows[:50].std(0))
    assert found.outside(rows).all(1).tolist() == [False] * 50 + [True] * 50


def test_a_constant_column_has_a_finite_scale():
    column = fit_column(Column("a"), np.full(20, 7.0))
    assert column.to_model(np.array([7.0, 8.0])).tolist() == [0.0, 1.0]


def test_words_and_missing_values():
    table = Preprocessing((2,), (Column("a", offset=1.0, scale=2.0, scaling="standard"), WORDS))
    values = np.array([[3.0, 0.0], [np.nan, 2.0], [1.0, np.nan]])
    x = table.to_model(values)
    np.testing.assert_array_equal(x, [[1, 1], [np.nan, 3], [0, np.nan]])
    np.testing.assert_array_equal(table.to_data(x), values)


def test_integers_and_counts_are_rounded_to_what_they_can_be():
    integer = Column("n", "integer", scaling="standard", offset=0.4, scale=2.0)
    count = Column("n", "count", scaling="standard", offset=0.4, scale=2.0)
    x = np.array([-1.0, 0.0, 0.33])
    assert integer.to_data(x).tolist() == [-2.0, 0.0, 1.0]
    assert count.to_data(x).tolist() == [0.0, 0.0, 1.0]


def test_json_brings_a_preprocessing_back():
    table = Preprocessing((2,), (fit_column(Column("a"), SKEWED, "quantile"), WORDS), layout=(2,))
    again = Preprocessing.from_dict(json.loads(json.dumps(table.to_dict())))
    assert again == table


def test_one_scale_of_other_data_shifts_densities_by_its_logarithm():
    units = DataUnits(Preprocessing((3,), scale=100.0, offset=-7.0))
    x = torch.randn(4, 3)
    own = Normal(torch.zeros(3), 1.0)
    torch.testing.assert_close(units(own).log_prob(x), own.log_prob(x) - np.log(100.0))
    assert DataUnits(Preprocessing((3,), scale=255.0, levels=256)).is_identity  # of probabilities


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "number"}, "expected a kind among real, integer"),
        ({"kind": "category"}, "expected categories for boolean, category and ordered only, got 0"),
        ({"categories": ("a",)}, "got 1 for real"),
        ({"scale": 0.0}, "expected a scale > 0, got 0"),
    ],
)
def test_columns_that_do_not_exist(arguments, message):
    with pytest.raises(ValueError, match=message):
        Column("a", **arguments)
