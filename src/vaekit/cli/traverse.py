"""`vaekit traverse`: the effect of single latents on an image."""

from __future__ import annotations

import click

from vaekit.cli import options


def _parse_latents(context: click.Context, option: click.Parameter, text: str | None) -> list[int] | None:
    try:
        return None if text is None else [int(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"expected numbers with commas, such as 0,3,5; got {text!r}") from None


@click.command()
@options.run
@click.option(
    "--latents",
    callback=_parse_latents,
    metavar="I,J,...",
    help="Latents to vary, from 0. Default: the 12 with the largest KL.",
)
@click.option(
    "--steps",
    type=click.IntRange(2, 100),
    help="Images per latent, or per side of the grid. Default: 11, or 20 with --grid.",
)
@click.option(
    "--range",
    "max_value",
    type=click.FloatRange(0, 1000, min_open=True),
    default=3.0,
    show_default=True,
    help="Largest absolute value of a latent: it varies from -RANGE to RANGE.",
    metavar="RANGE",
)
@click.option(
    "--image",
    type=click.IntRange(0),
    metavar="I",
    help="Start from the posterior mean of image I of the split. Default: the mean of the prior.",
)
@click.option("--grid", is_flag=True, help="Decode the whole latent plane (models with two latents).")
@options.label
@options.attributes
@options.split
@options.data
@options.device
@options.output
@options.pictures()
@options.model_output
def command(
    run: str,
    latents: list[int] | None,
    steps: int | None,
    max_value: float,
    image: int | None,
    grid: bool,
    label: str | None,
    attributes: tuple[str, ...],
    split: str,
    data: str | None,
    device: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Vary one latent at a time and show the decoded images.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit traverse runs/mnist/1
      vaekit traverse runs/mnist/1 --latents 0,3,5 --image 7 -o traversals.png
      vaekit traverse runs/mnist-2d/1 --grid --steps 20
    """
    from vaekit.cli.output import open_model, save_plot
    from vaekit.engine import plots
    from vaekit.engine.conditioning import parse_condition

    trained, folder = open_model(run, device)
    condition = parse_condition(trained, label, attributes)
    if grid:
        plot = plots.decoded_grid(trained, steps, condition)
        save_plot(plot, output or folder / "decoded-grid.png", as_json)
        return
    images = trained.load_split(split, data)
    plot = plots.traversals(trained, images, latents, steps or 11, max_value, image, condition)
    save_plot(plot, output or folder / "traversals.png", as_json)
