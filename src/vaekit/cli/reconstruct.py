"""`vaekit reconstruct`: images over what a model makes of them."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option("-n", "--number", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Images.")
@click.option("--draw", is_flag=True, help="Decode a draw from the posterior, instead of its mean.")
@options.split
@options.data
@options.seed
@options.device
@options.output
@options.as_json
@options.verbose
def command(
    run: str,
    number: int,
    draw: bool,
    split: str,
    data: str | None,
    seed: int,
    device: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Show images over their reconstructions.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit reconstruct runs/mnist/1
      vaekit reconstruct runs/mnist/1 --split train -n 10 -o pairs.png
    """
    from vaekit import pictures
    from vaekit.cli import looking

    trained, folder = looking.opened(run, device)
    picture = pictures.reconstructions(trained, trained.observed(split, data), number, seed, draw)
    looking.save(picture, output or folder / "reconstructions.png", as_json)
