"""score: scores of images, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

QUICK = ("--samples", 2)


def test_score_writes_a_table_and_says_what_is_odd(call, run):
    result = call("score", run, *QUICK, "-o", "scores.csv", "--figure", "s.png", "--highest", "h.png")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[:3] == ["scores.csv", "s.png", "h.png"]
    assert "images scored by complexity; p-values against" in lines[3]
    assert Image.open("s.png").format == Image.open("h.png").format == "PNG"
    header, *rows = Path("scores.csv").read_text().splitlines()
    assert header == "row,anomaly_score,p_value,log_likelihood,elbo,reconstruction,kl,error"
    assert f"{len(rows)} images" in lines[3]


@pytest.mark.parametrize("method", ["likelihood", "typicality", "latent", "regret", "kl", "reconstruction"])
def test_every_method_scores_other_images_completely(numbers, run, tmp_path, method):
    images = np.random.default_rng(0).integers(0, 17, (12, 8, 8)).astype(np.uint8) * 15
    np.save(tmp_path / "noise.npy", images)
    found = numbers("score", run, *QUICK, "--data", "noise.npy", "--method", method, "--threshold", "0.25")
    assert (found["scored"], found["method"], found["anomalies"]) == (12, method, 3)
    assert found["held_out"] > 100
    assert [row["is_anomaly"] for row in found["highest"][:4]] == [True, True, True, False]
    ranked = [row["anomaly_score"] for row in found["highest"]]
    assert ranked == sorted(ranked, reverse=True)
    assert all(0 < row["p_value"] <= 1 for row in found["highest"])


def test_wrong_options_are_one_line(call, run):
    result = call("score", run, *QUICK, "--method", "views")
    assert (result.exit_code, len(result.stderr.splitlines())) == (3, 1)
    assert "for tables and vectors only" in result.stderr
    result = call("score", run, *QUICK, "--threshold", "7")
    assert result.exit_code == 3
    assert "between 0 and 1" in result.stderr


def test_json_files_hold_rows(call, run):
    assert call("score", run, *QUICK, "--method", "kl", "-o", "s.json").exit_code == 0
    rows = json.loads(Path("s.json").read_text())
    assert rows[0].keys() >= {"row", "anomaly_score", "p_value", "kl"}
    assert rows[3]["anomaly_score"] == pytest.approx(rows[3]["kl"])


def test_a_part_of_the_own_data_is_said_and_all_of_them_may_be_asked_for(call, trained, tmp_path):
    said = "data: the test split, 297 of 1,797 images; --split all takes all of them"
    for command in ("encode", "score"):
        result = call(command, trained, "--data", "digits", "-o", "some.csv")
        assert result.exit_code == 0, result.output
        assert said in result.stderr.splitlines()
        assert len((tmp_path / "some.csv").read_text().splitlines()) == 298
    result = call("encode", trained, "--split", "all", "-o", "all.csv")
    assert "split" not in result.stderr
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 1798
