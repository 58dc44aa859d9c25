"""Loggers write the same numbers as metrics.jsonl, as the real packages read them back."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from toy_runs import At, Killed, die, metrics, train
from vaekit.config.build_callbacks import build_callbacks, split_loggers
from vaekit.config.loading import load_recipe
from vaekit.config.schema.recipe import RecipeTraining
from vaekit.errors import RecipeError, VaekitError
from vaekit.training.loggers import CSVLogger, MLflowLogger, TensorBoardLogger, WandbLogger

LOSSES = ("loss", "validation_loss", "kl_layers/0")


def written(directory: Path) -> dict[str, list[float]]:
    """The numbers of metrics.jsonl by name."""
    records = [{**r, "kl_layers/0": r["kl_layers"][0]} for r in metrics(directory)]
    return {name: [record[name] for record in records] for name in LOSSES}


def columns(file: Path) -> dict[str, list[float]]:
    with open(file, newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name]) for row in rows] for name in LOSSES}


def test_csv_has_every_number_also_of_a_run_that_was_killed(tmp_path):
    with pytest.raises(Killed):
        train(tmp_path, callbacks=[CSVLogger()], log=At(12, die))
    train(tmp_path, resume=True, callbacks=[CSVLogger()])
    assert columns(tmp_path / "metrics.csv") == written(tmp_path)


def test_csv_of_a_new_training_replaces_that_of_another(tmp_path):
    for run in ("a", "b"):
        train(tmp_path / run, callbacks=[CSVLogger(str(tmp_path / "own" / "all.csv"))], seed=ord(run))
    assert columns(tmp_path / "own" / "all.csv") == written(tmp_path / "b")


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_a_package_that_is_not_installed_is_named(name, monkeypatch):
    module = {"tensorboard": "torch.utils.tensorboard"}.get(name, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(VaekitError, match=rf'pip install "vaekit\[{name}\]", or leave out the logger'):
        build_callbacks(RecipeTraining(logger=name))


def test_names_options_and_objects():
    own = CSVLogger("a.csv")
    overrides, objects = split_loggers(["csv", {"kind": "csv", "file": "b.csv"}, own])
    training = load_recipe("digits", overrides).training
    assert [logger.file for logger in build_callbacks(training)] == [None, "b.csv"]
    assert objects == [own]
    assert split_loggers(()) == ([], [])
    with pytest.raises(RecipeError, match=r"training.logger: .*expected one of csv, .*did you mean 'csv'"):
        load_recipe("digits", split_loggers("cvs")[0])


def test_the_key_of_earlier_versions_is_read():
    assert load_recipe("digits", ["training.tensorboard=false"]).training.logger == []
    assert load_recipe("digits", ["training.tensorboard=true"]).training.logger[0].kind == "tensorboard"


@pytest.mark.slow
def test_tensorboard_reads_back_what_was_logged(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(Killed):
        train(tmp_path, callbacks=[TensorBoardLogger()], log=At(12, die))
    train(tmp_path, resume=True, callbacks=[TensorBoardLogger()], recipe={"training": {"epochs": 4}})
    found = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    for name, values in written(tmp_path).items():
        assert [event.value for event in found.Scalars(name)] == pytest.approx(values, rel=1e-6)
    assert len(found.Images("samples")) == 4
    assert found.Images("samples")[0].width == 10 * 5
    assert found.Scalars("final/steps")[0].value == 20


@pytest.mark.slow
def test_wandb_keeps_an_offline_run(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    logger = WandbLogger(mode="offline")
    train(tmp_path, callbacks=[logger], recipe={"name": "toy", "training": {"epochs": 4}})
    [file] = (tmp_path / "wandb").glob(f"offline-run-*/run-{logger.id}.wandb")
    content = file.read_bytes()
    assert b"validation_loss" in content
    assert b"final/best_epoch" in content
    assert list((tmp_path / "wandb").rglob("samples_*.png"))


@pytest.mark.slow
def test_mlflow_reads_back_what_was_logged(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = mlflow.MlflowClient(uri)
    client.create_experiment("toys", artifact_location=(tmp_path / "artifacts").as_uri())
    logger = MLflowLogger("toys", tracking_uri=uri)
    with pytest.raises(Killed):
        train(tmp_path, callbacks=[logger], log=At(12, die), recipe={"model": {"latent_dim": 2}})
    assert client.get_run(logger.run_id).info.status == "FAILED"
    again = MLflowLogger("toys", tracking_uri=uri)
    train(tmp_path, resume=True, callbacks=[again], recipe={"model": {"latent_dim": 2}})
    assert again.run_id == logger.run_id
    run = client.get_run(logger.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"model.latent_dim": "2"}
    assert run.data.metrics["final/steps"] == 20
    for name, values in written(tmp_path).items():
        by_step = {m.step: m.value for m in client.get_metric_history(logger.run_id, name)}
        assert list(by_step.values()) == values
    assert len(client.list_artifacts(logger.run_id, "samples")) == 4
