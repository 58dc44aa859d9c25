"""Two estimates of log p(x) of one run: compared on the images that both measured, the better bound first."""

from __future__ import annotations

import numpy as np
import pytest

from vaekit.evaluation.confidence_intervals import paired_interval
from vaekit.runs.headline import SAME, compare_estimates
from vaekit.runs.summary import ais_cards, evaluation_cards, lead_cards

RNG = np.random.default_rng(0)
HARD = RNG.normal(-90, 10, 30)
FIELDS = {
    "data": "0" * 64, "split": "test", "observation": "dynamic", "missing": "", "labels": "",
    "conditioned_on": [], "images": 30, "samples": 50,
}  # fmt: skip


def arrays(values: np.ndarray, first: int = 0) -> dict[str, np.ndarray]:
    return {"index": np.arange(first, first + len(values)), "log_likelihood": values}


@pytest.mark.parametrize(("shift", "leader"), [(2.5, "ais"), (-2.5, "importance"), (0.0, "")])
def test_the_higher_bound_leads_if_the_difference_is_beyond_its_interval(shift, leader):
    annealed = HARD[10:] + shift + RNG.normal(0, 0.5, 20)
    found = compare_estimates(FIELDS, arrays(HARD), FIELDS, arrays(annealed, first=10))
    assert found.images == 20
    assert found.leader == leader
    assert found.gain == pytest.approx(paired_interval(annealed, HARD[10:]))
    cards = lead_cards(
        evaluation_cards({**FIELDS, "log_likelihood": -90.0, "elbo": -95.0}),
        ais_cards({**FIELDS, "log_likelihood": -87.5, "estimator": "ais", "steps": 9, "init": "prior"}),
        found,
    )
    names = ["Log-likelihood (AIS)", "Log-likelihood (importance sampling)"]
    assert [card.name for card in cards] == [*(names if leader == "ais" else names[::-1]), "ELBO"]
    assert found.describe() in cards[0].note
    assert "on the same 20 images" in found.describe()


@pytest.mark.parametrize("name", SAME)
def test_estimates_of_other_things_are_not_compared(name):
    other = {**FIELDS, name: "other"}
    assert compare_estimates(FIELDS, arrays(HARD), other, arrays(HARD)) is None


def test_estimates_need_common_images_and_values_per_image():
    assert compare_estimates(FIELDS, arrays(HARD), FIELDS, arrays(HARD, first=29)) is None
    assert compare_estimates(FIELDS, {}, FIELDS, arrays(HARD)) is None
    assert compare_estimates(FIELDS, arrays(HARD), {}, {}) is None
    old = {name: value for name, value in FIELDS.items() if name != "data"}
    assert compare_estimates(old, arrays(HARD), old, arrays(HARD)) is None


def test_cards_say_interval_monte_carlo_error_and_the_cap_of_the_mutual_information():
    known = {
        **FIELDS, "log_likelihood": -90.0, "log_likelihood_stderr": 1.0, "mc_error": 0.05, "shortfall": 0.3,
        "log_likelihood_interval": [-91.7, -87.7], "repeats": 3, "mutual_information": 6.9,
        "mutual_information_stderr": 0.02, "marginal_kl": 1.0, "surgery_images": 1000,
    }  # fmt: skip
    likelihood, information = evaluation_cards(known)[:2]
    words = "95 % −91.70 to −87.70; Monte Carlo error 0.05 over 3 repeats; too low by 0.30 on average"
    assert words in likelihood.note
    assert information.value == "6.90 ± 0.02"
    assert "at most 6.91, which it has reached" in information.note
    below = evaluation_cards({**known, "mutual_information": 4.0})[1]
    assert "reached" not in below.note
