"""Images of which a part is hidden, filled again by several models, and how far they are from the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from matplotlib.figure import Figure as Drawing

from vaekit import plotting
from vaekit.engine.impute import ImputedDataset, impute_dataset
from vaekit.studies.blocks.images import figure_title
from vaekit.studies.elements import Cell, Column, Element, FigureElement, comparison_table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

_ERROR = Column("error", "error of hidden pixels", "root mean square", "lower", 4)


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
    """The same images with the same holes, filled by each run, a conditional one with its label and without.

    Args:
        missing: what is hidden, such as `square:12`.
        n: images shown.
        n_images: images over which the error is a mean.
        imputations: fillings of each image that are drawn for the second figure.
        samples: draws from the proposal that a filling is chosen from.
    """
    made = {
        label: impute_dataset(
            variant.first.trained, missing, max_images=n_images, imputations=imputations, samples=samples,
            seed=seed, labels=labels,
        )
        for variant in study.select(runs, finished=True)
        for label, labels in _ways(variant)
    }  # fmt: skip
    most = next(iter(made))
    return [
        FigureElement(_means(made, n, figure_title("Imputed", made[most].dataset.name)), caption),
        FigureElement(
            _draws(made[most], n, f"Several imputations: {most}"), "The same images, drawn several times."
        ),
        comparison_table([_ERROR], _rows(made), [_protocol(made[most])], "filled by"),
    ]


def _ways(variant: VariantResult) -> Iterator[tuple[str, Literal["condition", "marginalize"]]]:
    """A run by its label; a conditional one twice, without the label of the images and with it."""
    if variant.first.trained.model.labels is None:
        yield variant.label, "condition"
        return
    yield f"{variant.label}, label unknown", "marginalize"
    yield f"{variant.label}, label given", "condition"


def _means(made: Mapping[str, ImputedDataset], n: int, title: str) -> Drawing:
    """The originals, what is left of them, and the mean filling of each model."""
    first = next(iter(made.values()))
    rows = {"seen": first.observed, **{label: found.mean for label, found in made.items()}}
    shown = {label: images[:n].clip(0, 1) for label, images in rows.items()}
    return plotting.image_rows(
        shown, title, top=("original", first.truth[:n]), subtitle=f"hidden: {first.missing}"
    )


def _draws(found: ImputedDataset, n: int, title: str) -> Drawing:
    observed, filled, mean = (each[:n].clip(0, 1) for each in (found.observed, found.images, found.mean))
    return plotting.imputations(observed, filled, mean, title, found.truth[:n])


def _rows(made: Mapping[str, ImputedDataset]) -> list[tuple[str, list[Cell]]]:
    first = next(iter(made.values()))
    rows = [(label, [Cell(found.rmse)]) for label, found in made.items()]
    return [*rows, ("mean training image", [Cell(first.rmse_of_mean_image)])]


def _protocol(found: ImputedDataset) -> str:
    return (
        f"Root mean squared error of the mean filling over the {int(found.scored.sum()):,} hidden pixels of "
        f"{len(found.truth):,} test images; hidden: {found.missing}."
    )
