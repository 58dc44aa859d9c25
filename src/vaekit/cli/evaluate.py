"""`vaekit evaluate`: the log-likelihood of held-out images, its bounds, and the quality of samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from vaekit.cli import options, processes
from vaekit.cli.processes import run_in_processes

if TYPE_CHECKING:
    from vaekit.engine.trained_model import TrainedModel
    from vaekit.runs.run import Run

_SPLIT_OPTIONS = (
    "estimator",
    "quality",
    "quality_samples",
    "features",
    "metric",
    "baselines",
    "labels",
    "split",
    "data",
    "missing",
    "repeats",
    "precision",
)
_AIS_OPTIONS = ("chains", "steps", "init")
_UNUSED = {  # the options that a mode does not use, and why
    "--bdmc": (_SPLIT_OPTIONS, ", which uses images from the model"),
    "--estimator ais": (("samples",), ", which uses --chains"),
    "--estimator importance": (_AIS_OPTIONS, "; it needs --estimator ais or --bdmc"),
}


@click.command()
@options.run
@click.option(
    "--samples",
    type=click.IntRange(1, 10_000_000),
    default=5000,
    show_default=True,
    help="K, importance samples per image.",
)
@click.option(
    "--images",
    type=click.IntRange(1),
    help="Number of images. Default: all of the split. With --bdmc, images from the model; default: 100.",
)
@click.option(
    "--estimator",
    type=click.Choice(["importance", "ais"]),
    default="importance",
    show_default=True,
    help="Importance sampling, or annealed importance sampling (AIS): slower, but accurate where q is poor.",
)
@click.option(
    "--bdmc",
    is_flag=True,
    help="Bidirectional Monte Carlo: upper and lower bounds on log p(x), on images from the model.",
)
@click.option(
    "--chains",
    type=click.IntRange(1, 100_000),
    default=16,
    show_default=True,
    help="AIS chains per image.",
)
@click.option(
    "--steps",
    type=click.IntRange(1, 1_000_000),
    default=200,
    show_default=True,
    help="Steps per AIS chain.",
)
@click.option(
    "--init",
    type=click.Choice(["encoder", "prior"]),
    default="encoder",
    show_default=True,
    help="Distribution that AIS chains start from.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Precision of matrix products; bfloat16 is faster on processors with its instructions.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 10_000),
    default=1,
    show_default=True,
    help="R, repeat the estimate R times with other draws: its Monte Carlo error comes from their spread.",
)
@click.option("--quality", is_flag=True, help="Also measure the quality of samples.")
@click.option(
    "--quality-samples",
    type=click.IntRange(2),
    default=5000,
    show_default=True,
    help="Number of samples for --quality.",
)
@click.option(
    "--features",
    metavar="NAME",
    help="Features for --quality: classifier, pixels, FILE.py:FUNCTION or MODULE:FUNCTION. Default: "
    "classifier, or pixels if the data has no labels.",
)
@click.option(
    "--metric",
    metavar="NAME",
    multiple=True,
    help="Also measure a metric of your own, FILE.py:NAME or MODULE:NAME. Can be repeated.",
)
@click.option(
    "--baselines",
    is_flag=True,
    help="Also fit a Gaussian, factor analysis and a mixture of Gaussians on the same rows (tables).",
)
@click.option(
    "--labels",
    type=click.Choice(["condition", "marginalize"]),
    default="condition",
    show_default=True,
    help="Evaluate log p(x|y), or log p(x) by summing over p(y) (conditional models).",
)
@options.split
@options.data
@options.missing
@options.random
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True),
    metavar="FILE",
    help="Also write the results to FILE, as JSON.",
)
@processes.processes
@options.slow_model_output
def command(
    run: str,
    device: str,
    bdmc: bool,
    as_json: bool,
    output: str | None,
    processes: int | None,
    **settings: Any,
) -> None:
    """Evaluate the log-likelihood of images, the terms of its lower bound, and the quality of samples.

    The log-likelihood is in nats per image, by importance sampling or, with --estimator ais, by annealed
    importance sampling. Progress is saved: after an interruption, the same command resumes with identical
    results. Resuming is not supported for --bdmc, or for model directories without -o.

    With --bdmc, upper and lower bounds on images from the model show the error of each estimator.

    The quality of samples is their distance from training images, in the features of a small classifier that
    is trained once on the labels of the data. The distance of held-out images is shown for reference.

    RUN is a run directory, a model directory, or the file of its weights. The results of a run on its own
    data, with the same pixels hidden as in training, are saved in its evaluation.json, those of AIS in its
    evaluation-ais.json. Its report shows both.

    \b
    Examples:
      vaekit evaluate runs/mnist/1
      vaekit evaluate runs/mnist/1 --samples 500 --images 1000
      vaekit evaluate runs/mnist/1 --samples 500 --images 1000 --quality
      vaekit evaluate runs/mnist/1 --samples 500 --images 1000 --repeats 5
      vaekit evaluate runs/mnist/1 --metric own.py:sharpness
      vaekit evaluate runs/mnist/1 --estimator ais --images 100
      vaekit evaluate runs/mnist/1 --bdmc --images 50
      vaekit evaluate runs/mnist-cvae/1 --labels marginalize --samples 100
      vaekit evaluate runs/table/1 --baselines
      vaekit evaluate runs/mnist/1 --processes 4
    """
    from vaekit.cli.output import emit
    from vaekit.parallel.processes import is_first, joined
    from vaekit.runs.run import open_path
    from vaekit.utils.io import to_json, write_whole

    _refuse_unused("--bdmc" if bdmc else f"--estimator {settings['estimator']}")
    run_in_processes(processes)
    settings["quiet"] = settings["quiet"] or not is_first()
    with joined():
        opened = open_path(run, device)
        results, lines = (_bound if bdmc else _evaluate)(run, opened, output, settings)
    if not is_first():
        return
    emit(results, lines, as_json)
    if output:
        write_whole(output, to_json(results).encode())


def _refuse_unused(mode: str) -> None:
    """Refuse options that are given but have no effect.

    Raises:
        click.UsageError: there is one.
    """
    context, (unused, reason) = click.get_current_context(), _UNUSED[mode]
    for name in unused:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name} has no effect with {mode}{reason}; leave it out", context)


def _evaluate(
    run: str, opened: Run | TrainedModel, output: str | None, settings: dict[str, Any]
) -> tuple[dict[str, Any], Any]:
    """The results of a split, and their table."""
    from vaekit.cli.output import progress_bar
    from vaekit.engine.evaluate import EvaluationOptions, evaluate
    from vaekit.parallel.processes import is_first
    from vaekit.runs.run import Run

    quiet = settings.pop("quiet")
    settings["metrics"] = settings.pop("metric")
    say = (lambda message: None) if quiet else (lambda message: click.echo(message, err=True))
    with progress_bar(quiet) as progress:
        if isinstance(opened, Run):
            trained, evaluation = opened.trained, opened.evaluate(progress=progress, say=say, **settings)
        else:
            partial_path = Path(f"{output}.partial.npz") if output and is_first() else None
            trained = opened
            evaluation = evaluate(opened, EvaluationOptions(**settings), progress, say, partial_path)
    dataset = settings["data"] or trained.recipe.data.dataset
    results = {"run": run, "dataset": dataset, **evaluation.to_dict()}
    own = not (settings["data"] or settings["missing"])
    saved = opened if isinstance(opened, Run) and own and is_first() else None
    return results, _evaluation_table(results, saved)


def _bound(
    run: str, opened: Run | TrainedModel, output: str | None, settings: dict[str, Any]
) -> tuple[dict[str, Any], Any]:
    """The bounds on both sides, and their table."""
    from vaekit.cli.output import progress_bar
    from vaekit.engine.evaluate import bdmc_on_model_samples
    from vaekit.runs.run import Run

    options = {name: settings[name] for name in ("samples", "chains", "steps", "init", "seed")}
    with progress_bar(settings["quiet"]) as progress:
        options |= {"images": settings["images"] or 100, "progress": progress}
        if isinstance(opened, Run):
            trained, bounds = opened.trained, opened.bdmc(**options)
        else:
            trained, bounds = opened, bdmc_on_model_samples(opened, **options)
    results = {"run": run, **bounds.to_dict()}
    return results, _bounds_table(results, "log p(x)" if trained.model.labels is None else "log p(x|y)")


def _bounds_table(results: dict[str, Any], quantity: str) -> Any:
    from rich.console import Group

    from vaekit.cli.output import table

    rows = table(f"bound on {quantity}", "nats per image", "below the upper bound", "median")
    for column in rows.columns[1:]:
        column.justify = "right"
    rows.add_row("upper (reverse AIS)", f"{results['upper']:.2f}", "", "")
    for bound in results["bounds"]:
        error = f" ± {bound['gap_stderr']:.2f}" if bound["gap_stderr"] is not None else ""
        rows.add_row(
            bound["name"], f"{bound['value']:.2f}", f"{bound['gap']:.2f}{error}", f"{bound['median']:.2f}"
        )
    protocol = (
        f"{results['images']:,} images from the model; {results['chains']:,} AIS chains with "
        f"{results['steps']:,} steps from the {results['init']}; {results['samples']:,} importance samples; "
        f"seed {results['seed']}, {results['seconds']:.1f} s"
    )
    share = results["unreliable"]
    warning = [] if share is None else [f"Pareto k of the importance weights > 0.7: {share:.0%} of images"]
    return Group(rows, "", protocol, *warning)


def _evaluation_table(results: dict[str, Any], saved: Run | None = None) -> Any:
    """The numbers of an evaluation; for one that was saved, also the other estimate."""
    from rich.console import Group

    from vaekit.cli.output import table
    from vaekit.runs.headline import two_estimates
    from vaekit.runs.summary import describe_quality, evaluation_cards

    two = two_estimates(saved) if saved else None
    notes = [two.describe(results["noun"])] if two else []
    rows = table()
    for card in evaluation_cards(results):
        rows.add_row(*(cell.replace("−", "-") for cell in card))
    protocol = (
        f"{results['split']} split of {results['dataset']}, observation {results['observation']}, "
        f"seed {results['seed']}, {results['seconds']:.1f} s"
    )
    quality: list[Any] = (
        [f"Sample quality: {describe_quality(results['quality'])}"] if results["quality"] else []
    )
    if results["baselines"]:
        quality = [_baseline_table(results), *quality]
    return Group(
        rows, "", protocol, *quality, *(f"Note: {caveat}." for caveat in [*notes, *results["caveats"]])
    )


def _baseline_table(results: dict[str, Any]) -> Any:
    """Log-densities of simple models beside that of the VAE, in nats per row."""
    from vaekit.cli.output import table

    rows = table("fitted on the same rows", "nats per row", "VAE minus it, row by row")
    for column in rows.columns[1:]:
        column.justify = "right"
    number = lambda value, error: f"{value:.2f}" + ("" if error is None else f" ± {error:.2f}")
    rows.add_row("VAE", number(results["log_likelihood"], results["log_likelihood_stderr"]), "")
    for found in results["baselines"]:
        gain = "" if found["gain"] is None else number(found["gain"], found["gain_stderr"])
        rows.add_row(found["name"], number(found["log_density"], found["stderr"]), gain)
    return rows
