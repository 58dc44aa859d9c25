"""The card of a run in a notebook: how far it is, its key numbers, and its loss by epoch."""

from __future__ import annotations

from vaekit.runs.files import RunFiles
from vaekit.runs.summary import evaluation_cards
from vaekit.utils.card import card, line_chart
from vaekit.utils.format import format_duration, format_number

_NUMBERS = 6  # of the evaluation


def run_card(run: RunFiles) -> str:
    """The card of a run as HTML.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "recipe.yaml").write_text("extends: digits")
    >>> "0 of 60" in run_card(RunFiles(folder))
    True
    """
    summary, recipe, metrics = run.summary(), run.recipe, run.metrics
    state = "finished" if run.finished else summary["stopped"] or "not finished"
    rows = [
        ("epochs", f"{summary['epochs']} of {recipe.training.epochs}, {state}"),
        ("time", format_duration(summary["seconds"])),
    ]
    if summary["validation_elbo"] is not None:
        rows.append(("validation ELBO", f"{format_number(summary['validation_elbo'])} nats"))
    rows += [
        (metric.name, f"{metric.value} {metric.unit}".strip())
        for metric in evaluation_cards(run.evaluation)[:_NUMBERS]
    ]
    lines = [
        [(record["epoch"], record[key]) for record in metrics if isinstance(record.get(key), int | float)]
        for key in ("validation_loss", "loss")
    ]
    known = [line for line in lines if len(line) > 1]
    names = ["validation loss", "training loss"] if len(known) > 1 else ["loss"]
    caption = f"{names[0]} by epoch" + (f", {names[1]} dashed" if len(known) > 1 else "")
    title = recipe.title or recipe.name
    return card(title, f"Run in {run.path}", rows, line_chart(known), caption if known else "")
