from __future__ import annotations

import json

import pytest

QUICK = ("--samples", 20)


def test_a_run_is_measured_and_the_numbers_are_kept_with_it(call, run):
    result = call("evaluate", run, *QUICK)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Log-likelihood ")
    assert "20 importance samples, 297 test images" in result.stdout
    assert "test split of digits, observation dynamic, seed 0" in result.stdout
    assert result.stderr == ""
    kept = json.loads((run / "evaluation.json").read_text())
    assert (kept["images"], kept["samples"], kept["is_likelihood"]) == (297, 20, True)
    assert f"{kept['log_likelihood']:.2f} ± {kept['log_likelihood_stderr']:.2f}  nats" in result.stdout
    assert "20 importance samples" in (run / "report.html").read_text()


def test_the_bound_lies_below_and_the_terms_add_up(numbers, run):
    found = numbers("evaluate", run, *QUICK)
    assert found["elbo"] == pytest.approx(found["reconstruction"] - sum(found["rate"]))
    assert found["elbo"] < found["log_likelihood"] < 0
    assert found["bits_per_dimension"] == pytest.approx(-found["log_likelihood"] / (64 * 0.6931472), rel=1e-6)
    assert (found["run"], found["data"], found["split"]) == (str(run), "digits", "test")


def test_the_same_seed_gives_the_same_numbers(numbers, run):
    words = ("evaluate", run / "model", "--samples", 5, "--images", 50)
    first, again, other = numbers(*words), numbers(*words), numbers(*words, "--seed", 1)
    assert first["log_likelihood"] == again["log_likelihood"] != other["log_likelihood"]
    assert first["images"] == 50


def test_of_one_image_there_is_no_standard_error(numbers, run):
    assert numbers("evaluate", run / "model", *QUICK, "--images", 1)["log_likelihood_stderr"] is None


def test_a_bare_model_is_only_measured(call, numbers, run, tmp_path):
    found = numbers("evaluate", run / "model/model.safetensors", *QUICK, "-o", "numbers.json")
    assert json.loads((tmp_path / "numbers.json").read_text()) == found
    assert not (run / "evaluation.json").exists()


def test_other_data_is_measured_but_not_kept(numbers, run, tmp_path):
    import numpy as np

    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8))
    found = numbers("evaluate", run, *QUICK, "--data", tmp_path / "x.npy")
    assert (found["images"], found["data"]) == (4, str(tmp_path / "x.npy"))
    assert not (run / "evaluation.json").exists()


def test_what_is_no_likelihood_is_said_to_be_none(call, run):
    config = json.loads((run / "model/config.json").read_text())
    config["recipe"]["data"]["observation"] = "grey"
    (run / "model/config.json").write_text(json.dumps(config))
    text = call("evaluate", run / "model", *QUICK).stdout
    assert text.startswith("Score (no likelihood of the data)")
    assert "Note: the bernoulli likelihood gives probability to black and white alone" in text


def test_the_quality_of_samples_is_measured_and_kept(call, run, monkeypatch):
    monkeypatch.setattr("vaekit.evaluation.classifier.STEPS", 60)
    first = call("evaluate", run, *QUICK, "--quality")
    assert first.stderr == "training a small classifier of digits, once, for its features\n"
    assert "Sample quality: 297 samples (drawn pixels) against as many training images" in first.stdout
    kept = json.loads((run / "evaluation.json").read_text())["quality"]
    assert f"{kept['precision']:.3f}  " in first.stdout
    assert "Sample quality: 297 samples" in (run / "report.html").read_text()
    again = call("evaluate", run, *QUICK, "--features", "pixels")
    assert again.stderr == ""
    assert "by 64 principal components of the pixels of digits" in again.stdout


def test_mistakes(fails, run):
    assert "got 'pixel'; did you mean 'pixels'" in fails(3, "evaluate", run, *QUICK, "--features", "pixel")
    assert "no such run directory" in fails(4, "evaluate", "nowhere")
    assert "'tset' is not one of" in fails(2, "evaluate", run, "--split", "tset")
    assert "0 is not in the range" in fails(2, "evaluate", run, "--samples", 0)
    assert "images are 1 x 28 x 28, but" in fails(3, "evaluate", run, "--data", "mnist")


def test_an_empty_split(fails, run):
    config = json.loads((run / "model/config.json").read_text())
    config["recipe"]["data"]["validation"] = 0
    (run / "model/config.json").write_text(json.dumps(config))
    assert "split 'validation'" in fails(3, "evaluate", run / "model", "--split", "validation")


def test_damage_is_one_line(fails, run):
    config, weights = run / "model/config.json", run / "model/model.safetensors"
    whole = config.read_text()
    for text in ("{", "[]", "{}", '{"format": 1, "shape": [1, 8, 8], "label_names": []}'):
        config.write_text(text)
        assert str(config) in fails(3, "evaluate", run)
    config.write_text(whole.replace('"latent": 2', '"latent": 3'))
    assert "another architecture" in fails(3, "evaluate", run)
    config.write_text(whole)
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "damaged weights" in fails(3, "evaluate", run)
    weights.unlink()
    assert "model.safetensors: not found" in fails(4, "evaluate", run)
