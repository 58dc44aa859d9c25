"""Every command, given paths of every wrong kind: one line and a documented exit code."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hostile import paths
from hostile.conftest import call

AS_RUN = (
    "evaluate",
    "report",
    "sample",
    "encode",
    "score",
    "compare",
    "doctor",
    "migrate",
    "train --resume",
    "export site -o out",
)
AS_DATA = (
    "train --data",
    "data show",
    "data import",
    "evaluate digits --data",
    "encode digits --data",
    "score digits --data",
    "impute digits --data",
    "train digits training.epochs=1 data.train=20 data.attributes=",
    "sweep",
)
AS_YAML = ("train", "recipes show", "study", "sweep", "recipes copy")
AS_OUTPUT = (
    "sample digits -o",
    "encode digits -o",
    "recipes copy digits",
    "compare digits digits -o",
    "export site digits -o",
)


def words_with(command: str, path: str) -> list[str]:
    words = command.split()
    if words[-1].endswith("="):
        return [*words[:-1], words[-1] + path]
    tail = ["model.latent_dim=2,3"] if words[0] == "sweep" else []
    return [*words, path, *tail]


@pytest.fixture
def here(run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(run.parent)
    return run.parent


@pytest.mark.parametrize("command", AS_RUN)
def test_a_run_that_is_none(command, here):
    for kind, path in paths.make(here).items():
        assert call(*words_with(command, path)) != 0 or command == "doctor", kind


@pytest.mark.parametrize(("command", "suffix"), itertools.product(AS_DATA[:2], paths.SUFFIXES))
def test_data_that_are_none(command, suffix, here):
    for kind, path in paths.make(here, suffix).items():
        assert call(*words_with(command, path)) != 0, kind


@pytest.mark.slow
@pytest.mark.parametrize("command", AS_DATA[2:])
def test_data_for_other_commands_that_are_none(command, here):
    for kind, path in paths.make(here, ".npy").items():
        if kind == "no word":
            continue
        call(*words_with(command, path))


@pytest.mark.parametrize("command", AS_YAML)
def test_a_recipe_or_a_study_that_is_none(command, here):
    for kind, path in paths.make(here, ".yaml").items():
        assert call(*words_with(command, path)) != 0, kind


@pytest.mark.slow
@pytest.mark.parametrize("command", AS_OUTPUT)
def test_outputs_that_cannot_be_written(command, here):
    suffix = ".npz" if "-o" in command and "site" not in command else ""
    for kind, path in paths.make(here, suffix).items():
        if kind not in ("pipe", "device"):
            call(*words_with(command, path))
    shutil.rmtree(here / "~nosuch", ignore_errors=True)


def test_a_name_that_is_not_utf8_is_read_and_shown(here):
    array = here / f"{paths.NOT_UTF8}.npy"
    np.save(array, np.zeros((30, 8, 8), np.uint8) + np.arange(30, dtype=np.uint8)[:, None, None])
    assert call("data", "show", str(array)) == 0
    assert call("data", "show", str(array), "--json") == 0
    assert call("train", "--data", str(array)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_run_whose_name_is_not_utf8_is_used_as_any_other(encoding, here):
    moved = here / paths.NOT_UTF8
    (here / "digits").rename(moved)
    env = os.environ | {"PYTHONIOENCODING": encoding, "LC_ALL": "C"}
    for words in (["report"], ["doctor"], ["compare"], ["sample", "-n", "4", "--json"]):
        command = [sys.executable, "-m", "vaekit", words[0], os.fsencode(moved), *words[1:]]
        done = subprocess.run(command, env=env, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), (words, done.stderr)


@pytest.mark.parametrize("what", ["file", "folder", "parent", "output", "run", "cache"])
def test_without_permission(what, here, nobody):
    array, run = here / "x.npy", here / "digits"
    np.save(array, np.zeros((30, 8, 8), np.uint8) + np.arange(30, dtype=np.uint8)[:, None, None])
    closed = {"file": array, "folder": here / "inner", "parent": here / "inner", "output": here, "run": run}
    (here / "inner").mkdir()
    shutil.copy(array, here / "inner" / "y.npy")
    if what in closed:
        os.chmod(closed[what], 0o555 if what == "output" else 0)
    nobody()
    commands = {
        "file": [("data", "show", "x.npy"), ("train", "--data", "x.npy")],
        "folder": [("data", "show", "inner"), ("train", "--data", "inner")],
        "parent": [("data", "show", "inner/y.npy"), ("train", "inner/y.yaml"), ("study", "inner/y.yaml")],
        "output": [("sample", "digits", "-o", "out.png"), ("recipes", "copy", "digits"), ("train", "digits")],
        "run": [
            ("evaluate", "digits"),
            ("report", "digits"),
            ("sample", "digits"),
            ("train", "--resume", "digits"),
        ],
        "cache": [("data", "import", "x.npy")],
    }
    for words in commands[what]:
        assert call(*words) in (1, 3, 4), words


@pytest.mark.slow
def test_a_full_disk(here, monkeypatch):
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for words in (
        ["sample", "digits", "-o", "x.npz"],
        ["report", "digits"],
        ["evaluate", "digits", "--images", "3"],
        ["recipes", "copy", "digits"],
        ["train", "digits", "data.train=50", "training.epochs=1"],
        ["data", "import", "digits/figures", "--name", "figures"],
    ):
        assert call(*words) in (0, 1, 3), words


def test_labels_of_bytes(here):
    labels = np.array([b"caf\xe9", b"tea"] * 10)
    np.savez("x.npz", x=np.random.default_rng(0).integers(0, 255, (20, 8, 8), dtype=np.uint8), y=labels)
    assert call("data", "show", "x.npz") in (0, 3)


def test_links_in_a_circle_within_a_folder_end(here):
    (here / "pictures").mkdir()
    (here / "pictures" / "again").symlink_to(here / "pictures")
    (here / "pictures" / "up").symlink_to(here)
    assert call("data", "show", "pictures") in (0, 3)
