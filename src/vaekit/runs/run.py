"""A run: one recipe trained in its own directory, and everything that came of it.

`Run` reads the files of the directory (see `vaekit.runs.files`), opens the trained model, and writes the
evaluation, the plots and the report. `open_path` opens a run, or a model that was taken out of one; `load`
gives the model of either.
`vaekit.runs.train` starts and resumes runs.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaekit.config.build import build_data, build_preprocessing
from vaekit.config.functions import Given
from vaekit.engine.evaluate import EvaluationOptions, bdmc_on_model_samples, evaluate
from vaekit.engine.model_files import load_model, restore_model, weights_digest
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError, VaekitError, first_line
from vaekit.evaluation.bdmc import BDMCBounds
from vaekit.evaluation.results import Evaluation
from vaekit.models.vae import VAE
from vaekit.parallel.processes import current
from vaekit.registry import Trust
from vaekit.runs.files import RunFiles, svg_beside
from vaekit.runs.hub import fetch, is_hub_name
from vaekit.training import checkpoint
from vaekit.utils.device import choose_device
from vaekit.utils.io import remove_leftovers, to_json, write_whole
from vaekit.utils.paths import is_file
from vaekit.utils.seal import sealed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)
_PARTIAL = "evaluation.partial"
_FILE_NAMES = {"importance": "evaluation", "ais": "evaluation-ais"}  # of the files of each estimator
_EVALUATION_FILES = (
    *(f"{name}{suffix}" for name in _FILE_NAMES.values() for suffix in (".json", ".npz")),
    "bdmc.json", "figures/bound-by-samples.png", "figures/svg/bound-by-samples.svg", f"{_PARTIAL}*.npz",
)  # fmt: skip


class Run(RunFiles):
    """A run directory with its model.

    Args:
        path: the directory.
        device: where the model is put: auto, cpu, cuda or mps.
        trust: as for `RunFiles`.

    Raises:
        NotFoundError: the directory has no recipe.yaml.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("extends: digits")
    >>> run = Run(folder, device="cpu")
    >>> run.finished, run.recipe.training.epochs
    (False, 60)
    """

    def __init__(self, path: str | Path, device: str = "auto", trust: Trust = False):
        super().__init__(path, trust)
        self.device = device

    def explore(self, **options: Any) -> Any:
        """Show the explorer in a notebook, see `vaekit.explore`.

        Args:
            options: of `vaekit.explore`: data, split, height, images.
        """
        import vaekit

        return vaekit.explore(self, **options)

    def _repr_html_(self) -> str:
        from vaekit.runs.card import run_card

        return run_card(self)

    @cached_property
    def trained(self) -> TrainedModel:
        """The model with its recipe and labels; from the last checkpoint where training was interrupted.

        A saved model is older than the checkpoint where a run was resumed for more epochs and interrupted.
        It is used only if no checkpoint is left.
        """
        device, recipe = choose_device(self.device), self.recipe  # its components are checked first
        if self.training_complete or not (self.path / checkpoint.FOLDER).is_dir():
            found = load_model(self.path / "model", device, self.trust)
            here = found.recipe.model_copy(update={"data": recipe.data})  # where the data are now
            return replace(found, recipe=here)
        dataset, splits = build_data(recipe.data)
        preprocessing = build_preprocessing(recipe.data, dataset, splits)
        weights, source = checkpoint.load_weights(self.path), str(self.path / checkpoint.FOLDER)
        model = restore_model(recipe, dataset.shape, weights, source, preprocessing)
        return TrainedModel(
            model.to(device).eval(),
            recipe,
            dataset.shape,
            dataset.label_names,
            self.path,
            str(self.environment.get("data", "")),
            dataset.attribute_names,
            preprocessing,
            dataset.table,
        )

    @property
    def model(self) -> VAE:
        """The trained VAE, in evaluation mode."""
        return self.trained.model

    @property
    def partial_path(self) -> Path:
        """Where an unfinished evaluation is kept; the evaluation adds its key to the name."""
        return self.path / f"{_PARTIAL}.npz"

    def evaluate(
        self,
        samples: int = 5000,
        split: str = "test",
        progress: Callable[[int, int], None] = lambda images, total: None,
        say: Callable[[str], None] = lambda message: None,
        **options: Any,
    ) -> Evaluation:
        """Evaluate the model on a split, and save the evaluation of its own data as it was trained.

        An interrupted evaluation is resumed. With other data, or with other pixels hidden, nothing is saved.

        Args:
            samples: importance samples per image.
            split: part of the data.
            progress: called after each batch with its number of images and with the number of all images.
            say: called with a message before slow steps.
            options: other fields of `vaekit.engine.evaluate.EvaluationOptions`.
        """
        chosen = EvaluationOptions(samples, split, **options)
        own = chosen.data is None and chosen.missing is None
        write = partial(self.save_evaluation, options=chosen)
        own = own and current().is_first  # one of several processes writes
        save: dict[str, Any] = {"save": partial(_save_if_possible, write)} if own else {}
        writes = current().is_first and os.access(self.path, os.W_OK)
        partial_path = self.partial_path if writes else None
        return evaluate(self.trained, chosen, progress, say, partial_path, **save)

    def bdmc(self, **options: Any) -> BDMCBounds:
        """Bound log p(x) from both sides on images from the model, and save the bounds in bdmc.json.

        Args:
            options: of `vaekit.engine.evaluate.bdmc_on_model_samples`.
        """
        bounds = bdmc_on_model_samples(self.trained, **options)
        known = {"data": self.trained.fingerprint, "weights": weights_digest(self.model.state_dict())}
        if current().is_first:
            _save_if_possible(self._write_measured, "bdmc", {**bounds.to_dict(), **known})
        return bounds

    def save_evaluation(self, evaluation: Evaluation, options: EvaluationOptions | None = None) -> None:
        """Write the evaluation and its values per image, and update the report.

        Importance sampling writes evaluation.json and evaluation.npz. Annealed importance sampling, mostly of
        a few images, writes evaluation-ais.json and evaluation-ais.npz, and replaces nothing else.

        Args:
            evaluation: what was measured.
            options: how, for the lines of the report that repeat it; None if it is not known.
        """
        from vaekit.runs.reproduce import OPTIONS, recorded_options

        name, arrays = _FILE_NAMES[evaluation.estimator], io.BytesIO()
        np.savez_compressed(arrays, allow_pickle=False, **evaluation.per_image)
        write_whole(self.path / f"{name}.npz", arrays.getvalue())
        digest = hashlib.sha256(arrays.getvalue()).hexdigest()
        if evaluation.estimator == "importance":
            self._plot_bound_by_samples(evaluation)
        asked = {} if options is None else {OPTIONS: recorded_options(options)}
        self._write_measured(name, {**evaluation.to_dict(), **asked, "arrays": digest})

    def _write_measured(self, name: str, content: dict[str, Any]) -> None:
        """Write an evaluation, and the report, which a damaged file elsewhere in the run may prevent."""
        write_whole(self.path / f"{name}.json", to_json(sealed(content)).encode())
        self.tidy()
        try:
            self.report()
        except InvalidError as error:
            _log.warning("report.html: not written (%s)", first_line(error))

    def clear_evaluation(self) -> None:
        """Remove every evaluation, since it belongs to weights that training is about to change."""
        for file in (file for name in _EVALUATION_FILES for file in self.path.glob(name)):
            file.unlink(missing_ok=True)

    def plot(self, only_missing: bool = False, figures: Iterable[Given] = ()) -> list[Path]:
        """Draw the figures of the report. One of vaekit that cannot be drawn is left out, with a warning.

        Args:
            only_missing: leave figures of vaekit that exist as they are.
            figures: of your own, by name or as functions; see `vaekit.runs.own_figures`.

        Returns:
            The files in figures/.

        Raises:
            InvalidError: a figure of your own does not exist, fails, or returns no figure.
        """
        from vaekit import plotting
        from vaekit.engine import conditional_plots, plots, table_plots
        from vaekit.runs.own_figures import draw_figure, find_figures
        from vaekit.runs.report import CAPTIONS

        own = find_figures(figures, taken=CAPTIONS)
        if self.trained.columns:
            drawings = table_plots.report_plots(self.trained) | plots.latent_plots(self.trained)
        else:
            drawings = plots.report_plots(self.trained) | conditional_plots.report_plots(self.trained)
        if self.metrics:
            title = f"Training: {self.trained.title}"
            drawings["training-curves"] = lambda: plotting.training_curves(self.metrics, title)
        for name, draw in drawings.items():
            file = self.path / "figures" / f"{name}.png"
            if only_missing and is_file(file) and is_file(svg_beside(file)):
                continue
            try:
                _save_figure(draw(), file)
            except Exception as error:
                for written in (file, svg_beside(file)):
                    written.unlink(missing_ok=True)  # it would show earlier weights
                reason = first_line(error)
                _log.warning("figure %s: not drawn (%s); the run is complete without it", name, reason)
        for function in own:
            images = self.trained.load_split(plots.held_out_split(self.trained))
            draw_figure(function, self.trained, images, self.path / "figures")
        return self.figures

    def report(self) -> Path:
        """Write report.html, and return its path."""
        from vaekit.runs.report import write_report

        return write_report(self)

    def write_marker(self) -> None:
        """Write finished.json: the run is complete, with the figures that are there now."""
        names = [file.name for file in self.figures]
        content = {"weights": self.weights_digest, "epochs": len(self.metrics), "figures": names}
        write_whole(self.path / "finished.json", to_json(sealed(content)).encode())

    def tidy(self) -> None:
        """Remove the unfinished files of processes that were killed."""
        for name in ("", "model", "figures", "figures/svg", "figures/progress"):
            remove_leftovers(self.path / name)

    def _plot_bound_by_samples(self, evaluation: Evaluation) -> None:
        from vaekit import plotting

        points = [(bound.samples, bound.value, bound.stderr) for bound in evaluation.growth]
        file = self.path / "figures" / "bound-by-samples.png"
        if len(points) > 1:
            title = f"Bound of log p(x): {self.trained.title}"
            _save_figure(plotting.bound_by_samples(points, title), file)
        else:
            file.unlink(missing_ok=True)


def _save_figure(figure: Figure, file: Path) -> None:
    """Save a figure as PNG, and as the SVG that the page of the run shows in its own colors."""
    from vaekit import plotting

    plotting.save(figure, file)
    plotting.save(figure, svg_beside(file), formats=("svg",))


def _save_if_possible(save: Callable[..., Any], *content: Any) -> None:
    """Save results, or say that they are not saved, since they were computed all the same."""
    try:
        save(*content)
    except VaekitError as error:
        _log.warning("the results are not saved: %s", first_line(error))


def open_path(path: str | Path, device: str = "auto", trust: Trust = False) -> Run | TrainedModel:
    """Open a run directory, a model directory, the file of its weights, or a model on the Hub.

    Args:
        path: the directory or file, or hf://OWNER/NAME.
        device: where the model is put: auto, cpu, cuda or mps.
        trust: the modules and files from outside vaekit that may be imported, if the model names any; True
            for all.

    Returns:
        A `Run` for a run directory, else a `TrainedModel`.

    Raises:
        NotFoundError: the path is none of these.
        InvalidError: a file in it is damaged.

    >>> open_path("nowhere")
    Traceback (most recent call last):
    ...
    vaekit.errors.NotFoundError: nowhere: no such run directory, model directory or file of weights
    """
    if isinstance(path, str) and is_hub_name(path):
        path = fetch(path)
    if (Path(path) / "recipe.yaml").is_file():
        return Run(path, device, trust)
    return load_model(path, choose_device(device), trust)


def load(
    path: str | Path, device: str = "auto", trust: Trust = False, model: VAE | None = None
) -> TrainedModel:
    """Load the model of a run directory, of a model directory, or of the file of its weights.

    Args:
        path, device, trust: as for `open_path`.
        model: a module that was built by hand, which gets the weights of a model directory.

    Returns:
        The model; its attribute `run` is the `Run`, or None for a model that was taken out of one.

    Raises:
        NotFoundError: the path is none of these, or the run has no weights yet.
        InvalidError: a file in it is damaged.

    >>> import vaekit
    >>> load(vaekit.demo().source).run is None
    True
    """
    if model is not None:
        path = fetch(path) if isinstance(path, str) and is_hub_name(path) else path
        return load_model(path, choose_device(device), trust, model)
    found = open_path(path, device, trust)
    return replace(found.trained, run=found) if isinstance(found, Run) else found
