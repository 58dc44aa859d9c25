"""`vaekit impute`: what the missing part of an image may have been."""

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
    help=f"Images, at random among those that lack something; {ROWS}, or for arrays all, if left out.",
)
@click.option(
    "--imputations",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="Fillings of each image.",
)
@click.option(
    "--samples",
    type=click.IntRange(1, 10_000_000),
    default=1000,
    show_default=True,
    help="K, posterior samples that the fillings are drawn from.",
)
@click.option("--mean", is_flag=True, help="Fill with the decoder's means, instead of drawing the pixels.")
@click.option(
    "--split", type=click.Choice(options.SPLITS), help="The part of the data; test, or all of other data."
)
@options.data
@options.seed
@options.device
@options.output
@options.as_json
@options.quiet
@options.verbose
def command(
    run: str,
    number: int | None,
    mean: bool,
    device: str,
    output: str | None,
    as_json: bool,
    quiet: bool,
    **choices: Any,
) -> None:
    """Fill the missing pixels of images, several times each.

    The fillings are draws from p(x missing | x observed): posterior samples weighted by importance. Missing
    is what the data lack (NaN, empty cells), or what is hidden to see how well the model fills it; by default
    a square of a third of the side. Where the truth is known, the error is printed beside that of filling
    with the mean training image.

    As arrays, in the units of the data: a .npy holds the fillings, one more axis after the first; a .npz also
    their mean, which values were observed, and the effective sample size of each image.

    RUN is a run directory, a model directory, or the file of its weights.

    \b
    Examples:
      vaekit impute runs/mnist/1
      vaekit impute runs/mnist/1 --missing half:bottom -n 20 -o halves.png
      vaekit impute runs/mnist/1 --data holes.npy -o filled.npz
    """
    from vaekit.cli import common
    from vaekit.cli.output import emit, images_bar
    from vaekit.engine.impute import impute_dataset
    from vaekit.runs import plots

    trained, folder = common.open_model(run, device)
    target = Path(output or folder / "imputations.png")
    everything = number is None and target.suffix.lower() in ARRAYS
    with images_bar(quiet) as progress:
        number = None if everything else number or ROWS
        imputed = impute_dataset(
            trained, max_images=number, sample_pixels=not mean, progress=progress, **choices
        )
    picture = plots.imputations(trained, imputed)
    written = str(picture.save(target))
    shapes = {name: list(array.shape) for name, array in picture.arrays.items()}
    numbers = {"file": written, "arrays": shapes, **_numbers(imputed, choices["samples"])}
    emit(numbers, "\n".join([written, *_lines(imputed, numbers)]), as_json)
    if imputed.n_low_ess:
        click.echo(_warning(imputed, choices["samples"]), err=True)


def _numbers(imputed: ImputedDataset, samples: int) -> dict[str, Any]:
    sizes = imputed.effective_sample_size
    return {
        "images": len(imputed.observed),
        "missing": imputed.missing,
        "judged": int(imputed.scored.sum()),
        "rmse": imputed.rmse,
        "rmse_of_mean_image": imputed.rmse_of_mean_image,
        "samples": samples,
        "ess_mean": float(sizes.mean()),
        "ess_min": float(sizes.min()),
    }


def _lines(imputed: ImputedDataset, numbers: dict[str, Any]) -> list[str]:
    size = (
        f"effective sample size {numbers['ess_mean']:.1f} of {numbers['samples']}, "
        f"at least {numbers['ess_min']:.1f}"
    )
    filled = f"{numbers['images']} images filled, missing: {numbers['missing']}; {size}"
    if numbers["rmse"] is None:
        return [filled]
    error = (
        f"root mean squared error {numbers['rmse']:.4f} over {numbers['judged']} hidden values in [0, 1]; "
        f"of the mean training image {numbers['rmse_of_mean_image']:.4f}"
    )
    return [filled, error]


def _warning(imputed: ImputedDataset, samples: int) -> str:
    return (
        f"note: for {imputed.n_low_ess} of {len(imputed.observed)} images fewer samples carry weight than there "
        f"are fillings, which then repeat; more may help: --samples {10 * samples}"
    )
