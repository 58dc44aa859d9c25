"""Train a model on data that a program holds, without a run directory.

data -> a dataset -> a recipe proposed for it, with the caller's keys -> training -> a trained model
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vaekit.config.build import Experiment, build, build_callbacks
from vaekit.config.loading import load_recipe, override_recipe, parse_recipe
from vaekit.config.overrides import Overrides, as_overrides
from vaekit.config.propose import propose
from vaekit.config.schema.recipe import Recipe
from vaekit.data import Dataset
from vaekit.data.containers import container_of
from vaekit.data.fingerprint import fingerprint
from vaekit.data.in_memory import NAME, dataset_of, is_reference
from vaekit.data.tables.frames import is_frame
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InterruptedRun, InvalidError, VaekitError
from vaekit.evaluation import validity
from vaekit.models.objectives import Objective
from vaekit.models.vae import VAE
from vaekit.training import loop
from vaekit.training.callbacks import check_callbacks
from vaekit.training.display import TrainingLogger, make_display
from vaekit.utils.device import choose_device, cpu_settings

_SHARES = ("data.validation=0.1", "data.test=0")


def fit(
    X: Any,
    y: Any = None,
    *,
    recipe: str | Path | Recipe | None = None,
    overrides: Overrides = (),
    model: VAE | None = None,
    objective: Objective | None = None,
    callbacks: Sequence[Any] = (),
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
        recipe: a name, a file or a `Recipe`, in place of the proposal.
        overrides: further keys of the recipe: a dict, or `key.path=value` strings.
        model: a model that was built by hand; that of the recipe if None.
        objective: what is minimized; that of the recipe if None.
        callbacks: functions that are called after each epoch, or objects that are called at other moments,
            too; see `vaekit.training.callbacks`.
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
    named = is_reference(X)
    if y is not None and named:
        raise InvalidError("y: labels apply to data that a program holds; a dataset with a name has its own")
    changes = as_overrides(overrides, **keys)
    dataset = None if named else _dataset(X, y, recipe, changes)
    chosen, reasons = _recipe(str(X) if named else NAME, dataset, recipe, changes)
    log = log or make_display()
    experiment = build(chosen, dataset, model)
    if objective is not None:
        experiment = replace(experiment, objective=objective)
    for note in experiment.dataset.notes:
        log.note(f"data: {note}")
    for reason in reasons if model is None else ():
        log.note(f"proposed: {reason}")
    called = [*build_callbacks(chosen.training.callbacks), *check_callbacks(callbacks)]
    return replace(_train(experiment, called, log, dataset), container=container_of(X))


def _dataset(X: Any, y: Any, recipe: str | Path | Recipe | None, changes: list[str]) -> Dataset:
    """The data that a program holds, read by the keys of `data`, such as the kinds of columns."""
    plain = parse_recipe({"data": {"dataset": NAME}}, "the recipe")
    known = recipe if isinstance(recipe, Recipe) else plain if recipe is None else load_recipe(recipe)
    own = [change for change in changes if change.startswith("data.")]
    of_table = known if is_frame(X) else plain  # only the caller's own keys are wrong for another X
    table = override_recipe(of_table, own).data.table_options
    return dataset_of(X, y, override_recipe(known, own).data.points, **table)


def _recipe(
    reference: str, dataset: Dataset | None, recipe: str | Path | Recipe | None, changes: list[str]
) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe with the caller's keys, and the reasons for what was proposed."""
    shares = [share for share in _SHARES if not any(c.startswith(share.split("=")[0]) for c in changes)]
    if recipe is None:
        proposed, reasons = propose(reference, [*shares, *changes], dataset)
        return override_recipe(proposed, [*shares, *changes]), reasons
    known = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    data = known.data.model_copy(update={"dataset": reference, "options": {}})
    return override_recipe(known.model_copy(update={"data": data}), [*shares, *changes]), ()


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
    with tempfile.TemporaryDirectory(prefix="vaekit-") as folder, cpu_settings(recipe.training.threads):
        try:
            loop.fit(
                model, experiment.objective, rows, validation, recipe.training, Path(folder),
                callbacks=callbacks, log=log, bound=validity.is_bound(model),
                recipe=recipe.model_dump(mode="json"),
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
