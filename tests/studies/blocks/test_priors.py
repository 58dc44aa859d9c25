"""The blocks of the study of priors, on models of 8 x 8 digits that train in a moment."""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np
import pytest
import yaml

from marks import best_over_seeds
from vaekit.errors import InvalidError
from vaekit.evaluation import mixture_components
from vaekit.studies.blocks import mixtures, pivot
from vaekit.studies.display import SilentDisplay
from vaekit.studies.elements import FigureElement, Text
from vaekit.studies.results import RunResult, StudyResults, VariantResult
from vaekit.studies.run_study import study as perform
from vaekit.utils.io import write_whole

VAMP = "model.prior={kind: vamp, components: 6, init: data}"
MIXTURE = "model.prior={kind: mixture, components: 3}"
SIZES = {"recipe": "digits", "grid": {"d": [4, 8]}}
TREE = {
    "overrides": ["data.train=200", "training.epochs=1", "model.encoder.network.hidden_sizes=[16]"],
    "runs": [
        {"name": "plain-{d}", "label": "standard", "overrides": ["model.latent_dim={d}"], **SIZES},
        {"name": "vamp-{d}", "label": "VampPrior", "overrides": ["model.latent_dim={d}", VAMP], **SIZES},
        {"name": "mixture", "recipe": "digits", "overrides": ["model.latent_dim=4", MIXTURE]},
    ],
    "presets": {"quick": {"evaluate": {"samples": 5, "images": 60}, "seeds": 2}},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    folder = tmp_path_factory.mktemp("priors")
    file = write_whole(folder / "priors.yaml", yaml.safe_dump(TREE).encode())
    return perform(file, folder=folder, jobs=1, display=SilentDisplay())


def variant(results: StudyResults, name: str) -> VariantResult:
    return results.select(name)[0]


def likelihood(results: StudyResults, name: str) -> float:
    return statistics.fmean(t.evaluation["log_likelihood"] for t in variant(results, name).finished)


def test_a_pivot_table_has_a_row_per_label_and_a_column_per_value(results):
    [table] = pivot.pivot_table(results, by="model.latent_dim")
    assert [column.title for column in table.columns] == ["4", "8"]
    assert table.heading == "log-likelihood (nats)"
    assert [name for name, _ in table.rows] == ["standard", "VampPrior", "mixture"]
    values = [[cell.value for cell in cells] for _, cells in table.rows]
    assert values[0] == [likelihood(results, "plain-4"), likelihood(results, "plain-8")]
    assert values[2] == [likelihood(results, "mixture"), None]
    assert all(cells[0].count == 2 for _, cells in table.rows)


def test_the_best_is_that_of_its_column(results):
    [table] = pivot.pivot_table(results, by="model.latent_dim")
    for place in (0, 1):
        known = [cells[place] for _, cells in table.rows if cells[place].value is not None]
        assert [cell.best for cell in known] == best_over_seeds(known, "higher")


def test_results_of_two_protocols_share_no_column_and_have_no_difference(results):
    runs = [variant(results, name) for name in ("plain-4", "vamp-4", "mixture")]
    odd = VariantResult(runs[1].plan, [RunResult(0, runs[1].first.path)])
    odd.first.evaluation = {**runs[1].first.evaluation, "samples": 9999, "log_likelihood": -1.0}
    mixed = replace(results, variants=[runs[0], odd, runs[2], variant(results, "plain-8")])
    [table] = pivot.pivot_table(mixed, by="model.latent_dim")
    assert [column.title for column in table.columns] == ["4 (a)", "4 (b)", "8"]
    cells = dict(table.rows)
    assert [cell.value for cell in cells["VampPrior"]] == [None, -1.0, None]
    assert cells["standard"][0].value == likelihood(results, "plain-4")
    assert not cells["VampPrior"][1].best
    pair = [cells[name][0] for name in ("standard", "mixture")]
    assert [cell.best for cell in pair] == best_over_seeds(pair, "higher")
    assert any("(b) Measured on 60" in note and "9,999 importance" in note for note in table.notes)
    with pytest.raises(InvalidError, match="have the same evaluation protocol"):
        pivot.pivot_differences(mixed, [("VampPrior", "standard")], by="model.latent_dim")


def test_columns_of_a_pivot_table_have_their_protocols(results):
    [table] = pivot.pivot_table(results, runs="plain-*")
    assert [column.title for column in table.columns] == ["Digits 8x8"]
    assert any("5 importance samples" in note for note in table.notes)


def test_differences_are_those_of_the_means(results):
    [text] = pivot.pivot_differences(results, [("VampPrior", "standard")], by="model.latent_dim")
    gains = [likelihood(results, f"vamp-{d}") - likelihood(results, f"plain-{d}") for d in (4, 8)]
    for gain, d in zip(gains, (4, 8), strict=True):
        assert f"{gain:+.2f}".replace("-", "−") in text.text
        assert f"nats on {d}" in text.text
    assert text.text.count("±") == 2


def test_pairs_without_runs_are_refused(results):
    with pytest.raises(InvalidError, match="pairs: no two"):
        pivot.pivot_differences(results, [("flow", "standard")])


def test_pseudo_inputs_are_above_the_means_of_their_components(results, monkeypatch):
    drawn = {}
    monkeypatch.setattr(mixtures.plotting, "image_rows", lambda rows, *_, **__: drawn.update(rows))
    mixtures.pseudo_inputs(results, "vamp-4", n=6)
    model = variant(results, "vamp-4").first.trained.model
    assert list(drawn) == ["VampPrior", "VampPrior, decoded"]
    inputs, means = mixture_components.pseudo_inputs(model), mixture_components.decode_components(model)
    order = [int(np.abs(inputs.numpy() - image).sum((1, 2, 3)).argmin()) for image in drawn["VampPrior"]]
    assert sorted(order) == list(range(6))
    np.testing.assert_allclose(drawn["VampPrior, decoded"], means.numpy()[order], atol=1e-6)


def test_priors_without_images_have_no_pseudo_inputs(results):
    with pytest.raises(InvalidError, match="expected vamp or exemplars"):
        mixtures.pseudo_inputs(results, "plain-4")


def test_every_test_image_is_in_one_cluster_and_the_text_has_the_purity(results):
    figure, text = mixtures.clusters(results, "mixture")
    assert isinstance(figure, FigureElement)
    assert isinstance(text, Text)
    sizes = [int(tick.get_text()) for tick in figure.figure.axes[1].get_xticklabels()]
    assert sum(sizes) == 297
    assert f"{sum(size > 0 for size in sizes)} of 3 components have images" in text.text
    counts = mixtures.count_classes(variant(results, "mixture"), "test", 297)
    assert f"right for {mixture_components.purity(counts):.0%}" in text.text
