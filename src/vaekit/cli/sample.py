"""`vaekit sample`: new images from a model."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1, 10_000),
    help="Images, in whole rows of a grid; 64, or 10 with --nearest, if left out.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0, 100, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiplies the spread of the prior: below 1, more typical images.",
)
@options.label
@options.settings
@click.option("--draw", is_flag=True, help="Draw the pixels as well, instead of showing their means.")
@click.option("--nearest", is_flag=True, help="Show them over the training images nearest to them.")
@options.seed
@options.device
@options.output
@options.as_json
@options.verbose
def command(
    run: str,
    number: int | None,
    temperature: float,
    label: str | None,
    settings: tuple[str, ...],
    draw: bool,
    nearest: bool,
    seed: int,
    device: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Draw new images from a model.

    Of a model that is told classes, without --label, it is a grid: a column a class, a row a style.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit sample runs/mnist/1
      vaekit sample runs/mnist/1 -n 16 --temperature 0.7 -o samples.pdf
      vaekit sample runs/mnist/1 --nearest
      vaekit sample runs/mnist-cvae/1 --label 7
    """
    from vaekit.cli import common
    from vaekit.engine.conditioning import parse_condition
    from vaekit.runs import conditional_plots, plots

    trained, folder = common.open_model(run, device)
    told = parse_condition(trained, label, settings)
    if nearest:
        picture = plots.nearest_images(trained, number or 10, temperature, seed, draw)
    elif told is None and conditional_plots.has_classes(trained):
        rows = -(-(number or 64) // len(trained.label_names))
        picture = conditional_plots.class_grid(trained, rows, temperature, seed, draw)
    else:
        picture = plots.samples(trained, number or 64, temperature, seed, draw, told)
    common.save_plot(picture, output or folder / f"{'nearest' if nearest else 'samples'}.png", as_json)
