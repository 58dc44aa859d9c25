"""impute, and what else the command line does with images of which a part is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

QUICK = ("--samples", 40)


def test_impute_writes_a_figure_and_prints_the_error(call, run):
    result = call("impute", run, *QUICK)
    file, filled, error = result.stdout.splitlines()
    assert file == f"{run}/figures/imputations.png"
    assert Image.open(file).format == "PNG"
    assert filled.startswith("10 images imputed, missing: square:2; effective sample size ")
    assert error.startswith("root mean squared error 0.")
    assert "over 40 hidden values in [0, 1]; 0." in error
    assert error.endswith(" for the mean training image")


def test_impute_prints_json(numbers, run):
    found = numbers("impute", run, *QUICK, "-n", 200, "--missing", "half:top", "-o", "x.png")
    assert (found["images"], found["missing"], found["scored"]) == (200, "half:top", 200 * 32)
    assert 0 < found["rmse"] < 1.1 * found["rmse_of_mean_image"]  # two epochs do not teach much
    assert 1 <= found["ess_min"] <= found["ess_mean"] <= 40
    assert found["arrays"]["imputations"] == [200, 5, 1, 8, 8]


def test_arrays_hold_all_images_in_their_layout(numbers, call, run, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8)).astype(np.float64)
    images[:, :3, :3] = np.nan
    images[4] = np.arange(64).reshape(8, 8)
    np.save(tmp_path / "holes.npy", images)
    found = numbers("impute", run, *QUICK, "--data", "holes.npy", "-o", "filled.npz", "--imputations", 3)
    assert (found["images"], found["missing"], found["rmse"]) == (30, "NaN in the data", None)
    filled, known = np.load(tmp_path / "filled.npz"), ~np.isnan(images)
    assert {key: filled[key].shape for key in filled} == {
        "imputations": (30, 3, 8, 8), "mean": (30, 8, 8), "observed": (30, 8, 8), "ess": (30,),
    }  # fmt: skip
    assert np.array_equal(filled["observed"], known)
    assert np.array_equal(filled["mean"][known], images[known])
    assert set(np.unique(filled["imputations"][:, 0][~known])) <= {0, 255}
    assert call("impute", run, *QUICK, "--data", "holes.npy", "-o", "x.npy", "--mean").exit_code == 0
    means = np.load(tmp_path / "x.npy")
    assert means.shape == (30, 5, 8, 8)
    assert len(np.unique(means[:, 0][~known])) > 100


def test_all_of_other_data_is_imputed(numbers, run, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8)).astype(np.float64)
    images[:, 0] = np.nan
    np.save(tmp_path / "holes.npy", images)
    words = ("impute", run, *QUICK, "--data", "holes.npy", "-o", "x.npy")
    assert numbers(*words)["images"] == 30
    assert numbers(*words, "-n", 7)["images"] == 7


def test_repeated_imputations_give_a_note_on_stderr(call, run):
    result = call("impute", run, "--samples", 10, "--imputations", 50, "-o", "x.png")
    assert (
        "note: 10 of 10 images have a smaller effective sample size than imputations, so imputations repeat"
        in result.stderr
    )
    assert "--samples 100" in result.stderr


@pytest.mark.parametrize(
    ("code", "words", "message"),
    [
        (
            3,
            ["--missing", "sqare:3"],
            "data.missing: expected one of pixels, square, half",
        ),
        (3, ["--missing", "none"], "none of these 297 images has missing values; hide some"),
        (
            3,
            ["--missing", "square:8"],
            "a square of 8 hides an image of 8 x 8 completely; choose a smaller size",
        ),
        (2, ["--imputations", 0], "0 is not in the range"),
        (3, ["-n", 2, "-o", "x.jpg"], "x.jpg: expected a name that ends in .png"),
    ],
)
def test_mistakes_are_one_line(fails, run, code, words, message):
    assert message in fails(code, "impute", run, *QUICK, *words)


def test_evaluating_with_hidden_pixels_is_not_saved(numbers, call, run):
    whole, half = (
        numbers("evaluate", run, "--samples", 20, *words) for words in ((), ("--missing", "half:left"))
    )
    assert (whole["missing"], half["missing"]) == ("", "half:left")
    assert half["log_likelihood"] > whole["log_likelihood"]
    expected = -half["log_likelihood"] / (32 * np.log(2))
    assert half["bits_per_dimension"] == pytest.approx(expected)
    assert json.loads((run / "evaluation.json").read_text())["missing"] == ""
    assert "Note: all numbers are of the observed part" in call(
        "evaluate", run, "--samples", 2, "--missing", "pixels"
    ).stdout  # fmt: skip


def test_a_run_of_hidden_pixels_from_training_to_report(call, numbers, tmp_path):
    words = ["train", "digits", "training.epochs=1", "model.latent_dim=2", "data.missing=pixels:0.3"]
    result = call(*words, "--run-dir", "partial")
    assert result.exit_code == 0, result.output
    assert "kind: pixels" in (tmp_path / "partial/recipe.yaml").read_text()
    found = numbers("evaluate", "partial", "--samples", 10)
    assert found["missing"] == "pixels:0.3"
    assert json.loads((tmp_path / "partial/evaluation.json").read_text())["missing"] == "pixels:0.3"
    assert numbers("impute", "partial", *QUICK, "-o", "x.png")["missing"] == "pixels:0.3"
    for command in ("reconstruct", "interpolate", "traverse"):
        assert call(command, "partial", "-o", f"{command}.png").exit_code == 0
    assert call("encode", "partial", "-o", "latents.npy").exit_code == 0
    assert np.isfinite(np.load(tmp_path / "latents.npy")).all()


def test_a_table_with_empty_cells_can_be_trained_on(call, tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        ",".join("" if rng.random() < 0.3 else f"{v:.3f}" for v in row) for row in rng.normal(size=(60, 4))
    ]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,c,d", *rows]))
    result = call("train", "--data", "table.csv", "training.epochs=1", "--run-dir", "table")
    assert result.exit_code == 0, result.output
    assert "values (" in result.stderr
    assert "are missing" in result.stderr
