"""`vaekit sample`: new images from a model."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option(
    "-n", "--number", type=click.IntRange(1, 10_000), help="Images; 64, or 10 with --nearest, if left out."
)
@click.option(
    "--temperature",
    type=click.FloatRange(0, 100, min_open=True),
    default=1.0,
    show_default=True,
    help="Multiplies the spread of the prior: below 1, more typical images.",
)
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
    draw: bool,
    nearest: bool,
    seed: int,
    device: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Draw new images from a model.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit sample runs/mnist/1
      vaekit sample runs/mnist/1 -n 16 --temperature 0.7 -o samples.pdf
      vaekit sample runs/mnist/1 --nearest
    """
    from vaekit import pictures
    from vaekit.cli import looking

    trained, folder = looking.opened(run, device)
    if nearest:
        picture = pictures.nearest(trained, number or 10, temperature, seed, draw)
    else:
        picture = pictures.samples(trained, number or 64, temperature, seed, draw)
    looking.save(picture, output or folder / f"{'nearest' if nearest else 'samples'}.png", as_json)
