"""Imputation of hidden pixels by several models, and its error.

Imputations are samples of p(x_missing | x_observed), by importance resampling of latents; the mean imputation
is their mean. The error is the root mean square over the hidden pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from matplotlib.figure import Figure as Drawing

from vaekit import plotting
from vaekit.engine.impute import ImputedDataset, impute_dataset
from vaekit.registry import register
from vaekit.studies.blocks.images import figure_title
from vaekit.studies.elements import Cell, Column, Element, FigureElement, comparison_table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

_ERROR = Column("error", "error of hidden pixels", "root mean square", "lower", 4)


@register("study_block")
def imputation(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    missing: str = "square:12",
    n: int = 8,
    n_images: int = 100,
    imputations: int = 4,
    samples: int = 100,
    seed: int = 0,
    caption: str = "",
) -> list[Element]:
    """Mean imputations, several sampled imputations, and a table of errors, for the same images and pixels.

    A conditional model is used twice: conditioned on the label, and with the label marginalized out.

    Args:
        runs: name patterns or groups.
        missing: the hidden pixels, such as `square:12`.
        n: number of images shown.
        n_images: number of images that the error is averaged over.
        imputations: number of imputations per image in the second figure.
        samples: number of proposals that each imputation is resampled from.
        seed: random seed.
        caption: of the first figure.

    >>> from vaekit.studies.example import example_results
    >>> parts = imputation(example_results(), missing="square:4", n=2, n_images=4, imputations=2, samples=5)
    >>> [type(part).__name__ for part in parts], [name for name, _ in parts[-1].rows]
    (['FigureElement', 'FigureElement', 'Table'], ['d = 2', 'd = 3', 'mean training image'])
    """
    imputed = {
        label: impute_dataset(
            variant.first.trained, missing, max_images=n_images, imputations=imputations, samples=samples,
            seed=seed, labels=labels,
        )
        for variant in study.select(runs, finished=True)
        for label, labels in _label_modes(variant)
    }  # fmt: skip
    label, first = next(iter(imputed.items()))
    title = figure_title("Imputed", first.dataset.name)
    observed, images, mean = (each[:n] for each in (first.observed, first.images, first.mean))
    several = plotting.imputations(observed, images, mean, f"Several imputations: {label}", first.truth[:n])
    rows = [(name, [Cell(each.rmse)]) for name, each in imputed.items()]
    rows.append(("mean training image", [Cell(first.rmse_of_mean_image)]))
    note = (
        f"Root mean squared error of the mean imputation over the {int(first.scored.sum()):,} hidden pixels "
        f"of {len(first.truth):,} test images; hidden: {first.missing}."
    )
    return [
        FigureElement(_mean_imputations(imputed, n, title), caption),
        FigureElement(several, "Several imputations of the same images."),
        comparison_table([_ERROR], rows, [note], "imputed by"),
    ]


def _label_modes(variant: VariantResult) -> Iterator[tuple[str, Literal["condition", "marginalize"]]]:
    """The rows of a run: one, or two for a conditional model, without and with the labels of the images."""
    if variant.first.trained.model.labels is None:
        yield variant.label, "condition"
        return
    yield f"{variant.label}, label unknown", "marginalize"
    yield f"{variant.label}, label given", "condition"


def _mean_imputations(imputed: Mapping[str, ImputedDataset], n: int, title: str) -> Drawing:
    """The originals, their observed pixels, and the mean imputation of each model."""
    first = next(iter(imputed.values()))
    rows = {"observed": first.observed, **{label: each.mean for label, each in imputed.items()}}
    shown = {label: images[:n] for label, images in rows.items()}
    return plotting.image_rows(
        shown, title, top=("original", first.truth[:n]), subtitle=f"hidden: {first.missing}"
    )
