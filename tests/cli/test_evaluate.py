from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

import vaekit

QUICK = ("--samples", 20)


def test_the_evaluation_of_a_run_is_saved_in_it(call, run):
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


def test_the_elbo_is_below_log_px_and_its_terms_add_up(numbers, run):
    found = numbers("evaluate", run, *QUICK)
    assert found["elbo"] == pytest.approx(found["reconstruction"] - sum(found["kl"]))
    assert found["elbo"] < found["log_likelihood"] < 0
    assert found["bits_per_dimension"] == pytest.approx(-found["log_likelihood"] / (64 * 0.6931472), rel=1e-6)
    assert (found["run"], found["dataset"], found["split"]) == (str(run), "digits", "test")


def test_the_same_seed_gives_the_same_numbers(numbers, run):
    words = ("evaluate", run / "model", "--samples", 5, "--images", 50)
    first, again, other = numbers(*words), numbers(*words), numbers(*words, "--seed", 1)
    assert first["log_likelihood"] == again["log_likelihood"] != other["log_likelihood"]
    assert first["images"] == 50


def test_values_per_image_and_growth_of_the_bound_are_saved(call, numbers, run):
    found = numbers("evaluate", run, *QUICK)
    each = np.load(run / "evaluation.npz")
    assert each["log_likelihood"].mean() == pytest.approx(found["log_likelihood"])
    assert each["elbo"].mean() == pytest.approx(found["elbo"])
    assert len(set(each["index"])) == 297
    assert [bound["samples"] for bound in found["growth"]] == [1, 2, 5, 10, 20]
    assert found["growth"][-1]["value"] == pytest.approx(found["log_likelihood"])
    assert (run / "figures/bound-by-samples.png").is_file()
    assert "Bound by samples" in (run / "report.html").read_text()


def test_an_interrupted_evaluation_resumes(call, numbers, run, monkeypatch):
    from vaekit.evaluation import estimators
    from vaekit.evaluation.importance_sampling import measure_importance

    whole = numbers("evaluate", run / "model", *QUICK)
    calls = []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return measure_importance(*arguments)

    monkeypatch.setattr(estimators, "measure_importance", interrupted)
    assert call("evaluate", run, *QUICK).exit_code == 130
    assert len(list(run.glob("evaluation.partial-*.npz"))) == 1
    other = call("evaluate", run, "--samples", 19)
    assert other.stderr == ""  # what was kept is of another number of samples
    calls[:] = [1] * 10
    again = call("evaluate", run, *QUICK, "--json")
    assert again.stderr == "resuming after 200 of 297 images that were measured before\n"
    assert len(calls) == 11
    assert json.loads(again.stdout)["log_likelihood"] == whole["log_likelihood"]
    assert not list(run.glob("evaluation.partial*"))


def unsealed(run) -> dict:
    """The config.json of a model, without the seal that would refuse another content."""
    config = json.loads((run / "model/config.json").read_text())
    del config["sha256"]
    return config


@pytest.mark.parametrize("place", ["vaekit.engine.evaluate.elbo_surgery", "vaekit.runs.run.Run.report"])
def test_an_interruption_after_the_last_image_resumes_too(call, run, monkeypatch, place):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(place, interrupted)
        assert call("evaluate", run, *QUICK).exit_code == 130
    again = call("evaluate", run, *QUICK)
    assert again.stderr == "resuming after 297 of 297 images that were measured before\n"
    assert not list(run.glob("evaluation.partial*"))


def test_ais_estimates_the_same_log_likelihood(call, run):
    words = ("evaluate", run, "--estimator", "ais", "--chains", 3, "--steps", 5, "--images", 20)
    text = call(*words, "--init", "prior").stdout
    assert "3 AIS chains with 5 steps from the prior, 20 test images" in text
    kept = json.loads((run / "evaluation-ais.json").read_text())
    assert (kept["estimator"], kept["samples"], kept["steps"], kept["growth"]) == ("ais", 3, 5, [])
    assert kept["log_likelihood"] > kept["elbo"] - 5
    each = np.load(run / "evaluation-ais.npz")
    assert each["log_likelihood"].mean() == pytest.approx(kept["log_likelihood"])


