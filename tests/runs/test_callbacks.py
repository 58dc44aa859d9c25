"""Callbacks of a recipe and of Python: called after each epoch, without an effect on the numbers."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from vaekit import trust
from vaekit.cli.train import _format_summary
from vaekit.config.loading import load_recipe
from vaekit.errors import InvalidError, RecipeError, VaekitError
from vaekit.runs.run import Run
from vaekit.runs.train import resume, train
from vaekit.training.display import SilentLogger

OWN = """
import vaekit

@vaekit.register("callback")
def log(epoch, every: int = 1):
    if epoch.number % every == 0:
        with open(epoch.directory / "own.log", "a") as file:
            print(epoch.number, file=file)

@vaekit.register("callback")
class Best:
    def __init__(self, factor: float = 1.0):
        self.losses, self.factor = [], factor

    def __call__(self, epoch):
        self.losses.append(self.factor * epoch.record["loss"])
        (epoch.directory / "best.txt").write_text(str(min(self.losses)))

@vaekit.register("callback")
def fails(epoch, at: int = 2):
    if epoch.number == at:
        raise RuntimeError("no disk")

@vaekit.register("callback")
class Enough:
    def __init__(self, at: int = 2):
        self.at = at

    def on_epoch_end(self, record, model):
        if record["epoch"] == self.at:
            raise vaekit.StopTraining("that is enough")

@vaekit.register("callback")
def lacking(every: int = 1): ...
"""
SMALL = ["data.train=60", "data.validation=20", "training.sample_every=0", "training.epochs=3"]


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    return file


def small(directory: Path, *overrides: str, **options) -> Run:
    return train(
        "digits", [*SMALL, *overrides], run_dir=directory, figures=False, log=SilentLogger(), **options
    )


def losses(run: Run) -> list[float]:
    return [record["validation_loss"] for record in run.metrics]


def test_functions_and_objects_of_a_file_are_called_after_each_epoch(own, tmp_path):
    callbacks = json.dumps([{"kind": f"{own}:log", "every": 2}, f"{own}:Best"])
    run = small(tmp_path / "run", f"training.callbacks={callbacks}")
    assert (run.path / "own.log").read_text() == "2\n"
    assert float((run.path / "best.txt").read_text()) == min(record["loss"] for record in run.metrics)


def test_a_callback_does_not_change_the_numbers_of_training(tmp_path):
    def meddle(epoch):
        torch.rand(3), random.random(), np.random.rand()  # noqa: NPY002
        epoch.model.train()
        torch.set_grad_enabled(False)
        with torch.enable_grad():
            epoch.model.elbo_terms(torch.rand(4, 1, 8, 8)).kl.sum().backward()

    before = random.getstate()
    with_callback = small(tmp_path / "with", callbacks=[meddle, meddle])
    assert random.getstate() == before
    assert torch.is_grad_enabled()
    assert losses(with_callback) == losses(small(tmp_path / "without"))


def test_a_callback_may_change_the_weights(tmp_path):
    def halve(epoch):
        with torch.no_grad():
            for weight in epoch.model.parameters():
                weight.mul_(0.5)

    assert losses(small(tmp_path / "with", callbacks=[halve])) != losses(small(tmp_path / "without"))


def test_an_error_of_a_callback_is_one_line_and_the_run_continues(own, tmp_path, monkeypatch):
    with pytest.raises(
        VaekitError, match=r"^callback own.py:fails, epoch 2: RuntimeError: no disk; "
    ) as error:
        small(tmp_path / "run", f"training.callbacks={own}:fails")
    assert error.value.exit_code == 1
    monkeypatch.setattr(trust, "_imported", set())  # as in a new process
    with pytest.raises(RecipeError, match=r"add --trust own.py"):
        resume(tmp_path / "run")
    run = resume(tmp_path / "run", log=SilentLogger(), figures=False, trust=["own.py"])
    assert losses(run) == losses(small(tmp_path / "whole"))


def test_a_run_that_a_callback_stopped_is_finished_and_says_so(own, tmp_path):
    run = small(tmp_path / "run", f"training.callbacks={own}:Enough")
    assert run.finished
    assert run.summary()["stopped"] == "callback Enough: that is enough"
    assert "stopped by callback Enough: that is enough" in _format_summary(run.summary())
    with pytest.raises(
        InvalidError,
        match=r"training ended after 2 epochs by callback Enough: that is enough; .* training.epochs=6",
    ):
        resume(run.path, log=SilentLogger(), trust=True)
    longer = resume(run.path, ["training.callbacks=[]"], log=SilentLogger(), figures=False)
    assert losses(longer) == losses(small(tmp_path / "whole"))
    assert longer.summary()["stopped"] == ""


def test_callbacks_can_be_replaced_on_resume(own, tmp_path):
    with pytest.raises(VaekitError, match="no disk"):
        small(tmp_path / "run", f"training.callbacks={own}:fails")
    own.write_text(OWN.replace("no disk", "other"))
    run = resume(tmp_path / "run", [f"training.callbacks={own}:log"], log=SilentLogger(), figures=False)
    assert (run.path / "own.log").read_text() == "3\n"
    assert run.load_recipe(callbacks=True).training.callbacks[0].kind.endswith("components/own_2.py:log")


def test_reading_a_run_imports_no_callback(own, tmp_path):
    path = small(tmp_path / "run", f"training.callbacks={own}:log").path
    (path / "components" / "own.py").write_text("1 / 0")
    assert Run(path).recipe.training.callbacks == []
    assert Run(path).trained.recipe.training.callbacks == []
    with pytest.raises(InvalidError, match=r"own.py: changed since"):
        resume(path, epochs=4)


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        ('{{kind: "{own}:log", evry: 2}}', r"training.callbacks.evry: unknown key; did you mean 'every'\?"),
        ('[{{kind: "{own}:log", every: x}}]', "training.callbacks.0.every: expected an integer"),
        ("{own}:lgo", r"training.callbacks: '.*own.py:lgo': not found in it; did you mean 'log'\?"),
        ("{own}:lacking", "expected parameters epoch, got every"),
        ("nobody", r"training.callbacks: expected one of csv, .*, or FILE.py:NAME; got 'nobody'"),
        ("3", "training.callbacks"),
    ],
)
def test_a_wrong_callback_is_one_line_of_the_recipe(own, callback, message):
    with pytest.raises(RecipeError, match=message) as error:
        load_recipe("digits", [f"training.callbacks={callback.format(own=own)}"])
    assert "\n" not in str(error.value)


def test_what_cannot_be_called_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InvalidError, match=r"callbacks: expected functions of a FinishedEpoch, .* got 'log'"):
        small(tmp_path / "run", callbacks=["log"])
    assert not (tmp_path / "run").exists()


def test_a_logger_belongs_to_the_recipe_and_continues_on_resume(tmp_path):
    run = small(tmp_path / "run", logger="csv")
    assert run.load_recipe(callbacks=True).training.logger[0].kind == "csv"
    assert run.recipe.training.logger == run.trained.recipe.training.logger == []  # reading needs none
    resume(run.path, epochs=4, log=SilentLogger(), figures=False)
    lines = (run.path / "metrics.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2", "3", "4"]
