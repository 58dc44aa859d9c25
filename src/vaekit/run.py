"""A run: a recipe trained in a directory of its own, and everything that came of it.

    recipe.yaml        the whole resolved recipe
    environment.json   versions, device, commit, command line
    metrics.jsonl      one line an epoch
    checkpoint/        what training goes on from
    model/             what is shared, loaded and explored
    figures/           pictures, also of the progress
    evaluation.json    report.html

`train` begins one, `resume` goes on with one, `load` opens one, or any model that was taken out of one.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vaekit import pictures, recipes
from vaekit.build import build_data, build_model, build_objective, check
from vaekit.data import Dataset, cache, catalog
from vaekit.data.observations import Observed
from vaekit.errors import InvalidError, NotFoundError, VaekitError
from vaekit.evaluation import likelihood, protocol
from vaekit.files import write_whole
from vaekit.plain import to_json
from vaekit.progress import Progress
from vaekit.proposal import Proposal, propose
from vaekit.recipe import Recipe
from vaekit.trained import Trained, load_model, put_weights, read_config, save_model
from vaekit.training import checkpoint, lines, loop, runtime
from vaekit.training.board import Board
from vaekit.training.guards import locked
from vaekit.training.log import Log, Several, display

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHANGEABLE = ("epochs", "patience", "device", "threads", "checkpoint_seconds", "checkpoint_steps", "pictures")


class Run:
    """A run directory.

    Args:
        path: where it is.
        device: where its model is used.

    Raises:
        NotFoundError: where there is no recipe.yaml.
    """

    def __init__(self, path: str | Path, device: str = "auto"):
        self.path, self.device = Path(path), device
        if not (self.path / "recipe.yaml").is_file():
            raise NotFoundError(f"{path}: not a run directory (no recipe.yaml); make one with: vaekit train")

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @cached_property
    def recipe(self) -> Recipe:
        """What was trained."""
        return recipes.load(self.path / "recipe.yaml")

    @cached_property
    def trained(self) -> Trained:
        """The model and all it takes to use it; from a checkpoint where training was cut off.

        A model that was kept before a run went on for more epochs is used only where no checkpoint is left.
        """
        device = runtime.device(self.device)
        if self.finished or not (self.path / checkpoint.FOLDER).is_dir():
            return load_model(self.path / "model", device)
        dataset, _ = build_data(self.recipe.data)
        model = build_model(self.recipe.model, dataset.shape)
        put_weights(model, checkpoint.load_weights(self.path), str(self.path / "checkpoint"))
        return Trained(model.to(device).eval(), self.recipe, dataset.shape, dataset.label_names, self.path)

    @property
    def model(self):
        """The trained VAE, in evaluation mode."""
        return self.trained.model

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One record an epoch."""
        return lines.read(self.path / "metrics.jsonl")

    @property
    def finished(self) -> bool:
        """Whether all that recipe.yaml asks for was done."""
        config = self.path / "model" / "config.json"
        if not config.is_file():
            return False
        done = recipes.parse(read_config(config)["recipe"], str(config))
        return done.training == self.recipe.training  # all that may change after the run began

    def summary(self) -> dict[str, Any]:
        """How far training came: epochs, seconds, and the epoch that was kept, with its validation."""
        from vaekit.figures import best_epoch

        metrics, best = self.metrics, best_epoch(self.metrics)
        record = next((record for record in metrics if record["epoch"] == best), {})
        return {
            "run": str(self.path),
            "epochs": len(metrics),
            "seconds": sum(record["seconds"] for record in metrics),
            "best_epoch": best,
            "validation_elbo": record.get("validation_elbo"),
            "validation_loss": record.get("validation_loss"),
        }

    @property
    def figures(self) -> list[Path]:
        """The pictures drawn so far."""
        return sorted((self.path / "figures").glob("*.*"))

    def evaluate(self, samples: int = 5000, split: str = "test", **options: Any) -> likelihood.Evaluation:
        """Measure the model and, on its own data, `keep` the numbers; see the function `evaluate`."""
        evaluation = evaluate(self.trained, samples, split, **options)
        if options.get("data") is None:
            self.keep(evaluation)
        return evaluation

    def keep(self, evaluation: likelihood.Evaluation) -> None:
        """Write evaluation.json, and bring the report up to date."""
        write_whole(self.path / "evaluation.json", to_json(evaluation.to_dict()).encode())
        self.report()

    def draw(self, only_missing: bool = False) -> list[Path]:
        """Draw the figures of the report into figures/, all or those that are not there."""
        from vaekit import figures

        for name, draw in self._drawings().items():
            file = self.path / "figures" / f"{name}.png"
            if not (only_missing and file.is_file()):
                figures.save(draw(), file)
        return self.figures

    def _drawings(self) -> dict[str, Callable[[], Figure]]:
        """The figures of the report by name, each drawn when it is called for."""
        from vaekit import figures

        title = f"Training: {self.trained.title}"
        curves = {"training-curves": lambda: figures.training_curves(self.metrics, title)}
        return pictures.gallery(self.trained) | (curves if self.metrics else {})

    def report(self) -> Path:
        """Write report.html."""
        from vaekit.report import write_report

        return write_report(self.path)


