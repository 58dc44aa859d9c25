"""Paired differences, from given values per image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from vaekit.errors import InvalidError
from vaekit.evaluation.confidence_intervals import paired_interval
from vaekit.studies.blocks import draw_block
from vaekit.studies.blocks.paired import paired_differences
from vaekit.studies.results import RunResult, StudyResults, VariantResult

INDEX = np.arange(20)
RNG = np.random.default_rng(0)
HARD = RNG.normal(-90, 10, 20)


def measured(results: StudyResults, label: str, *values: np.ndarray, index=INDEX, **changes) -> VariantResult:
    """A variant whose seeds have these values per image."""
    first = results.variants[0].first
    runs = [RunResult(seed, first.path) for seed in range(len(values))]
    for run, each in zip(runs, values, strict=True):
        run.evaluation = {**first.evaluation, "log_likelihood": each.mean(), **changes}
        run.per_image = {"log_likelihood": each, "index": index}
    return VariantResult(replace(results.variants[0].plan, name=label, label=label), runs)


def with_runs(results: StudyResults, *variants: VariantResult) -> StudyResults:
    return replace(results, variants=list(variants))


def test_runs_are_ordered_from_the_best_with_their_differences(results):
    worse, better = HARD - 1 + RNG.normal(0, 0.1, 20), HARD
    found = with_runs(results, measured(results, "worse", worse), measured(results, "better", better))
    [part] = paired_differences(found)
    assert [name for name, _ in part.rows] == ["better", "worse"]
    [(_, first), (_, second)] = part.rows
    expected = paired_interval(worse, better)
    assert (first[0].value, first[0].best, first[2].value) == (pytest.approx(HARD.mean()), False, None)
    assert second[2].value == pytest.approx(expected.mean)
    assert second[3].value == f"−{-expected.low:.2f} to −{-expected.high:.2f}"
    assert "3 importance samples" in part.columns[0].protocol


def test_seeds_are_averaged_per_image_and_have_their_own_interval(results):
    seeds = [HARD + shift for shift in (-1.0, 0.0, 1.0)]
    found = with_runs(results, measured(results, "seeds", *seeds), measured(results, "one", HARD - 5))
    [part] = paired_differences(found)
    [(name, cells), (_, other)] = part.rows
    assert (name, cells[0].value, cells[0].count) == ("seeds", pytest.approx(HARD.mean()), 3)
    assert cells[2].value == f"−{-(HARD.mean() - 2.484138):.2f} to −{-(HARD.mean() + 2.484138):.2f}"  # t of 2
    assert other[2].value is None


def test_differences_over_seeds_have_a_welch_interval(results):
    seeds = [HARD + shift for shift in (-1.0, 0.0, 1.0)]
    runs = [measured(results, "seeds", *seeds), measured(results, "two", HARD - 5, HARD - 6)]
    [part] = paired_differences(with_runs(results, *runs, measured(results, "one", HARD - 9)))
    assert part.columns[-1].title == "95 % of it over seeds"
    [(_, best), (_, two), (_, one)] = part.rows
    low, high = stats.ttest_ind([-5, -6], [-1, 0, 1], equal_var=False).confidence_interval(0.95)
    assert (best[-1].value, two[-1].value, one[-1].value) == (None, f"−{-low:.2f} to −{-high:.2f}", None)
    assert not best[0].best  # one of the runs has one seed
    [pair] = paired_differences(with_runs(results, *runs))
    assert [cells[0].best for _, cells in pair.rows] == [True, False]
    assert two[-2].value == "−5.50 to −5.50"  # over the images it is the same for all


def test_each_protocol_has_a_table_and_other_images_are_left_out(results):
    runs = [measured(results, name, HARD) for name in "ab"]
    more = [measured(results, name, HARD, samples=50) for name in "cd"]
    odd = measured(results, "e", HARD, index=INDEX + 1)
    tables = paired_differences(with_runs(results, *runs, *more, odd))
    assert [[name for name, _ in part.rows] for part in tables] == [["a", "b"], ["c", "d"]]
    left_out = "Left out, no other run has its protocol; it differs in its images: e: Measured on 20"
    assert all(left_out in part.notes[-1] for part in tables)


@pytest.mark.filterwarnings("error")
def test_one_image_has_differences_but_no_intervals(results):
    runs = [measured(results, name, HARD[:1] - i, index=INDEX[:1]) for i, name in enumerate("ab")]
    [part] = paired_differences(with_runs(results, *runs))
    assert [column.name for column in part.columns] == ["log_likelihood", "difference"]
    assert [cells[1].value for _, cells in part.rows] == [None, pytest.approx(-1)]


def test_images_are_the_same_if_their_pixels_are(results):
    """Two runs with other images, and two whose pixels were sampled with another seed."""
    runs = [measured(results, name, HARD) for name in "ab"]
    others = [measured(results, name, HARD, index=INDEX + 1, pixels="0000000b") for name in "cd"]
    drawn = [measured(results, name, HARD, pixels="0000000c") for name in "ef"]
    tables = paired_differences(with_runs(results, *runs, *others, *drawn))
    assert [[name for name, _ in part.rows] for part in tables] == [["a", "b"], ["c", "d"], ["e", "f"]]
    assert "images (set 0000000b) of digits" in tables[1].notes[0]
    with pytest.raises(InvalidError, match="no two have per-image values"):
        paired_differences(with_runs(results, runs[0], others[0], drawn[0]))


def test_runs_without_per_image_values_are_refused(results):
    found = with_runs(results, measured(results, "a", HARD), measured(results, "b", HARD, samples=9))
    with pytest.raises(InvalidError, match="no two have per-image values"):
        paired_differences(found)
    [part] = draw_block(found, {"paired_differences": {"metric": "mse"}})
    assert part.text == "paired_differences: metric: expected one of log_likelihood, ais, elbo, got 'mse'"


def test_monte_carlo_errors_and_shortfalls_stand_beside_the_values(results):
    runs = [measured(results, name, HARD - i) for i, name in enumerate("ab")]
    for run, shortfall, variance in zip(runs, (0.1, 3.0), (0.04, 0.16), strict=True):
        run.first.per_image = {
            **run.first.per_image, "shortfall": np.full(20, shortfall), "mc_variance": np.full(20, variance),
        }  # fmt: skip
    [part] = paired_differences(with_runs(results, *runs))
    names = [column.name for column in part.columns]
    rows = {name: dict(zip(names, cells, strict=True)) for name, cells in part.rows}
    assert list(rows) == ["b", "a"]  # b is higher once its shortfall is added
    assert rows["a"]["monte_carlo"].value == pytest.approx(0.2 / np.sqrt(20))
    assert rows["b"]["shortfall"].value == pytest.approx(3.0)
    assert rows["b"]["log_likelihood"].value == pytest.approx(HARD.mean() - 1)
    assert rows["a"]["difference"].value == pytest.approx(-1.9)
    assert rows["a"]["difference_monte_carlo"].value == pytest.approx(np.sqrt(0.2 / 20))


def test_annealed_estimates_are_paired_too(results):
    runs = [measured(results, name, HARD) for name in "ab"]
    chains = {"estimator": "ais", "samples": 16, "steps": 200, "init": "encoder"}
    for number, variant in enumerate(runs):
        run = variant.first
        run.ais = {**run.evaluation, **chains}
        run.per_image_ais = {"log_likelihood": HARD[:9] + 7 * number, "index": INDEX[:9]}
    [part] = paired_differences(with_runs(results, *runs), metric="ais")
    assert [name for name, _ in part.rows] == ["b", "a"]
    assert "16 AIS chains with 200 steps" in part.notes[0]
    places = {column.name: place for place, column in enumerate(part.columns)}
    assert part.rows[1][1][places["difference"]].value == pytest.approx(-7)
