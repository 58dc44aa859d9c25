"""`vaekit.train` with data that a program holds: a run like any other, also when it is resumed or moved."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

import vaekit
from vaekit.config.loading import load_recipe
from vaekit.errors import InvalidError, RecipeError
from vaekit.runs.train import resume, train
from vaekit.training.display import SilentLogger

LOG = SilentLogger()
X = np.random.default_rng(0).normal(size=(120, 3)) * [1.0, 10.0, 1000.0]


def small(tmp_path, **options):
    return train(**{"run_dir": tmp_path, "figures": False, "log": LOG, "epochs": 1, **options})


def test_a_run_of_an_array_is_resumed_evaluated_and_moved(tmp_path):
    run = small(tmp_path / "run", data=X, latent_dim=1)
    assert run.recipe.data.dataset == str((tmp_path / "run" / "data" / "X").resolve())
    longer = resume(run.path, epochs=2, log=LOG, figures=False)
    assert len(longer.metrics) == 2
    latents = longer.trained.encode(X)
    shutil.move(run.path, tmp_path / "moved")
    moved = vaekit.Run(tmp_path / "moved")
    assert moved.evaluate(samples=5).images == 12
    found = vaekit.load(tmp_path / "moved")
    np.testing.assert_array_equal(found.encode(X), latents)
    assert len(resume(tmp_path / "moved", epochs=3, log=LOG, figures=False).metrics) == 3


def test_numbers_do_not_depend_on_how_data_come(tmp_path):
    np.save(tmp_path / "x.npy", X)
    options = {"latent_dim": 1, "epochs": 2}
    losses = [
        [record["validation_loss"] for record in small(tmp_path / name, data=data, **options).metrics]
        for name, data in (("a", X), ("b", tmp_path / "x.npy"))
    ]
    assert losses[0] == losses[1]


def test_a_frame_with_words_and_gaps_keeps_its_columns(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"size": X[:, 1], "color": ["red", "blue"] * 60, "code": [-999, 1, 2] * 40})
    run = small(tmp_path / "run", data=frame, latent_dim=1, missing_values=[-999], columns={"code": "real"})
    loaded = vaekit.load(run.path)
    assert [column.name for column in loaded.columns] == ["size", "color", "code"]
    assert np.isnan(loaded.load_data()[0].images[0, 2])
    assert list(loaded.impute(frame)["code"][:3] != -999) == [True] * 3
    assert resume(run.path, epochs=2, log=LOG, figures=False).metrics[-1]["epoch"] == 2


def test_tensors_with_labels_condition_the_model(tmp_path):
    data = TensorDataset(torch.rand(40, 1, 8, 8), torch.arange(40) % 2)
    run = small(tmp_path / "run", recipe="digits", data=data, condition="label", sample_every=0)
    assert vaekit.load(run.path).sample(2, label=1, seed=0).shape == (2, 1, 8, 8)
    named = small(
        tmp_path / "y", recipe="digits", data=torch.rand(40, 1, 8, 8), y=["a", "b"] * 20, sample_every=0
    )
    assert named.trained.label_names == ("a", "b")


@pytest.mark.parametrize("form", ["name", "path", "recipe", "dict"])
def test_a_recipe_of_any_form_with_overrides_of_any_form(tmp_path, form):
    file = tmp_path / "own.yaml"
    file.write_text("extends: digits")
    recipe = {"name": "digits", "path": file, "recipe": load_recipe("digits"), "dict": {}}
    recipe["dict"] = recipe["recipe"].model_dump(mode="json")
    overrides = {"data.train": 40, "data": {"validation": 20}, "training.sample_every": 0}
    run = small(tmp_path / "run", recipe=recipe[form], overrides=overrides, latent_dim=3)
    assert (run.recipe.model.layer_dims, run.environment["training_rows"]) == ((3,), 40)


def test_mistakes_are_one_line_before_anything_is_written(tmp_path):
    with pytest.raises(InvalidError, match="a dataset with a name has its own"):
        small(tmp_path / "run", recipe="digits", data="digits", y=[1, 2])
    with pytest.raises(InvalidError, match="give them as data="):
        small(tmp_path / "run", y=[1, 2])
    with pytest.raises(RecipeError, match="latent: no such key"):
        small(tmp_path / "run", data=X, latent=3)
    with pytest.raises(RecipeError, match="trainig: unknown key; did you mean 'training'"):
        small(tmp_path / "run", recipe={"trainig": {}})
    assert not (tmp_path / "run").exists()
