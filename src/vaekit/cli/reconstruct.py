"""`vaekit reconstruct`: images and their reconstructions."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1, 10_000),
    help="Number of images. Default: 20, or 10 with --label all.",
)
@click.option(
    "--label",
    metavar="NAME",
    help="Class to decode with, by name or number, or `all` for each of them (conditional models).",
)
@options.attributes
@click.option("--sample-latents", is_flag=True, help="Decode a sample of the posterior instead of its mean.")
@options.split
@options.data
@options.random
@options.output
@options.pictures("Pairs")
@options.model_output
def command(
    run: str,
    number: int | None,
    label: str | None,
    attributes: tuple[str, ...],
    sample_latents: bool,
    split: str,
    data: str | None,
    seed: int,
    device: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Show images and their reconstructions.

    With --label or --attribute, each image is encoded with its own label and decoded with another one. This
    transfers its style.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit reconstruct runs/mnist/1
      vaekit reconstruct runs/mnist/1 --split train -n 10 -o pairs.png
      vaekit reconstruct runs/mnist-cvae/1 --label all
    """
    from vaekit.cli.output import open_model, save_plot
    from vaekit.engine import conditional_plots, plots
    from vaekit.engine.conditioning import parse_condition

    trained, folder = open_model(run, device)
    condition = parse_condition(trained, None if label == "all" else label, attributes)
    images = trained.load_split(split, data)
    name = "styles"
    if label == "all":
        plot = conditional_plots.style_transfer_to_all(trained, images, number or 10, seed, sample_latents)
    elif condition is not None:
        plot = conditional_plots.style_transfer(
            trained, images, condition, number or 20, seed, sample_latents
        )
    else:
        plot = plots.reconstructions(trained, images, number or 20, seed, sample_latents)
        name = "reconstructions"
    save_plot(plot, output or folder / f"{name}.png", as_json)
