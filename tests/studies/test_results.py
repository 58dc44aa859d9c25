"""results.json has the numbers of the files of the runs."""

from __future__ import annotations

import json
import statistics

import pytest

from vaekit.errors import InvalidError
from vaekit.studies.metrics import METRICS, find_metric, metric_value, metric_values


@pytest.fixture(scope="module")
def written(results) -> dict:
    return json.loads((results.folder / "results.json").read_text())


def test_results_name_study_preset_and_command(written):
    assert (written["study"], written["preset"], written["title"]) == ("tiny", "quick", "A tiny study")
    assert written["evaluate"]["samples"] == 3
    assert "vaekit study" in written["command"]
    assert written["environment"]["torch"]


def test_every_run_has_its_numbers_and_epochs(written, results):
    for run, variant in zip(written["variants"], results.variants, strict=True):
        assert (run["name"], run["group"]) == (variant.name, variant.plan.group)
        assert run["recipe"]["training"]["epochs"] == 2
        for written_run, run_result in zip(run["runs"], variant.runs, strict=True):
            lines = (run_result.path / "metrics.jsonl").read_text().splitlines()
            records = [json.loads(line) for line in lines]
            assert written_run["epochs"]["loss"] == [record["loss"] for record in records]
            assert written_run["metrics"]["epochs"] == len(records) == 2
            evaluation = json.loads((run_result.path / "evaluation.json").read_text())
            for name in ("log_likelihood", "elbo", "mse"):
                assert written_run["metrics"][name] == evaluation[name]


def test_means_and_deviations_are_over_the_seeds(written):
    run = written["variants"][0]
    values = [training["metrics"]["elbo"] for training in run["runs"]]
    assert len(set(values)) == 2
    assert run["metrics"]["elbo"] == {
        "mean": pytest.approx(statistics.fmean(values)),
        "std": pytest.approx(statistics.stdev(values)),
        "count": 2,
    }


def test_results_contain_the_tables_of_the_page(written):
    [table] = written["tables"]
    assert [column["name"] for column in table["columns"]][-1] == "recipe:model.latent_dim"
    assert [row["name"] for row in table["rows"]] == ["VAE, d = 2", "VAE, d = 3", "ae"]
    assert [row["cells"][-1]["value"] for row in table["rows"]] == [2, 3, 8]
    assert table["rows"][2]["cells"][0]["value"] is None  # an autoencoder has no likelihood
    assert table["rows"][0]["cells"][0]["count"] == 2


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_of_a_run_is_a_number_or_unknown(results, name):
    for variant in results.variants:
        value = metric_value(find_metric(name), variant.first)
        assert value is None or isinstance(value, int | float)


def test_metrics_of_one_layer_and_of_recipe_keys(results):
    [vae] = results.select("vae-2")
    assert metric_values("kl:1", vae) == metric_values("kl", vae)
    assert metric_values("kl:2", vae) == []
    assert metric_value(find_metric("recipe:model.encoder.network"), vae.first) == "dense"
    assert metric_value(find_metric("recipe:objective.beta.value"), vae.first) == 1.0
    for wrong in ("elb", "kl:x", "recipe:"):
        with pytest.raises(InvalidError, match=f"no metric is called '{wrong}'"):
            find_metric(wrong)


def test_runs_are_chosen_by_pattern_or_group(results):
    assert [o.name for o in results.select("vae-*")] == [o.name for o in results.select("VAE")]
    assert [o.name for o in results.select(["ae", "vae-3"])] == ["vae-3", "ae"]
    with pytest.raises(InvalidError, match="runs: no run matches x"):
        results.select("x")
