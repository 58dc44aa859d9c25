"""Datasets that a registered function returns: in recipes, on the command line, in saved runs."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from vaekit import registry, trust
from vaekit.cli import program
from vaekit.config.build import load_data
from vaekit.config.loading import load_recipe
from vaekit.config.schema.data import DataSettings
from vaekit.data import Dataset
from vaekit.data.own_dataset import to_dataset
from vaekit.engine.model_files import load_model
from vaekit.errors import DataError, RecipeError
from vaekit.runs.run import Run
from vaekit.runs.train import resume, train
from vaekit.training.display import SilentLogger

OWN = """
from typing import Annotated
import numpy as np
import vaekit
from pydantic import Field

@vaekit.register("dataset")
def spots(n: int = 60, size: Annotated[int, Field(ge=4)] = 8):
    images = np.random.rand(n, size, size) > 0.5
    return images.astype(np.uint8) * 255, np.arange(n) % 3

@vaekit.register("dataset")
def broken():
    raise KeyError("url")

@vaekit.register("dataset")
def nonsense():
    return "images"
"""
SMALL = ["data.test=10", "data.validation=10", "training.sample_every=0", "training.epochs=1"]


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    return file


def test_a_recipe_names_a_function_with_options(own, tmp_path, monkeypatch):
    chosen = [f"data.dataset={own}:spots", "data.options={n: 50}"]
    run = train("digits", [*SMALL, *chosen], run_dir=tmp_path / "run", figures=False, log=SilentLogger())
    assert (run.path / "components" / "own.py").read_text() == OWN
    assert "dataset: components/own.py:spots" in run.recipe_text
    own.unlink()
    monkeypatch.setattr(trust, "_imported", set())  # as in a new process
    with pytest.raises(RecipeError, match=r"add --trust own.py"):
        _ = Run(run.path).recipe
    with pytest.raises(RecipeError, match=r"add --trust own.py"):
        load_model(run.path / "model")
    opened = Run(run.path, trust=["own.py"])
    assert opened.recipe.data.options == {"n": 50, "size": 8}
    assert len(opened.trained.load_split("train")) == 30
    assert opened.evaluate(samples=2).images == 10
    again = resume(run.path, epochs=2, trust=["own.py"], figures=False, log=SilentLogger())
    assert len(again.metrics) == 2


def test_a_function_returns_the_same_data_each_time(own):
    settings = DataSettings(dataset=f"{own}:spots")
    first, second = load_data(settings), load_data(settings)
    assert np.array_equal(first.images, second.images)
    assert (first.name, first.classes, first.shape) == ("spots", 3, (1, 8, 8))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["data.options={nn: 5}"], r"data.options.nn: unknown key; did you mean 'n'\?"),
        (["data.options={size: 2}"], r"data.options.size: expected greater than or equal to 4, got 2"),
        (["data.dataset={own}:spot"], r"dataset: '.*own.py:spot': not found in it; did you mean 'spots'\?"),
        (["data.dataset=digits", "data.options={n: 5}"], r"data.options: only a function has options"),
    ],
)
def test_a_wrong_name_or_option_is_one_line_of_the_recipe(own, changes, message):
    words = [f"data.dataset={own}:spots", *(change.replace("{own}", str(own)) for change in changes)]
    with pytest.raises(RecipeError, match=message) as error:
        load_recipe("digits", words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", r"data own.py:broken: KeyError: 'url'"),
        ("nonsense", r"data own.py:nonsense: expected a Dataset, images, \(images, labels\)"),
    ],
)
def test_a_function_that_fails_is_one_line(own, name, message):
    with pytest.raises(DataError, match=message):
        load_data(DataSettings(dataset=f"{own}:{name}"))


def test_a_registered_name_of_this_process_and_a_clash(tmp_path, monkeypatch):
    monkeypatch.setitem(registry._IN_PROCESS, "dataset", {})

    @registry.register("dataset")
    def dots():
        return np.zeros((5, 4, 4), np.uint8) + np.arange(5, dtype=np.uint8)[:, None, None]

    assert len(load_data(DataSettings(dataset="dots"))) == 5
    listed = CliRunner().invoke(program, ["data", "list"])
    assert "dots" in listed.stdout
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dots").mkdir()
    with pytest.raises(DataError, match="is a registered function, and also a dataset or a path"):
        load_data(DataSettings(dataset="dots"))


def test_what_a_function_may_return():
    images = np.arange(64, dtype=np.uint8).reshape(4, 4, 4)
    whole = Dataset("mine", "Mine", images[:, None], None, ())
    assert to_dataset(whole, "f", "f") is whole
    assert to_dataset(images, "f", "f").shape == (1, 4, 4)
    found = to_dataset({"images": images, "labels": list("abab"), "attributes": np.ones((4, 2))}, "f", "f")
    assert (found.label_names, found.attribute_names) == (("a", "b"), ("a0", "a1"))
    for wrong in (None, (images,), {"image": images}, (images, [0, 1]), np.array(["a"]), {}):
        with pytest.raises(DataError, match=r"^f: "):
            to_dataset(wrong, "f", "f")


def test_the_command_shows_a_function(own):
    shown = CliRunner().invoke(program, ["data", "show", f"{own}:spots", "--json"])
    assert '"images": 60' in shown.stdout
