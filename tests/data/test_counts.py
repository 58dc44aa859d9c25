"""Which likelihood is proposed for counts of a known distribution."""

from __future__ import annotations

import numpy as np
import pytest

from vaekit.data.counts import count_columns, count_facts

RANDOM = np.random.default_rng(0)
MEANS = RANDOM.gamma(1.0, 3.0, (1, 50)) * RANDOM.lognormal(0, 0.5, (800, 1))  # a profile and totals


def overdispersed(theta: float = 2.0) -> np.ndarray:
    return RANDOM.poisson(RANDOM.gamma(theta, MEANS / theta))


def test_rows_that_differ_in_their_totals_alone_are_poisson():
    facts = count_facts(RANDOM.poisson(MEANS))
    assert (facts.likelihood, facts.offset) == ("poisson", "total")
    assert facts.reason == "the variance is 1.0 times the mean given the totals, as in a Poisson"


def test_counts_of_a_negative_binomial_are_recognized():
    assert count_facts(overdispersed()).likelihood == "negative_binomial"


def test_excess_zeros_are_recognized():
    x = overdispersed()
    facts = count_facts(np.where(RANDOM.random(x.shape) < 0.4, 0, x))
    assert facts.likelihood == "zero_inflated_negative_binomial"
    assert "more than in a negative binomial" in facts.reason


def test_few_columns_have_no_meaningful_total():
    assert count_facts(RANDOM.poisson(4.0, (300, 3))) == (
        "poisson", "none", "the variance is 1.0 times the mean, as in a Poisson",
    )  # fmt: skip


def test_missing_counts_change_nothing():
    x = overdispersed().astype(float)
    whole = count_facts(x)
    x[RANDOM.random(x.shape) < 0.2] = np.nan
    assert count_facts(x).likelihood == whole.likelihood == "negative_binomial"


def test_the_counts_of_the_case_t16_are_negative_binomial():
    random = np.random.default_rng(0)
    mu = random.gamma(0.5, 2, (1, 60)) * random.lognormal(0, 0.6, (500, 1))
    assert count_facts(random.negative_binomial(2, 2 / (2 + mu))).likelihood == "negative_binomial"


@pytest.mark.parametrize("names", [(), ("a",)])
def test_columns_have_names_of_their_own_or_numbers(names: tuple[str, ...]):
    assert [column.name for column in count_columns(2, names)] == ["x0", "x1"]
    assert [column.name for column in count_columns(2, ("a", "b"))] == ["a", "b"]
