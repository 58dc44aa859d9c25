"""Blocks as numbers, and errors of blocks as one line of the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist

from marks import best_over_seeds
from vaekit.config.components import options_of
from vaekit.errors import InvalidError
from vaekit.registry import BUILT_IN
from vaekit.studies.blocks import check_block, draw_block
from vaekit.studies.blocks.curves import setting_value
from vaekit.studies.blocks.latent import _points, encode_split
from vaekit.studies.blocks.tables import table
from vaekit.studies.elements import FigureElement, Table, Text
from vaekit.studies.library import load_study
from vaekit.studies.page import draw_blocks
from vaekit.studies.results import RunResult, StudyResults, VariantResult

REQUIRED = {
    "metric_vs_param": {"x": "d"},
    "pivot_differences": {"pairs": [["vae", "ae"]]},
    "interpolations": {"pairs": [[1, 7]]},
    "conditional_interpolation": {"pairs": [[1, 7]]},
}


def altered(variant: VariantResult, **changes: object) -> VariantResult:
    """The same run with other numbers of evaluation."""
    first = RunResult(0, variant.first.path)
    first.evaluation = {**variant.first.evaluation, **changes}
    return VariantResult(replace(variant.plan, name="other", label="other"), [first])


def with_runs(results: StudyResults, *variants: VariantResult) -> StudyResults:
    return replace(results, variants=list(variants))


def test_a_table_has_means_deviations_and_marks_the_best(results):
    [part] = table(results, ["VAE"], ["elbo", "parameters"])
    assert isinstance(part, Table)
    elbo = [cells[0] for _, cells in part.rows]
    seeds = [[training.evaluation["elbo"] for training in o.finished] for o in results.select("VAE")]
    assert [cell.value for cell in elbo] == pytest.approx([np.mean(each) for each in seeds])
    assert [cell.std for cell in elbo] == pytest.approx([np.std(each, ddof=1) for each in seeds])
    assert [cell.best for cell in elbo] == best_over_seeds(elbo, "higher")
    assert "Mean ± standard deviation over 2 seeds." in part.notes
    assert "Measured on 20 test images of digits, observation dynamic." in part.notes


def test_a_metric_that_no_run_has_is_left_out(results):
    [part] = table(results, ["ae"], ["elbo", "mse", "frechet"])
    assert [column.name for column in part.columns] == ["mse"]


def test_two_protocols_never_share_a_column(results):
    vae = results.select("vae-2")[0]
    both = with_runs(results, altered(vae), altered(vae, images=7, elbo=-1.0))
    [part] = table(both, columns=["elbo", "seconds_per_epoch"])
    assert [column.title for column in part.columns] == ["ELBO (a)", "ELBO (b)", "time per epoch"]
    assert [column.protocol for column in part.columns[1:]] == [
        "Measured on 7 test images of digits, observation dynamic.", "",
    ]  # fmt: skip
    values = [[cell.value for cell in cells[:2]] for _, cells in part.rows]
    assert values == [[vae.first.evaluation["elbo"], None], [None, -1.0]]
    assert not any(cell.best for _, cells in part.rows for cell in cells[:2])
    assert "(b) Measured on 7 test images of digits, observation dynamic." in part.notes


def test_two_sets_of_as_many_images_never_share_a_column(results):
    vae = results.select("vae-2")[0]
    both = with_runs(results, altered(vae), altered(vae, pixels="0123abcd", elbo=-1.0))
    [part] = table(both, columns=["elbo"])
    assert [column.title for column in part.columns] == ["ELBO (a)", "ELBO (b)"]
    assert not any(cell.best for _, cells in part.rows for cell in cells)
    assert "(b) Measured on 20 test images (set 0123abcd) of digits, observation dynamic." in part.notes


def test_another_estimator_splits_the_likelihood_column_but_not_the_bound(results):
    vae = results.select("vae-2")[0]
    chains = {"estimator": "ais", "samples": 16, "steps": 200, "init": "encoder"}
    given = {"labels": "condition", "conditioned_on": ["label"]}
    for change in ({"samples": 999}, chains, given):
        both = with_runs(results, altered(vae), altered(vae, **change))
        [part] = table(both, columns=["log_likelihood", "elbo"])
        bounds = ["ELBO (c)", "ELBO (d)"] if "labels" in change else ["ELBO"]
        titles = ["log-likelihood (a)", "log-likelihood (b)", *bounds]
        assert [column.title for column in part.columns] == titles
    assert any("conditioned on the label" in note for note in part.notes)


def test_seeds_of_two_protocols_are_not_averaged(results):
    vae = results.select("vae-2")[0]
    mixed = VariantResult(vae.plan, [vae.finished[0], altered(vae, images=7, elbo=-1.0).first])
    [part] = table(with_runs(results, mixed), columns=["elbo"])
    [(_, cells)] = part.rows
    assert [(cell.count, cell.std) for cell in cells] == [(1, None), (1, None)]


def test_values_that_are_not_likelihoods_are_marked_and_explained(results):
    vae = results.select("vae-2")[0]
    odd = with_runs(
        results, altered(vae), altered(vae, is_likelihood=False, caveats=["it is gray"], elbo=-1.0)
    )
    [part] = table(odd, columns=["elbo", "mse"])
    assert [[cell.marks for cell in cells] for _, cells in part.rows] == [["", ""], ["a", ""]]
    assert not any(cells[0].best for _, cells in part.rows)
    assert "(a) not a likelihood: it is gray" in part.notes


def test_a_run_that_failed_is_a_row_with_its_reason(results):
    failed = VariantResult(results.variants[0].plan, [RunResult(0, Path("x"), "it diverged", 5)])
    [part] = table(with_runs(results, failed, results.variants[1]), columns=["elbo"])
    assert part.rows[0][1][0].value is None
    assert part.notes[-1] == "VAE, d = 2: it diverged"


def test_the_best_runs_are_named_in_a_sentence(results):
    [part] = draw_block(results, {"best": {"runs": "VAE", "metric": "elbo", "within": 1000}})
    means = {o.label: np.mean([t.evaluation["elbo"] for t in o.finished]) for o in results.select("VAE")}
    first, last = sorted(means, key=means.get, reverse=True)
    values = [[t.evaluation["elbo"] for t in o.finished] for o in results.select("VAE")]
    interval = stats.ttest_ind(*values, equal_var=False).confidence_interval(0.95)
    sure = interval.low > 0 or interval.high < 0
    name = f"**{first}**" if sure else first
    assert part.text.startswith(f"{name} has the highest ELBO (−{-means[first]:.2f} nats), ")
    ends = sorted(abs(end) if sure else end * (1 if first == "VAE, d = 2" else -1) for end in interval)
    low, high = (f"{end:.2f}".replace("-", "−") for end in ends)
    amount = f"{means[first] - means[last]:.2f} nats above {last} (95 % over seeds: {low} to {high})"
    assert amount in part.text
    assert ("but not clearly" in part.text) is not sure
    assert part.text.endswith(f"Within 1000 of the first: {last}.")


def test_one_seed_has_no_best_and_is_never_bold(results):
    first, second = results.select("VAE")
    single = [altered(first, elbo=-30.0), altered(second, elbo=-31.0)]
    for variant in single:
        variant.first.per_image = {}
    [part] = table(with_runs(results, *single), columns=["elbo"])
    assert not any(cells[0].best for _, cells in part.rows)
    assert "Nothing is marked as best: with one seed per run there is no interval over seeds." in part.notes
    [sentence] = draw_block(with_runs(results, *single), {"best": "elbo"})
    assert "**" not in sentence.text
    assert "(−30.00 nats), 1.00 nats above" in sentence.text
    assert sentence.text.endswith("Both have one seed: another seed may change the order.")


def test_nothing_is_best_where_importance_sampling_and_ais_disagree(results):
    first, second = results.select("VAE")
    index, shift = np.arange(40), np.linspace(-0.1, 0.1, 40)
    runs = []
    for variant, value in ((first, -30.0), (second, -50.0)):
        seeds = [RunResult(seed, run.path) for seed, run in enumerate(variant.finished)]
        for seed, run in enumerate(seeds):
            run.evaluation = {**variant.finished[seed].evaluation, "log_likelihood": value + 0.1 * seed}
            run.per_image = {"index": index, "log_likelihood": value + shift}
        runs.append(VariantResult(variant.plan, seeds))
    [agreed] = table(with_runs(results, *runs), columns=["log_likelihood"])
    assert [cells[0].best for _, cells in agreed.rows] == [True, False]
    for run in runs[1].runs:
        run.ais = {**run.evaluation, "estimator": "ais", "steps": 9, "init": "encoder"}
        run.per_image_ais = {"index": index, "log_likelihood": -25.0 + shift}
    [open_] = table(with_runs(results, *runs), columns=["log_likelihood"])
    assert not any(cells[0].best for _, cells in open_.rows)
    label = runs[1].label
    assert f"No best log-likelihood is marked, as the two estimates of {label} differ." in open_.notes
    [sentence] = draw_block(with_runs(results, *runs), {"best": "log_likelihood"})
    assert "**" not in sentence.text
    assert sentence.text.endswith(f"disagree for {label}, so the order is open.")


def test_times_on_other_data_are_not_compared(results):
    first, second = (VariantResult(v.plan, v.finished[:1]) for v in results.select("VAE"))
    [same] = table(with_runs(results, first, second), columns=["seconds_per_epoch"])
    other = RunResult(0, second.first.path)
    other.environment = {**second.first.environment, "data": "f" * 64}
    [part] = table(
        with_runs(results, first, VariantResult(second.plan, [other])), columns=["seconds_per_epoch"]
    )
    note = "Times do not compare: the runs differ in data."
    assert (note in part.notes, note in same.notes) == (True, False)
    assert not any(cells[0].best for _, cells in part.rows)


def test_a_setting_is_a_variable_or_a_key_of_the_recipe(results):
    vae = results.select("vae-3")[0]
    assert (
        setting_value(vae, "d"),
        setting_value(vae, "training.epochs"),
        setting_value(vae, "nothing"),
    ) == (3, 2, None)


@pytest.mark.parametrize("kind", ["curves", "samples", "reconstructions", "latent_scatter"])
def test_figures_show_the_finished_runs(results, kind):
    [part] = draw_block(results, {kind: None})
    assert isinstance(part, FigureElement)


@pytest.mark.parametrize(
    "kind", sorted(BUILT_IN["study_block"].keys() - {"heading", "text", "elbo_identity"})
)
def test_an_error_in_a_block_becomes_one_line(results, kind):
    [part] = draw_block(results, {kind: {**REQUIRED.get(kind, {}), "runs": "nobody"}})
    assert isinstance(part, Text)
    assert (part.kind, part.text) == ("error", f"{kind}: runs: no run matches nobody under this preset")


@pytest.mark.parametrize(
    "options",
    [{"dimensions": 3}, {"dimensions": 2, "kernel_pca": True}, {"dimensions": 3, "kernel_pca": True}],
)
def test_latent_scatter_in_three_dimensions_and_with_kernel_pca(results, options):
    [part] = draw_block(results, {"latent_scatter": {"runs": "vae-3", "n": 40, **options}})
    assert isinstance(part, FigureElement)
    assert hasattr(part.figure.axes[0], "zaxis") == (options["dimensions"] == 3)
    assert part.caption.startswith("The means of q(z|x) of 40 held-out images")


def test_principal_components_of_all_latents_preserve_distances(results):
    latents = encode_split(results.select("vae-3")[0], 40, "test").mean
    points = _points(latents, 3, kernel_pca=False)
    assert pdist(points) == pytest.approx(pdist(latents), rel=1e-4)
    assert list(points.var(0)) == sorted(points.var(0), reverse=True)


OWN_BLOCKS = """
import vaekit
from vaekit.studies.elements import Text

