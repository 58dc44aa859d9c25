"""`vaekit sample`: new images, rows or other data points from a model."""

from __future__ import annotations

import click

from vaekit.cli import options


@click.command()
@options.run
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1, 10_000_000),
    help="Number of images or rows; a grid by class is filled up to whole rows. Default: 64, or 10 with "
    "--nearest.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0, 100, min_open=True),
    default=1.0,
    show_default=True,
    help="Factor on the standard deviation of the prior. Below 1, images are more typical.",
)
@options.label
@options.attributes
@click.option(
    "--sample-pixels/--mean",
    default=None,
    help="Sample the values of p(x|z), or take its mean. Default: the mean; values for tables.",
)
@click.option("--nearest", is_flag=True, help="Show the nearest training image below each sample.")
@options.random
@options.output
@options.pictures("Pictures or panels")
@options.slow_model_output
def command(
    run: str,
    number: int | None,
    temperature: float,
    label: str | None,
    attributes: tuple[str, ...],
    sample_pixels: bool | None,
    nearest: bool,
    seed: int,
    device: str,
    output: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Sample new images, rows or other data points from a model.

    A table (.csv, .tsv, .parquet, .xlsx) has the columns, types and words of the training data. Arrays (.npy,
    .npz) are in the layout and the units of the data, unclamped. For a model conditioned on classes, the
    default figure is a grid: one column per class, one latent per row.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit sample runs/mnist/1
      vaekit sample runs/mnist/1 -n 16 --temperature 0.7 -o samples.pdf
      vaekit sample runs/mnist/1 --nearest
      vaekit sample runs/mnist-cvae/1 --label 7
      vaekit sample runs/patients/1 -n 1000 -o synthetic.csv
    """
    from vaekit.cli.output import emit, open_model, progress_bar, save_plot
    from vaekit.engine import conditional_plots, plots, table_plots
    from vaekit.engine.conditioning import parse_condition
    from vaekit.engine.sample import sample
    from vaekit.engine.write import is_data_file, write_data

    trained, folder = open_model(run, device)
    condition = parse_condition(trained, label, attributes)
    grid = condition is None and conditional_plots.has_classes(trained) and not trained.columns
    if output and not nearest and not grid and is_data_file(output):
        with progress_bar(quiet, "rows" if trained.columns else "images") as progress:
            values = sample(trained, number or 64, temperature, condition, seed, sample_pixels, progress)
        written = str(write_data(output, trained, values))
        emit({"file": written, "arrays": {"images": list(values.shape)}}, written, as_json)
        return
    sample_pixels = bool(trained.columns) if sample_pixels is None else sample_pixels
    if trained.columns and not nearest:
        plot = table_plots.table_samples(trained, number or 1000, seed, temperature)
    elif nearest:
        plot = plots.nearest_images(trained, number or 10, temperature, seed, sample_pixels)
    elif grid:
        rows = -(-(number or 64) // len(trained.label_names))
        plot = conditional_plots.class_grid(trained, rows, temperature, seed, sample_pixels)
    else:
        plot = plots.samples(trained, number or 64, temperature, seed, sample_pixels, condition)
    save_plot(plot, output or folder / f"{'nearest' if nearest else 'samples'}.png", as_json)
