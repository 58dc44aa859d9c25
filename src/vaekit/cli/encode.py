"""`vaekit encode`: the latents of images, as a file for other programs."""

from __future__ import annotations

from typing import Literal

import click

from vaekit.cli import options, processes
from vaekit.cli.processes import run_in_processes


@click.command()
@options.run
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="File to write: .npy (means only), .npz, or .csv with a header. Needed unless a figure is drawn.",
)
@click.option(
    "--stddev/--no-stddev",
    default=None,
    help="Write the standard deviations of the posteriors too. Default: yes, but for .npy.",
)
@click.option("--label", is_flag=True, help="Write the labels of the images too.")
@click.option(
    "--map",
    "method",
    type=click.Choice(["pca", "tsne", "umap"]),
    help="Draw the latents as points, colored by label. More than two are projected by this method.",
)
@click.option("--dims", type=click.Choice(["2", "3"]), default="2", show_default=True, help="Of the map.")
@click.option(
    "--figure",
    metavar="FILE",
    help="File of the map (.png, .pdf, .svg), which is drawn by pca if --map is not given. Default: in "
    "RUN/figures/.",
)
@options.split_or_all
@options.data
@options.strict
@options.device
@processes.processes
@options.pictures(images=False)
@options.model_output
def command(
    run: str,
    output: str | None,
    stddev: bool | None,
    label: bool,
    method: Literal["pca", "tsne", "umap"] | None,
    dims: str,
    figure: str | None,
    split: str,
    data: str | None,
    strict: bool,
    device: str,
    processes: int | None,
    as_json: bool,
) -> None:
    """Write the latents of images or rows to a file, or draw them as a map.

    The file has the means and deviations of their posteriors. The first column says which image or row it
    is: its file name, or its number from 0. Other data are encoded completely, in order, on the scale of the
    training data.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit encode runs/mnist/1 -o latents.csv --label
      vaekit encode runs/mnist/1 -o latents.npz --split train --figure latents.png
      vaekit encode runs/mnist/1 --map tsne --figure latents.svg
      vaekit encode runs/photos/1 --data new/ -o latents.csv
    """
    from vaekit.cli.output import emit, open_model, say_notes, say_part
    from vaekit.engine.latent_plots import latent_scatter
    from vaekit.engine.loaded_model import row_names, split_indices
    from vaekit.evaluation.latent import latent_table, write_table
    from vaekit.parallel.processes import is_first, joined

    if not (output or method or figure):
        raise click.UsageError("nothing to write; give -o FILE for the latents, --map for a figure, or both")
    run_in_processes(processes)
    with joined():
        trained, folder = open_model(run, device, strict)
        dataset, splits = trained.load_data(data)
        images = trained.subset(dataset, split_indices(splits, split))
        label_names = dataset.label_names
        if stddev is None:
            stddev = not str(output).endswith(".npy")
        latents = latent_table(trained.model, images, stddev, label, label_names) if output else {}
    if not is_first():
        return
    files = []
    if output:
        files.append(str(write_table(output, {**row_names(dataset, images.indices), **latents})))
    say_notes(dataset, data)
    say_part(dataset, len(images), split)
    if method or figure:
        method = method or "pca"
        plot = latent_scatter(trained, images, label_names, method, int(dims))
        files.append(str(plot.save(figure or folder / f"latents-{method}.png")))
    numbers = {"images": len(images), "latents": trained.model.latent_dim}
    emit({"files": files, **numbers}, "\n".join(files), as_json)
