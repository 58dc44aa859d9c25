"""`vaekit evaluate`: the log-likelihood of held-out images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from vaekit.cli import options

if TYPE_CHECKING:
    from vaekit.engine.trained_model import TrainedModel
    from vaekit.runs.run import Run

_OF_DATA = ("estimator", "quality", "features", "labels", "split", "data", "missing")
_OF_CHAINS = ("chains", "steps", "init")
_IDLE = {  # for each way of measuring, the options that would change nothing, and why
    "--bdmc": (_OF_DATA, ", which measures images of the model itself"),
    "--estimator ais": (("samples",), ", whose draws are --chains"),
    "--estimator importance": (_OF_CHAINS, ", but with --estimator ais or --bdmc"),
}


@click.command()
@options.run
@click.option(
    "--samples",
    type=click.IntRange(1, 10_000_000),
    default=5000,
    show_default=True,
    help="K, importance samples an image.",
)
@click.option(
    "--images",
    type=click.IntRange(1),
    help="A random subset of so many; all if left out. With --bdmc so many from the model, 100 if left out.",
)
@click.option(
    "--estimator",
    type=click.Choice(["importance", "ais"]),
    default="importance",
    show_default=True,
    help="Importance sampling, or annealed importance sampling: slower, and right where q is not.",
)
@click.option("--bdmc", is_flag=True, help="Bound log p(x) on both sides, on images from the model itself.")
@click.option(
    "--chains",
    type=click.IntRange(1, 100_000),
    default=16,
    show_default=True,
    help="Annealed chains an image.",
)
@click.option(
    "--steps", type=click.IntRange(1, 1_000_000), default=200, show_default=True, help="Steps of a chain."
)
@click.option(
    "--init",
    type=click.Choice(["encoder", "prior"]),
    default="encoder",
    show_default=True,
    help="Where chains begin.",
)
@click.option("--quality", is_flag=True, help="Measure how near samples are to the data as well.")
@click.option(
    "--features",
    metavar="NAME",
    help="Measure it by these: classifier, pixels, FILE.py:FUNCTION or MODULE:FUNCTION; the classifier, or "
    "without labels the pixels, if left out.",
)
@click.option(
    "--labels",
    type=click.Choice(["condition", "marginalize"]),
    default="condition",
    show_default=True,
    help="Of a conditional model: log p(x|y), or log p(x), averaged over p(y).",
)
@options.split
@options.data
@options.missing
@options.seed
@options.device
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True),
    metavar="FILE",
    help="Write the numbers as JSON to FILE too.",
)
@options.as_json
@options.quiet
@options.verbose
def command(run: str, device: str, bdmc: bool, as_json: bool, output: str | None, **asked: Any) -> None:
    """Measure the log-likelihood of images, the terms of its bound, and the quality of samples.

    The log-likelihood is that of importance sampling, in nats an image, or with --estimator ais that of
    annealed importance sampling. What is done is kept from time to time: the same command goes on after an
    interruption, but for a bare model without -o, beside whose file it would be kept.

    With --bdmc, bounds from above and below show how far each estimator is from the truth, on images that the
    model makes itself. After an interruption, that starts anew.

    The quality of samples is their distance from training images in the features of a small classifier, which
    is trained once on the labels of the data, with the distance of held-out images as the floor.

    RUN is a run directory, a model directory, or the file of its weights. For a run on its own data, with
    nothing else hidden than in training, the numbers are kept in its evaluation.json, those of annealed
    chains in its evaluation-ais.json, and both are shown in its report.

    \b
    Examples:
      vaekit evaluate runs/mnist/1
      vaekit evaluate runs/mnist/1 --samples 500 --images 1000
      vaekit evaluate runs/mnist/1 --samples 500 --images 1000 --quality
      vaekit evaluate runs/mnist/1 --estimator ais --images 100
      vaekit evaluate runs/mnist/1 --bdmc --images 50
      vaekit evaluate runs/mnist-cvae/1 --labels marginalize --samples 100
    """
    from vaekit.cli.output import emit
    from vaekit.runs.run import load
    from vaekit.utils.io import to_json, write_whole

    _refuse_idle("--bdmc" if bdmc else f"--estimator {asked['estimator']}")
    found = load(run, device)
    numbers, shown = (_bounds if bdmc else _measured)(run, found, output, asked)
    emit(numbers, shown, as_json)
    if output:
        write_whole(output, to_json(numbers).encode())


def _refuse_idle(way: str) -> None:
    """Refuse options that were given and would change nothing.

    Raises:
        click.UsageError: there is one.
    """
    context, (idle, why) = click.get_current_context(), _IDLE[way]
    for name in idle:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name} has no effect with {way}{why}; leave it out", context)


def _measured(
    run: str, found: Run | TrainedModel, output: str | None, asked: dict[str, Any]
) -> tuple[dict[str, Any], Any]:
    """The numbers of a split, kept with a run on its own data, and the table of them."""
    from vaekit.cli.output import images_bar
    from vaekit.engine.evaluate import EvaluationOptions, evaluate
    from vaekit.runs.run import Run

    quiet = asked.pop("quiet")
    trained = found.trained if isinstance(found, Run) else found
    say = (lambda words: None) if quiet else (lambda words: click.echo(words, err=True))
    with images_bar(quiet) as progress:
        if isinstance(found, Run):
            evaluation = found.evaluate(progress=progress, say=say, **asked)
        else:
            partial_path = Path(f"{output}.partial.npz") if output else None
            evaluation = evaluate(found, EvaluationOptions(**asked), progress, say, partial_path)
    data = asked["data"] or trained.recipe.data.dataset
    numbers = {"run": run, "data": data, **evaluation.to_dict()}
    return numbers, _table(numbers)


def _bounds(
    run: str, found: Run | TrainedModel, output: str | None, asked: dict[str, Any]
) -> tuple[dict[str, Any], Any]:
    """Bounds on both sides, kept with a run, and the table of them."""
    from vaekit.cli.output import images_bar
    from vaekit.engine.evaluate import bdmc_on_model_samples
    from vaekit.runs.run import Run

    options = {name: asked[name] for name in ("samples", "chains", "steps", "init", "seed")}
    with images_bar(asked["quiet"]) as progress:
        options |= {"images": asked["images"] or 100, "progress": progress}
        sandwich = (
            found.bdmc(**options) if isinstance(found, Run) else bdmc_on_model_samples(found, **options)
        )
    numbers = {"run": run, **sandwich.to_dict()}
    trained = found.trained if isinstance(found, Run) else found
    return numbers, _sides(numbers, "log p(x)" if trained.model.labels is None else "log p(x|y)")


def _sides(numbers: dict[str, Any], bounded: str) -> Any:
    from rich.console import Group

    from vaekit.cli.output import table

    rows = table(f"bound of {bounded}", "nats", "below the upper bound", "median")
    for column in rows.columns[1:]:
        column.justify = "right"
    rows.add_row("upper, annealed back", f"{numbers['upper']:.2f}", "", "")
    for bound in numbers["bounds"]:
        error = f" ± {bound['gap_stderr']:.2f}" if bound["gap_stderr"] is not None else ""
        rows.add_row(
            bound["name"], f"{bound['value']:.2f}", f"{bound['gap']:.2f}{error}", f"{bound['median']:.2f}"
        )
    words = (
        f"{numbers['images']:,} images drawn from the model; {numbers['chains']:,} chains of "
        f"{numbers['steps']:,} steps from the {numbers['init']}, {numbers['samples']:,} importance samples; "
        f"seed {numbers['seed']}, {numbers['seconds']:.1f} s"
    )
    heavy = numbers["unreliable"]
    tails = (
        [] if heavy is None else [f"Pareto shape of the importance weights above 0.7: {heavy:.0%} of images"]
    )
    return Group(rows, "", words, *tails)


def _table(numbers: dict[str, Any]) -> Any:
    from rich.console import Group

    from vaekit.cli.output import table
    from vaekit.runs.summary import describe_quality, evaluation_cards

    rows = table()
    for tile in evaluation_cards(numbers):
        rows.add_row(*(cell.replace("−", "-") for cell in tile))
    protocol = (
        f"{numbers['split']} split of {numbers['data']}, observation {numbers['observation']}, "
        f"seed {numbers['seed']}, {numbers['seconds']:.1f} s"
    )
    quality = [f"Sample quality: {describe_quality(numbers['quality'])}"] if numbers["quality"] else []
    return Group(rows, "", protocol, *quality, *(f"Note: {caveat}." for caveat in numbers["caveats"]))
