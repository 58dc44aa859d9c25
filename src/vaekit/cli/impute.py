"""`vaekit impute`: several imputations of the missing pixels of images, or of the gaps of a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaekit.cli import options
from vaekit.utils.format import count_of

if TYPE_CHECKING:
    from vaekit.engine.impute import ImputedDataset

ROWS = 10


@click.command()
@options.run
@options.missing
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1),
    help=f"Number of images, random among those with missing pixels. Default: {ROWS}, or all for arrays.",
)
@click.option(
    "--imputations",
    type=click.IntRange(1, 1000),
    help="Imputations per image or row. Default: 5; one for a table, the best single one.",
)
@click.option(
    "--samples",
    type=click.IntRange(1, 10_000_000),
    default=1000,
    show_default=True,
    help="K, posterior samples per image that the imputations are drawn from; rounded up to whole rounds.",
)
@click.option("--mean", is_flag=True, help="Impute the mean of p(x|z) instead of sampling the pixels.")
@click.option(
    "--split",
    type=click.Choice(options.SPLITS),
    help="Part of the data. Default: test; all of other data, and of a table that is written.",
)
@options.data
@options.strict
@options.random
@options.output
@options.slow_model_output
def command(
    run: str,
    number: int | None,
    imputations: int | None,
    mean: bool,
    strict: bool,
    device: str,
    output: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Impute the missing pixels of images or the gaps of a table, several times.

    Imputations are samples of p(x_missing | x_observed), from importance-weighted posterior samples. Missing
    pixels are those absent from the data (NaN, empty cells), or those hidden to measure the error. The
    default hides a square with a third of the side. If the true values are known, the error is printed, next
    to that of imputing the mean training image.

    Arrays are in the units of the data. A .npy file holds the imputations, with one more axis after the
    first. A .npz file also holds their mean, the mask of observed values, and the effective sample size per
    image.

    A table (.csv and so on) is a copy of the data in which only gaps are filled: every other cell, the header
    and the order stay as they are. Without --imputations, a gap gets its conditional mean, or the most
    frequent word. With --imputations M, there are M files with samples, NAME-1.csv to NAME-M.csv.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit impute runs/mnist/1
      vaekit impute runs/mnist/1 --missing half:bottom -n 20 -o halves.png
      vaekit impute runs/mnist/1 --data holes.npy -o filled.npz
      vaekit impute runs/patients/1 -o filled.csv
    """
    from vaekit.cli.output import emit, open_model, progress_bar, say_notes
    from vaekit.engine import plots
    from vaekit.engine.impute import impute_dataset
    from vaekit.engine.write import TABLES, is_data_file, write_filled

    trained, folder = open_model(run, device, strict)
    target = Path(output or folder / "imputations.png")
    all_rows = number is None and is_data_file(target)
    as_table = target.suffix.lower() in TABLES
    if as_table:
        settings["missing"] = settings["missing"] or "none"
        settings["split"] = settings["split"] or "all"
    with progress_bar(quiet) as progress:
        imputed = impute_dataset(
            trained,
            max_images=None if all_rows else number or ROWS,
            imputations=imputations or 5,
            sample_pixels=not mean,
            progress=progress,
            **settings,
        )
    say_notes(imputed.dataset, settings["data"])
    if as_table:
        files = [str(file) for file in write_filled(target, trained, imputed, imputations)]
        results = {"files": files, **_results(imputed)}
        emit(results, "\n".join([*files, *_describe(results)]), as_json)
    else:
        plot = plots.imputations(trained, imputed)
        written = str(plot.save(target))
        shapes = {name: list(array.shape) for name, array in plot.arrays.items()}
        results = {"file": written, "arrays": shapes, **_results(imputed)}
        emit(results, "\n".join([written, *_describe(results)]), as_json)
    if imputed.n_low_ess:
        click.echo(
            f"note: {imputed.n_low_ess} of {len(imputed.observed)} {imputed.dataset.noun} have a smaller "
            "effective sample size than imputations, so imputations repeat; try "
            f"--samples {10 * settings['samples']}",
            err=True,
        )


def _results(imputed: ImputedDataset) -> dict[str, Any]:
    sizes = imputed.effective_sample_size
    return {
        "images": len(imputed.observed),
        "noun": imputed.dataset.noun,
        "missing": imputed.missing,
        "scored": int(imputed.scored.sum()),
        "rmse": imputed.rmse,
        "unit": imputed.unit,
        "rmse_of_mean_image": imputed.rmse_of_mean_image,
        "accuracy": imputed.accuracy,
        "accuracy_of_mean_image": imputed.accuracy_of_mean_image,
        "columns": imputed.column_errors(),
        "samples": imputed.samples,
        "ess_mean": float(sizes.mean()),
        "ess_min": float(sizes.min()),
    }


def _describe(results: dict[str, Any]) -> list[str]:
    ess = (
        f"effective sample size {results['ess_mean']:.1f} of {results['samples']}, "
        f"minimum {results['ess_min']:.1f}"
    )
    lines = [f"{count_of(results['images'], results['noun'])} imputed, missing: {results['missing']}; {ess}"]
    if results["rmse"] is not None:
        unit = results["unit"]
        baseline = "the mean of the training rows" if results["columns"] else "the mean training image"
        lines.append(
            f"root mean squared error {results['rmse']:.4f} over {results['scored']} hidden values {unit}; "
            f"{results['rmse_of_mean_image']:.4f} for {baseline}"
        )
    if results["accuracy"] is not None:
        lines.append(
            f"accuracy {results['accuracy']:.1%} of the hidden categories; "
            f"{results['accuracy_of_mean_image']:.1%} for the most frequent word of training"
        )
    return lines
