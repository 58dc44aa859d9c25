"""Interpolation between two images: decoded latents z(t) = (1 - t) z_a + t z_b of their posterior means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from vaekit import plotting
from vaekit.data.observation import ObservedImages
from vaekit.engine.plot import to_array
from vaekit.engine.sample_quality import in_range, reference_batches
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.evaluation.features import feature_space
from vaekit.evaluation.sample_metrics import sample_metrics
from vaekit.registry import register
from vaekit.studies.blocks.images import figure_title
from vaekit.studies.elements import Cell, Column, Element, FigureElement, comparison_table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

BATCH_SIZE = 500
Pairs = list[tuple[int, int]]


@register("study_block")
def interpolations(
    study: StudyResults,
    pairs: Pairs,
    runs: Patterns = ["*"],  # noqa: B006
    steps: int = 10,
    seed: int = 0,
    split: str = "test",
    title: str = "Interpolations",
    caption: str = "",
) -> list[Element]:
    """Straight paths between the latents of two images, decoded: the same images for all runs.

    Args:
        pairs: the classes of the first and the last image of each path, as numbers; the images are random.
        runs: name patterns or groups.
        steps: number of images of a path, including the reconstructions of both ends.
        seed: of the choice of images.
        split: that they come from.
        title, caption: of the figure.

    Raises:
        InvalidError: a class does not exist.

    >>> from vaekit.studies.example import example_results
    >>> [type(part).__name__ for part in interpolations(example_results(), [(1, 7)], steps=3)]
    ['FigureElement']
    """
    variants = study.select(runs, finished=True)
    starts, ends = choose_endpoints(variants[0].first.trained.load_split(split), pairs, seed)
    paths = {
        variant.label: to_array(variant.first.trained.model.interpolate(starts, ends, steps).transpose(0, 1))
        for variant in variants
    }
    originals = (to_array(starts), to_array(ends))
    figure = plotting.interpolation_rows(
        paths, figure_title(title, variants[0].first.recipe.data.dataset), originals
    )
    return [FigureElement(figure, caption)]


@register("study_block")
def midpoint_quality(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 1000,
    seed: int = 0,
    note: str = "",
) -> list[Element]:
    """How close reconstructions, decoded midpoints of two latents, and samples are to training images.

    Distances are measured in the same features as the quality of samples.

    Args:
        runs: name patterns or groups.
        n: number of images of each kind.
        seed: of the choice of images and of the samples.
        note: a line below the table.

    The columns of the table:

    >>> for column in _COLUMNS:
    ...     print(f"{column.title}, {column.unit}")
    reconstructions, Fréchet distance
    midpoints, Fréchet distance
    samples, Fréchet distance
    midpoints, precision
    """
    variants = study.select(runs, finished=True)
    rows = [(variant.label, _cells(variant, n, seed)) for variant in variants]
    trained = variants[0].first.trained
    notes = [*filter(None, [note]), _protocol(trained, n)]
    return [comparison_table(_COLUMNS, rows, notes)]


_COLUMNS = (
    Column("frechet_reconstructions", "reconstructions", "Fréchet distance", "lower", None),
    Column("frechet_midpoints", "midpoints", "Fréchet distance", "lower", None),
    Column("frechet_samples", "samples", "Fréchet distance", "lower", None),
    Column("precision_midpoints", "midpoints", "precision", "higher", 3),
)


def choose_endpoints(images: ObservedImages, pairs: Pairs, seed: int) -> list[Tensor]:
    """The first and the last images of P paths, both (P, *event), at random from their classes.

    Raises:
        InvalidError: the images have no labels, or a class does not exist.

    >>> from vaekit.studies.example import example_results
    >>> images = example_results().variants[0].first.trained.load_split("test")
    >>> [tuple(batch.shape) for batch in choose_endpoints(images, [(1, 7), (4, 9)], seed=0)]
    [(2, 1, 8, 8), (2, 1, 8, 8)]
    """
    return [
        _sample_of_classes(images, classes, seed + i) for i, classes in enumerate(zip(*pairs, strict=True))
    ]


def _sample_of_classes(images: ObservedImages, classes: Sequence[int], seed: int) -> Tensor:
    """A random image of each class."""
    if images.classes is None:
        raise InvalidError("pairs: expected labeled images, but the dataset has no labels")
    generator = torch.Generator().manual_seed(seed)
    labels, chosen = images.classes.cpu(), []
    for label in classes:
        members = (labels == label).nonzero()[:, 0]
        if not len(members):
            raise InvalidError(f"pairs: expected classes of the data, 0 to {int(labels.max())}, got {label}")
        chosen.append(members[torch.randint(len(members), (), generator=generator)])
    return images.batch(torch.stack(chosen))


def _cells(variant: VariantResult, n: int, seed: int) -> list[Cell]:
    """The scores of three sets of images, each against as many training images."""
    trained = variant.first.trained
    dataset, splits = trained.load_data()
    features, n = (
        feature_space(dataset, device=trained.device, preprocessing=trained.preprocessing),
        _available(trained, n),
    )
    chosen = np.random.default_rng(seed).permutation(splits.train)[:n]
    real = features.extract(reference_batches(trained, dataset, np.sort(chosen)))
    samples = in_range(trained, trained.model.sample(n, seed=seed)).split(BATCH_SIZE)
    sets = _decode_between(trained, n, 0.0, seed), _decode_between(trained, n, 0.5, seed), samples
    scores = [sample_metrics(real, features.extract(batches)) for batches in sets]
    return [Cell(score["frechet"]) for score in scores] + [Cell(scores[1]["precision"])]


def _available(trained: TrainedModel, n: int) -> int:
    """n, or the number of training or test images if that is smaller."""
    _, splits = trained.load_data()
    return min(n, len(splits.train), len(splits.test))


def _protocol(trained: TrainedModel, n: int) -> str:
    dataset, _ = trained.load_data()
    features = feature_space(dataset, device=trained.device, preprocessing=trained.preprocessing)
    return (
        f"Each column compares {_available(trained, n):,} images, as means of the pixels, with as many "
        f"training images, by {features.description}. Midpoints are "
        "decoded from the middle of the straight path between the latents of two test images."
    )


@torch.no_grad()
def _decode_between(trained: TrainedModel, n: int, share: float, seed: int) -> Iterator[Tensor]:
    """Decode the latents at a fraction of the path between two test images, for n pairs; yields batches."""
    images = trained.load_split("test")
    a, b = (
        torch.randperm(len(images), generator=torch.Generator().manual_seed(seed + i))[:n] for i in (0, 1)
    )
    for here, there in zip(a.split(BATCH_SIZE), b.split(BATCH_SIZE), strict=True):
        first, second = (trained.model.encode(images.batch(indices)).mean for indices in (here, there))
        yield in_range(trained, trained.model.decode(torch.lerp(first, second, share)).mean)
