"""Train a recipe in its own run directory, or resume a run.

The recipe and the environment are written before training starts. Errors in the recipe, the data or the
device are found before anything is written.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from vaekit.config.build import Experiment, build
from vaekit.config.build_callbacks import build_callbacks, split_loggers
from vaekit.config.in_memory import RecipeLike
from vaekit.config.loading import dump_recipe, override_recipe
from vaekit.config.outside_code import copy_components
from vaekit.config.overrides import Overrides, as_overrides
from vaekit.config.schema.recipe import Recipe
from vaekit.data import Dataset, cache
from vaekit.data.fingerprint import fingerprint, is_same_data
from vaekit.data.observation import ObservedImages
from vaekit.engine.fine_tune import start_from
from vaekit.engine.model_files import save_model
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InterruptedRun, InvalidError, VaekitError, first_line
from vaekit.evaluation import validity
from vaekit.nn import matmul
from vaekit.parallel.launch import note_run
from vaekit.parallel.processes import Processes, advise, current, joined, launch_name
from vaekit.registry import Trust, UntrustedError
from vaekit.runs import integrity
from vaekit.runs.endings import describe_end, override_to_extend
from vaekit.runs.history import tell_histories
from vaekit.runs.integrity import RESUMABLE
from vaekit.runs.resolve import resolve, restarted_run, run_directory, with_absolute_paths
from vaekit.runs.run import Run
from vaekit.runs.sample_callback import SampleCallback, animate
from vaekit.training import checkpoint, loop
from vaekit.training.callbacks import check_callbacks
from vaekit.training.display import SilentLogger, TrainingLogger, make_display
from vaekit.training.locking import lock_directory
from vaekit.training.recorder import check_checkpoint
from vaekit.utils.device import choose_device, cpu_settings, describe_environment
from vaekit.utils.io import to_json, write_whole
from vaekit.utils.seal import seal_text, sealed

DATA = "data"
"""The folder of a run with data that a program gave."""


def train(
    recipe: RecipeLike | None = None,
    overrides: Overrides = (),
    *,
    data: Any = None,
    y: Any = None,
    run_dir: str | Path | None = None,
    figures: bool = True,
    callbacks: Sequence[Any] = (),
    logger: Any = (),
    log: TrainingLogger | None = None,
    **keys: Any,
) -> Run:
    """Train a recipe.

    Args:
        recipe: a name, a file, a `Recipe`, or a dict of keys and values. Default: mnist, or with `data` a
            recipe proposed for it.
        overrides: `key.path=value` strings, or a dict of keys and values.
        data: another dataset, by name or path; or an array, tensor, data frame, dataset or loader, which is
            stored in the folder `data` of the run.
        y: labels (N,), numbers or words, of data that a program holds.
        run_dir: the directory of the run. Default: `runs/<recipe>/<n>`.
        figures: draw the figures of the report at the end; `Run.plot` draws them at any time.
        callbacks: functions that are called after each epoch, or objects that are called at other moments,
            too, besides those of the recipe; see `vaekit.training.callbacks`.
        logger: where the numbers go, too: csv, tensorboard, wandb or mlflow, {"kind": name} with options, an
            object, or a list of these; see `vaekit.training.loggers`.
        log: the display. Default: on stderr; `vaekit.training.display.SilentLogger()` shows nothing.
        keys: keys of the recipe by their last word, such as `latent_dim=8` or `epochs=5`.

    Returns:
        The finished run.

    Raises:
        VaekitError: training failed; `vaekit.errors` lists the kinds.

    >>> import tempfile
    >>> from vaekit.training.display import SilentLogger
    >>> run = train(
    ...     "digits",
    ...     ["data.train=50", "data.validation=10"],
    ...     run_dir=tempfile.mkdtemp(),
    ...     figures=False,
    ...     log=SilentLogger(),
    ...     epochs=1,
    ...     sample_every=0,
    ... )
    >>> len(run.metrics), run.finished
    (1, True)
    """
    with joined() as processes:
        return _train(
            recipe, [*as_overrides(overrides, **keys)], data, y, run_dir, figures, callbacks, logger,
            (log or make_display()) if processes.is_first else SilentLogger(), processes,
        )  # fmt: skip


def _train(
    recipe: RecipeLike | None,
    overrides: list[str],
    data: Any,
    y: Any,
    run_dir: str | Path | None,
    figures: bool,
    callbacks: Sequence[Any],
    logger: Any,
    log: TrainingLogger,
    processes: Processes,
) -> Run:
    named, own = split_loggers(logger)
    dataset, (resolved, reasons) = resolve(recipe, [*overrides, *named], data, y)
    prepared = _prepare(resolved, [*callbacks, *own], dataset)
    for note in prepared.experiment.dataset.notes:
        log.note(f"data: {note}")
    for note in prepared.notes:
        log.note(note)
    for reason in reasons:
        log.note(f"proposed: {reason}")
    if before := processes.on_first(lambda: _begun_before(prepared, run_dir)):
        log.note(f"started again after a process was lost: going on with {before}")
        return _resume(before, [], None, figures, callbacks, logger, log, True, processes)
    directory = processes.on_first(lambda: run_directory(resolved.name, run_dir))
    if dataset is not None:
        prepared = _with_stored_data(prepared, dataset, directory, processes)
    tree = processes.on_first(lambda: _record(directory, prepared))
    return _fit(Run(directory, resolved.training.device), prepared, tree, log, figures, processes)


def _begun_before(prepared: Prepared, run_dir: str | Path | None) -> Path | None:
    """The run of the same recipe that was begun by processes in whose place these were started."""
    recipe = prepared.trained.recipe
    folder = restarted_run(recipe.name, run_dir)
    if folder is None:
        return None
    saved = integrity.read_recipe_tree(folder / "recipe.yaml")
    return folder if integrity.recipe_digest(saved) == integrity.recipe_digest(_tree(recipe)) else None


def resume(
    path: str | Path,
    overrides: Overrides = (),
    *,
    data: str | Path | None = None,
    figures: bool = True,
    callbacks: Sequence[Any] = (),
    logger: Any = (),
    log: TrainingLogger | None = None,
    trust: Trust = False,
    **training: Any,
) -> Run:
    """Resume an interrupted run with identical results, or train a finished run for more epochs.

    Everything is checked before a file is changed. Where training is complete, but the figures or the report
    are missing, only these are made.

    A cosine schedule of the learning rate ends with the last epoch. With more epochs, the rate first rises to
    its value in the longer schedule, and the finished epochs keep the shorter schedule.

    Args:
        path: the run directory.
        overrides, training: changes of `training` that do not affect finished epochs, such as `epochs=50`.
        data: where the data of the run are now, if they moved.
        figures, callbacks, logger, log: as for `train`.
        trust: the modules and files from outside vaekit that may be imported, if the recipe names any; True
            for all.

    Returns:
        The finished run.

    Raises:
        InvalidError: another key changes, there are fewer epochs than are done, the data, the recipe or the
            metrics are not those of the run, or nothing is left to do.

    >>> resume("nowhere")
    Traceback (most recent call last):
    ...
    vaekit.errors.NotFoundError: nowhere: not a run directory (no recipe.yaml); make one with: vaekit train
    """
    with joined() as processes:
        return _resume(
            path, [*as_overrides(overrides, **training)], data, figures, callbacks, logger,
            (log or make_display()) if processes.is_first else SilentLogger(), trust, processes,
        )  # fmt: skip


def _resume(
    path: str | Path,
    overrides: list[str],
    data: str | Path | None,
    figures: bool,
    callbacks: Sequence[Any],
    logger: Any,
    log: TrainingLogger,
    trust: Trust,
    processes: Processes,
) -> Run:
    run = Run(path, trust=trust)
    named, own = split_loggers(logger)
    changes = [*overrides, *named]
    for change in changes:
        if change.partition("=")[0].removeprefix("training.") not in RESUMABLE:
            raise InvalidError(
                f"resume: {change.partition('=')[0]} cannot change after training started; "
                f"these can: {', '.join(RESUMABLE)}"
            )
    replaced = any(change.startswith("training.callbacks=") for change in changes)
    saved = run.load_recipe(callbacks=not replaced)
    recipe = override_recipe(saved, changes)
    if data is not None:
        moved = recipe.data.model_copy(update={"dataset": str(data)})
        recipe = with_absolute_paths(recipe.model_copy(update={"data": moved}))
    past_stop = recipe != saved or (replaced and bool(run.stopped))
    if recipe == saved and not past_stop and processes.on_first(lambda: _is_complete(run, log)):
        return processes.on_first(lambda: _complete(run, log, figures))
    if recipe.training.epochs < (done := processes.on_first(lambda: len(run.metrics))):
        raise InvalidError(
            f"{path}: training.epochs: {done} epochs are done; choose more, or start a new run"
        )
    facts = processes.on_first(lambda: checkpoint.recorded_facts(run.path))
    recorded = facts.get("matmul", "torch") if facts else None
    prepared = _prepare(recipe, [*callbacks, *own], resuming=True, recorded=recorded)
    tree = processes.on_first(lambda: _record_again(run, prepared))
    opened = Run(path, recipe.training.device, trust)
    return _fit(opened, prepared, tree, log, figures, processes, resuming=True, past_stop=past_stop)


def _record_again(run: Run, prepared: Prepared) -> dict[str, Any]:
    """Check that a run can be resumed, then write its recipe and environment; return its recipe."""
    recipe = prepared.trained.recipe
    _check_data(run, prepared)
    tree = integrity.resumed_tree(integrity.read_recipe_tree(run.path / "recipe.yaml"), _tree(recipe))
    check_checkpoint(prepared.trained.model, recipe.training, run.path, _facts(tree, prepared))
    return _record(run.path, prepared, before=tree)


def _is_complete(run: Run, log: TrainingLogger) -> bool:
    """Whether training is complete; a damaged model is written again from the checkpoint."""
    try:
        return run.training_complete and bool(run.trained)
    except UntrustedError:
        raise
    except VaekitError as error:
        if not checkpoint.recorded_facts(run.path, verify=True):
            raise
        log.note(f"{error}; the model is written again from the checkpoint")
        return False


def _check_data(run: Run, prepared: Prepared) -> None:
    """Refuse other data than those that training started with."""
    known = str(run.environment.get("data") or checkpoint.recorded_facts(run.path).get("data", ""))
    if not is_same_data(known, prepared.experiment.dataset):
        raise InvalidError(
            f"{run.path}: its data {prepared.trained.recipe.data.dataset} changed since training started; "
            "restore it, or start a new run; if it moved, name its path with --data"
        )


def _complete(run: Run, log: TrainingLogger, figures: bool) -> Run:
    """Make what a run lacks whose training is complete.

    Raises:
        InvalidError: it lacks nothing.
    """
    missing = run.missing if run.finished else ["figures", "report.html"]
    if not missing:
        raise InvalidError(
            f"{run.path}: {describe_end(run)}; to train longer: vaekit train --resume {run.path} "
            f"{override_to_extend(run)}; for the report: vaekit report {run.path}"
        )
    log.note(f"training is complete; making what {run.path} lacks: {', '.join(missing)}")
    return _draw(run, log, figures)


class Prepared(NamedTuple):
    """What training needs, built before anything is written.

    >>> Prepared._fields
    ('experiment', 'trained', 'train', 'validation', 'callbacks', 'notes', 'library')
    """

    experiment: Experiment
    trained: TrainedModel
    train: ObservedImages
    validation: ObservedImages | None
    callbacks: list[Any]
    notes: list[str]
    library: matmul.Library


def _prepare(
    recipe: Recipe,
    callbacks: Sequence[Any],
    data: Dataset | None = None,
    resuming: bool = False,
    recorded: matmul.Library | None = None,
) -> Prepared:
    """Build all of it.

    Args:
        recorded: the library of matrix products of a run that is resumed.
    """
    called = [*build_callbacks(recipe.training), *check_callbacks(callbacks)]
    device = choose_device(recipe.training.device)
    experiment = build(recipe, data)
    experiment, notes = (experiment, []) if resuming else start_from(experiment)
    recipe = experiment.recipe
    dataset, splits = experiment.dataset, experiment.splits
    trained = TrainedModel(
        experiment.model.to(device), recipe, dataset.shape, dataset.label_names, Path(recipe.name),
        fingerprint(dataset), dataset.attribute_names, experiment.preprocessing, dataset.table,
    )  # fmt: skip
    validation = trained.subset(dataset, splits.validation) if len(splits.validation) else None
    train_set = trained.subset(dataset, splits.train, training=True)
    tell_histories(called, trained, validation or train_set)
    with cpu_settings(recipe.training.threads):
        library: matmul.Library = current().on_first(
            lambda: recorded or matmul.chosen(recipe.training.matmul)
        )
    return Prepared(experiment, trained, train_set, validation, called, notes, library)


def _with_stored_data(
    prepared: Prepared, dataset: Dataset, directory: Path, processes: Processes
) -> Prepared:
    """Write data that a program gave into the folder of the run, and let the recipe name them."""
    recipe = prepared.trained.recipe
    place = directory / DATA / dataset.name
    processes.on_first(lambda: cache.store_dataset(place.parent, dataset) and None)
    data = recipe.data.model_copy(update={"dataset": str(place.resolve())})
    trained = replace(prepared.trained, recipe=recipe.model_copy(update={"data": data}))
    return prepared._replace(trained=trained)


def _tree(recipe: Recipe) -> dict[str, Any]:
    """The content of recipe.yaml; references to components are of files where they are now."""
    return recipe.model_dump(mode="json")


def _facts(tree: Mapping[str, Any], prepared: Prepared) -> dict[str, str]:
    """What each checkpoint says about the training it belongs to."""
    return {
        "recipe": integrity.recipe_digest(tree),
        "data": prepared.trained.fingerprint,
        "matmul": prepared.library,
    }


def _record(directory: Path, prepared: Prepared, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write recipe.yaml and environment.json, unless another process trains in the directory.

    Args:
        before: what recipe.yaml said, if the run is resumed: what cannot change stays word for word.

    Returns:
        The content of recipe.yaml.
    """
    recipe = prepared.trained.recipe
    with lock_directory(directory), cpu_settings(recipe.training.threads):
        environment = describe_environment(" ".join(sys.argv), recipe.training.device)
        environment["data"] = prepared.trained.fingerprint
        environment["matmul"] = prepared.library
        environment["training_rows"] = len(prepared.train)
        environment["processes"] = current().size
        if name := launch_name():
            environment["launch"] = name
        if (init := recipe.training.init_from).run is not None:
            environment["init_from"] = {"path": init.run, "sha256": init.sha256}
        tree, components = copy_components(recipe, directory)
        if before is not None:
            tree = integrity.resumed_tree(before, tree)
        if components:
            environment["components"] = components
        (directory / "finished.json").unlink(missing_ok=True)
        write_whole(directory / "environment.json", to_json(sealed(environment)).encode())
        write_whole(directory / "recipe.yaml", seal_text(dump_recipe(tree)).encode())
    return tree


