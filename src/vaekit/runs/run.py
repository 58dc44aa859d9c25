"""A run: a recipe trained in a directory of its own, and everything that came of it.

    recipe.yaml        the whole resolved recipe
    environment.json   versions, device, commit, command line
    metrics.jsonl      one line an epoch
    checkpoint/        what training goes on from
    model/             what is shared, loaded and explored
    figures/           pictures, also of the progress
    evaluation.json    report.html
    evaluation.npz     the numbers of each image
    evaluation-ais.json, evaluation-ais.npz   the same by annealed chains, and
    bdmc.json          bounds on both sides, where they were asked for

`load` opens one, or any model that was taken out of one; `launch.train` begins one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaekit.config.build import build_data
from vaekit.config.loading import load_recipe, parse_recipe
from vaekit.config.schema.recipe import Recipe
from vaekit.engine.evaluate import bdmc_on_model_samples, evaluate
from vaekit.engine.trained_model import TrainedModel, load_model, read_config, restore_model
from vaekit.errors import InvalidError, NotFoundError
from vaekit.evaluation.bdmc import BDMCBounds
from vaekit.evaluation.results import Evaluation
from vaekit.training import checkpoint
from vaekit.utils.device import choose_device
from vaekit.utils.io import UNREADABLE, best_epoch, read_records, to_json, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PARTIAL = "evaluation.partial"
_NAMES = {"importance": "evaluation", "ais": "evaluation-ais"}  # of the files for each estimator
_MEASURED = (
    *(f"{name}{suffix}" for name in _NAMES.values() for suffix in (".json", ".npz")),
    "bdmc.json", "figures/bound-by-samples.png", f"{_PARTIAL}*.npz",
)  # fmt: skip


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
        return load_recipe(self.path / "recipe.yaml")

    @cached_property
    def trained(self) -> TrainedModel:
        """The model and all it takes to use it; from a checkpoint where training was cut off.

        A model that was kept before a run went on for more epochs is used only where no checkpoint is left.
        """
        device = choose_device(self.device)
        if self.finished or not (self.path / checkpoint.FOLDER).is_dir():
            return load_model(self.path / "model", device)
        dataset, _ = build_data(self.recipe.data)
        weights = checkpoint.load_weights(self.path)
        model = restore_model(self.recipe, dataset.shape, weights, str(self.path / "checkpoint"))
        known = str(self.environment.get("data", ""))
        return TrainedModel(
            model.to(device).eval(), self.recipe, dataset.shape, dataset.label_names, self.path, known,
            dataset.attribute_names,
        )  # fmt: skip

    @property
    def model(self):
        """The trained VAE, in evaluation mode."""
        return self.trained.model

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, device, command line and the fingerprint of the data; empty where it cannot be read."""
        try:
            return dict(json.loads((self.path / "environment.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return {}

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One record an epoch."""
        return read_records(self.path / "metrics.jsonl")

    @property
    def evaluation(self) -> dict[str, Any]:
        """What evaluation.json says; empty where there is none.

        Raises:
            InvalidError: it is damaged.
        """
        return self._said(self.path / "evaluation.json")

    @property
    def ais(self) -> dict[str, Any]:
        """What evaluation-ais.json says, the same by annealed chains; empty where there is none.

        Raises:
            InvalidError: it is damaged.
        """
        return self._said(self.path / "evaluation-ais.json")

    @property
    def per_image(self) -> dict[str, np.ndarray]:
        """The numbers of each image (N,), by name; empty where there are none."""
        try:
            with np.load(self.path / "evaluation.npz", allow_pickle=False) as found:
                return dict(found)
        except UNREADABLE:
            return {}

    @property
    def finished(self) -> bool:
        """Whether all that recipe.yaml asks for was done."""
        config = self.path / "model" / "config.json"
        if not config.is_file():
            return False
        done = parse_recipe(read_config(config)["recipe"], str(config))
        return done.training == self.recipe.training  # all that may change after the run began

    def summary(self) -> dict[str, Any]:
        """How far training came: epochs, seconds, and the epoch that was kept, with its validation."""
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

    def evaluate(self, samples: int = 5000, split: str = "test", **options: Any) -> Evaluation:
        """Measure the model, and `keep` the numbers of its own data as it was trained; see `evaluate`.

        A measurement that was interrupted goes on where it was.
        """
        own = options.get("data") is None and options.get("missing") is None
        kept: dict[str, Any] = {"keep": self.partial_path, **({"store": self.save_evaluation} if own else {})}
        return evaluate(self.trained, samples, split, **(kept | options))

    def bdmc(self, **options: Any) -> BDMCBounds:
        """Bounds of log p(x) on both sides, kept in bdmc.json; see `evaluated.bounds_on_own_images`."""
        found = bdmc_on_model_samples(self.trained, **options)
        write_whole(self.path / "bdmc.json", to_json(found.to_dict()).encode())
        self.report()
        return found

    @property
    def partial_path(self) -> Path:
        """Where unfinished measurements are kept; each adds its key to the name."""
        return self.path / f"{_PARTIAL}.npz"

    def save_evaluation(self, evaluation: Evaluation) -> None:
        """Write evaluation.json and evaluation.npz, and bring the report up to date.

        What was measured by annealed chains, mostly of a few images, goes to evaluation-ais.json
        and evaluation-ais.npz, and replaces nothing else.
        """
        name, numbers = _NAMES[evaluation.estimator], io.BytesIO()
        np.savez_compressed(numbers, allow_pickle=False, **evaluation.per_image)
        write_whole(self.path / f"{name}.npz", numbers.getvalue())
        write_whole(self.path / f"{name}.json", to_json(evaluation.to_dict()).encode())
        if evaluation.estimator == "importance":
            self._draw_growth(evaluation)
        self.report()

    def _draw_growth(self, evaluation: Evaluation) -> None:
        """The bound by samples, where it was measured for several numbers of them."""
        from vaekit import plotting

        growth = [(bound.samples, bound.value, bound.stderr) for bound in evaluation.growth]
        picture = self.path / "figures" / "bound-by-samples.png"
        if len(growth) > 1:
            plotting.save(
                plotting.bound_by_samples(growth, f"Bound of log p(x): {self.trained.title}"), picture
            )
        else:
            picture.unlink(missing_ok=True)

    def clear_evaluation(self) -> None:
        """Remove what was measured, for it was another model."""
        for file in (file for name in _MEASURED for file in self.path.glob(name)):
            file.unlink(missing_ok=True)

    def plot(self, only_missing: bool = False) -> list[Path]:
        """Draw the figures of the report into figures/, all or those that are not there."""
        from vaekit import plotting

        for name, draw in self._drawings().items():
            file = self.path / "figures" / f"{name}.png"
            if not (only_missing and file.is_file()):
                plotting.save(draw(), file)
        return self.figures

    def _drawings(self) -> dict[str, Callable[[], Figure]]:
        """The figures of the report by name, each drawn when it is called for."""
        from vaekit import plotting
        from vaekit.runs import conditional_plots, plots

        title = f"Training: {self.trained.title}"
        curves = {"training-curves": lambda: plotting.training_curves(self.metrics, title)}
        drawn = plots.report_plots(self.trained) | conditional_plots.report_plots(self.trained)
        return drawn | (curves if self.metrics else {})

    @staticmethod
    def _said(file: Path) -> dict[str, Any]:
        """What a file of numbers says; empty where there is none."""
        try:
            return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
        except (OSError, ValueError, TypeError) as error:
            raise InvalidError(
                f"{file}: expected a JSON object ({error}); delete it and measure again"
            ) from error

    def report(self) -> Path:
        """Write report.html."""
        from vaekit.runs.report import write_report

        return write_report(self.path)


def load(path: str | Path, device: str = "auto") -> Run | TrainedModel:
    """A run directory, a model directory, or the file of its weights.

    Args:
        device: where the model is used.

    Raises:
        NotFoundError, InvalidError: where it is none of these, or damaged.
    """
    if (Path(path) / "recipe.yaml").is_file():
        return Run(path, device)
    return load_model(path, choose_device(device))
