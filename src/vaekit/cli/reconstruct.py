"""`vaekit reconstruct`: images over what a model makes of them."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option("-n", "--number", type=click.IntRange(1, 10_000), help="Images: 20, or 10 with --label all.")
@click.option(
    "--label", metavar="NAME", help="Of a model told classes: decode as this one, or as each of them: all."
)
@options.settings
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
    number: int | None,
    label: str | None,
    settings: tuple[str, ...],
    draw: bool,
    split: str,
    data: str | None,
    seed: int,
    device: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Show images over their reconstructions.

    With --label or --set, an image is encoded with its own label and decoded with another: its style is
    transferred.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit reconstruct runs/mnist/1
      vaekit reconstruct runs/mnist/1 --split train -n 10 -o pairs.png
      vaekit reconstruct runs/mnist-cvae/1 --label all
    """
    from vaekit.cli import common
    from vaekit.engine.conditioning import parse_condition
    from vaekit.runs import conditional_plots, plots

    trained, folder = common.open_model(run, device)
    to = parse_condition(trained, None if label == "all" else label, settings)
    seen = trained.observed(split, data)
    if label == "all":
        picture, name = (
            conditional_plots.style_transfer_to_all(trained, seen, number or 10, seed, draw),
            "styles",
        )
    elif to is not None:
        picture, name = (
            conditional_plots.style_transfer(trained, seen, to, number or 20, seed, draw),
            "styles",
        )
    else:
        picture, name = plots.reconstructions(trained, seen, number or 20, seed, draw), "reconstructions"
    common.save_plot(picture, output or folder / f"{name}.png", as_json)
