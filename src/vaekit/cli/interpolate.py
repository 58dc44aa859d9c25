"""`vaekit interpolate`: paths in latent space between pairs of images."""

from __future__ import annotations

from typing import Literal

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option(
    "--rows", type=click.IntRange(1, 100), default=6, show_default=True, help="Number of pairs of images."
)
@click.option(
    "--steps",
    type=click.IntRange(2, 100),
    default=10,
    show_default=True,
    help="Images per path, including both ends.",
)
@click.option(
    "--path",
    type=click.Choice(["linear", "spherical"]),
    default="linear",
    show_default=True,
    help="A straight line, or an arc along which the norm of the latents stays typical of the prior.",
)
@click.option(
    "--vary",
    type=click.Choice(["both", "style", "label"]),
    default="both",
    show_default=True,
    help="What changes along the path: latents, label, or both (conditional models).",
)
@options.split
@options.data
@options.random
@options.output
@options.model_output
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
    """Interpolate between pairs of images in latent space.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit interpolate runs/mnist/1
      vaekit interpolate runs/mnist/1 --path spherical --rows 3 -o paths.pdf
    """
    from vaekit.cli.output import open_model, save_plot
    from vaekit.runs import plots

    trained, folder = open_model(run, device)
    plot = plots.interpolations(trained, trained.load_split(split, data), rows, steps, path, seed, vary)
    save_plot(plot, output or folder / "interpolations.png", as_json)
