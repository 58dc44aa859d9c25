"""The commands that repeat a run and its evaluations, for the page of the run.

    recipe.yaml + the options of each evaluation  ->  vaekit train ...; vaekit evaluate ...; vaekit report ...

An evaluation that `Run.evaluate` saved keeps its options under the key `options`. Those of earlier versions
are found from what was measured: the number of images, of samples, the split, the seed and the estimator.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from vaekit.engine.evaluate import EvaluationOptions
from vaekit.runs.files import RunFiles

OPTIONS = "options"
"""The key of evaluation.json with the options that differ from their defaults."""

_NOT_OPTIONS = ("data", "missing")  # such an evaluation is not saved in the run
_DEFAULTS = {field.name: field.default for field in fields(EvaluationOptions)}
_BOUNDS = ("images", "samples", "chains", "steps", "init", "seed")


def recorded_options(options: EvaluationOptions) -> dict[str, Any]:
    """The options that differ from their defaults, as values for JSON; functions of Python are left out.

    >>> recorded_options(EvaluationOptions(samples=100, images=20))
    {'samples': 100, 'images': 20}
    """
    chosen = {
        name: getattr(options, name)
        for name, default in _DEFAULTS.items()
        if name not in _NOT_OPTIONS and getattr(options, name) != default
    }
    if "metrics" in chosen:
        chosen["metrics"] = [metric for metric in chosen["metrics"] if isinstance(metric, str)]
    return chosen


def reproduction(run: RunFiles, recipe: str = "recipe.yaml", directory: str = "again") -> list[str]:
    """The commands that train the recipe again and measure what was measured.

    Args:
        run: the run.
        recipe: the file with its recipe.
        directory: of the new run.

    Returns:
        Lines for a shell.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("extends: digits")
    >>> reproduction(RunFiles(folder))
    ['vaekit train recipe.yaml --run-dir again', 'vaekit report again']
    """
    lines = [f"vaekit train {shlex.quote(recipe)} --run-dir {shlex.quote(directory)}"]
    evaluate = f"vaekit evaluate {shlex.quote(directory)}"
    for found in (run.evaluation, run.ais):
        if found:
            lines.append(" ".join([evaluate, *_words(_options(found))]))
    if bounds := run.bdmc_bounds:
        known = {name: bounds[name] for name in _BOUNDS if name in bounds}
        lines.append(" ".join([evaluate, "--bdmc", *_words(known)]))
    return [*lines, f"vaekit report {shlex.quote(directory)}"]


def _options(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an evaluation: those that were recorded, or those that its fields show."""
    if isinstance(recorded := evaluation.get(OPTIONS), Mapping):
        return dict(recorded)
    found = {name: evaluation.get(name) for name in ("images", "split", "seed", "labels", "repeats")}
    annealed = evaluation.get("estimator") == "ais"
    names = ("estimator", "steps", "init") if annealed else ()
    found |= {"chains" if annealed else "samples": evaluation.get("samples")}
    found |= {name: evaluation.get(name) for name in names}
    found |= {"quality": bool(evaluation.get("quality")), "baselines": bool(evaluation.get("baselines"))}
    return {name: value for name, value in found.items() if value and value != _DEFAULTS[name]}


def _words(options: Mapping[str, Any]) -> list[str]:
    """The options of the command line, in the order of `EvaluationOptions`."""
    words: list[str] = []
    for name in _DEFAULTS:
        value, flag = options.get(name), f"--{name.replace('_', '-')}"
        if name == "metrics":
            words += [word for metric in value or () for word in ("--metric", shlex.quote(str(metric)))]
        elif value is True:
            words.append(flag)
        elif value is not None and value is not False:
            words += [flag, shlex.quote(str(value))]
    return words
