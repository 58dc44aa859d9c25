"""How near a model's samples are to the data, without a network from elsewhere.

Samples are scored against training images in a space of features, and, as the floor, held-out images against
the same: what a perfect model would come to. Some scores depend on the number of points, so each of the three
sets has the same.

Like is compared with like. Where likelihood and observation are both of black and white, drawn pixels are
compared with observed images; elsewhere the means of p(x | z) with the images themselves, as one looks at
them. Such scores say nothing of the noise about the means.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Dataset
from vaekit.data.observation import observe
from vaekit.data.splits import Splits
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.evaluation.feature_classifier import Say
from vaekit.evaluation.features import feature_space
from vaekit.evaluation.results import SampleQuality
from vaekit.evaluation.sample_metrics import sample_metrics
from vaekit.evaluation.validity import BINARY_OBSERVATIONS
from vaekit.models.batching import chunk_sizes, images_per_batch
from vaekit.models.head import Head

MIN_SAMPLES = 10
_log = logging.getLogger(__name__)


def sample_quality(
    trained: TrainedModel,
    samples: int = 5000,
    features: str | None = None,
    sample_pixels: bool | None = None,
    seed: int = 0,
    data: str | None = None,
    say: Say = _log.info,
) -> SampleQuality:
    """How near the samples of a model are to its training images.

    Args:
        samples: how many, and how many training and held-out images; fewer where the data has fewer.
        features: the space, see `features.space`.
        sample_pixels: whether pixels are drawn, or else their means taken; without it as said above.
        seed: of the samples and of the choice of images.
        data: another dataset of the same shape, by name or path.
        say: is told when a classifier has to be trained.

    Raises:
        InvalidError: there are too few images, or images with missing values, or no such features of them.
        NotFoundError: the user's own features are not there.
    """
    began = time.perf_counter()
    dataset, splits = trained.data(data)
    n = _sample_count(dataset, samples, len(splits.train), len(held_out_indices(splits)))
    sample_pixels = _compares_pixels(trained) if sample_pixels is None else sample_pixels
    training, others = (
        reference_batches(trained, dataset, _random_subset(part, n, seed), sample_pixels)
        for part in (splits.train, held_out_indices(splits))
    )
    found = feature_space(dataset, features, trained.device, say)
    real, other = found.extract(training), found.extract(others)
    of_model, of_data = (
        sample_metrics(real, found.extract(_sample_batches(trained, n, sample_pixels, seed))),
        sample_metrics(real, other),
    )
    return SampleQuality(
        **of_model,
        **{f"floor_{name}": value for name, value in of_data.items()},
        images=n,
        pixels="drawn" if sample_pixels else "means",
        features=found.kind,
        description=found.description,
        accuracy=found.accuracy,
        seed=seed,
        seconds=time.perf_counter() - began,
    )


def _sample_count(dataset: Dataset, wanted: int, *available: int) -> int:
    """How many samples and images of each part there will be."""
    n = min(wanted, *available)
    if n < MIN_SAMPLES:
        raise InvalidError(
            f"quality: expected at least {MIN_SAMPLES} samples, training and held-out images, but of data "
            f"{dataset.name!r} come {wanted}, {available[0]} and {available[1]}; ask for more of them"
        )
    return n


def _compares_pixels(trained: TrainedModel) -> bool:
    supports = {head.support for head in trained.model.decoder.modules() if isinstance(head, Head)}
    return trained.recipe.data.observation in BINARY_OBSERVATIONS and supports == {"binary"}


def _random_subset(indices: np.ndarray, n: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).permutation(indices)[:n])


def held_out_indices(splits: Splits) -> np.ndarray:
    """The test images, or without such those of validation."""
    return splits.test if len(splits.test) else splits.validation


def reference_batches(
    trained: TrainedModel, dataset: Dataset, indices: np.ndarray, sample_pixels: bool = False
) -> Iterator[Tensor]:
    """Batches (B, C, H, W) of what samples of a model are compared with.

    Args:
        indices: of images of the dataset.
        sample_pixels: images as observed; otherwise what a perfect model's means would be: of observations that are
            drawn, the images themselves.

    Raises:
        InvalidError: values are missing.
    """
    if dataset.has_missing:
        raise InvalidError(
            f"data {dataset.name!r}: expected whole images to compare samples with, but values are missing; "
            "name other data with --data"
        )
    spec = trained.recipe.data
    observation = spec.observation if sample_pixels or spec.observation == "threshold" else "continuous"
    seen = observe(dataset, indices, observation, seed=spec.seed, device=trained.device)
    return (x for x, _ in seen.batches(images_per_batch(trained.model.decoder, seen.shape)))


def _sample_batches(trained: TrainedModel, n: int, sample_pixels: bool, seed: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    for size in chunk_sizes(n, images_per_batch(trained.model.decoder, trained.shape)):
        yield trained.model.sample(size, seed=generator, sample_pixels=sample_pixels).clamp(0, 1)
