"""Images by run: a row each, the same latents or the same held-out images for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from vaekit import plotting
from vaekit.data.catalog import ENTRIES
from vaekit.runs import plots
from vaekit.studies.elements import Element, FigureElement
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns


def samples(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 10,
    seed: int = 0,
    title: str = "Samples",
    caption: str = "Decoded draws of each model's prior.",
) -> list[Element]:
    """A row of samples a run, a figure a dataset."""

    def drawn(variant: VariantResult) -> np.ndarray:
        return plots.samples(variant.first.trained, n, seed=seed).arrays["images"]

    return [
        FigureElement(plotting.image_rows(_rows(variants, drawn), figure_title(title, data)), caption)
        for data, variants in group_by_dataset(study.select(runs, finished=True))
    ]


def sample_grid(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 100,
    seed: int = 0,
    caption: str = "Decoded draws of the prior.",
) -> list[Element]:
    """Many samples of each run, in a square."""
    return [
        FigureElement(plots.samples(variant.first.trained, n, seed=seed).figure, caption)
        for variant in study.select(runs, finished=True)
    ]


def reconstructions(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 10,
    seed: int = 0,
    split: str = "test",
    title: str = "Reconstructions",
    caption: str = "Held-out images above their reconstructions by each model.",
) -> list[Element]:
    """The same held-out images above a row of reconstructions a run, a figure a dataset."""

    def made(variant: VariantResult) -> dict[str, np.ndarray]:
        trained = variant.first.trained
        return plots.reconstructions(trained, trained.load_split(split), n, seed).arrays

    parts: list[Element] = []
    for data, variants in group_by_dataset(study.select(runs, finished=True)):
        top = ("original", made(variants[0])["originals"])
        rows = _rows(variants, lambda variant: made(variant)["reconstructions"])
        parts.append(FigureElement(plotting.image_rows(rows, figure_title(title, data), top=top), caption))
    return parts


def group_by_dataset(variants: Sequence[VariantResult]) -> Iterator[tuple[str, list[VariantResult]]]:
    """The runs of each dataset and observation, which show the same images."""
    groups: dict[tuple[str, str], list[VariantResult]] = {}
    for variant in variants:
        data = variant.first.recipe.data
        groups.setdefault((data.dataset, data.observation), []).append(variant)
    for (name, _), chosen in groups.items():
        yield name, chosen


def figure_title(title: str, data: str) -> str:
    """The title of a figure of a dataset."""
    return f"{title}: {dataset_title(data)}"


def dataset_title(data: str) -> str:
    """What people call a dataset: its title in the catalog, or else its name."""
    return ENTRIES[data].title if data in ENTRIES else data


def _rows(
    variants: Sequence[VariantResult], images: Callable[[VariantResult], np.ndarray]
) -> dict[str, np.ndarray]:
    return {variant.label: images(variant) for variant in variants}
