from __future__ import annotations

import json
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

QUICK = ("training.epochs=1", "training.sample_every=0")


def test_a_run_holds_all_its_files(trained):
    names = {path.name for path in trained.iterdir()}
    assert names >= {
        "recipe.yaml", "environment.json", "metrics.jsonl", "checkpoint", "model", "figures", "report.html",
    }  # fmt: skip
    assert {path.name for path in (trained / "figures").iterdir()} >= {
        "reconstructions.png", "samples.png", "interpolations.png", "traversals.png", "latent-space.png",
        "decoded-grid.png", "training-curves.png", "progress-samples.gif", "progress-reconstructions.gif",
    }  # fmt: skip
    assert len((trained / "metrics.jsonl").read_text().splitlines()) == 2


@pytest.mark.usefixtures("undrawn")
def test_the_summary_names_the_run_and_the_next_commands(call):
    result = call("train", "digits", *QUICK)
    assert result.exit_code == 0, result.output
    first, *rest = result.stdout.splitlines()
    assert first.startswith("1 epoch in ")
    assert "validation ELBO -" in first
    assert rest == [
        "Run     runs/digits/1",
        "Report  runs/digits/1/report.html",
        "Next    vaekit evaluate runs/digits/1",
        "        vaekit sample runs/digits/1",
    ]
    began, header, epoch = result.stderr.splitlines()
    assert began == "training in runs/digits/1 on 1300 images"
    assert header.split()[:2] == ["epoch", "loss"]
    assert epoch.split()[0] == "1/1"


@pytest.mark.usefixtures("undrawn")
def test_settings_and_overrides_reach_the_recipe(numbers):
    words = (
        "train",
        "digits",
        *QUICK,
        "--seed",
        3,
        "--threads",
        1,
        "--device",
        "cpu",
        "model.latent_dim=3",
        "-q",
    )
    summary = numbers(*words, "--on-nan", "rollback", "--epochs", 2)
    recipe = yaml.safe_load(Path(summary["run"], "recipe.yaml").read_text())
    assert recipe["model"]["latent_dim"] == 3
    assert {key: recipe["training"][key] for key in ("seed", "threads", "device", "on_nan")} == {
        "seed": 3, "threads": 1, "device": "cpu", "on_nan": "rollback",
    }  # fmt: skip
    assert summary["epochs"] == recipe["training"]["epochs"] == 2
    assert summary["validation_elbo"] < 0


@pytest.mark.usefixtures("undrawn")
def test_an_autoencoder_has_a_loss_but_no_bound(call):
    words = ("train", "digits", *QUICK, "model.encoder.posterior=delta", "objective.beta=0", "-q")
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert "validation loss" in result.stdout
    assert result.stderr == ""


@pytest.mark.usefixtures("undrawn")
def test_a_first_word_with_an_equals_sign_is_an_override(call, tmp_path):
    result = call("train", "data.dataset=digits", "data.validation=200", *QUICK,
                  "model.encoder.network=dense",
                  "model.decoder.network=dense", "name=mine", "-q")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert (tmp_path / "runs/mine/1/model/config.json").is_file()


# ------------------------------------------------------------------------------------------ data of one's own


def _levels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (60, 8, 8), dtype=np.uint8), np.arange(60) % 3


