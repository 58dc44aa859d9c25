"""`vaekit interpolate`: from one image to another through the latent space."""

from __future__ import annotations

from typing import Literal

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option("--rows", type=click.IntRange(1, 100), default=6, show_default=True, help="Pairs of images.")
@click.option(
    "--steps",
    type=click.IntRange(2, 100),
    default=10,
    show_default=True,
    help="Images from one end to the other, both included.",
)
@click.option(
    "--path",
    type=click.Choice(["linear", "spherical"]),
    default="linear",
    show_default=True,
    help="A straight line, or an arc that keeps the length of a typical code.",
)
@click.option(
    "--vary",
    type=click.Choice(["both", "style", "label"]),
    default="both",
    show_default=True,
    help="Of a conditional model: what goes from one image to the other.",
)
@options.split
@options.data
@options.seed
@options.device
@options.output
@options.as_json
@options.verbose
def command(
    run: str,
    rows: int,
    steps: int,
    path: str,
    vary: Literal["both", "style", "label"],
    split: str,
    data: str | None,
    seed: int,
    device: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Walk between pairs of images through the latent space.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit interpolate runs/mnist/1
      vaekit interpolate runs/mnist/1 --path spherical --rows 3 -o ways.pdf
    """
    from vaekit.cli import common
    from vaekit.runs import plots

    trained, folder = common.open_model(run, device)
    picture = plots.interpolations(trained, trained.observed(split, data), rows, steps, path, seed, vary)
    common.save_plot(picture, output or folder / "interpolations.png", as_json)
