"""The files of a run directory, and the only place that reads them.

recipe.yaml             the resolved recipe
environment.json        versions, device, commit, command line
metrics.jsonl           one record per epoch
events.jsonl            one record per rollback after a divergence
checkpoint/             what training resumes from
model/                  config.json and model.safetensors: the model to share
figures/                plots, and images of the training progress
evaluation.json         the evaluation by importance sampling
evaluation.npz          its values per image
evaluation-ais.json, evaluation-ais.npz    the same by annealed importance sampling (AIS)
bdmc.json               upper and lower bounds from bidirectional Monte Carlo (BDMC)
report.html             all of it on one page
"""

from __future__ import annotations

import json
import math
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.config.loading import load_recipe
from vaekit.config.outside_code import check_copies
from vaekit.config.schema.recipe import Recipe
from vaekit.engine.model_files import parse_config_recipe, read_config
from vaekit.engine.untrusted import refuse_links
from vaekit.errors import InvalidError, NotFoundError, first_line
from vaekit.registry import Trust
from vaekit.utils.io import UNREADABLE, Record, best_epoch, read_records
from vaekit.utils.paths import is_file


class RunFiles:
    """What a run directory holds, as plain values. A file is read when it is asked for.

    Args:
        path: the run directory.
        trust: the modules and files from outside vaekit that may be imported, if the recipe names any; True
            for all.

    Raises:
        NotFoundError: the directory has no recipe.yaml.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("name: mine")
    >>> _ = (folder / "metrics.jsonl").write_text('{"epoch": 1, "loss": 104.5}')
    >>> files = RunFiles(folder)
    >>> files.recipe.name, files.metrics, files.evaluation
    ('mine', [{'epoch': 1, 'loss': 104.5}], {})
    """

    def __init__(self, path: str | Path, trust: Trust = False):
        self.path, self.trust = Path(path), trust
        if not is_file(self.path / "recipe.yaml"):
            raise NotFoundError(f"{path}: not a run directory (no recipe.yaml); make one with: vaekit train")
        refuse_links(self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe, without the callbacks of training, so that reading a run imports none.

        Raises:
            RecipeError: recipe.yaml does not fit the schema.
            UntrustedError: it names code from outside vaekit that is not trusted.
            InvalidError: the file of a component was changed.
        """
        return self.load_recipe(callbacks=False)

    def load_recipe(self, callbacks: bool) -> Recipe:
        """Read the resolved recipe, with or without the callbacks of training.

        Raises:
            RecipeError, InvalidError: as for `recipe`.
        """
        records = self.environment.get("components", ())
        check_copies(records, self.path, except_kinds=() if callbacks else ("callback",))
        return load_recipe(self.path / "recipe.yaml", trust=self.trust, callbacks=callbacks)

    @property
    def recipe_text(self) -> str:
        """The text of recipe.yaml."""
        return (self.path / "recipe.yaml").read_text(encoding="utf-8")

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, device, command line and the fingerprint of the data; empty without environment.json.

        Raises:
            InvalidError: the file is damaged.
        """
        return _read_json(self.path / "environment.json", "")

    @property
    def metrics(self) -> list[Record]:
        """One record per epoch. A last line that a killed process left incomplete is skipped.

        Raises:
            InvalidError: another line is damaged.
        """
        file = self.path / "metrics.jsonl"
        for line in file.read_bytes().splitlines() if is_file(file) else ():
            if line.strip().endswith(b"}"):
                try:
                    json.loads(line)
                except ValueError as error:
                    raise InvalidError(
                        f"{file}: expected a JSON object on each line ({first_line(error)}); "
                        "restore the file, or train again"
                    ) from error
        return read_records(file)

    @property
    def events(self) -> list[Record]:
        """One record per rollback after a divergence."""
        return read_records(self.path / "events.jsonl")

    @property
    def evaluation(self) -> dict[str, Any]:
        """The evaluation by importance sampling; empty without evaluation.json.

        Raises:
            InvalidError: the file is damaged.
        """
        return _read_json(self.path / "evaluation.json", "run vaekit evaluate again")

    @property
    def ais(self) -> dict[str, Any]:
        """The evaluation by annealed importance sampling; empty without evaluation-ais.json.

        Raises:
            InvalidError: the file is damaged.
        """
        return _read_json(self.path / "evaluation-ais.json", "run vaekit evaluate --estimator ais again")

    @property
    def bdmc_bounds(self) -> dict[str, Any]:
        """The bounds from bidirectional Monte Carlo; empty without bdmc.json.

        Raises:
            InvalidError: the file is damaged.
        """
        return _read_json(self.path / "bdmc.json", "run vaekit evaluate --bdmc again")

    @property
    def per_image(self) -> dict[str, np.ndarray]:
        """The values per image (N,) of the evaluation by name; empty if the file is missing or damaged."""
        return _read_arrays(self.path / "evaluation.npz")

    @property
    def per_image_ais(self) -> dict[str, np.ndarray]:
        """The same of the evaluation by annealed importance sampling."""
        return _read_arrays(self.path / "evaluation-ais.npz")

    @property
    def n_parameters(self) -> int | None:
        """The number of values in the saved model, from the header of its file; None without a saved model.

        Raises:
            InvalidError: the file is damaged.
        """
        from safetensors import SafetensorError, safe_open

        file = self.path / "model" / "model.safetensors"
        if not is_file(file):
            return None
        try:
            with safe_open(file, framework="numpy") as tensors:
                names = tensors.keys()
                return sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
        except SafetensorError as error:
            raise InvalidError(
                f"{file}: expected safetensors ({first_line(error)}); copy or train the model again"
            ) from error

    @property
    def figures(self) -> list[Path]:
        """The plots and animations drawn so far, in the order of their names."""
        return sorted((self.path / "figures").glob("*.*"))

    @property
    def finished(self) -> bool:
        """Whether the model was saved after all the training that recipe.yaml asks for."""
        config = self.path / "model" / "config.json"
        if not is_file(config):
            return False
        saved = parse_config_recipe(read_config(config), config.parent, self.trust)
        return saved.training == self.recipe.training  # only `training` may change after the start

    def summary(self) -> dict[str, Any]:
        """Epochs, seconds, and the best epoch with its validation ELBO and loss in nats per image."""
        metrics = self.metrics
        best = best_epoch(metrics)
        record = next((record for record in metrics if record["epoch"] == best), {})
        return {
            "run": str(self.path),
            "epochs": len(metrics),
            "seconds": sum(record["seconds"] for record in metrics),
            "best_epoch": best,
            "kept_start": bool(metrics) and best is None and self.recipe.training.keep_start,
            "validation_elbo": record.get("validation_elbo"),
            "validation_loss": record.get("validation_loss"),
        }


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name; empty if it is missing or damaged."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except UNREADABLE:
        return {}


def _read_json(file: Path, remedy: str) -> dict[str, Any]:
    """A file with a JSON object; empty where there is no file."""
    if not is_file(file):
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        advice = f"delete the file, and {remedy}" if remedy else "delete the file"
        raise InvalidError(f"{file}: expected a JSON object ({first_line(error)}); {advice}") from error