def test_ais_never_overwrites_the_full_evaluation(call, run):
    call("evaluate", run, *QUICK)
    files = [run / "evaluation.json", run / "evaluation.npz", run / "figures/bound-by-samples.png"]
    before = [file.read_bytes() for file in files]
    call("evaluate", run, "--estimator", "ais", "--chains", 3, "--steps", 5, "--images", 20)
    assert [file.read_bytes() for file in files] == before
    page = (run / "report.html").read_text()
    assert "20 importance samples, 297 test images" in page
    assert "Log-likelihood (AIS)" in page
    assert "3 AIS chains with 5 steps from the encoder, 20 test images" in page
    table = call("compare", run).stdout
    assert "log-likelihood by AIS" in " ".join(table.split())
    assert "Measured on 20 test images of digits, observation dynamic, 3 AIS chains" in " ".join(
        table.split()
    )


def test_bounds_on_both_sides(call, run):
    text = call("evaluate", run, "--bdmc", "--images", 4, "--chains", 3, "--steps", 5, "--samples", 20).stdout
    assert text.startswith("bound on log p(x)")
    kept = json.loads((run / "bdmc.json").read_text())
    assert f"{kept['upper']:.2f}" in text
    assert [f"{bound['gap']:.2f}" in text for bound in kept["bounds"]] == [True] * 3
    assert "4 images from the model; 3 AIS chains with 5 steps from the encoder" in text


def test_ais_options_of_the_command_line_are_those_of_python():
    from vaekit.cli.evaluate import command
    from vaekit.evaluation.estimators import Estimator

    defaults = {option.name: option.default for option in command.params}
    way = Estimator()
    assert (way.samples, way.chains, way.steps) == tuple(defaults[n] for n in ("samples", "chains", "steps"))
    assert (way.kind, way.init) == (defaults["estimator"], defaults["init"])


@pytest.mark.parametrize("words", [("--bdmc",), ("--estimator", "ais")])
def test_ais_is_refused_for_a_point_posterior(fails, run, words):
    config = unsealed(run)
    del config["weights"]
    config["recipe"]["model"]["encoder"]["posterior"] = {"kind": "delta"}
    (run / "model/config.json").write_text(json.dumps(config))
    weights = load_file(run / "model/model.safetensors")
    halved = {name: w[: len(w) // 2] if len(w) == 4 else w for name, w in weights.items()}
    save_file(halved, run / "model/model.safetensors")
    assert "expected a posterior with a density, got a point" in fails(3, "evaluate", run / "model", *words)


def test_one_image_has_no_standard_error(numbers, run):
    assert numbers("evaluate", run / "model", *QUICK, "--images", 1)["log_likelihood_stderr"] is None


def test_the_evaluation_of_a_bare_model_is_not_saved(call, numbers, run, tmp_path):
    found = numbers("evaluate", run / "model/model.safetensors", *QUICK, "-o", "numbers.json")
    assert json.loads((tmp_path / "numbers.json").read_text()) == found
    assert not (run / "evaluation.json").exists()


def test_evaluations_of_other_data_are_printed_but_not_saved(numbers, run, tmp_path):
    import numpy as np

    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8))
    found = numbers("evaluate", run, *QUICK, "--data", tmp_path / "x.npy")
    assert (found["images"], found["dataset"]) == (40, str(tmp_path / "x.npy"))
    assert not (run / "evaluation.json").exists()


def test_invalid_likelihoods_are_labeled(call, run):
    config = unsealed(run)
    config["recipe"]["data"]["binarization"] = "none"
    (run / "model/config.json").write_text(json.dumps(config))
    text = call("evaluate", run / "model", *QUICK).stdout
    assert text.startswith("Log-score (not a likelihood)")
    assert "Note: the bernoulli likelihood is for binary values" in text


