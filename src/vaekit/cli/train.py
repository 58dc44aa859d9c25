"""`vaekit train`: train a recipe, or a recipe proposed for your data."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaekit.cli import options, processes
from vaekit.cli.processes import run_in_processes
from vaekit.utils.format import count_of

if TYPE_CHECKING:
    from vaekit.explorer.watch import Watch
    from vaekit.runs.run import Run
    from vaekit.training.display import TrainingLogger


@click.command()
@click.argument("words", nargs=-1, metavar="[RECIPE] [KEY=VALUE]...")
@click.option(
    "--data", metavar="NAME_OR_PATH", help="Dataset name (see: vaekit data list) or path of your own data."
)
@click.option("--run-dir", metavar="DIR", help="Directory of the run. Default: runs/RECIPE/1, 2, ...")
@click.option(
    "--resume",
    metavar="RUN",
    help="Resume an interrupted run, or extend a finished one; with --data, its data moved.",
)
@click.option("--epochs", type=click.IntRange(1), help="Short for training.epochs=N.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Random seed of weights, batches and noise.")
@click.option("--device", metavar="NAME", help="auto, cpu, cuda or mps.")
@click.option("--threads", type=click.IntRange(1, 4096), help="Number of CPU threads.")
@click.option("--strict", is_flag=True, help="Refuse pictures that cannot be read, instead of skipping them.")
@click.option(
    "--on-nan",
    type=click.Choice(["stop", "rollback"]),
    help="If the loss is not finite: stop, or return to the last checkpoint with half the learning rate.",
)
@click.option(
    "--logger",
    "loggers",
    multiple=True,
    metavar="NAME",
    help="Write numbers for other programs, too: csv, tensorboard, wandb or mlflow. Repeatable.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Open a page while training runs: curves, samples, and the map as it forms; then the explorer.",
)
@processes.processes
@processes.max_restarts
@options.slow_model_output
def command(
    words: tuple[str, ...],
    data: str | None,
    run_dir: str | None,
    resume: str | None,
    strict: bool,
    loggers: tuple[str, ...],
    processes: int | None,
    max_restarts: int | None,
    watch: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train a recipe, or a recipe proposed for your data.

    RECIPE is a name (see: vaekit recipes list) or a YAML file. Default: mnist, or with --data a recipe
    proposed for the data. KEY=VALUE overrides a key of the recipe (see: vaekit recipes keys).

    \b
    Examples:
      vaekit train mnist training.epochs=5 model.latent_dim=32
      vaekit train --data photos/
      vaekit train --resume runs/mnist/1
      vaekit train mnist --processes 2
      vaekit train mnist-2d --watch
    """
    recipe, overrides = split_words(words)
    if strict:
        overrides = (*overrides, "data.strict=true")
    for option, path in {"--data": data, "--run-dir": run_dir, "--resume": resume}.items():
        if path == "":
            raise click.UsageError(f"{option}: expected a name or path, got nothing")
    given = {key: value for key, value in settings.items() if value is not None}
    if resume and (recipe or run_dir):
        raise click.UsageError("--resume uses the recipe of the run; leave out RECIPE and --run-dir")
    run_in_processes(processes, max_restarts)
    from vaekit.cli.output import emit
    from vaekit.parallel.processes import is_first
    from vaekit.runs import train
    from vaekit.training.display import make_display

    log = make_display(quiet)
    page, given["callbacks"] = _watch(log) if watch else (None, [])
    if resume:
        done = train.resume(resume, overrides, data=data, logger=loggers, log=log, **given)
    else:
        done = train.train(recipe, overrides, data=data, run_dir=run_dir, logger=loggers, log=log, **given)
    if not is_first():
        return
    summary = done.summary()
    emit(summary, _format_summary(summary), as_json)
    if page is not None:
        _explore(done, page)


def _watch(log: TrainingLogger) -> tuple[Watch, list[Any]]:
    """The page of a training, and the callbacks that feed it."""
    import webbrowser

    from vaekit.explorer.watch import Watch
    from vaekit.runs.history import EpochHistory

    def ready(address: str) -> None:
        log.note(f"watch at {address}")
        webbrowser.open(address)

    page = Watch(ready=ready)
    return page, [EpochHistory(), page]


def _explore(run: Run, page: Watch) -> None:
    """Go on at the same address with the explorer of the trained model, until Ctrl-C."""
    from vaekit.explorer.server import serve
    from vaekit.explorer.session import open_session

    session = open_session(run.trained, f"vaekit.load({str(run.path)!r}, device='cpu')")
    page.stop()
    click.echo(
        f"the page stays at {page.address} until Ctrl-C; explore again with: vaekit explore {run.path}",
        err=True,
    )
    serve([session], page.host, page.port)


def split_words(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The recipe, if the first word is one, and the overrides."""
    first = words[:1] if words and ("=" not in words[0] or Path(words[0]).is_file()) else ()
    overrides = words[len(first) :]
    if "" in words:
        raise click.UsageError("expected a recipe or KEY=VALUE, got an empty word")
    for word in overrides:
        if "=" not in word:
            raise click.UsageError(f"expected KEY=VALUE after the recipe, got {word!r}")
    return (first[0] if first else None), overrides


def _format_summary(summary: dict[str, Any]) -> str:
    from vaekit.utils.format import format_duration

    run, epochs = shlex.quote(summary["run"]), summary["epochs"]
    duration = format_duration(summary["seconds"])
    stopped = f", stopped by {summary['stopped']}" if summary["stopped"] else ""
    return "\n".join(
        [
            f"{count_of(epochs, 'epoch')} in {duration}{stopped}{_format_best(summary)}",
            f"Run     {summary['run']}",
            f"Report  {summary['run']}/report.html",
            f"Next    vaekit evaluate {run}",
            f"        vaekit sample {run}",
        ]
    )


def _format_best(summary: dict[str, Any]) -> str:
    if summary["validation_elbo"] is not None:
        return f", best epoch {summary['best_epoch']}, validation ELBO {summary['validation_elbo']:.2f} nats"
    if summary["validation_loss"] is not None:
        return f", best epoch {summary['best_epoch']}, validation loss {summary['validation_loss']:.2f} nats"
    return ", none better than the weights at the start, which are kept" if summary["kept_start"] else ""
