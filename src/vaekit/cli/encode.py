"""`vaekit encode`: the codes of images, as a file for other programs."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="Where to: .npy (means alone), .npz, or .csv with a line of names.",
)
@click.option("--stddev", is_flag=True, help="Write the standard deviations of the posterior too.")
@click.option("--label", is_flag=True, help="Write the labels of the images too.")
@click.option("--figure", metavar="FILE", help="Draw the codes as a scatter, colored by label, into FILE.")
@options.split
@options.data
@options.device
@options.as_json
@options.verbose
def command(
    run: str,
    output: str,
    stddev: bool,
    label: bool,
    figure: str | None,
    split: str,
    data: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Write the codes of images, the means of their posteriors, to a file.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit encode runs/mnist/1 -o codes.csv --label
      vaekit encode runs/mnist/1 -o codes.npz --stddev --split train --figure codes.png
    """
    from vaekit.cli import common
    from vaekit.cli.output import emit
    from vaekit.evaluation.latent import latent_table, write_table
    from vaekit.runs import plots

    trained, _ = common.open_model(run, device)
    seen = trained.observed(split, data)
    names = trained.data(data)[0].label_names if data else trained.label_names
    table = latent_table(trained.model, seen, stddev, label, names)
    files = [str(write_table(output, table))]
    if figure:
        files.append(str(plots.latent_scatter(trained, seen, names).save(figure)))
    images, latents = table["z"].shape
    emit({"files": files, "images": images, "latents": latents}, "\n".join(files), as_json)
