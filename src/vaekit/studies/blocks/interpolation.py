"""Ways through latent spaces: what lies between the codes of two images, by several models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from vaekit import plotting
from vaekit.data.observation import ObservedImages
from vaekit.engine.sample_quality import reference_batches
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.evaluation.features import feature_space
from vaekit.evaluation.sample_metrics import sample_metrics
from vaekit.runs.plots import to_array
from vaekit.studies.blocks.images import figure_title
from vaekit.studies.elements import Cell, Column, Element, FigureElement, comparison_table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

BATCH_SIZE = 500
Pairs = list[tuple[int, int]]


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
    """The straight way between the codes of two images, the same images for all runs.

    Args:
        pairs: classes that the ways lead from and to, by their numbers; an image of each is drawn.
        steps: images of a way, the reconstructions of both ends included.
    """
    variants = study.select(runs, finished=True)
    seen = variants[0].first.trained.load_split(split)
    ends = choose_endpoints(seen, pairs, seed)
    paths = {variant.label: _paths(variant.first.trained, ends, steps) for variant in variants}
    originals = (to_array(ends[0]), to_array(ends[1]))
    figure = plotting.interpolation_rows(
        paths, figure_title(title, variants[0].first.recipe.data.dataset), originals
    )
    return [FigureElement(figure, caption)]


def midpoint_quality(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 1000,
    seed: int = 0,
    note: str = "",
) -> list[Element]:
    """How near to training images are reconstructions, what lies half way between two codes, and samples.

    Distances in the features by which the quality of samples is measured, and the share of what lies half
    way that is like training images.

    Args:
        n: how many of each.
        note: a line under the table.
    """
    variants = study.select(runs, finished=True)
    rows = [(variant.label, _cells(variant, n, seed)) for variant in variants]
    trained = variants[0].first.trained
    notes = [*filter(None, [note]), _protocol(trained, n)]
    return [comparison_table(_COLUMNS, rows, notes)]


_COLUMNS = (
    Column("frechet_reconstructions", "reconstructions", "Fréchet distance", "lower", None),
    Column("frechet_halfway", "half way", "Fréchet distance", "lower", None),
    Column("frechet_samples", "samples", "Fréchet distance", "lower", None),
    Column("precision_halfway", "half way", "precision", "higher", 3),
)


def choose_endpoints(seen: ObservedImages, pairs: Pairs, seed: int) -> list[Tensor]:
    """Images (P, C, H, W) of the classes that ways lead from, and of those that they lead to."""
    return [_of_classes(seen, classes, seed + i) for i, classes in enumerate(zip(*pairs, strict=True))]


def _of_classes(seen: ObservedImages, classes: Sequence[int], seed: int) -> Tensor:
    """An image of each class, at random."""
    if seen.classes is None:
        raise InvalidError("pairs: the data have no labels, and so no classes to choose images by")
    generator = torch.Generator().manual_seed(seed)
    return seen.batch(torch.stack([_one(seen.classes.cpu(), label, generator) for label in classes]))


def _one(labels: Tensor, label: int, generator: torch.Generator) -> Tensor:
    members = (labels == label).nonzero()[:, 0]
    if not len(members):
        raise InvalidError(f"pairs: expected classes of the data, 0 to {int(labels.max())}, got {label}")
    return members[torch.randint(len(members), (), generator=generator)]


def _paths(trained: TrainedModel, ends: Sequence[Tensor], steps: int) -> np.ndarray:
    """(P, S, C, H, W)."""
    return to_array(trained.model.interpolate(ends[0], ends[1], steps).transpose(0, 1))


def _cells(variant: VariantResult, n: int, seed: int) -> list[Cell]:
    """Scores of a run's three sets of images; each set is as large as that of the training images."""
    trained = variant.first.trained
    dataset, splits = trained.load_data()
    found, n = feature_space(dataset, device=trained.device), _available(trained, n)
    chosen = np.random.default_rng(seed).permutation(splits.train)[:n]
    real = found.extract(reference_batches(trained, dataset, np.sort(chosen)))
    sets = _between(trained, n, 0.0, seed), _between(trained, n, 0.5, seed), _sampled(trained, n, seed)
    scored = [sample_metrics(real, found.extract(each)) for each in sets]
    return [Cell(each["frechet"]) for each in scored] + [Cell(scored[1]["precision"])]


def _available(trained: TrainedModel, n: int) -> int:
    """n, or as many as there are run and test images."""
    _, splits = trained.load_data()
    return min(n, len(splits.train), len(splits.test))


def _protocol(trained: TrainedModel, n: int) -> str:
    dataset, _ = trained.load_data()
    return (
        f"Each column compares {_available(trained, n):,} images, as means of the pixels, with as many "
        f"training images, by {feature_space(dataset, device=trained.device).description}. Midpoints are "
        "decoded from the middle of the straight path between the latents of two test images."
    )


@torch.no_grad()
def _between(trained: TrainedModel, n: int, share: float, seed: int) -> Iterator[Tensor]:
    """n images at a share of the way from the code of a test image to that of another."""
    seen = trained.load_split("test")
    a, b = (torch.randperm(len(seen), generator=torch.Generator().manual_seed(seed + i))[:n] for i in (0, 1))
    for here, there in zip(a.split(BATCH_SIZE), b.split(BATCH_SIZE), strict=True):
        first, second = (trained.model.encode(seen.batch(indices)).mean for indices in (here, there))
        yield trained.model.decode(torch.lerp(first, second, share)).mean.clamp(0, 1)


def _sampled(trained: TrainedModel, n: int, seed: int) -> Iterator[Tensor]:
    yield from trained.model.sample(n, seed=seed).clamp(0, 1).split(BATCH_SIZE)
