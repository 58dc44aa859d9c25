"""`vaekit interpolate`: paths in latent space between pairs of images."""

from __future__ import annotations

from typing import Literal

import click

from vaekit.cli import options


def _parse_pairs(
    context: click.Context, option: click.Parameter, text: str | None
) -> list[tuple[int, int]] | None:
    try:
        indices = [] if text is None else [int(part) for part in text.split(",")]
    except ValueError:
        indices = [0]
    if len(indices) % 2:
        raise click.BadParameter(f"expected pairs of indices with commas, such as 3,18; got {text!r}")
    return list(zip(indices[::2], indices[1::2], strict=True)) or None


@click.command()
@options.run
@click.option(
    "--rows",
    type=click.IntRange(1, 100),
    default=6,
    show_default=True,
    help="Number of random pairs of images.",
)
@click.option(
    "--images",
    callback=_parse_pairs,
    metavar="I,J,...",
    help="Indices of images in the split, in place of random ones: from I to J, and so on for further pairs.",
)
@click.option(
    "--files",
    nargs=2,
    metavar="A B",
    help="Two image files, or files or folders of as many images each, in place of those of the split.",
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
@options.pictures()
@options.model_output
def command(
    run: str,
    rows: int,
    images: list[tuple[int, int]] | None,
    files: tuple[str, str] | None,
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
      vaekit interpolate runs/mnist/1 --images 3,18 --invert -o path.svg
      vaekit interpolate runs/mnist/1 --files first.png second.png
      vaekit interpolate runs/mnist/1 --path spherical --rows 3 -o paths.pdf
    """
    from vaekit.cli.output import open_model, save_plot
    from vaekit.engine import latent_plots

    if images and files:
        raise click.UsageError("--images and --files are two sources of images; give one of them")
    trained, folder = open_model(run, device)
    if files:
        plot = latent_plots.interpolation_of_files(trained, *files, steps, path, vary)
    else:
        observed = trained.load_split(split, data)
        plot = latent_plots.interpolations(trained, observed, rows, steps, path, seed, vary, images)
    save_plot(plot, output or folder / "interpolations.png", as_json)
