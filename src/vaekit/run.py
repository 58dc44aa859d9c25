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
from typing import Any

from vaekit import pictures, recipes
from vaekit.build import build_data, build_model, build_objective, check
from vaekit.errors import InvalidError, NotFoundError
from vaekit.evaluation import likelihood, protocol
from vaekit.files import write_whole
from vaekit.progress import Progress
from vaekit.proposal import propose
from vaekit.recipe import Recipe
from vaekit.trained import Trained, load_model, put_weights, save_model
from vaekit.training import checkpoint, loop, runtime
from vaekit.training.log import Log

CHANGEABLE = ("epochs", "patience", "device", "threads", "checkpoint_seconds", "checkpoint_steps", "pictures")


class Run:
    """A run directory.

    Args:
        path: where it is.

    Raises:
        NotFoundError: where there is no recipe.yaml.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
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
        """The model and all it takes to use it; from a checkpoint where training was cut off."""
        device = runtime.device(self.recipe.training.device)
        if (self.path / "model" / "config.json").is_file():
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
        file = self.path / "metrics.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []

    @property
    def figures(self) -> list[Path]:
        """The pictures drawn so far."""
        return sorted((self.path / "figures").glob("*.*"))

    def evaluate(self, samples: int = 5000, split: str = "test", **options: Any) -> likelihood.Evaluation:
        """Measure the model, write evaluation.json, and bring the report up to date; see `evaluate`."""
        evaluation = evaluate(self.trained, samples, split, **options)
        write_whole(self.path / "evaluation.json", _json(evaluation.to_dict()))
        self.report()
        return evaluation

    def draw(self) -> list[Path]:
        """Draw the figures of the report into figures/."""
        from vaekit import figures

        drawn = pictures.gallery(self.trained, self.trained.observed("test", images=pictures.CODES))
        if self.metrics:
            drawn["training-curves"] = figures.training_curves(
                self.metrics, f"Training: {self.trained.title}"
            )
        for name, figure in drawn.items():
            figures.save(figure, self.path / "figures" / f"{name}.png")
        return self.figures

    def report(self) -> Path:
        """Write report.html."""
        from vaekit.report import write_report

        return write_report(self.path)


def load(path: str | Path) -> Run | Trained:
    """A run directory, a model directory, or the file of its weights.

    Raises:
        NotFoundError, InvalidError: where it is none of these, or damaged.
    """
    if (Path(path) / "recipe.yaml").is_file():
        return Run(path)
    return load_model(path)


def load_trained(path: str | Path, device: str = "auto") -> Trained:
    """The same, and of a run its model."""
    found = load(path)
    trained = found.trained if isinstance(found, Run) else found
    trained.model.to(runtime.device(device))
    return trained


def evaluate(
    trained: Trained,
    samples: int = 5000,
    split: str = "test",
    images: int | None = None,
    seed: int = 0,
    data: str | None = None,
    progress: Callable[[int], None] = lambda images: None,
) -> likelihood.Evaluation:
    """The log-likelihood of a split by importance sampling, with the terms of the bound.

    Args:
        samples: K, importance samples an image.
        images: a seeded random subset of so many; all without it.
        data: another dataset of the same shape, by name or path.
        progress: called with the number of images done with.
    """
    dataset, _ = trained.data(data)
    seen = trained.observed(split, data, images)
    seconds = likelihood.clock()
    parts = likelihood.log_likelihood(
        trained.model, seen.batches(likelihood.IMAGES_AT_ONCE), samples, seed, progress
    )
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
        log: the display; silent without it.
        training: keys of the recipe's `training`, such as `epochs=5`.

    Returns:
        The finished run.

    Raises:
        VaekitError: of the kind that says what went wrong; see `vaekit.errors`.
    """
    resolved = _resolve(
        recipe, [*overrides, *(f"training.{k}={json.dumps(v)}" for k, v in training.items())], data
    )
    check(resolved)
    directory = _new_directory(Path("runs") / resolved.name) if run_dir is None else _claim(Path(run_dir))
    write_whole(directory / "recipe.yaml", recipes.dump(resolved).encode())
    return _fit(Run(directory), log, resuming=False)


def resume(
    path: str | Path, overrides: Iterable[str] = (), *, log: Log | None = None, **training: Any
) -> Run:
    """Go on with a run that was interrupted, exactly as if it had not been; or for more epochs.

    Args:
        path: the run directory.
        overrides, training: changes to keys of `training` that leave the past as it was, such as `epochs=50`.
    """
    run = Run(path)
    changes = [*overrides, *(f"training.{k}={json.dumps(v)}" for k, v in training.items())]
    for change in changes:
        if change.partition("=")[0].removeprefix("training.") not in CHANGEABLE:
            raise InvalidError(
                f"resume: {change.partition('=')[0]} is fixed by what was trained; "
                f"free to change: {', '.join(CHANGEABLE)}"
            )
    if changes:
        write_whole(run.path / "recipe.yaml", recipes.dump(recipes.override(run.recipe, changes)).encode())
    return _fit(Run(path), log, resuming=True)


def _resolve(recipe: str | Path | Recipe | None, overrides: list[str], data: str | Path | None) -> Recipe:
    if recipe is None and data is not None:
        return recipes.override(propose(str(data)), overrides)
    resolved = recipe if isinstance(recipe, Recipe) else recipes.load(recipe or "mnist")
    if data is not None:
        changed = resolved.data.model_copy(update={"name": str(data), "validation": 0.1, "test": 0.1})
        resolved = resolved.model_copy(update={"data": changed, "title": ""})
    return recipes.override(resolved, overrides)


def _fit(run: Run, log: Log | None, resuming: bool) -> Run:
    """Build what the recipe says, train it, and leave model, figures and report behind."""
    recipe, settings = run.recipe, run.recipe.training
    dataset, splits = build_data(recipe.data)
    device = runtime.device(settings.device)
    model = build_model(recipe.model, dataset.shape, settings.seed).to(device)
    trained = Trained(model, recipe, dataset.shape, dataset.label_names, run.path)
    train_set, validation = trained.split(dataset, splits.train, training=True), None
    if len(splits.validation):
        validation = trained.split(dataset, splits.validation)
    environment = runtime.environment(" ".join(sys.argv))
    write_whole(run.path / "environment.json", _json(environment))
    watch = Progress(trained, validation or train_set, run.path / "figures", settings.pictures)
    loop.fit(
        model, build_objective(recipe.objective), train_set, validation, settings, run.path,
        resume=resuming, after_epoch=watch, log=log,
    )  # fmt: skip
    save_model(run.path / "model", model.eval(), recipe, dataset)
    watch.animate()
    run.draw()
    run.report()
    return run


def _new_directory(parent: Path) -> Path:
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
            f"{directory}: holds a run already; go on with it by --resume {directory}, or name another"
        )
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
