"""Numbers as people read them."""

import pytest

from vaekit.runs.summary import evaluation_cards
from vaekit.utils.format import format_duration, format_number, format_significant


@pytest.mark.parametrize(
    ("seconds", "words"), [(4.26, "4.3 s"), (59.9, "1 min 0 s"), (151, "2 min 31 s"), (7384, "2 h 3 min")]
)
def test_durations_have_two_units(seconds, words):
    assert format_duration(seconds) == words


def test_numbers_have_a_true_minus_or_are_not_finite():
    assert format_number(-12345.678) == "−12,345.68"
    assert format_number(float("nan")) == format_significant(float("nan")) == "not finite"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0.00"), (-0.00123456, "−0.00123"), (9.996, "10.00"), (68.68, "68.7"), (12345.6, "12,346")],
)
def test_three_significant_digits(value, words):
    assert format_significant(value) == words


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (0.5, "; Pareto k 0.50, above 0.7 for 100.0% of images"),
        (None, "; Pareto k above 0.7 for 100.0% of images"),
        (float("inf"), "; Pareto k above 0.7 for 100.0% of images"),
    ],
)
def test_an_infinite_pareto_shape_is_reported_as_a_share(shape, words):
    known = {"ess_mean": 1.0, "samples": 500, "pareto_k": shape, "unreliable": 1.0}
    assert evaluation_cards(known)[-1].note == f"of 500, mean over images{words}"
