"""The sentence and the figure at the top of the page of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vaekit.errors import VaekitError
from vaekit.runs.diagnose import diagnose, records_of
from vaekit.runs.files import RunFiles
from vaekit.runs.headline import TwoEstimates
from vaekit.utils.format import format_number
from vaekit.utils.io import best_epoch

LEAD_FIGURES = ("classes", "samples", "columns", "reconstructions", "latent-space", "training-curves")
"""The figure at the top is the first of these that the run has."""


def answer(run: RunFiles, two: TwoEstimates | None) -> str:
    """What came of a run, in one sentence: its log-likelihood with its interval, or what is known instead.

    Args:
        run: the run.
        two: the comparison of its two estimates of log p(x), if it has two.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("extends: digits")
    >>> answer(RunFiles(folder), None)
    'The model is not trained yet.'
    """
    evaluation = run.evaluation
    if two is not None and two.leader == "ais":
        evaluation = run.ais
    evaluation = evaluation or run.ais
    if evaluation.get("log_likelihood") is not None:
        return _likelihood(evaluation)
    if evaluation.get("mse") is not None:
        where = _where(evaluation)
        return f"{where} the mean squared error of reconstructions is {format_number(evaluation['mse'], 4)}."
    return _training(run.metrics, run.recipe.training.epochs)


def verdict(run: RunFiles) -> list[str] | None:
    """What `vaekit doctor` finds in the numbers of a run; empty for nothing, None if they cannot be read.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("extends: digits")
    >>> [sentence.partition(";")[0] for sentence in verdict(RunFiles(folder))]
    ['training stopped after 0 of 60 epochs']
    """
    try:
        return diagnose(records_of(run))
    except (VaekitError, TypeError, ValueError, LookupError, AttributeError):
        return None  # a damaged file is named where its numbers would stand


def _likelihood(found: Mapping[str, Any]) -> str:
    known = found.get("is_likelihood", True)
    what = "log-likelihood" if known else "log-score, which is not a likelihood,"
    what += {"condition": " given the labels", "marginalize": " without labels"}.get(
        found.get("labels") or "", ""
    )
    noun = str(found.get("noun") or "images").removesuffix("s")
    sentence = f"{_where(found)} the {what} is {format_number(found['log_likelihood'])} nats per {noun}"
    interval, error = found.get("log_likelihood_interval"), found.get("log_likelihood_stderr")
    if interval:
        low, high = map(format_number, interval)
        return f"{sentence} (95 %: {low} to {high})."
    return f"{sentence} ± {format_number(error)}." if error is not None else f"{sentence}."


def _where(found: Mapping[str, Any]) -> str:
    count = f"{found['images']:,} " if "images" in found else ""
    return f"On {count}{found.get('split') or 'held-out'} {found.get('noun') or 'images'}"


def _training(metrics: Sequence[Mapping[str, Any]], epochs: int) -> str:
    """The best validation of a run that was not evaluated."""
    if not metrics:
        return "The model is not trained yet."
    best = best_epoch(metrics) or metrics[-1].get("epoch", len(metrics))
    record = next((r for r in metrics if r.get("epoch") == best), metrics[-1])
    for key, name, unit in (("validation_elbo", "ELBO", " nats"), ("validation_loss", "loss", "")):
        if record.get(key) is not None:
            value = f"{format_number(record[key])}{unit}"
            return (
                f"The validation {name} is {value} after epoch {best} of {epochs}; it is not evaluated yet."
            )
    return f"It trained for {len(metrics)} of {epochs} epochs, and is not evaluated yet."