def load(path: str | Path, device: str = "auto") -> Run | Trained:
    """A run directory, a model directory, or the file of its weights.

    Args:
        device: where the model is used.

    Raises:
        NotFoundError, InvalidError: where it is none of these, or damaged.
    """
    if (Path(path) / "recipe.yaml").is_file():
        return Run(path, device)
    return load_model(path, runtime.device(device))


def evaluate(
    trained: Trained,
    samples: int = 5000,
    split: str = "test",
    images: int | None = None,
    seed: int = 0,
    data: str | None = None,
    progress: Callable[[int, int], None] = lambda images, of: None,
) -> likelihood.Evaluation:
    """The log-likelihood of a split by importance sampling, with the terms of the bound.

    Args:
        samples: K, importance samples an image.
        images: a seeded random subset of so many; all without it.
        data: another dataset of the same shape, by name or path.
        progress: called with the number of images in a batch that is done with, and in all of them.
    """
    dataset, _ = trained.data(data)
    seen = trained.observed(split, data, images)
    seconds = likelihood.clock()
    parts = likelihood.log_likelihood(
        trained.model, seen.batches(likelihood.images_at_once(trained.model, seen.shape)), samples, seed,
        lambda images: progress(images, len(seen)),
    )  # fmt: skip
    dimensions = seen.shape[0] * seen.shape[1] * seen.shape[2]
    evaluation = likelihood.summarise(parts, samples, dimensions, seed, seconds())
    return protocol.annotate(evaluation, trained.recipe, trained.model, dataset, split)


def train(
    recipe: str | Path | Recipe | None = None,
    overrides: Iterable[str] = (),
    *,
    data: str | Path | None = None,
    run_dir: str | Path | None = None,
    log: Log | None = None,
    **training: Any,
) -> Run:
    """Train a recipe.

    Args:
        recipe: a name, a file, or a `Recipe`; `mnist` without it, or one proposed for `data`.
        overrides: `key.path=value` strings.
        data: another dataset, by name or path.
        run_dir: where to; `runs/<recipe>/<n>` without it.
        log: the display; on stderr, as on the command line, without it; `training.log.Quiet()` is silent.
        training: keys of the recipe's `training`, such as `epochs=5`.

    Returns:
        The finished run.

    Raises:
        VaekitError: of the kind that says what went wrong; see `vaekit.errors`.
    """
    resolved, reasons = _resolve(
        recipe, [*overrides, *(f"training.{k}={json.dumps(v)}" for k, v in training.items())], data
    )
    prepared = _prepare(resolved)
    log = log or display()
    for note in prepared.dataset.notes:
        log.note(f"data: {note}")
    for reason in reasons:
        log.note(f"proposed: {reason}")
    directory = _directory(resolved.name, run_dir)
    _record(directory, resolved)
    return _fit(Run(directory, resolved.training.device), prepared, log)


def resume(
    path: str | Path, overrides: Iterable[str] = (), *, log: Log | None = None, **training: Any
) -> Run:
    """Go on with a run that was interrupted, exactly as if it had not been; or for more epochs.

    A cosine schedule of the learning rate always ends with the last epoch: with more of them the rate rises
    again to where the longer schedule has it, and the epochs done are those of the shorter one.

    Args:
        path: the run directory.
        overrides, training: changes to keys of `training` that leave the past as it was, such as `epochs=50`.

    Raises:
        InvalidError: for another change, for fewer epochs than are done, or where nothing is left to do.
    """
    run = Run(path)
    changes = [*overrides, *(f"training.{k}={json.dumps(v)}" for k, v in training.items())]
    for change in changes:
        if change.partition("=")[0].removeprefix("training.") not in CHANGEABLE:
            raise InvalidError(
                f"resume: {change.partition('=')[0]} is fixed by what was trained; "
                f"free to change: {', '.join(CHANGEABLE)}"
            )
    recipe = recipes.override(run.recipe, changes)
    if run.finished and recipe == run.recipe:
        raise InvalidError(
            f"{path}: {_end(run)}; for more: vaekit train --resume {path} {_longer(run)}; "
            f"for its page: vaekit report {path}"
        )
    if recipe.training.epochs < (done := len(run.metrics)):
        raise InvalidError(f"{path}: training.epochs: {done} are done; ask for more, or train anew for fewer")
    prepared = _prepare(recipe)
    _record(run.path, recipe)
    return _fit(Run(path, recipe.training.device), prepared, log or display(), resuming=True)


def _stopped_early(run: Run) -> bool:
    return len(run.metrics) < run.recipe.training.epochs


