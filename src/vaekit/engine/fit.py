"""Train a model on data that a program holds, without a run directory.

data -> a dataset -> a recipe proposed for it, with the caller's keys -> training -> a trained model
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vaekit.config.build import Experiment, build
from vaekit.config.build_callbacks import build_callbacks, split_loggers
from vaekit.config.in_memory import RecipeLike, recipe_for
from vaekit.config.overrides import Overrides, as_overrides
from vaekit.data import Dataset
from vaekit.data.containers import container_of
from vaekit.data.fingerprint import fingerprint
from vaekit.engine.fine_tune import recipe_to_start_from, start_from, without_source
from vaekit.engine.loaded_model import LoadedModel
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InterruptedRun, VaekitError
from vaekit.evaluation import validity
from vaekit.models.objectives import Objective
from vaekit.models.vae import VAE
from vaekit.nn import matmul
from vaekit.training import loop
from vaekit.training.callbacks import check_callbacks
from vaekit.training.display import TrainingLogger, make_display
from vaekit.training.loggers import Logger
from vaekit.utils.device import choose_device, cpu_settings
from vaekit.utils.paths import numbered_folder


def fit(
    X: Any,
    y: Any = None,
    *,
    recipe: RecipeLike | None = None,
    overrides: Overrides = (),
    model: VAE | None = None,
    objective: Objective | None = None,
    init_from: Any = None,
    callbacks: Sequence[Any] = (),
    logger: Any = (),
    log: TrainingLogger | None = None,
    **keys: Any,
) -> TrainedModel:
    """Train a VAE on data.

    A tenth of data without published splits is for validation: the weights with the best bound there are
    kept. Everything else that is not given is proposed for the data, as by `vaekit train --data`.

    Args:
        X: an array or tensor (N, *shape), a data frame, a sparse matrix, a dataset or loader of PyTorch, or
            the name or path of a dataset.
        y: labels (N,), numbers or words, of data that a program holds. The model is conditioned on them only
            with `condition="label"`.
        recipe: a name, a file, a `Recipe` or a dict, in place of the proposal.
        overrides: further keys of the recipe: a dict, or `key.path=value` strings.
        model: a model that was built by hand; that of the recipe if None.
        objective: what is minimized; that of the recipe if None.
        init_from: a run, a model directory or a `TrainedModel` whose weights training starts from; without
            `recipe`, its recipe is used. See `vaekit.engine.fine_tune`.
        callbacks: functions that are called after each epoch, or objects that are called at other moments,
            too; see `vaekit.training.callbacks`.
        logger: where the numbers go, too: csv, tensorboard, wandb or mlflow, {"kind": name} with options, an
            object, or a list of these; see `vaekit.training.loggers`. Files go to logs/<recipe>/<n>.
        log: the display. Default: on stderr; `vaekit.training.display.SilentLogger()` shows nothing.
        keys: keys of the recipe by their last word, such as `latent_dim=8`, `prior="vamp"` or `epochs=20`.

    Returns:
        The model, in evaluation mode.

    Raises:
        VaekitError: data, recipe and model do not fit together, or training failed.

    >>> import numpy as np
    >>> from vaekit.training.display import SilentLogger
    >>> X = np.random.default_rng(0).normal(size=(200, 3)) * [1.0, 10.0, 1000.0]
    >>> fit(X, latent_dim=1, epochs=2, log=SilentLogger())
    TrainedModel('X', 3 columns, 1 latents)
    """
    named_loggers, own_loggers = split_loggers(logger)
    trained = init_from if isinstance(init_from, LoadedModel) else None
    if init_from is not None and trained is None:
        keys["init_from"] = init_from
    changes = [*as_overrides(overrides, **keys), *named_loggers]
    if recipe is None:
        recipe = without_source(trained.recipe) if trained else recipe_to_start_from(changes)
    dataset, (chosen, reasons) = recipe_for(X, y, recipe, changes, validation=0.1, test=0)
    log = log or make_display()
    experiment, notes = start_from(build(chosen, dataset, model), trained)
    if objective is not None:
        experiment = replace(experiment, objective=objective)
    for note in experiment.dataset.notes:
        log.note(f"data: {note}")
    for note in notes:
        log.note(note)
    for reason in reasons if model is None else ():
        log.note(f"proposed: {reason}")
    called = [*build_callbacks(chosen.training), *check_callbacks([*callbacks, *own_loggers])]
    return replace(_train(experiment, called, log, dataset), container=container_of(X))


def _train(
    experiment: Experiment, callbacks: list[Any], log: TrainingLogger, dataset: Dataset | None
) -> TrainedModel:
    """Train, with checkpoints in a folder that is deleted at the end."""
    recipe, data, splits = experiment.recipe, experiment.dataset, experiment.splits
    model = experiment.model.to(choose_device(recipe.training.device))
    trained = TrainedModel(
        model, recipe, data.shape, data.label_names, Path(recipe.name), fingerprint(data),
        data.attribute_names, experiment.preprocessing, data.table, dataset,
    )  # fmt: skip
    validation = trained.subset(data, splits.validation) if len(splits.validation) else None
    rows = trained.subset(data, splits.train, training=True)
    settings = recipe.training
    with (
        tempfile.TemporaryDirectory(prefix="vaekit-") as folder,
        cpu_settings(settings.threads),
        matmul.use_chosen(settings.matmul),
    ):
        try:
            loop.fit(
                model, experiment.objective, rows, validation, settings, Path(folder),
                callbacks=callbacks, log=log, bound=validity.is_bound(model),
                recipe=recipe.model_dump(mode="json"), logs=_log_folder(recipe.name, callbacks, log),
            )  # fmt: skip
        except InterruptedRun:
            raise InterruptedRun(
                "interrupted; vaekit.fit keeps nothing: train with vaekit.train to continue a run later"
            ) from None
        except VaekitError as error:
            if isinstance(error.__cause__, VaekitError):  # of a callback, without what can be resumed
                raise error.__cause__ from None
            raise
    model.eval()
    return trained


def _log_folder(name: str, callbacks: list[Any], log: TrainingLogger) -> Path | None:
    """A new folder for loggers; None if there are none."""
    if not any(isinstance(callback, Logger) for callback in callbacks):
        return None
    folder = numbered_folder(Path("logs") / name)
    log.note(f"logging in {folder}")
    return folder
