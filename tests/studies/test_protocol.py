"""Protocols are equal only if every fact is, and say in what they differ."""

from __future__ import annotations

import pytest

from vaekit.studies.protocol import (
    UNKNOWN_DATA,
    describe_difference,
    describe_protocols,
    error_protocol,
    likelihood_protocol,
)

FOUND = {
    "images": 20, "split": "test", "noun": "rows", "observation": "continuous", "missing": "", "labels": "",
    "pixels": "01234567", "data": "a" * 64, "shape": [3], "measure": "density in units of the data",
    "conditioned_on": [], "scale": "aaaa", "estimator": "importance", "samples": 5,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"data": "b" * 64}, "the data (aaaaaaaa, bbbbbbbb)"),
        ({"shape": [4]}, "the shape (3, 4)"),
        ({"measure": "probability of counts"}, "the kind of number (density in units of the data, probab"),
        ({"conditioned_on": ["total"]}, "what is conditioned on (none, total)"),
        ({"pixels": "89abcdef"}, "the set of images or pixels (01234567, 89abcdef)"),
        ({"split": "train"}, "the split (test, train)"),
        ({"observation": "counts"}, "the observation (continuous, counts)"),
        ({"missing": "square:2"}, "what is hidden (none, square:2)"),
        ({"labels": "marginalize"}, "labels that are marginalized (none, marginalized)"),
        ({"options": {"precision": "bfloat16"}}, "the precision of products (none, bfloat16)"),
        ({"samples": 6}, "the estimator (5 importance samples, 6 importance samples)"),
    ],
)
def test_a_number_with_one_other_fact_is_of_another_protocol(changes, difference):
    one, other = (likelihood_protocol(found, "x.csv", True) for found in (FOUND, {**FOUND, **changes}))
    assert one != other
    assert describe_difference(one, other).startswith(difference)
    assert len(set(describe_protocols([one, other]).values())) == 2
    assert one.digest != other.digest


def test_the_scaling_of_a_table_matters_for_errors_and_not_for_densities():
    robust = {**FOUND, "scale": "bbbb"}
    assert likelihood_protocol(FOUND, "x.csv", True) == likelihood_protocol(robust, "x.csv", True)
    assert error_protocol(FOUND, "x.csv") != error_protocol(robust, "x.csv")


def test_the_same_data_under_another_path_are_compared():
    one, other = (likelihood_protocol(FOUND, name, False) for name in ("x.csv", "moved/x.csv"))
    assert one == other
    assert str(one) == "Measured on 20 test rows of x.csv, observation continuous."


@pytest.mark.parametrize("data", ["", "be6ad4ff9b173cda"])
def test_without_a_whole_fingerprint_nothing_is_comparable(data):
    old = likelihood_protocol({**FOUND, "data": data}, "x.csv", True)
    assert not old.comparable
    assert old != likelihood_protocol(FOUND, "x.csv", True)
    assert UNKNOWN_DATA in str(old)
    assert old.digest == ""
