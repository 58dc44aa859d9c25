"""Loggers: callbacks that write the numbers of a training for other programs.

    csv            metrics.csv, one row per epoch                    built in
    tensorboard    scalars, hyperparameters and samples as events    extra `tensorboard`
    wandb          the same as a run of Weights & Biases             extra `wandb`
    mlflow         the same as a run of MLflow                       extra `mlflow`

Each writes the recipe at the start, the metrics of each epoch, a picture of samples every
`training.sample_every` epochs where it can, and the final numbers. A resumed training continues the same log.
"""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from torch import Tensor

from vaekit.errors import VaekitError
from vaekit.models.vae import VAE
from vaekit.registry import register
from vaekit.training.callbacks import Callback, Training
from vaekit.utils.io import Record

COLUMNS, ROWS = 10, 4  # of the picture of samples
PARAMS_PER_CALL = 100  # of MLflow


class Logger(Callback):
    """The base class of loggers; the methods below are what each does in its own way."""

    def begin(self, training: Training) -> None:
        """Open the log, and write the recipe."""

    def log_metrics(self, numbers: Mapping[str, float], record: Record) -> None:
        """Write the numbers of an epoch."""

    def log_samples(self, picture: Tensor, record: Record) -> None:
        """Write a picture (H, W, C) of samples, uint8."""

    def finish(self, final: Mapping[str, Any], training: Training) -> None:
        """Write the final numbers, and close the log."""

    def on_train_start(self, training: Training) -> None:
        self._sample_every = training.settings.sample_every
        self.begin(training)

    def on_epoch_end(self, record: Record, model: VAE) -> None:
        self.log_metrics(numbers_of(record), record)
        if self._sample_every and (record["epoch"] - 1) % self._sample_every == 0:
            picture = sample_picture(model)
            if picture is not None:
                self.log_samples(picture, record)

    def on_train_end(self, training: Training) -> None:
        best = {"final/best_epoch": training.best_epoch, "final/validation_loss": training.best}
        steps = {"final/epochs": training.epoch - 1, "final/steps": training.step}
        self.finish({name: value for name, value in (steps | best).items() if value is not None}, training)


@register("callback", "csv")
class CSVLogger(Logger):
    """Writes metrics.csv with one row per epoch.

    Args:
        file: where to write; metrics.csv in the folder of the run if not given.

    >>> CSVLogger().file is None
    True
    """

    def __init__(self, file: str | None = None):
        self.file = file

    def begin(self, training: Training) -> None:
        self._path = Path(self.file) if self.file else training.log_directory / "metrics.csv"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._rows = [row for row in _read_rows(self._path) if int(row["epoch"]) < training.epoch]

    def log_metrics(self, numbers: Mapping[str, float], record: Record) -> None:
        self._rows.append({name: repr(value) for name, value in numbers.items()})
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        with open(self._path, "w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(self._rows)


@register("callback", "tensorboard")
class TensorBoardLogger(Logger):
    """Writes events for TensorBoard: `tensorboard --logdir runs`.

    Args:
        folder: where to write; tensorboard in the folder of the run if not given.

    Raises:
        VaekitError: TensorBoard is not installed.

    >>> TensorBoardLogger.__name__
    'TensorBoardLogger'
    """

    def __init__(self, folder: str | None = None):
        self._open = _require("torch.utils.tensorboard", "TensorBoard", "tensorboard").SummaryWriter
        self.folder = folder

    def begin(self, training: Training) -> None:
        folder = Path(self.folder) if self.folder else training.log_directory / "tensorboard"
        self._writer = self._open(str(folder), purge_step=training.step + 1)  # drops what came after it
        if training.recipe and training.step == 0:
            self._writer.add_text("recipe", f"```\n{json.dumps(training.recipe, indent=1)}\n```", 0)

    def log_metrics(self, numbers: Mapping[str, float], record: Record) -> None:
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, record["step"])
        self._writer.flush()

    def log_samples(self, picture: Tensor, record: Record) -> None:
        self._writer.add_image("samples", picture.numpy(), record["step"], dataformats="HWC")

    def finish(self, final: Mapping[str, Any], training: Training) -> None:
        if training.error is None:
            params = {
                k: v for k, v in flat(training.recipe).items() if isinstance(v, bool | int | float | str)
            }
            self._writer.add_hparams(params, dict(final), run_name=".", global_step=training.step)
        self._writer.close()


@register("callback", "wandb")
class WandbLogger(Logger):
    """Writes a run of Weights & Biases; `WANDB_MODE=offline` keeps it on this machine.

    Args:
        project: its project.
        name: its name; that of the recipe if not given.
        mode: online, offline or disabled; as the environment says if not given.

    Raises:
        VaekitError: wandb is not installed.

    >>> WandbLogger.__name__
    'WandbLogger'
    """

    def __init__(self, project: str = "vaekit", name: str | None = None, mode: str | None = None):
        self._wandb = _require("wandb", "Weights & Biases", "wandb")
        self.project, self.name, self.mode, self.id = project, name, mode, uuid4().hex[:12]

    def begin(self, training: Training) -> None:
        self._run = self._wandb.init(
            project=self.project, name=self.name or training.recipe.get("name"), id=self.id, resume="allow",
            dir=str(training.log_directory), config=dict(training.recipe), mode=self.mode,
            reinit="create_new",
        )  # fmt: skip

    def log_metrics(self, numbers: Mapping[str, float], record: Record) -> None:
        self._run.log(dict(numbers), step=record["step"])

    def log_samples(self, picture: Tensor, record: Record) -> None:
        self._run.log({"samples": self._wandb.Image(picture.numpy())}, step=record["step"])

    def finish(self, final: Mapping[str, Any], training: Training) -> None:
        self._run.summary.update({**final, **({"stopped": training.stopped} if training.stopped else {})})
        self._run.finish(exit_code=0 if training.error is None else 1)

    def state_dict(self) -> dict[str, str]:
        return {"id": self.id}

    def load_state_dict(self, state: Mapping[str, str]) -> None:
        self.id = state["id"]


