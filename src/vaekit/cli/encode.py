"""`vaekit encode`: the latents of images, as a file for other programs."""

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
    help="File to write: .npy (means only), .npz, or .csv with a header.",
)
@click.option("--stddev", is_flag=True, help="Write the standard deviations of the posteriors too.")
@click.option("--label", is_flag=True, help="Write the labels of the images too.")
@click.option("--figure", metavar="FILE", help="Also draw a scatter plot of the latents, colored by label.")
@options.split
@options.data
@options.device
@options.as_json
@options.trust
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
    """Write the latents of images, the means of their posteriors, to a file.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit encode runs/mnist/1 -o latents.csv --label
      vaekit encode runs/mnist/1 -o latents.npz --stddev --split train --figure latents.png
    """
    from vaekit.cli.output import emit, open_model
    from vaekit.evaluation.latent import latent_table, write_table
    from vaekit.runs import plots

    trained, _ = open_model(run, device)
    images = trained.load_split(split, data)
    label_names = trained.load_data(data)[0].label_names if data else trained.label_names
    table = latent_table(trained.model, images, stddev, label, label_names)
    files = [str(write_table(output, table))]
    if figure:
        files.append(str(plots.latent_scatter(trained, images, label_names).save(figure)))
    n_images, n_latents = table["z"].shape
    emit({"files": files, "images": n_images, "latents": n_latents}, "\n".join(files), as_json)
