"""Metrics of the user: measured with an evaluation, the same each time, and never at the cost of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from vaekit.cli import program
from vaekit.engine.evaluate import EvaluationOptions, evaluate
from vaekit.errors import InvalidError
from vaekit.explorer.session import demo

OWN = """
import random
import numpy as np
import torch
import vaekit

@vaekit.register("metric")
def distance(trained, images, power: float = 2.0):
    x = images.all()
    return (x - trained.model.reconstruct(x, images.labels)).abs().pow(power).mean()

@vaekit.register("metric")
def noise(trained, images):
    return {"python": random.random(), "numpy": np.random.rand(), "torch": torch.rand(())}

@vaekit.register("metric")
def broken(trained, images):
    return 1 / 0

@vaekit.register("metric")
def words(trained, images):
    return "good"

@vaekit.register("metric")
def lost(trained, images):
    return {"a": 1.0, "b": float("nan")}

@vaekit.register("metric")
def needs(trained, images, threshold: float):
    return threshold

@vaekit.register("figure")
def plot(trained, images): ...
"""


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    return file


def measured(*metrics, seed: int = 0):
    options = EvaluationOptions(samples=2, images=6, seed=seed, metrics=metrics)
    return evaluate(demo(), options)


def test_metrics_by_name_with_options_and_as_functions(own):
    found = measured(
        {"kind": f"{own}:distance", "power": 1}, lambda trained, images: np.float32(len(images))
    ).metrics
    images = demo().load_split("test", images=6)
    expected = (images.all() - demo().model.reconstruct(images.all(), images.labels)).abs().mean().item()
    assert found == {"distance": pytest.approx(expected), "<lambda>": 6.0}


def test_metrics_are_the_same_each_time_and_leave_the_generators_alone(own):
    before = torch.get_rng_state()
    first = measured(f"{own}:noise").metrics
    assert list(first) == ["noise.python", "noise.numpy", "noise.torch"]
    np.random.rand()  # noqa: NPY002
    assert measured(f"{own}:noise").metrics == first
    assert measured(f"{own}:noise", seed=1).metrics != first
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken", "ZeroDivisionError: division by zero"),
        ("words", "expected a finite number, got 'good'"),
        ("lost", "b: expected a finite number, got nan"),
    ],
)
def test_a_metric_that_fails_is_one_note_of_a_whole_evaluation(own, name, reason):
    found = measured(f"{own}:{name}", f"{own}:noise")
    assert found.metrics[name] is None
    assert f"metric {own}:{name} failed: {reason}" in found.caveats
    assert found.metrics["noise.python"] is not None
    assert found.elbo == measured().elbo


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("{own}:distanc", r"metric: '.*own.py:distanc': not found in it; did you mean 'distance'"),
        ("{own}:plot", r"is a registered figure, expected a metric"),
        ("{own}:needs", "metric: threshold: expected a value, since the option has no default"),
        ("sharpness", "metric: expected MODULE:NAME, or FILE.py:NAME; got 'sharpness'"),
    ],
)
def test_a_wrong_metric_is_refused_before_the_evaluation(own, metric, message):
    with pytest.raises(InvalidError, match=message):
        measured(metric.format(own=own))


def test_two_metrics_of_one_name_are_refused(own):
    with pytest.raises(InvalidError, match="have the same name; rename one"):
        measured(f"{own}:noise", f"{own}:noise")


def test_the_command_prints_metrics_and_writes_them(own, tmp_path):
    output = tmp_path / "out.json"
    words = ["evaluate", str(demo().source), "--samples", "2", "--images", "5", "-q", "-o", str(output)]
    printed = (
        CliRunner()
        .invoke(program, [*words, "--metric", f"{own}:distance", "--metric", f"{own}:broken"])
        .stdout
    )
    assert "distance" in printed
    assert "broken failed: ZeroDivisionError" in printed
    metrics = json.loads(output.read_text())["metrics"]
    assert metrics["broken"] is None
    assert 0 < metrics["distance"] < 1