@register("callback", "mlflow")
class MLflowLogger(Logger):
    """Writes a run of MLflow: parameters, metrics, the recipe and samples. An active run is used.

    Args:
        experiment: its experiment.
        name: its name; that of the recipe if not given.
        tracking_uri: where runs are kept, such as sqlite:///mlflow.db; as MLflow is set if not given.

    Raises:
        VaekitError: MLflow is not installed.

    >>> MLflowLogger.__name__
    'MLflowLogger'
    """

    def __init__(self, experiment: str = "vaekit", name: str | None = None, tracking_uri: str | None = None):
        self._mlflow = _require("mlflow", "MLflow", "mlflow")
        self.experiment, self.name, self.tracking_uri, self.run_id = experiment, name, tracking_uri, ""

    def begin(self, training: Training) -> None:
        active = self._mlflow.active_run()
        self._owned = active is None or self.tracking_uri is not None
        self._client = self._mlflow.MlflowClient(self.tracking_uri)
        if self.run_id:
            self._client.update_run(self.run_id, status="RUNNING")
            return
        if active is not None and not self._owned:
            self.run_id = active.info.run_id
        else:
            self.run_id = self._new_run(self.name or training.recipe.get("name"))
        params = list(flat(training.recipe).items())
        for start in range(0, len(params), PARAMS_PER_CALL):
            entities = [
                self._mlflow.entities.Param(key, str(value)[:500])
                for key, value in params[start : start + PARAMS_PER_CALL]
            ]
            self._client.log_batch(self.run_id, params=entities)
        if training.recipe:
            self._client.log_dict(self.run_id, dict(training.recipe), "recipe.yaml")

    def _new_run(self, name: str | None) -> str:
        known = self._client.get_experiment_by_name(self.experiment)
        number = known.experiment_id if known else self._client.create_experiment(self.experiment)
        return str(self._client.create_run(number, run_name=name).info.run_id)

    def log_metrics(self, numbers: Mapping[str, float], record: Record) -> None:
        for name, value in numbers.items():
            self._client.log_metric(self.run_id, name, value, step=record["step"])

    def log_samples(self, picture: Tensor, record: Record) -> None:
        array = picture.numpy()
        array = array[..., 0] if array.shape[2] == 1 else array
        self._client.log_image(self.run_id, array, f"samples/epoch-{record['epoch']:04d}.png")

    def finish(self, final: Mapping[str, Any], training: Training) -> None:
        for name, value in final.items():
            self._client.log_metric(self.run_id, name, value, step=training.step)
        if training.stopped:
            self._client.set_tag(self.run_id, "stopped", training.stopped)
        if self._owned:
            self._client.set_terminated(self.run_id, "FINISHED" if training.error is None else "FAILED")

    def state_dict(self) -> dict[str, str]:
        return {"run_id": self.run_id}

    def load_state_dict(self, state: Mapping[str, str]) -> None:
        self.run_id = state["run_id"]


# -------------------------------------------------------------------------------------------- what is written


def numbers_of(record: Record) -> dict[str, float]:
    """The numbers of an epoch's record; those of layers have names of their own.

    >>> numbers_of({"epoch": 3, "kl": None, "kl_layers": [1.5], "is_best": True})
    {'epoch': 3, 'kl_layers/0': 1.5}
    """
    layers = {f"kl_layers/{i}": kl for i, kl in enumerate(record.get("kl_layers") or [])}
    found = {**record, **layers}.items()
    return {name: n for name, n in found if isinstance(n, int | float) and not isinstance(n, bool)}


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of a recipe by the path of their key.

    >>> flat({"model": {"latent_dim": 2}, "name": "mine"})
    {'model.latent_dim': 2, 'name': 'mine'}
    """
    found: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        found |= flat(value, f"{path}.") if isinstance(value, Mapping) and value else {path: value}
    return found


@torch.no_grad()
def sample_picture(model: VAE) -> Tensor | None:
    """A picture of samples from fixed latents, one label per column; None where data are no images.

    Args:
        model: in evaluation mode.

    Returns:
        (H, W, C) with one or three channels, uint8.

    >>> import vaekit
    >>> sample_picture(vaekit.demo().model).shape
    torch.Size([116, 290, 1])
    """
    n = COLUMNS * ROWS
    labels = None if model.labels is None else torch.arange(n) % COLUMNS % len(model.labels)
    x = model.sample(n, seed=0, context=labels).float().cpu()
    if x.dim() != 4 or x.shape[1] not in (1, 3):
        return None
    low, high = min(0.0, float(x.min())), max(1.0, float(x.max()))
    x = torch.nn.functional.pad((x - low) / (high - low), (0, 1, 0, 1), value=1.0)  # lines between them
    _, channels, height, width = x.shape
    grid = x.view(ROWS, COLUMNS, channels, height, width).permute(0, 3, 1, 4, 2)
    grid = grid.reshape(ROWS * height, COLUMNS * width, channels)
    return (255 * grid).round().to(torch.uint8).contiguous()


def _require(module: str, title: str, extra: str) -> Any:
    """A module of an extra.

    Raises:
        VaekitError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise VaekitError(
            f'{title} is not installed; run: pip install "vaekit[{extra}]", or leave out the logger {extra}'
        ) from error


def _read_rows(file: Path) -> list[dict[str, str]]:
    try:
        with open(file, newline="", encoding="utf-8") as stream:
            return [row for row in csv.DictReader(stream) if (row.get("epoch") or "").isdigit()]
    except OSError:
        return []