def test_sample_quality_is_measured_and_saved(call, run, monkeypatch):
    monkeypatch.setattr("vaekit.evaluation.feature_classifier.STEPS", 60)
    first = call("evaluate", run, *QUICK, "--quality")
    assert first.stderr == "training a small classifier of digits for its features; this is done once\n"
    assert "Sample quality: 297 samples (sampled pixels) against as many training images" in first.stdout
    kept = json.loads((run / "evaluation.json").read_text())["quality"]
    assert f"{kept['precision']:.3f} ± {kept['precision_stderr']:.3f}  " in first.stdout
    assert "Sample quality: 297 samples" in (run / "report.html").read_text()
    again = call("evaluate", run, *QUICK, "--features", "pixels")
    assert again.stderr == ""
    assert "by 64 principal components of the pixels of digits" in again.stdout


def test_mistakes(fails, run):
    assert "got 'pixel'; did you mean 'pixels'" in fails(3, "evaluate", run, *QUICK, "--features", "pixel")
    assert "no such run directory" in fails(4, "evaluate", "nowhere")
    assert "'tset' is not one of" in fails(2, "evaluate", run, "--split", "tset")
    assert "0 is not in the range" in fails(2, "evaluate", run, "--samples", 0)
    assert "got 1 x 28 x 28; name other data" in fails(3, "evaluate", run, "--data", "mnist")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("--bdmc", "--data", "mnist"),
            "--data has no effect with --bdmc, which uses images from the model",
        ),
        (("--bdmc", "--split", "train"), "--split has no effect"),
        (("--bdmc", "--labels", "condition"), "--labels has no effect"),
        (("--bdmc", "--missing", "square:2"), "--missing has no effect"),
        (("--bdmc", "--quality"), "--quality has no effect"),
        (("--bdmc", "--features", "pixels"), "--features has no effect"),
        (("--bdmc", "--estimator", "ais"), "--estimator has no effect"),
        (
            ("--estimator", "ais", "--samples", 5),
            "--samples has no effect with --estimator ais, which uses --chains",
        ),
        (
            ("--chains", 16),
            "--chains has no effect with --estimator importance; it needs --estimator ais or --bdmc",
        ),
        (("--steps", 9), "--steps has no effect"),
        (("--init", "prior"), "--init has no effect"),
        (("-o", "."), "'.' is a directory"),
    ],
)
def test_options_without_effect_are_refused(fails, run, words, expected):
    line = fails(2, "evaluate", run, *words)
    assert expected in line


def test_an_empty_split(fails, run):
    config = unsealed(run)
    config["recipe"]["data"]["validation"] = 0
    (run / "model/config.json").write_text(json.dumps(config))
    assert "split 'validation'" in fails(3, "evaluate", run / "model", "--split", "validation")


def test_damage_is_one_line(fails, run):
    config, weights = run / "model/config.json", run / "model/model.safetensors"
    whole = config.read_text()
    for text in ("{", "[]", "{}", '{"format": 1, "shape": [1, 8, 8], "label_names": []}'):
        config.write_text(text)
        assert str(config) in fails(3, "evaluate", run)
    config.write_text(whole.replace('"latent_dim": 2', '"latent_dim": 3'))
    assert "changed since vaekit wrote it" in fails(3, "evaluate", run / "model")
    config.write_text(json.dumps(unsealed(run)))
    assert "another architecture" in fails(3, "evaluate", run / "model")
    config.write_text(whole)
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "not the weights that" in fails(3, "evaluate", run)
    config.write_text(json.dumps({key: value for key, value in unsealed(run).items() if key != "weights"}))
    assert "damaged weights" in fails(3, "evaluate", run / "model")
    config.write_text(whole)
    weights.unlink()
    assert "model.safetensors: not found" in fails(4, "evaluate", run)


