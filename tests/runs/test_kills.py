"""A run that dies at any moment is resumed to the same weights, metrics and files.

scripts/kill_runs.py does it with real processes, recipes of every kind, evaluations and studies.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vaekit.runs.run import Run
from vaekit.runs.train import resume, train
from vaekit.training.display import SilentLogger

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import kill_runs
from kill_runs import differences

NETWORK = "network={kind: dense, hidden_sizes: [4]}"
OVERRIDES = [
    "data.train=40", "data.validation=20", "data.test=20", "model.latent_dim=2",
    f"model.encoder.{NETWORK}", f"model.decoder.{NETWORK}",
]  # fmt: skip
SHORT = {"epochs": 2, "batch_size": 20, "threads": 1, "sample_every": 0, "checkpoint_steps": 3}


class Died(BaseException):
    """What a killed process does: nothing more."""


def dying_at(at: int) -> tuple:
    """A replacement of os.replace that dies before its call number `at`, and the number of its calls."""
    calls, original = [], os.replace

    def replace(source: str, target: str) -> None:
        calls.append(target)
        if len(calls) == at:
            raise Died
        original(source, target)

    return replace, calls


def begin(folder: Path) -> Run:
    return train("digits", OVERRIDES, run_dir=folder / "run", log=SilentLogger(), **SHORT)


def test_a_run_that_dies_before_any_file_is_complete_ends_as_one_that_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(Run, "plot", lambda self, only_missing=False: [])
    replace, calls = dying_at(0)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        begin(tmp_path / "whole")
    assert len(calls) >= 8
    for at in range(1, len(calls) + 1):
        cut = tmp_path / f"cut-{at}"
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", dying_at(at)[0])
            with pytest.raises(Died):
                begin(cut)
        if (cut / "run/recipe.yaml").exists():
            assert resume(cut / "run", log=SilentLogger()).finished
        else:
            assert begin(cut).finished
        assert differences(tmp_path / "whole", cut, "train") == ""


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0, 4.0])
def test_a_signal_at_any_time_is_one_line_and_code_130(tmp_path, sign, seconds):
    words = ["train", "digits", "training.epochs=5000", "--run-dir", "run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "vaekit", *words, "--quiet"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    time.sleep(seconds)
    process.send_signal(sign)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("interrupted")


@pytest.mark.slow
def test_thirty_kills_of_real_processes(tmp_path):
    words = ["--kills", "30", "--kinds", "digits,labels,table,own component", "--folder", tmp_path / "k"]
    done = subprocess.run(
        [sys.executable, kill_runs.__file__, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
