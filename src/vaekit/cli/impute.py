"""`vaekit impute`: several imputations of the missing pixels of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaekit.cli import options

if TYPE_CHECKING:
    from vaekit.engine.impute import ImputedDataset

ROWS = 10
ARRAYS = (".npy", ".npz")


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
    default=5,
    show_default=True,
    help="Imputations per image.",
)
@click.option(
    "--samples",
    type=click.IntRange(1, 10_000_000),
    default=1000,
    show_default=True,
    help="K, posterior samples per image that the imputations are drawn from.",
)
@click.option("--mean", is_flag=True, help="Impute the mean of p(x|z) instead of sampling the pixels.")
@click.option(
    "--split",
    type=click.Choice(options.SPLITS),
    help="Part of the data. Default: test; all of other data.",
)
@options.data
@options.seed
@options.device
@options.output
@options.as_json
@options.quiet
@options.trust
@options.verbose
def command(
    run: str,
    number: int | None,
    mean: bool,
    device: str,
    output: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Impute the missing pixels of images, several times per image.

    Imputations are samples of p(x_missing | x_observed), from importance-weighted posterior samples. Missing
    pixels are those absent from the data (NaN, empty cells), or those hidden to measure the error. The
    default hides a square with a third of the side. If the true values are known, the error is printed, next
    to that of imputing the mean training image.

    Arrays are in the units of the data. A .npy file holds the imputations, with one more axis after the
    first. A .npz file also holds their mean, the mask of observed values, and the effective sample size per
    image.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit impute runs/mnist/1
      vaekit impute runs/mnist/1 --missing half:bottom -n 20 -o halves.png
      vaekit impute runs/mnist/1 --data holes.npy -o filled.npz
    """
    from vaekit.cli.output import emit, open_model, progress_bar
    from vaekit.engine.impute import impute_dataset
    from vaekit.runs import plots

    trained, folder = open_model(run, device)
    target = Path(output or folder / "imputations.png")
    all_images = number is None and target.suffix.lower() in ARRAYS
    with progress_bar(quiet) as progress:
        imputed = impute_dataset(
            trained,
            max_images=None if all_images else number or ROWS,
            sample_pixels=not mean,
            progress=progress,
            **settings,
        )
    plot = plots.imputations(trained, imputed)
    written = str(plot.save(target))
    shapes = {name: list(array.shape) for name, array in plot.arrays.items()}
    results = {"file": written, "arrays": shapes, **_results(imputed, settings["samples"])}
    emit(results, "\n".join([written, *_describe(results)]), as_json)
    if imputed.n_low_ess:
        click.echo(
            f"note: {imputed.n_low_ess} of {len(imputed.observed)} images have a smaller effective sample "
            f"size than imputations, so imputations repeat; try --samples {10 * settings['samples']}",
            err=True,
        )


def _results(imputed: ImputedDataset, samples: int) -> dict[str, Any]:
    sizes = imputed.effective_sample_size
    return {
        "images": len(imputed.observed),
        "missing": imputed.missing,
        "scored": int(imputed.scored.sum()),
        "rmse": imputed.rmse,
        "rmse_of_mean_image": imputed.rmse_of_mean_image,
        "samples": samples,
        "ess_mean": float(sizes.mean()),
        "ess_min": float(sizes.min()),
    }


def _describe(results: dict[str, Any]) -> list[str]:
    ess = (
        f"effective sample size {results['ess_mean']:.1f} of {results['samples']}, "
        f"minimum {results['ess_min']:.1f}"
    )
    summary = f"{results['images']} images imputed, missing: {results['missing']}; {ess}"
    if results["rmse"] is None:
        return [summary]
    error = (
        f"root mean squared error {results['rmse']:.4f} over {results['scored']} hidden values in [0, 1]; "
        f"{results['rmse_of_mean_image']:.4f} for the mean training image"
    )
    return [summary, error]