def _fit(
    run: Run,
    prepared: Prepared,
    tree: Mapping[str, Any],
    log: TrainingLogger,
    figures: bool,
    processes: Processes,
    resuming: bool = False,
    past_stop: bool = False,
) -> Run:
    """Train, then write the model, the figures and the report."""
    experiment, trained, train_set, validation, callbacks, *_ = prepared
    model, settings = trained.model, trained.recipe.training
    note_run(run.path)
    advise(f"continue with the same command and --resume {run.path}")
    log.note(f"training in {run.path} on {len(train_set)} {experiment.dataset.noun}")
    every = 0 if trained.columns else settings.sample_every  # a row is no picture
    samples = SampleCallback(trained, validation or train_set, run.path / "figures", every)
    processes.on_first(run.clear_evaluation)
    with cpu_settings(settings.threads), matmul.use(prepared.library):
        loop.fit(
            model, experiment.objective, train_set, validation, settings, run.path,
            resume=resuming, past_stop=past_stop, callbacks=[samples, *callbacks], log=log,
            bound=validity.is_bound(model), facts=_facts(tree, prepared), recipe=tree,
        )  # fmt: skip
        model.eval()
        processes.on_first(lambda: _finish(run, prepared, log, figures))
    return run


def _finish(run: Run, prepared: Prepared, log: TrainingLogger, figures: bool) -> None:
    """Write the model, the figures and the report."""
    experiment, trained = prepared.experiment, prepared.trained
    save_model(
        run.path / "model", trained.model, trained.recipe, experiment.dataset, experiment.preprocessing
    )
    _draw(run, log, figures)


def _draw(run: Run, log: TrainingLogger, figures: bool) -> Run:
    """Draw the figures, write the report, and say in finished.json that the run is complete.

    Raises:
        InterruptedRun: Ctrl-C or SIGTERM came; resuming the run does what is left.
    """
    run.tidy()
    try:
        for draw in (partial(animate, run.path / "figures"), run.plot) if figures else ():
            try:
                draw()
            except Exception as error:  # training does not depend on drawing
                log.note(f"warning: figures: {first_line(error)}; draw them with: vaekit report {run.path}")
        run.report()
        run.write_marker()
    except KeyboardInterrupt:
        raise InterruptedRun(
            f"interrupted after training, which is complete; for the figures and the report: vaekit train "
            f"--resume {run.path}"
        ) from None
    return run
