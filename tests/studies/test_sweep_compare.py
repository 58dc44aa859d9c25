"""Sweeps and comparisons are studies without a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import vaekit
from vaekit.errors import InvalidError, NotFoundError
from vaekit.studies.blocks.tables import table
from vaekit.studies.compare import compare
from vaekit.studies.default_pages import differing_keys, unmeasured
from vaekit.studies.display import SilentDisplay
from vaekit.studies.sweep import parse_values, sweep

SHORT = ["training.epochs=1", "data.train=60", "data.validation=20"]


def test_the_public_names_are_these_functions():
    from vaekit.studies.run_study import study

    assert (vaekit.sweep, vaekit.compare, vaekit.study) == (sweep, compare, study)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2,3", [1, 2, 3]),
        ("0.5", [0.5]),
        ("1e-3,1e3", [0.001, 1000.0]),
        ("a,b", ["a", "b"]),
        ("[1, 2]", [[1, 2]]),
        ("[1, 2],[3]", [[1, 2], [3]]),
        ("{kind: linear, warmup: 5},4", [{"kind": "linear", "warmup": 5}, 4]),
        ("", []),
    ],
)
def test_commas_separate_values_except_in_brackets(text, values):
    assert parse_values(text) == values


def test_a_sweep_is_the_grid_of_its_values(tmp_path):
    grid = {"model.latent_dim": [2, 3], "objective.beta": [1, 0.5]}
    found = sweep(
        "digits", grid, SHORT, samples=2, images=5, folder=tmp_path / "s", jobs=1, display=SilentDisplay()
    )
    assert [o.name for o in found.variants] == [
        "latent_dim-2-beta-1", "latent_dim-2-beta-0.5", "latent_dim-3-beta-1", "latent_dim-3-beta-0.5",
    ]  # fmt: skip
    recipes = [variant.first.recipe for variant in found.variants]
    assert [(recipe.model.latent_dim, recipe.objective.beta.value) for recipe in recipes] == [
        (2, 1), (2, 0.5), (3, 1), (3, 0.5),
    ]  # fmt: skip
    assert found.variants[0].label == "latent_dim = 2, beta = 1"
    assert "Not shown" not in found.page.read_text()
    assert "vaekit sweep digits model.latent_dim=2,3 objective.beta=1,0.5 training.epochs=1" in found.command


def test_a_sweep_of_one_number_has_a_curve_and_autoencoders_use_the_squared_error(tmp_path):
    posterior = ["model.encoder.posterior=delta", "objective.beta=0"]
    found = sweep(
        "digits", {"model.latent_dim": [2, 3]}, [*SHORT, *posterior], samples=1, images=5,
        folder=tmp_path / "s",
        jobs=1, display=SilentDisplay(),
    )  # fmt: skip
    kinds = [next(iter(block)) for block in found.study.page]
    assert kinds[:4] == ["heading", "best", "metric_vs_param", "table"]
    assert found.study.page[1] == {"best": {"metric": "mse"}}
    assert "Not shown" not in found.page.read_text()


def test_keys_with_the_same_last_word_have_longer_names(tmp_path):
    kinds = {"model.encoder.network.hidden_sizes": [[8]], "model.decoder.network.hidden_sizes": [[8]]}
    found = sweep(
        "digits", kinds, SHORT, samples=1, images=5, folder=tmp_path / "s", jobs=1, display=SilentDisplay()
    )
    assert found.variants[0].label == "encoder_network_hidden_sizes = [8], decoder_network_hidden_sizes = [8]"


def test_a_sweep_needs_a_grid():
    with pytest.raises(InvalidError, match="expected a key with several values"):
        sweep("digits", {})


def test_a_comparison_shows_differing_settings_and_metrics(results, tmp_path):
    paths = [o.first.path for o in results.variants]
    found = compare(paths, tmp_path / "page.html")
    columns = found.study.page[1]["table"]["columns"]
    assert columns[:2] == ["recipe:model.latent_dim", "recipe:model.encoder.posterior"]
    assert "recipe:objective.beta.value" in columns
    [part] = table(found, columns=columns)
    assert [cells[0].value for _, cells in part.rows] == [2, 3, 8]
    assert [o.label for o in found.variants] == ["vae-2/seed-0", "vae-3/seed-0", "ae/seed-0"]
    text = (tmp_path / "page.html").read_text()
    assert "https:" not in text
    assert "3 runs side by side" in text


def test_runs_that_differ_only_in_the_seed_share_a_row(results):
    paths = [training.path for variant in results.variants for training in variant.finished]
    found = compare(paths)
    assert [[t.seed for t in o.runs] for o in found.variants] == [[0, 1], [0, 1], [0, 1]]
    assert found.variants[0].label == "vae-2/seed-0 and 1 more"
    first = paths[0].parent
    assert [o.label for o in compare(sorted(first.iterdir())).variants] == ["seed-0, seed-1"]
    kinds = [next(iter(block)) for block in found.study.page]
    assert kinds[1] == "table"
    assert "paired_differences" in kinds
    assert "rate_distortion" in kinds
    twice = compare([paths[0], shutil.copytree(paths[0], paths[0].parent / "copy")])
    assert len(twice.variants) == 2  # the same seed again says nothing of other seeds
    shutil.rmtree(paths[0].parent / "copy")


def test_unmeasured_runs_are_listed_with_the_command(results, tmp_path):
    path = Path(shutil.copytree(results.variants[0].first.path, tmp_path / "r"))
    (path / "evaluation.json").unlink()
    found = compare([path, results.variants[1].first.path])
    assert unmeasured(found.variants) == [f"vaekit evaluate {path}"]
    assert f"vaekit evaluate {path}" in found.study.page[1]["table"]["note"]


def test_only_finished_runs_are_compared(results, tmp_path):
    with pytest.raises(NotFoundError, match="not a run directory"):
        compare([tmp_path])
    path = Path(shutil.copytree(results.variants[0].first.path, tmp_path / "r"))
    shutil.rmtree(path / "model")
    with pytest.raises(InvalidError, match="not finished; continue with: vaekit train --resume"):
        compare([path])
    with pytest.raises(InvalidError, match="at least one run"):
        compare([])


def test_the_keys_in_which_recipes_differ():
    a = {"model": {"latent_dim": 2, "prior": {"kind": "vamp", "components": 5}}, "same": 1}
    b = {"model": {"latent_dim": 3, "prior": {"kind": "mixture", "components": 5}}, "same": 1}
    c = {"model": {"latent_dim": 2, "prior": {"kind": "vamp", "components": 6}}, "same": 1}
    assert list(differing_keys([a, b])) == ["model.latent_dim", "model.prior"]
    assert list(differing_keys([a, c])) == ["model.prior.components"]
    assert list(differing_keys([a, a])) == []
