"""Conditional models from the command line: trained, measured, drawn, and refused what they cannot do."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from vaekit.cli import program
from vaekit.runs.run import load


def train(directory: Path, *words: str) -> Path:
    """A small run of 8 x 8 digits."""
    usual = ["train", "digits", "training.epochs=3", "training.sample_every=2", "--run-dir", str(directory)]
    result = CliRunner().invoke(program, [*usual, *words])
    assert result.exit_code == 0, result.output
    return directory


@pytest.fixture(scope="module")
def conditioned(tmp_path_factory) -> Path:
    """A finished run that is conditioned on the digit in every part; not to be changed."""
    into = "model.condition={variable: label, parts: [prior, encoder, decoder]}"
    return train(tmp_path_factory.mktemp("conditioned") / "digits", into, "model.latent_dim=2")


@pytest.fixture(scope="module")
def attributed(tmp_path_factory) -> Path:
    """A run that is conditioned on the amount of ink and on whether the digit is even."""
    place = tmp_path_factory.mktemp("attributed")
    from vaekit.data import load_dataset as load_data

    digits = load_data("digits")
    ink, even = digits.images.mean((1, 2, 3)), digits.labels % 2 == 0
    rows = "\n".join(f"{a:.2f},{'yes' if b else 'no'}" for a, b in zip(ink, even, strict=True))
    (place / "ink.csv").write_text(f"ink,even\n{rows}\n")
    return train(place / "run", "model.condition=attributes", f"data.attributes={place / 'ink.csv'}")


def arrays(call, *words: object) -> np.ndarray:
    result = call(*words, "-o", "x.npy")
    assert result.exit_code == 0, result.output
    return np.load("x.npy")


def test_the_report_shows_one_column_per_class_and_colors_by_class(conditioned):
    assert Image.open(conditioned / "figures/classes.png").format == "PNG"
    assert {"decoded-grid.png", "latent-space.png"} <= {
        file.name for file in (conditioned / "figures").iterdir()
    }


def test_samples_show_every_class_or_the_given_one(call, conditioned):
    grid = arrays(call, "sample", conditioned, "-n", 25)
    assert grid.shape == (3, 10, 1, 8, 8)
    assert arrays(call, "sample", conditioned, "-n", 3, "--label", 7).shape == (3, 1, 8, 8)
    one = arrays(call, "sample", conditioned, "-n", 3, "--label", 7)  # in units of the data
    assert np.allclose(one / 255, grid[:, 7], atol=1e-5)


def test_styles_transfer_to_other_classes(call, conditioned):
    assert arrays(call, "reconstruct", conditioned, "-n", 4, "--label", "all").shape == (4, 10, 1, 8, 8)
    every, three = (arrays(call, "reconstruct", conditioned, "-n", 4, "--label", to) for to in ("all", "3"))
    assert np.allclose(every[:, 3], three, atol=1e-5)
    assert call("reconstruct", conditioned, "--label", "all", "-o", "styles.png").exit_code == 0


def test_traversals_and_paths_use_the_label(call, conditioned):
    traversals = [arrays(call, "traverse", conditioned, "--label", k, "--latents", "0") for k in (1, 4)]
    assert not np.allclose(*traversals)
    assert arrays(call, "traverse", conditioned, "--grid", "--steps", 3, "--label", 2).shape == (
        3,
        3,
        1,
        8,
        8,
    )
    paths = {
        vary: arrays(call, "interpolate", conditioned, "--vary", vary) for vary in ("both", "style", "label")
    }
    assert np.allclose(paths["style"][:, 0], paths["label"][:, 0], atol=1e-5)
    assert not np.allclose(paths["style"][:, -1], paths["label"][:, -1])


def test_conditioned_and_marginalized_labels_are_distinguished(call, numbers, conditioned, tmp_path):
    run = Path(shutil.copytree(conditioned, tmp_path / "run"))
    words = ("evaluate", run, "--samples", 20, "--images", 40)
    given, missing = numbers(*words), numbers(*words, "--labels", "marginalize")
    assert (given["labels"], missing["labels"]) == ("condition", "marginalize")
    assert given["label_accuracy"] is None
    assert 0.1 < missing["label_accuracy"] <= 1
    assert missing["label_kl"] > 0
    assert any("log p(x | y) and not comparable" in caveat for caveat in given["caveats"])
    assert not any("log p(x | y)" in caveat for caveat in missing["caveats"])
    assert given["log_likelihood"] - np.log(10) - 0.5 < missing["log_likelihood"]
    assert missing["elbo"] == pytest.approx(
        missing["reconstruction"] - sum(missing["kl"]) - missing["label_kl"]
    )
    assert json.loads((run / "evaluation.json").read_text())["labels"] == "marginalize"
    assert "KL of the label" in (run / "report.html").read_text()


def test_missing_labels_are_predicted_or_averaged_over(call, fails, conditioned, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "x.npy", images)
    other = ("--data", "x.npy")
    assert "these images have none; average over" in fails(3, "evaluate", conditioned, "--samples", 2, *other)
    assert call("evaluate", conditioned, "--samples", 2, "--labels", "marginalize", *other).exit_code == 0
    for command in ("reconstruct", "interpolate", "traverse"):
        assert call(command, conditioned, *other, "-o", f"{command}.png").exit_code == 0
    assert call("encode", conditioned, *other, "-o", "latents.npy").exit_code == 0
    assert np.load(tmp_path / "latents.npy").shape[1] == 2


def test_classes_of_other_data_are_matched_by_name(call, fails, conditioned, tmp_path):
    from vaekit.data import load_dataset as load_data

    digits = load_data("digits")
    few = np.flatnonzero(np.isin(digits.labels, (3, 7)))[:60]
    np.savez(tmp_path / "few.npz", x=digits.images[few, 0], y=digits.labels[few])
    images = load(conditioned).load_split("test", str(tmp_path / "few.npz"))
    assert len(images) == 60
    assert set(images.labels.tolist()) == {3, 7}
    np.savez(tmp_path / "words.npz", x=digits.images[few, 0], y=np.where(digits.labels[few] == 3, "3", "B"))
    assert "unknown class 'B'" in fails(3, "reconstruct", conditioned, "--data", "words.npz")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sample", "--label", "ten"], "label 'ten': expected one of 0, 1, 2"),
        (["sample", "--attribute", "a=1"], "--attribute: "),
        (["reconstruct", "--label", "11"], "or a number from 0 to 9"),
    ],
)
def test_missing_labels_are_an_error(fails, conditioned, words, message):
    command, *rest = words
    assert message in fails(3, command, conditioned, *rest)


def test_unconditional_models_refuse_labels(fails, run):
    assert "is not a conditional model" in fails(3, "sample", run, "--label", 3)
    assert "is not conditioned on classes" in fails(3, "reconstruct", run, "--label", "all")
    assert "is not a conditional model" in fails(3, "interpolate", run, "--vary", "style")
    assert "leave it out" in fails(3, "evaluate", run, "--labels", "marginalize")


# ------------------------------------------------------------------------------------------------- attributes


def test_attributes_change_the_mean_attributes(call, attributed):
    little, much = (
        arrays(call, "sample", attributed, "-n", 30, "--attribute", f"ink={ink}").mean() for ink in (40, 120)
    )
    assert much > little
    assert arrays(call, "sample", attributed, "-n", 5).shape == (5, 1, 8, 8)
    assert call("sample", attributed, "--attribute", "even=yes", "-o", "even.png").exit_code == 0
    assert arrays(call, "reconstruct", attributed, "-n", 4, "--attribute", "ink=90").shape == (4, 1, 8, 8)


def test_scatters_and_tables_keep_classes_of_attribute_models(call, attributed, tmp_path):
    assert call("encode", attributed, "-o", "latents.csv", "--label", "--figure", "x.png").exit_code == 0
    names, *rows = csv.reader((tmp_path / "latents.csv").open())
    assert names[-1] == "label"
    assert {row[-1] for row in rows} == set("0123456789")


def test_attributes_are_part_of_the_model_and_of_its_fingerprint(call, fails, attributed, tmp_path):
    config = json.loads((attributed / "model/config.json").read_text())
    assert config["attribute_names"] == ["ink", "even=no", "even=yes"]
    assert call("sample", attributed / "model", "--attribute", "ink=80", "-o", "x.png").exit_code == 0
    assert "did you mean 'ink'" in fails(3, "sample", attributed, "--attribute", "inc=80")
    found = call("evaluate", attributed, "--samples", 2, "--images", 5, "--labels", "marginalize", "--json")
    assert json.loads(found.stdout)["label_accuracy"] is None


def test_bounds_of_a_conditional_model_are_of_log_p_x_given_y(call, conditioned):
    words = ("--bdmc", "--images", 2, "--chains", 2, "--steps", 2, "--samples", 5)
    assert call("evaluate", conditioned / "model", *words).stdout.startswith("bound on log p(x|y)")