def _folder(place: Path) -> Path:
    for i, (image, label) in enumerate(zip(*_levels(), strict=True)):
        (place / "folder" / f"class {label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / "folder" / f"class {label}" / f"{i}.png")
    return place / "folder"


def _npy(place: Path) -> Path:
    np.save(place / "levels.npy", _levels()[0])
    return place / "levels.npy"


def _npz(place: Path) -> Path:
    images, labels = _levels()
    np.savez(place / "levels.npz", images=images, labels=labels)
    return place / "levels.npz"


def _csv(place: Path) -> Path:
    np.savetxt(place / "vectors.csv", np.random.default_rng(0).normal(size=(60, 5)), delimiter=",")
    return place / "vectors.csv"


def _idx(place: Path) -> Path:
    images, labels = _levels()
    (place / "my-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, 60) + labels.astype("u1").tobytes())
    (place / "my-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, 60, 8, 8) + images.tobytes())
    return place / "my-images-idx3-ubyte"


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("make", "message", "likelihood"),
    [
        (_folder, "data: 60 gray images of 8x8", "discretized_logistic"),
        (_npy, "data: 60 gray images of 8x8", "discretized_logistic"),
        (_npz, "data: labels of 3 classes", "discretized_logistic"),
        (_idx, "data: labels from my-labels-idx1-ubyte", "discretized_logistic"),
    ],
)
def test_data_alone_is_enough(call, tmp_path, make: Callable[[Path], Path], message, likelihood):
    path = make(tmp_path)
    result = call("train", "--data", path.name, *QUICK)
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    assert message in lines
    assert any(line.startswith("proposed: observation ") and likelihood in line for line in lines)
    assert any(line.startswith("proposed: network dense: ") for line in lines)
    [config] = tmp_path.glob("runs/*/1/model/config.json")
    recipe = json.loads(config.read_text())["recipe"]
    assert recipe["data"]["dataset"] == str(path)
    assert recipe["model"]["decoder"]["likelihood"]["kind"] == likelihood


@pytest.mark.usefixtures("undrawn")
def test_a_table_alone_is_enough(call, tmp_path):
    result = call("train", "--data", _csv(tmp_path).name, *QUICK)
    assert result.exit_code == 0, result.output
    assert "data: 60 rows of 5 columns: 5 real (x0, x1, x2, x3, x4)" in result.stderr.splitlines()
    [config] = tmp_path.glob("runs/*/1/model/config.json")
    saved = json.loads(config.read_text())
    assert saved["recipe"]["model"]["decoder"]["likelihood"]["kind"] == "columns"
    assert [column["name"] for column in saved["preprocessing"]["columns"]] == [f"x{j}" for j in range(5)]


@pytest.mark.usefixtures("undrawn")
def test_a_recipe_takes_other_data(call, tmp_path):
    assert call("train", "digits", "--data", _npy(tmp_path), *QUICK, "--run-dir", "here").exit_code == 0
    recipe = yaml.safe_load((tmp_path / "here/recipe.yaml").read_text())
    assert (recipe["name"], recipe["data"]["dataset"]) == ("digits", str(tmp_path / "levels.npy"))
    assert recipe["data"]["validation"] == 0.1


# ------------------------------------------------------------------------------------------------- resuming


@pytest.mark.usefixtures("undrawn")
def test_a_finished_run_can_train_for_more_epochs(numbers, run):
    assert numbers("train", "--resume", run, "training.epochs=3", "-q")["epochs"] == 3
    assert json.loads((run / "model/config.json").read_text())["recipe"]["training"]["epochs"] == 3


def test_a_finished_run_has_nothing_left_to_resume(fails, run):
    line = fails(3, "train", "--resume", run)
    assert line.startswith(
        f"error: {run}: all 2 epochs are done; to train longer: vaekit train --resume {run} "
    )


def test_settings_of_finished_epochs_cannot_change(fails, run):
    assert "model.latent_dim cannot change after training started" in fails(
        3, "train", "--resume", run, "model.latent_dim=3"
    )


def test_interrupted_training_saves_and_names_the_resume_command(tmp_path):
    words = ["train", "digits", "training.epochs=100000", "training.sample_every=0", "--run-dir", "r"]
    code = "from vaekit.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while not process.stderr.readline().startswith("      1 "):
        pass
    process.send_signal(signal.SIGINT)
    *_, last = process.stderr.read().splitlines()
    assert process.wait() == 130
    assert last.startswith("interrupted at epoch ")
    assert last.endswith("continue with: vaekit train --resume r")
    assert not (tmp_path / "r/model").exists()


# ------------------------------------------------------------------------------------------- a user's errors


def test_divergence_has_its_own_exit_code(call, tmp_path):
    result = call(
        "train", "digits", *QUICK, "data.binarization=none", "data.values=continuous",
        "training.learning_rate=10", "--run-dir", "r", "model.decoder.likelihood.kind=gaussian",
        "model.decoder.likelihood.bounds=null",
    )  # fmt: skip
    assert result.exit_code == 5, result.output
    assert result.stderr.splitlines()[-1].startswith("error: training diverged at epoch 1, step ")


@pytest.mark.parametrize(
    ("code", "words", "message"),
    [
        (4, ["mnits"], "did you mean 'mnist'?"),
        (4, ["gone.yaml"], "recipe 'gone.yaml': no such file"),
        (3, ["digits", "training.epoch=3"], "training.epoch: unknown key; did you mean 'epochs'?"),
        (3, ["digits", "training.epochs=0"], "training.epochs: expected"),
        (3, ["digits", "training.epochs=[1"], "the value is not YAML"),
        (2, ["digits", "mnist"], "expected KEY=VALUE after the recipe, got 'mnist'"),
        (4, ["digits", "--data", "nowhere"], "'nowhere' is neither a path nor a dataset"),
        (3, ["digits", "--device", "cuda:77"], "device: 'cuda:77' is not available"),
        (2, ["digits", "--threads", "0"], "0 is not in the range"),
        (2, ["digits", "--resume", "r"], "--resume uses the recipe of the run"),
        (4, ["--resume", "nowhere"], "nowhere: not a run directory"),
        (
            3,
            [
                "digits",
                "data.binarization=none",
                "data.values=continuous",
                "model.decoder.likelihood=categorical",
            ],
            "256 gray levels",
        ),
        (3, ["digits", "data.test=1700"], "leave no image of 1797 for training"),
        (1, ["digits", "--run-dir", "/dev/null/r"], "cannot create /dev/null/r"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(fails, tmp_path, code, words, message):
    assert message in fails(code, "train", *words)
    assert not any(tmp_path.iterdir())


def test_a_run_is_never_overwritten(fails, run):
    assert "already holds a run" in fails(3, "train", "digits", "--run-dir", run)


def test_a_recipe_that_is_not_yaml(fails, tmp_path):
    (tmp_path / "bad.yaml").write_text("a: [1\n")
    assert "recipe 'bad.yaml': not readable as YAML" in fails(3, "train", "bad.yaml")


def test_damaged_data(fails, tmp_path):
    (tmp_path / "x.npy").write_bytes(b"nothing of the kind")
    assert "x.npy" in fails(3, "train", "--data", "x.npy")


def test_a_broken_picture_is_skipped_or_with_strict_refused(call, fails, tmp_path):
    (tmp_path / "photos").mkdir()
    for i in range(12):
        Image.new("L", (8, 8), 20 * i).save(tmp_path / "photos" / f"{i}.png")
    (tmp_path / "photos" / "7.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    quick = ("train", "--data", "photos", "training.epochs=1", "training.sample_every=0", "--run-dir", "run")
    assert "7.png" in fails(3, *quick, "--strict")
    result = call(*quick)
    assert result.exit_code == 0, result.output
    assert "7.png" in result.stderr
    shutil.copytree(tmp_path / "photos", tmp_path / "new")
    encode = ("encode", "run", "--data", "new", "-o", "z.csv")
    assert "7.png" in fails(3, *encode, "--strict")
    assert "7.png" in call(*encode).stderr
    assert len((tmp_path / "z.csv").read_text().splitlines()) == 1 + 11


def test_the_weights_at_the_start_are_kept_and_said(call, tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 3))
    (tmp_path / "t.csv").write_text("a,b,c\n" + "\n".join(",".join(f"{v:.4f}" for v in row) for row in rows))
    quick = ("--data", "t.csv", "--run-dir", "run", "training.epochs=1", "training.learning_rate=1e-9")
    result = call("train", *quick)
    assert "1 epoch in" in result.stdout
    assert "none better than the weights at the start, which are kept" in result.stdout