def _end(run: Run) -> str:
    done = len(run.metrics)
    if _stopped_early(run):
        return f"early stopping ended it after {done} epochs"
    return f"all {done} epochs are done"


def _longer(run: Run) -> str:
    """The override that lets a finished run go on."""
    settings = run.recipe.training
    if _stopped_early(run) and settings.patience is not None:
        return f"training.patience={2 * settings.patience}"
    return f"training.epochs={2 * settings.epochs}"


def _resolve(recipe: str | Path | Recipe | None, overrides: list[str], data: str | Path | None) -> Proposal:
    if recipe is None and data is not None:
        proposed, reasons = propose(data)
        return Proposal(_located(recipes.override(proposed, overrides)), reasons)
    resolved = recipe if isinstance(recipe, Recipe) else recipes.load(recipe or "mnist")
    if data is not None and str(data) != resolved.data.name:
        changed = resolved.data.model_copy(update={"name": str(data), "validation": 0.1, "test": 0.1})
        resolved = resolved.model_copy(update={"data": changed, "title": ""})
    return Proposal(_located(recipes.override(resolved, overrides)))


def _located(recipe: Recipe) -> Recipe:
    """The recipe with the whole path of data of one's own: the run finds it from any folder."""
    name, names = recipe.data.name, (*catalog.names(), *cache.names(cache.imported()))
    path = Path(name).expanduser()
    if name in names or not path.exists():
        return recipe
    data = recipe.data.model_copy(update={"name": str(path.resolve())})
    return recipe.model_copy(update={"data": data})


class Prepared(NamedTuple):
    """What training needs, made before anything is written: what cannot be trained leaves nothing behind."""

    dataset: Dataset
    trained: Trained
    train: Observed
    validation: Observed | None


def _prepare(recipe: Recipe) -> Prepared:
    check(recipe)
    device = runtime.device(recipe.training.device)
    dataset, splits = build_data(recipe.data)
    model = build_model(recipe.model, dataset.shape, recipe.training.seed).to(device)
    trained = Trained(model, recipe, dataset.shape, dataset.label_names, Path(recipe.name))
    validation = trained.split(dataset, splits.validation) if len(splits.validation) else None
    return Prepared(dataset, trained, trained.split(dataset, splits.train, training=True), validation)


def _record(directory: Path, recipe: Recipe) -> None:
    """Write down what is trained, and on what; not while another process trains there."""
    with locked(directory), runtime.processor(recipe.training.threads):
        environment = runtime.environment(" ".join(sys.argv), recipe.training.device)
        write_whole(directory / "recipe.yaml", recipes.dump(recipe).encode())
        write_whole(directory / "environment.json", to_json(environment).encode())


def _fit(run: Run, prepared: Prepared, log: Log, resuming: bool = False) -> Run:
    """Train what was prepared, and leave model, figures and report behind."""
    dataset, trained, train_set, validation = prepared
    model, settings = trained.model, trained.recipe.training
    log.note(f"training in {run.path} on {len(train_set)} images")
    watch = Progress(trained, validation or train_set, run.path / "figures", settings.pictures)
    if settings.tensorboard:
        log = Several(log, Board(run.path / "tensorboard"))
    with runtime.processor(settings.threads):
        loop.fit(
            model, build_objective(trained.recipe.objective), train_set, validation, settings, run.path,
            resume=resuming, after_epoch=watch, log=log, bound=protocol.is_bound(model),
        )  # fmt: skip
        save_model(run.path / "model", model.eval(), trained.recipe, dataset)
        watch.animate()
        run.draw()
    run.report()
    return run


def _directory(name: str, wanted: str | Path | None) -> Path:
    """A new directory for a run.

    Raises:
        InvalidError: the one wanted holds a run.
        VaekitError: it cannot be made.
    """
    try:
        return _claim(Path(wanted)) if wanted else _numbered(Path("runs") / name)
    except OSError as error:
        place = wanted or Path("runs") / name
        raise VaekitError(
            f"cannot make {place}: {error.strerror or error}; name another run directory"
        ) from error


def _numbered(parent: Path) -> Path:
    """parent/1, parent/2, ...: the first that is free, taken at once so that two runs never share it."""
    parent.mkdir(parents=True, exist_ok=True)
    used = [int(p.name) for p in parent.iterdir() if p.name.isdigit()]
    for n in itertools.count(max(used, default=0) + 1):
        try:
            (parent / str(n)).mkdir()
        except FileExistsError:
            continue
        return parent / str(n)
    raise AssertionError


def _claim(directory: Path) -> Path:
    if (directory / "recipe.yaml").exists():
        raise InvalidError(
            f"{directory}: holds a run already; go on with it by: vaekit train --resume {directory}, "
            "or name another"
        )
    directory.mkdir(parents=True, exist_ok=True)
    return directory