def test_repeats_are_averaged_and_give_the_monte_carlo_error(call, numbers, run):
    words = ("evaluate", run, "--samples", 5, "--images", 40)
    alone, seven = numbers(*words), numbers(*words, "--seed", 7919)
    text = call(*words, "--repeats", 2).stdout
    both = json.loads((run / "evaluation.json").read_text())
    assert both["repeats"] == 2
    mean = (alone["log_likelihood"] + seven["log_likelihood"]) / 2
    assert both["log_likelihood"] == pytest.approx(mean)
    assert "over 2 repeats" in text
    each = np.load(run / "evaluation.npz")
    assert both["mc_error"] == pytest.approx(np.sqrt(each["mc_variance"].sum()) / 40)
    low, high = both["log_likelihood_interval"]
    assert low < both["log_likelihood"] + both["shortfall"] < high


def test_bfloat16_changes_the_numbers_little_and_says_so(numbers):
    """Of the packaged model, with the same draws."""
    few = ("--samples", 20, "--images", 10, "--seed", 1)
    demo = Path(vaekit.__file__).parent / "explorer" / "demo_model"
    exact, low = (numbers("evaluate", demo, *few, "--precision", name) for name in ("float32", "bfloat16"))
    assert exact["log_likelihood"] != low["log_likelihood"]
    assert abs(exact["log_likelihood"] - low["log_likelihood"]) < 1.0
    assert any("bfloat16" in caveat for caveat in low["caveats"])
    assert not any("bfloat16" in caveat for caveat in exact["caveats"])


def test_an_estimate_of_one_sample_below_the_elbo_is_explained(call, run):
    text = call("evaluate", run, "--samples", 1, "--images", 100).stdout
    kept = json.loads((run / "evaluation.json").read_text())
    assert kept["log_likelihood_interval"] is None
    assert ("is below the ELBO, which takes the KL in closed form" in " ".join(text.split())) == (
        kept["log_likelihood"] < kept["elbo"]
    )
    below = " ".join(call("compare", run).stdout.split())
    assert ("is below the ELBO" in below) == (kept["log_likelihood"] < kept["elbo"])


def test_both_estimates_of_a_run_are_compared_on_their_common_images(call, run):
    call("evaluate", run, "--samples", 1)
    words = ("--estimator", "ais", "--chains", 16, "--steps", 20, "--images", 40)
    text = " ".join(call("evaluate", run, *words).stdout.split())
    assert "on the same 40 images AIS is" in text
    page = (run / "report.html").read_text()
    assert page.index("Log-likelihood (AIS)") < page.index("Log-likelihood (importance sampling)")
    assert "on the same 40 images AIS is" in " ".join(call("compare", run).stdout.split())


def test_the_lines_of_a_report_reproduce_its_numbers(call, run, tmp_path, monkeypatch):
    monkeypatch.setattr("vaekit.runs.run.Run.plot", lambda *_, **__: [])  # figures take most of the time
    options = ["--images", 25, "--samples", 7, "--split", "validation", "--seed", 3, "--repeats", 2]
    assert call("evaluate", run, *options).exit_code == 0
    assert (
        call("evaluate", run, "--estimator", "ais", "--images", 4, "--chains", 2, "--steps", 3).exit_code == 0
    )
    assert (
        call("evaluate", run, "--bdmc", "--images", 3, "--samples", 5, "--chains", 2, "--steps", 2).exit_code
        == 0
    )
    recipe, *_, commands = re.findall(
        r"<pre><code>(.*?)</code></pre>", (run / "report.html").read_text(), re.S
    )
    (tmp_path / "recipe.yaml").write_text(html.unescape(recipe))
    for line in html.unescape(commands).splitlines():
        program, *words = shlex.split(line)
        result = call(*words)
        assert (program, result.exit_code) == ("vaekit", 0), result.output
    for name in ("evaluation.json", "evaluation-ais.json", "bdmc.json"):
        again, before = (json.loads((folder / name).read_text()) for folder in (tmp_path / "again", run))
        changed = {key for key in before if again[key] != before[key]}
        assert changed <= {"seconds", "sha256", "arrays"}, name
    assert cards(tmp_path / "again") == cards(run)


def cards(run):
    """The numbers at the top of the report of a run, but for those of time."""
    values = re.findall(r"<dt>(.*?)</dt>\s*<dd class=\"value\">(.*?)</dd>", (run / "report.html").read_text())
    return [value for value in values if value[0] != "Training time"]
