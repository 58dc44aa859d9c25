"""The files of a run directory, and the only place that reads them.

recipe.yaml             the resolved recipe
environment.json        versions, device, commit, command line
metrics.jsonl           one record per epoch
events.jsonl            one record per rollback after a divergence
checkpoint/             what training resumes from
model/                  config.json and model.safetensors: the model to share
figures/                plots, and images of the training progress; in svg/ those of the report
history/                states of epochs, which vaekit train --watch keeps
evaluation.json         the evaluation by importance sampling
evaluation.npz          its values per image
evaluation-ais.json, evaluation-ais.npz    the same by annealed importance sampling (AIS)
bdmc.json               upper and lower bounds from bidirectional Monte Carlo (BDMC)
report.html             all of it on one page
finished.json           written last: the run is complete, figures and report included

`vaekit.runs.integrity` says how they are tied together.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from vaekit.config.loading import load_recipe
from vaekit.config.outside_code import check_copies
from vaekit.config.schema.recipe import Recipe
from vaekit.data.fingerprint import covers_all
from vaekit.engine.model_files import check_weights, parse_config_recipe, read_config
from vaekit.engine.model_files import weights_digest as digest_of_weights
from vaekit.engine.untrusted import refuse_links
from vaekit.errors import InvalidError, NotFoundError, first_line
from vaekit.registry import Trust
from vaekit.runs import integrity
from vaekit.training import checkpoint
from vaekit.utils.io import UNREADABLE, Record, best_epoch, record_epoch
from vaekit.utils.paths import exists, is_file
from vaekit.utils.seal import MAX_BYTES, check_text, read_sealed

_log = logging.getLogger(__name__)
_REMEDIES = {
    "evaluation": "vaekit evaluate {run}",
    "evaluation-ais": "vaekit evaluate {run} --estimator ais",
    "bdmc": "vaekit evaluate {run} --bdmc",
}
_AGAIN = "measure again with vaekit evaluate"


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
        self._digests: dict[Path, str] = {}
        self._said: set[str] = set()
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
            InvalidError: the file was changed or cut short, or that of a component was.
        """
        return self.load_recipe(callbacks=False)

    def load_recipe(self, callbacks: bool) -> Recipe:
        """Read the resolved recipe, with or without the callbacks of training.

        Raises:
            RecipeError, InvalidError: as for `recipe`.
        """
        integrity.read_recipe_tree(self.path / "recipe.yaml")
        records = self.environment.get("components", ())
        check_copies(records, self.path, except_kinds=() if callbacks else ("callback",))
        recipe = load_recipe(self.path / "recipe.yaml", trust=self.trust, callbacks=callbacks)
        own = self.path / "data" / PurePath(recipe.data.dataset).name  # of a run that was moved or copied
        if exists(recipe.data.dataset) or not is_file(own / "dataset.json"):
            return recipe
        data = recipe.data.model_copy(update={"dataset": str(own.resolve())})
        return recipe.model_copy(update={"data": data})

    @property
    def recipe_text(self) -> str:
        """The text of recipe.yaml, without the line that seals it.

        Raises:
            InvalidError: the file was changed or cut short.
        """
        file = self.path / "recipe.yaml"
        integrity.read_recipe_tree(file)
        return check_text(file.read_text(encoding="utf-8"), file)

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, device, command line and the fingerprint of the data; empty without environment.json.

        Raises:
            InvalidError: the file is damaged.
        """
        return _read_json(self.path / "environment.json", "delete the file to do without it")

    @property
    def metrics(self) -> list[Record]:
        """One record per epoch. A last line that a killed process left incomplete is skipped.

        Raises:
            InvalidError: another line is damaged, changed, or missing.
        """
        file = self.path / "metrics.jsonl"
        records = read_lines(file)
        for number, record in enumerate(records, 1):
            if record_epoch(record) != number:
                raise InvalidError(
                    f"{file}: expected epoch {number} on line {number}, got {record.get('epoch')!r}; "
                    "restore the file, or delete it to do without its numbers"
                )
        if file.is_file():
            integrity.check_metrics(file, records)
        return records

    @property
    def stopped(self) -> str:
        """Why a callback stopped the training; empty if none did, and without a checkpoint."""
        return str(checkpoint.recorded_facts(self.path).get("stopped", ""))

    @property
    def events(self) -> list[Record]:
        """One record per rollback after a divergence.

        Raises:
            InvalidError: a line is damaged.
        """
        return read_lines(self.path / "events.jsonl")

    @property
    def evaluation(self) -> dict[str, Any]:
        """The evaluation by importance sampling; empty without evaluation.json, or where it is stale.

        Raises:
            InvalidError: the file is damaged.
        """
        return self._current("evaluation")

    @property
    def ais(self) -> dict[str, Any]:
        """The evaluation by annealed importance sampling; empty without evaluation-ais.json, or if stale.

        Raises:
            InvalidError: the file is damaged.
        """
        return self._current("evaluation-ais")

    @property
    def bdmc_bounds(self) -> dict[str, Any]:
        """The bounds from bidirectional Monte Carlo; empty without bdmc.json, or where they are stale.

        Raises:
            InvalidError: the file is damaged.
        """
        return self._current("bdmc")

    @property
    def per_image(self) -> dict[str, np.ndarray]:
        """The values per image (N,) of the evaluation by name.

        Empty if the file is missing or damaged, or is not the one that evaluation.json was written with.
        """
        return self._arrays("evaluation")

    @property
    def per_image_ais(self) -> dict[str, np.ndarray]:
        """The same of the evaluation by annealed importance sampling."""
        return self._arrays("evaluation-ais")

    @property
    def stale(self) -> list[str]:
        """One sentence for each evaluation that is of other weights or other data than the run has now.

        Raises:
            InvalidError: a file is damaged.
        """
        return [reason for name in _REMEDIES if (reason := self._stale_reason(name, self._read(name)))]

    @property
    def weights_digest(self) -> str:
        """The SHA-256 of the weights that `trained` has; empty without weights."""
        if self.training_complete:
            file = self.path / "model" / "model.safetensors"
            recorded = read_config(self.path / "model" / "config.json").get("weights")
            return str(recorded or (hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""))
        newest = checkpoint.Checkpoints(self.path, lambda text: None).newest_path()
        if newest is None:
            return ""
        if newest not in self._digests:
            self._digests[newest] = digest_of_weights(checkpoint.load_weights(self.path))
        return self._digests[newest]

    def _arrays(self, name: str) -> dict[str, np.ndarray]:
        """The values per image of an evaluation; empty without them, or with a warning if they are wrong."""
        known, file = self._current(name), self.path / f"{name}.npz"
        if not known:
            return {}
        try:
            content, recorded = file.read_bytes(), known.get("arrays")
            if recorded is not None and hashlib.sha256(content).hexdigest() != recorded:
                self._say(f"{file}: of another evaluation than {name}.json, so it is left out; {_AGAIN}")
                return {}
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return dict(arrays)
        except UNREADABLE:
            if file.exists():
                self._say(f"{file}: damaged, so its values per image are left out; {_AGAIN}")
            return {}

    def _current(self, name: str) -> dict[str, Any]:
        """An evaluation; empty, with a warning, where it is stale."""
        found = self._read(name)
        if reason := self._stale_reason(name, found):
            self._say(reason)
            return {}
        return found

    def _read(self, name: str) -> dict[str, Any]:
        return _read_json(
            self.path / f"{name}.json",
            f"delete the file, and run {_REMEDIES[name].format(run=self.path)} again",
        )

    def _stale_reason(self, name: str, found: dict[str, Any]) -> str:
        """Why an evaluation is not one of this run as it is now; empty if it is."""
        if not found:
            return ""
        data, file = str(self.environment.get("data", "")), self.path / f"{name}.json"
        remedy = f"so it is left out; measure again: {_REMEDIES[name].format(run=self.path)}"
        if found.get("data") and covers_all(data) and found["data"] != data:
            return f"{file}: stale, measured on other data than the run was trained on, {remedy}"
        known, recorded = self.weights_digest, found.get("weights")
        if known and recorded != known and (recorded or self._names_weights):
            return f"{file}: stale, measured on other weights than the run has now, {remedy}"
        return ""

    @property
    def _names_weights(self) -> bool:
        """Whether the run is of a version that writes the SHA-256 of weights."""
        config = self.path / "model" / "config.json"
        return bool(checkpoint.recorded_facts(self.path)) or (
            config.is_file() and "weights" in read_config(config)
        )

    def _say(self, reason: str) -> None:
        """Log a warning, once."""
        if reason not in self._said:
            self._said.add(reason)
            _log.warning("%s", reason)

    @property
    def n_parameters(self) -> int | None:
        """The number of values in the saved model, from the header of its file; None without a saved model.

        Raises:
            InvalidError: the file is damaged.
        """
        from safetensors import SafetensorError, safe_open

        config, file = self.path / "model" / "config.json", self.path / "model" / "model.safetensors"
        if not config.is_file() and not file.is_file():
            return None
        try:
            check_weights(file.read_bytes(), file)
            with safe_open(file, framework="numpy") as tensors:
                names = tensors.keys()
                return sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
        except FileNotFoundError:
            self._say(f"{file}: not found, so the number of parameters is left out; copy the model again")
            return None
        except (SafetensorError, OSError) as error:
            raise InvalidError(
                f"{file}: expected safetensors ({first_line(error)}); copy or train the model again"
            ) from error

    @property
    def figures(self) -> list[Path]:
        """The plots and animations drawn so far, in the order of their names."""
        return sorted((self.path / "figures").glob("*.*"))

    @property
    def training_complete(self) -> bool:
        """Whether the model was saved after all the training that recipe.yaml asks for.

        Raises:
            InvalidError: config.json is damaged, or of another recipe.
        """
        config = self.path / "model" / "config.json"
        if not is_file(config):
            return False
        saved = parse_config_recipe(read_config(config), config.parent, self.trust)
        integrity.check_same_recipe(saved, self.recipe, self.path)
        return saved.training == self.recipe.training  # only `training` may change after the start

    @property
    def finished(self) -> bool:
        """Whether training is complete, and its figures and report are written.

        Raises:
            InvalidError: a file is damaged.
        """
        if not self.training_complete:
            return False
        if "weights" not in read_config(self.path / "model" / "config.json"):
            return True  # of an earlier version, which wrote no marker
        return self.marker.get("weights") == self.weights_digest

    @property
    def marker(self) -> dict[str, Any]:
        """What finished.json says: the SHA-256 of the weights, and the figures; empty without one."""
        try:
            return _read_json(self.path / "finished.json", "delete the file, and resume the run")
        except InvalidError:
            return {}  # it is written again

    @property
    def missing(self) -> list[str]:
        """The files that the finished run had and has no more: report.html and figures."""
        names = ["report.html", *(f"figures/{name}" for name in self.marker.get("figures", ()))]
        return [name for name in names if not (self.path / name).is_file()]

    def summary(self) -> dict[str, Any]:
        """Epochs, seconds, what stopped them, the best epoch, and its validation ELBO and loss in nats."""
        metrics = self.metrics
        best = best_epoch(metrics)
        record = next((record for record in metrics if record_epoch(record) == best), {})
        return {
            "run": str(self.path),
            "epochs": len(metrics),
            "seconds": sum(record.get("seconds") or 0 for record in metrics),
            "stopped": self.stopped,
            "best_epoch": best,
            "kept_start": bool(metrics) and best is None and self.recipe.training.keep_start,
            "validation_elbo": record.get("validation_elbo"),
            "validation_loss": record.get("validation_loss"),
        }


def svg_beside(figure: Path) -> Path:
    """The SVG of a figure of a run, which its page shows in place of the PNG.

    >>> svg_beside(Path("figures/samples.png")).as_posix()
    'figures/svg/samples.svg'
    """
    return figure.parent / "svg" / f"{figure.stem}.svg"


def _read_json(file: Path, remedy: str) -> dict[str, Any]:
    """A file with a JSON object; empty where there is no file."""
    try:
        return read_sealed(file, remedy)
    except FileNotFoundError:
        return {}


def read_lines(file: Path) -> list[Record]:
    """The JSON objects of a file, one per line; empty without one. An incomplete last line is skipped.

    Raises:
        InvalidError: another line is no JSON object, or the file is too large.

    >>> read_lines(Path("nowhere.jsonl"))
    []
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InvalidError(f"{file}: expected at most {MAX_BYTES >> 20} MiB; restore the file")
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InvalidError(f"{file}: cannot be read ({error.strerror or error}); restore the file") from error
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line) if line.strip() else None
            if record is None and number < len(lines):
                raise ValueError("the line is empty")
            if record is not None and not isinstance(record, dict):
                raise ValueError(f"got {type(record).__name__}")
        except (ValueError, RecursionError) as error:
            if number == len(lines):  # no line break follows: a process was killed while it wrote
                break
            raise InvalidError(
                f"{file}: expected a JSON object on line {number} ({first_line(error)}); restore the file, "
                "or delete it to do without its numbers"
            ) from error
        records += [record] if record is not None else []
    return records
