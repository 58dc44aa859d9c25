"""The digits, killed by SIGKILL at ten random moments: the weights are those of a run that never was."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from toy_runs import metrics, same
from vaekit.training.checkpoint import load_weights

EPOCHS = 60
VICTIM = f"""
import sys
from pathlib import Path
import torch
from vaekit.config.loading import load_recipe, override_recipe
from vaekit.config.build import build_data, build_model, build_objective
from vaekit.data.observation import observe
from vaekit.training.loop import fit

torch.set_num_threads(1)
recipe = override_recipe(
    load_recipe("digits"),
    ["training.epochs={EPOCHS}", "training.ema=0.99", "training.checkpoint_seconds=0.05"],
)
dataset, splits = build_data(recipe.data)
train = observe(dataset, splits.train, "dynamic", training=True)
validation = observe(dataset, splits.validation, "dynamic")
model, objective = build_model(recipe.model, dataset.shape), build_objective(recipe.objective)
fit(model, objective, train, validation, recipe.training, Path(sys.argv[1]), resume=True)
"""


def start(directory: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", VICTIM, str(directory)])


def kill_after(process: subprocess.Popen, directory: Path, seconds: float) -> bool:
    """Kill a process some time after it has taken hold of the run; whether it was still alive then."""
    while process.poll() is None and not (directory / ".pid").exists():
        time.sleep(0.005)
    time.sleep(seconds)
    alive = process.poll() is None
    process.kill()
    process.wait()
    (directory / ".pid").unlink(missing_ok=True)
    return alive


@pytest.mark.slow
def test_ten_kills(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    began = time.monotonic()
    assert start(whole).wait() == 0
    pace = (time.monotonic() - began) / 30  # so that ten of them are about the length of the training
    moments = random.Random(0)
    killed = [kill_after(start(cut), cut, moments.uniform(0, 2 * pace)) for _ in range(10)]
    assert sum(killed) >= 5
    assert start(cut).wait() == 0
    assert len(metrics(cut)) == len(metrics(whole))
    assert metrics(cut) == metrics(whole)
    for which in ("best", "last"):
        assert same(load_weights(cut, which), load_weights(whole, which))
