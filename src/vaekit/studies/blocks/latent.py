"""Latent spaces of several runs side by side.

- Scatter plots of the posterior means.
- Each latent by itself: its KL, and whether its aggregated posterior is N(0, 1).
- Probes: how well simple classifiers predict the class of an image from its latents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from vaekit import plotting
from vaekit.data.observation import ObservedImages
from vaekit.errors import InvalidError
from vaekit.evaluation.latent import Latents, encode_batches, kl_per_latent
from vaekit.evaluation.normality import normality
from vaekit.evaluation.probes import probe_accuracy
from vaekit.registry import register
from vaekit.studies.blocks.images import figure_title, group_by_dataset
from vaekit.studies.elements import Cell, Column, Element, FigureElement, Table, comparison_table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

BATCH_SIZE = 500


@register("study_block")
def latent_scatter(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 2000,
    split: str = "test",
    dimensions: Literal[2, 3] = 2,
    kernel_pca: bool = False,
    title: str = "Latent space",
    caption: str = "",
) -> list[Element]:
    """Scatter plots of the posterior means, colored by class: one panel per run, one figure per dataset.

    Args:
        runs: name patterns or groups.
        n: number of images.
        split: that they come from.
        dimensions: of the panels; more latents than that are projected on their principal components.
        kernel_pca: use the principal components of a Gaussian kernel instead.
        title: of the figures.
        caption: of the figures; by default it describes what is shown.

    >>> from vaekit.studies.example import example_results
    >>> latent_scatter(example_results(), "vae-2", n=20)[0].caption
    'The means of q(z|x) of 20 held-out images.'
    """
    draw = plotting.scatter_panels if dimensions == 2 else plotting.scatter_panels_3d
    parts: list[Element] = []
    for data, variants in group_by_dataset(study.select(runs, finished=True)):
        latents = {variant.label: encode_split(variant, n, split) for variant in variants}
        panels = {
            label: (_points(each.mean, dimensions, kernel_pca), each.labels)
            for label, each in latents.items()
        }
        names = variants[0].first.trained.label_names
        parts.append(
            FigureElement(
                draw(panels, figure_title(title, data), names),
                caption or _caption(latents, dimensions, kernel_pca),
            )
        )
    return parts


def encode_split(variant: VariantResult, n: int, split: str) -> Latents:
    """The posteriors q(z|x) of n random images of a split, by the first seed of a run.

    >>> from vaekit.studies.example import example_results
    >>> encode_split(example_results().variants[0], n=20, split="test").mean.shape
    (20, 2)
    """
    trained = variant.first.trained
    return encode_batches(trained.model, trained.load_split(split, images=n).batches(BATCH_SIZE))


def _points(means: np.ndarray, dimensions: int, kernel_pca: bool) -> np.ndarray:
    """Latents (N, d) projected to points (N, dimensions)."""
    if kernel_pca:
        return plotting.kernel_components(means, dimensions)
    if dimensions == 2:
        return plotting.project(means)[0]
    return plotting.principal_components(means, dimensions)[0]


def _caption(latents: Mapping[str, Latents], dimensions: int, kernel_pca: bool) -> str:
    count, most = (max(each.mean.shape[axis] for each in latents.values()) for axis in (0, 1))
    projected = (
        f", projected on {dimensions} principal components if there are more latents"
        if most > dimensions
        else ""
    )
    shown = ", by principal components of a Gaussian kernel" if kernel_pca else projected
    return f"The means of q(z|x) of {count:,} held-out images{shown}."


USED_KL = 0.01  # nats of KL per image above which a latent counts as used
_NORMALITY_COLUMNS = (
    Column("latents", "latents", digits=0),
    Column("mean", "largest |mean|", digits=2),
    Column("least", "smallest sd", digits=2),
    Column("most", "largest sd", digits=2),
    Column("within", "within ±2", digits=3),
    Column("distance", "distance from N(0, 1)", digits=3),
)


@register("study_block")
def latent_histograms(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 5000,
    max_latents: int = 16,
    split: str = "test",
    seed: int = 0,
    title: str = "Latents against N(0, 1)",
    caption: str = "",
) -> list[Element]:
    """Histograms of the latents with the greatest KL, over the density of N(0, 1): one figure per run.

    The latents are samples from q(z|x), one per image. An autoencoder has one vector of latents per image.

    Args:
        runs: name patterns or groups.
        n: number of images.
        max_latents: number of latents shown.
        split: that the images come from.
        seed: of the samples.
        title, caption: of the figures.

    >>> from vaekit.studies.example import example_results
    >>> len(latent_histograms(example_results(), n=20)[0].figure.axes)
    2
    """
    parts: list[Element] = []
    for variant in study.select(runs, finished=True):
        latents = encode_split(variant, n, split)
        chosen = sorted(np.argsort(-kl_per_latent(latents), kind="stable")[:max_latents])
        z = {variant.label: sample_posterior(latents, seed)}
        parts.append(FigureElement(plotting.latent_histograms(z, title, chosen), caption))
    return parts


@register("study_block")
def kl_by_latent(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 5000,
    split: str = "test",
    title: str = "KL of each latent",
    caption: str = "",
) -> list[Element]:
    """The KL of each latent: one figure per run. Autoencoders are left out, because they have no KL.

    Args:
        runs: name patterns or groups.
        n: number of images.
        split: that they come from.
        title, caption: of the figures.

    >>> from vaekit.studies.example import example_results
    >>> len(kl_by_latent(example_results(), n=20))
    2
    """
    parts: list[Element] = []
    for variant in study.select(runs, finished=True):
        latents = encode_split(variant, n, split)
        if latents.stddev.any():
            figure = plotting.kl_by_latent(kl_per_latent(latents), f"{title}: {variant.label}", dead=USED_KL)
            parts.append(FigureElement(figure, caption))
    return parts


@register("study_block")
def latent_normality(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 5000,
    split: str = "test",
    seed: int = 0,
    note: str = "",
) -> list[Element]:
    """How far the aggregated posterior of the latents is from N(0, 1), for used and unused latents.

    Args:
        runs: name patterns or groups.
        n: number of images.
        split: that they come from.
        seed: of the samples from q(z|x), one per image.
        note: a line below the table.

    >>> from vaekit.studies.example import example_results
    >>> [name for name, _ in latent_normality(example_results(), "vae-2", n=20)[0].rows]
    ['d = 2, used']
    """
    rows = [row for variant in study.select(runs, finished=True) for row in _rows(variant, n, split, seed)]
    notes = [
        *filter(None, [note]),
        f"One sample of q(z|x) for each of at most {n:,} {split} images. N(0, 1) itself has sd 1, 0.954 "
        f"within ±2, and for {n:,} samples a Kolmogorov distance of about {0.87 / np.sqrt(n):.3f}.",
        f"A latent is used if its KL is above {USED_KL:g} nats per image.",
    ]
    return [Table(_NORMALITY_COLUMNS, rows, notes)]


def sample_posterior(latents: Latents, seed: int = 0) -> np.ndarray:
    """One sample of each posterior, z = mean + stddev * noise, (N, d).

    >>> sample_posterior(Latents(np.ones((3, 2)), np.zeros((3, 2)), None)).tolist()
    [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    """
    noise = np.random.default_rng(seed).standard_normal(latents.mean.shape)
    return latents.mean + latents.stddev * noise


def _rows(variant: VariantResult, n: int, split: str, seed: int) -> list[tuple[str, list[Cell]]]:
    """A row for the used latents and one for the unused ones; one row for an autoencoder."""
    latents = encode_split(variant, n, split)
    z, used = sample_posterior(latents, seed), kl_per_latent(latents) > USED_KL
    groups = {f"{variant.label}, used": z[:, used], f"{variant.label}, unused": z[:, ~used]}
    if not latents.stddev.any():
        groups = {variant.label: z}
    return [
        (name, [Cell(group.shape[1]), *map(Cell, normality(group))])
        for name, group in groups.items()
        if group.size
    ]


_PROBE_COLUMNS = (
    Column("linear", "linear classifier", "accuracy", "higher", 3),
    Column("neighbors", "5 nearest neighbors", "accuracy", "higher", 3),
    Column("silhouette", "silhouette", "", "higher", 3),
)


@register("study_block")
def latent_probes(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 2000,
    split: str = "test",
    pixels: bool = True,
    mark_best: bool = True,
    note: str = "",
) -> list[Element]:
    """How well simple classifiers predict the class of an image from its latents.

    Args:
        runs: name patterns or groups.
        n: number of images.
        split: that they come from.
        pixels: add a row for the same classifiers on the pixels.
        mark_best: mark the highest numbers; False if the latents should not predict the class.
        note: a line below the table.

    Raises:
        InvalidError: the images have no labels.

    >>> from vaekit.studies.example import example_results
    >>> [name for name, _ in latent_probes(example_results(), "vae-2", n=150)[0].rows]
    ['d = 2', 'pixels, no latents']
    """
    variants = study.select(runs, finished=True)
    rows = [(variant.label, _probe_cells(*latents_and_classes(variant, n, split))) for variant in variants]
    images, classes = _pixels(variants[0], n, split)
    if pixels:
        rows.append(("pixels, no latents", _probe_cells(images, classes)))
    columns = [column if mark_best else replace(column, better=None) for column in _PROBE_COLUMNS]
    return [comparison_table(columns, rows, [*filter(None, [note]), _protocol(variants[0], classes, split)])]


def latents_and_classes(variant: VariantResult, n: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The posterior means (N, d) of n images of a split, and the classes (N,) of the images.

    Raises:
        InvalidError: the images have no labels.

    >>> from vaekit.studies.example import example_results
    >>> z, classes = latents_and_classes(example_results().variants[0], n=20, split="test")
    >>> z.shape, classes.shape
    ((20, 2), (20,))
    """
    images = variant.first.trained.load_split(split, images=n)
    means = encode_batches(variant.first.trained.model, images.batches(BATCH_SIZE)).mean
    return means, _classes(images)


def _pixels(variant: VariantResult, n: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The pixels (N, C H W) of the same images, as the model observes them, and their classes."""
    images = variant.first.trained.load_split(split, images=n)
    return images.all().flatten(1).cpu().numpy(), _classes(images)


def _classes(images: ObservedImages) -> np.ndarray:
    if images.classes is None:
        raise InvalidError("runs: expected labeled images, but the dataset has no labels")
    return images.classes.cpu().numpy()


def _probe_cells(features: np.ndarray, classes: np.ndarray) -> list[Cell]:
    accuracy = probe_accuracy(features, classes)
    return [Cell(accuracy.linear), Cell(accuracy.neighbors), Cell(accuracy.silhouette)]


def _protocol(variant: VariantResult, classes: np.ndarray, split: str) -> str:
    chance = np.bincount(classes).max() / len(classes)
    return (
        f"Latents are the means of q(z|x) of {len(classes):,} {split} images. Accuracies: cross-validated; "
        f"always predicting the most frequent class gives {chance:.3f}. Silhouette: 1 for well separated "
        "clusters, 0 for none."
    )
