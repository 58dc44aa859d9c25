"""`vaekit evaluate`: the log-likelihood of held-out images."""

from __future__ import annotations

from typing import Any

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option(
    "--samples",
    type=click.IntRange(1, 10_000_000),
    default=5000,
    show_default=True,
    help="K, importance samples an image.",
)
@click.option("--images", type=click.IntRange(1), help="A random subset of so many; all if left out.")
@click.option("--quality", is_flag=True, help="Measure how near samples are to the data as well.")
@click.option(
    "--features",
    metavar="NAME",
    help="Measure it by these: classifier, pixels, FILE.py:FUNCTION or MODULE:FUNCTION; the classifier, or "
    "without labels the pixels, if left out.",
)
@click.option(
    "--labels",
    type=click.Choice(["given", "missing"]),
    default="given",
    show_default=True,
    help="Of a conditional model: log p(x|y), or log p(x), averaged over p(y).",
)
@options.split
@options.data
@options.missing
@options.seed
@options.device
@click.option("-o", "--output", metavar="FILE", help="Write the numbers as JSON to FILE too.")
@options.as_json
@options.quiet
@options.verbose
def command(
    run: str,
    device: str,
    data: str | None,
    missing: str | None,
    output: str | None,
    as_json: bool,
    quiet: bool,
    **protocol: Any,
) -> None:
    """Measure the log-likelihood of images, the terms of its bound, and the quality of samples.

    The log-likelihood is that of importance sampling, in nats an image. The quality of samples is their
    distance from training images in the features of a small classifier, which is trained once on the labels
    of the data, with the distance of held-out images as the floor.

    RUN is a run directory, a model directory, or the file of its weights. For a run on its own data, with
    nothing else hidden than in training, the numbers are kept in its evaluation.json and shown in its report.

    \b
    Examples:
      vaekit evaluate runs/mnist/1
      vaekit evaluate runs/mnist/1 --samples 500 --images 1000
      vaekit evaluate runs/mnist/1 --samples 500 --images 1000 --quality
      vaekit evaluate runs/mnist-cvae/1 --labels missing --samples 100
    """
    from vaekit.cli.output import emit, images_bar
    from vaekit.files import write_whole
    from vaekit.plain import to_json
    from vaekit.run import Run, evaluate, load

    found = load(run, device)
    trained = found.trained if isinstance(found, Run) else found
    say = (lambda words: None) if quiet else (lambda words: click.echo(words, err=True))
    with images_bar(quiet) as progress:
        evaluation = evaluate(trained, data=data, missing=missing, progress=progress, say=say, **protocol)
    numbers = {"run": run, "data": data or trained.recipe.data.name, **evaluation.to_dict()}
    emit(numbers, _table(numbers), as_json)
    if output:
        write_whole(output, to_json(numbers).encode())
    if isinstance(found, Run) and data is None and missing is None:
        found.keep(evaluation)


def _table(numbers: dict[str, Any]) -> Any:
    from rich.console import Group

    from vaekit.cli.output import table
    from vaekit.numbers import measured, quality_in_words

    rows = table()
    for tile in measured(numbers):
        rows.add_row(*(cell.replace("−", "-") for cell in tile))
    protocol = (
        f"{numbers['split']} split of {numbers['data']}, observation {numbers['observation']}, "
        f"seed {numbers['seed']}, {numbers['seconds']:.1f} s"
    )
    quality = [f"Sample quality: {quality_in_words(numbers['quality'])}"] if numbers["quality"] else []
    return Group(rows, "", protocol, *quality, *(f"Note: {caveat}." for caveat in numbers["caveats"]))
