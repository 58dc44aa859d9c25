"""`vaekit traverse`: what single latents do to an image."""

from __future__ import annotations

import click

from vaekit.cli import options


def _latents(context: click.Context, option: click.Parameter, text: str | None) -> list[int] | None:
    try:
        return None if text is None else [int(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"expected numbers with commas between, such as 0,3,5; got {text!r}"
        ) from None


@click.command()
@options.run
@click.option(
    "--latents", callback=_latents, metavar="I,J,...", help="Which; the most informative if left out."
)
@click.option("--steps", type=click.IntRange(2, 100), help="Images a latent, 11; a side of the grid, 20.")
@click.option(
    "--extent",
    type=click.FloatRange(0, 1000, min_open=True),
    default=3.0,
    show_default=True,
    help="Walk from -extent to extent.",
)
@click.option(
    "--image", type=click.IntRange(0), metavar="I", help="Start at the code of image I of the split."
)
@click.option("--grid", is_flag=True, help="Of a model with two latents: decode the whole plane.")
@options.label
@options.settings
@options.split
@options.data
@options.device
@options.output
@options.as_json
@options.verbose
def command(
    run: str,
    latents: list[int] | None,
    steps: int | None,
    extent: float,
    image: int | None,
    grid: bool,
    label: str | None,
    settings: tuple[str, ...],
    split: str,
    data: str | None,
    device: str,
    output: str | None,
    as_json: bool,
) -> None:
    """Move one latent at a time and show what changes.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit traverse runs/mnist/1
      vaekit traverse runs/mnist/1 --latents 0,3,5 --image 7 -o walks.png
      vaekit traverse runs/mnist-2d/1 --grid --steps 20
    """
    from vaekit.cli import common
    from vaekit.engine.conditioning import parse_condition
    from vaekit.runs import plots

    trained, folder = common.open_model(run, device)
    told = parse_condition(trained, label, settings)
    if grid:
        picture = plots.decoded_grid(trained, steps or 20, told)
        common.save_plot(picture, output or folder / "decoded-grid.png", as_json)
        return
    seen = trained.observed(split, data)
    picture = plots.traversals(trained, seen, latents, steps or 11, extent, image, told)
    common.save_plot(picture, output or folder / "traversals.png", as_json)
