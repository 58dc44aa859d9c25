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
@click.option(
    "--stddev/--no-stddev",
    default=None,
    help="Write the standard deviations of the posteriors too. Default: yes, but for .npy.",
)
@click.option("--label", is_flag=True, help="Write the labels of the images too.")
@click.option("--figure", metavar="FILE", help="Also draw a scatter plot of the latents, colored by label.")
@options.split_or_all
@options.data
@options.device
@options.model_output
def command(
    run: str,
    output: str,
    stddev: bool | None,
    label: bool,
    figure: str | None,
    split: str,
    data: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Write the latents of images or rows to a file: the means and deviations of their posteriors.

    The first column says which image or row it is: its file name, or its number from 0. Other data are
    encoded completely, in order, on the scale of the training data.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit encode runs/mnist/1 -o latents.csv --label
      vaekit encode runs/mnist/1 -o latents.npz --split train --figure latents.png
      vaekit encode runs/photos/1 --data new/ -o latents.csv
    """
    from vaekit.cli.output import emit, open_model, say_notes, say_part
    from vaekit.engine.loaded_model import row_names, split_indices
    from vaekit.evaluation.latent import latent_table, write_table
    from vaekit.runs import plots

    trained, _ = open_model(run, device)
    dataset, splits = trained.load_data(data)
    images = trained.subset(dataset, split_indices(splits, split))
    label_names = dataset.label_names
    if stddev is None:
        stddev = not output.endswith(".npy")
    latents = latent_table(trained.model, images, stddev, label, label_names)
    table = {**row_names(dataset, images.indices), **latents}
    files = [str(write_table(output, table))]
    say_notes(dataset, data)
    say_part(dataset, len(images), split)
    if figure:
        files.append(str(plots.latent_scatter(trained, images, label_names).save(figure)))
    n_images, n_latents = table["z"].shape
    emit({"files": files, "images": n_images, "latents": n_latents}, "\n".join(files), as_json)
