"""Figures of the user: drawn into the folder of a run, and shown in its report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from vaekit.errors import InvalidError
from vaekit.runs.run import Run
from vaekit.runs.train import train
from vaekit.training.display import SilentLogger

OWN = """
import vaekit
from matplotlib.figure import Figure

@vaekit.register("figure")
def square(trained, images, inches: float = 1.0):
    figure = Figure(figsize=(inches, inches))
    figure.subplots().imshow(trained.model.sample(1)[0, 0].numpy())
    return figure

@vaekit.register("figure")
def broken(trained, images):
    raise KeyError("pixels")

@vaekit.register("figure")
def nonsense(trained, images):
    return 3

@vaekit.register("figure")
def samples(trained, images):
    return Figure()
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory = tmp_path_factory.mktemp("run") / "run"
    small = ["data.train=60", "data.validation=20", "training.sample_every=0", "training.epochs=1"]
    found = train("digits", small, run_dir=directory, log=SilentLogger())
    (directory.parent / "own.py").write_text(OWN)
    return found


def own(run: Run, name: str) -> str:
    return f"{run.path.parent}/own.py:{name}"


def test_a_figure_of_a_file_is_drawn_and_shown(run):
    assert run.path / "figures" / "square.png" in run.plot(True, [own(run, "square")])
    assert "<b>Square.</b>" in run.report().read_text()


def test_options_and_functions(run):
    def number(trained, images):
        drawn.append((len(images), torch.rand(()).item(), np.random.rand()))  # noqa: NPY002
        return Figure(figsize=(2, 1))

    drawn: list[tuple] = []
    run.plot(True, [number])
    run.plot(True, [number, {"kind": own(run, "square"), "inches": 3.0}])
    assert drawn[0] == drawn[1]
    with Image.open(run.path / "figures" / "square.png") as wide, Image.open(_file(run, "number")) as other:
        assert wide.size[0] > other.size[0]


def _file(run: Run, name: str) -> Path:
    return run.path / "figures" / f"{name}.png"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", r"figure .*own.py:broken failed: KeyError: 'pixels'"),
        ("nonsense", r"figure .*own.py:nonsense: expected a matplotlib Figure, got int"),
        ("samples", r"would replace figures/samples.png of the report; rename it"),
        ("squar", r"not found in it; did you mean 'square'"),
    ],
)
def test_a_wrong_figure_is_one_line(run, name, message):
    with pytest.raises(InvalidError, match=message) as error:
        run.plot(True, [own(run, name)])
    assert "\n" not in str(error.value)
