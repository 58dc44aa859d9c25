"""`vaekit train`: from a recipe, or from data alone, to a run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from vaekit.cli import options


@click.command()
@click.argument("words", nargs=-1, metavar="[RECIPE] [KEY=VALUE]...")
@click.option(
    "--data", metavar="NAME_OR_PATH", help="A dataset (see: vaekit data list), or a path of your own."
)
@click.option("--run-dir", metavar="DIR", help="Where to; runs/RECIPE/1, 2, ... if left out.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was interrupted, or for more epochs.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of weights, order of images, and noise.")
@click.option("--device", metavar="NAME", help="auto, cpu, cuda or mps.")
@click.option("--threads", type=click.IntRange(1, 4096), help="Of the processor.")
@click.option(
    "--on-divergence",
    type=click.Choice(["stop", "rollback"]),
    help="If the loss is no longer finite: stop, or go back and halve the learning rate.",
)
@options.as_json
@options.quiet
@options.verbose
def command(
    words: tuple[str, ...],
    data: str | None,
    run_dir: str | None,
    resume: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train a recipe, or one that is proposed for your data.

    RECIPE is a name (see: vaekit recipes list) or a YAML file; `mnist` if nothing is said. KEY=VALUE changes
    a key of it (see: vaekit recipes keys).

    \b
    Examples:
      vaekit train mnist training.epochs=5 model.latent_dim=32
      vaekit train --data photos/
      vaekit train --resume runs/mnist/1
    """
    recipe, overrides = _split(words)
    given = {key: value for key, value in settings.items() if value is not None}
    if resume and (recipe or data or run_dir):
        raise click.UsageError(
            "--resume goes on with what the run holds: leave out RECIPE, --data and --run-dir"
        )
    from vaekit.cli.output import emit
    from vaekit.runs import train
    from vaekit.training.display import make_display

    log = make_display(quiet)
    if resume:
        done = train.resume(resume, overrides, log=log, **given)
    else:
        done = train.train(recipe, overrides, data=data, run_dir=run_dir, log=log, **given)
    summary = done.summary()
    emit(summary, _text(summary), as_json)


def _split(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The recipe, where the first word is one, and the overrides."""
    first = words[:1] if words and ("=" not in words[0] or Path(words[0]).is_file()) else ()
    overrides = words[len(first) :]
    for word in overrides:
        if "=" not in word:
            raise click.UsageError(f"expected KEY=VALUE after the recipe, got {word!r}")
    return (first[0] if first else None), overrides


def _text(summary: dict[str, Any]) -> str:
    from vaekit.utils.format import format_duration

    run, epochs = shlex.quote(summary["run"]), summary["epochs"]
    return "\n".join(
        [
            f"{epochs} epoch{'s' * (epochs != 1)} in {format_duration(summary['seconds'])}{_best(summary)}",
            f"Run     {summary['run']}",
            f"Report  {summary['run']}/report.html",
            f"Next    vaekit evaluate {run}",
            f"        vaekit sample {run}",
        ]
    )


def _best(summary: dict[str, Any]) -> str:
    if summary["validation_elbo"] is not None:
        return f", kept epoch {summary['best_epoch']}, validation bound {summary['validation_elbo']:.2f} nats"
    if summary["validation_loss"] is not None:
        return f", kept epoch {summary['best_epoch']}, validation loss {summary['validation_loss']:.2f} nats"
    return ""
