"""Samples and reconstructions: one row per run, from the same latents or of the same test images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vaekit import plotting
from vaekit.data.catalog import ENTRIES
from vaekit.engine import plots
from vaekit.registry import register
from vaekit.studies.elements import Element, FigureElement
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns


@register("study_block")
def samples(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 10,
    seed: int = 0,
    title: str = "Samples",
    caption: str = "Decoded samples of the prior of each model.",
) -> list[Element]:
    """Samples: one row per run, one figure per dataset.

    Args:
        runs: name patterns or groups; the first seed of each run is shown.
        n: number of samples per run.
        seed: of the latents, the same for all runs.
        title, caption: of the figures.

    >>> from vaekit.studies.example import example_results
    >>> samples(example_results(), n=4)[0].caption
    'Decoded samples of the prior of each model.'
    """

    parts: list[Element] = []
    for data, variants in group_by_dataset(study.select(runs, finished=True)):
        rows = {v.label: plots.samples(v.first.trained, n, seed=seed).arrays["images"] for v in variants}
        parts.append(FigureElement(plotting.image_rows(rows, figure_title(title, data)), caption))
    return parts


@register("study_block")
def sample_grid(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 100,
    seed: int = 0,
    caption: str = "Decoded samples of the prior.",
) -> list[Element]:
    """Samples in a square grid, one figure per run.

    Args:
        runs: name patterns or groups.
        n: number of samples.
        seed: of the latents.
        caption: of the figures.

    >>> from vaekit.studies.example import example_results
    >>> len(sample_grid(example_results(), n=9))
    2
    """
    return [
        FigureElement(plots.samples(variant.first.trained, n, seed=seed).figure, caption)
        for variant in study.select(runs, finished=True)
    ]


@register("study_block")
def reconstructions(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 10,
    seed: int = 0,
    split: str = "test",
    title: str = "Reconstructions",
    caption: str = "Held-out images above their reconstructions by each model.",
) -> list[Element]:
    """Reconstructions of the same images: one row per run below the originals, one figure per dataset.

    Args:
        runs: name patterns or groups.
        n: number of images.
        seed: of the choice of images.
        split: that they come from.
        title, caption: of the figures.

    >>> from vaekit.studies.example import example_results
    >>> [type(part).__name__ for part in reconstructions(example_results(), "vae-2", n=3)]
    ['FigureElement']
    """

    def reconstruct(variant: VariantResult) -> dict[str, np.ndarray]:
        trained = variant.first.trained
        return plots.reconstructions(trained, trained.load_split(split), n, seed).arrays

    parts: list[Element] = []
    for data, variants in group_by_dataset(study.select(runs, finished=True)):
        top = ("original", reconstruct(variants[0])["originals"])
        rows = {variant.label: reconstruct(variant)["reconstructions"] for variant in variants}
        parts.append(FigureElement(plotting.image_rows(rows, figure_title(title, data), top=top), caption))
    return parts


def group_by_dataset(variants: Sequence[VariantResult]) -> Iterator[tuple[str, list[VariantResult]]]:
    """Group runs by dataset and observation: the runs of a group see the same images.

    Yields:
        The name of a dataset, and its runs.

    >>> from vaekit.studies.example import example_results
    >>> [(name, len(group)) for name, group in group_by_dataset(example_results().variants)]
    [('digits', 2)]
    """
    groups: dict[tuple[str, str], list[VariantResult]] = {}
    for variant in variants:
        data = variant.first.recipe.data
        groups.setdefault((data.dataset, data.observation), []).append(variant)
    for (name, _), chosen in groups.items():
        yield name, chosen


def figure_title(title: str, data: str) -> str:
    """The title of a figure that shows one dataset.

    >>> figure_title("Samples", "digits")
    'Samples: Digits 8x8'
    """
    return f"{title}: {dataset_title(data)}"


def dataset_title(data: str) -> str:
    """The title of a dataset in the catalog; its name if it is not there.

    >>> dataset_title("digits"), dataset_title("mine")
    ('Digits 8x8', 'mine')
    """
    return ENTRIES[data].title if data in ENTRIES else data