@vaekit.register("study_block")
def count(study, word: str = "runs", times: int = 1):
    return [Text(f"{times * len(study.variants)} {word}")]

@vaekit.register("study_block")
def broken(study):
    return [Text(1 / 0)]

@vaekit.register("study_block")
def nonsense(study):
    return 3
"""

OWN_STUDY = """
runs: [{name: vae, recipe: digits}]
page:
  - own.py:count: {times: 2}
  - own.py:count: things
  - own.py:broken
  - own.py:nonsense
"""


@pytest.fixture
def own_study(tmp_path):
    (tmp_path / "own.py").write_text(OWN_BLOCKS)
    (tmp_path / "study.yaml").write_text(OWN_STUDY)
    return tmp_path / "study.yaml"


def test_a_study_names_blocks_of_a_file_beside_it(results, own_study):
    loaded = replace(results, study=load_study(own_study))
    assert [part.text for part in draw_blocks(loaded)] == [
        "6 runs",
        "3 things",
        "own.py:broken: ZeroDivisionError: division by zero",
        "own.py:nonsense: expected a list of Text, Table or FigureElement, got int",
    ]


def test_a_wrong_option_of_a_block_of_a_file_is_refused_when_the_study_is_read(own_study):
    own_study.write_text(OWN_STUDY.replace("{times: 2}", "{tims: 2}"))
    with pytest.raises(InvalidError, match=r"page\.0: own.py:count: tims: unknown key; did you mean 'times'"):
        load_study(own_study)


def test_an_old_name_of_a_block_proposes_the_new_one():
    with pytest.raises(InvalidError, match="page: scatter: unknown block; did you mean 'latent_scatter'"):
        check_block({"scatter": {}})


def test_every_block_describes_its_options():
    for name in BUILT_IN["study_block"]:
        fields = options_of("study_block", name).model_fields
        lacking = [
            key for key, field in fields.items() if key not in ("kind", "text") and not field.description
        ]
        assert lacking == [], name


def test_a_metric_without_a_better_direction_has_no_best(results):
    [part] = draw_block(results, {"best": "parameters"})
    assert "neither higher nor lower is better" in part.text


def test_the_error_of_a_wrong_option_names_block_and_option():
    with pytest.raises(InvalidError, match=r"page: curves: metrc: unknown key; did you mean 'metric'\?"):
        check_block({"curves": {"metrc": "loss"}})
