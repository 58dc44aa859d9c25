"""How close the samples of a model are to the data, without a downloaded network.

Samples are scored against training images in a feature space. Held-out images are scored in the same way:
this is the floor, which a perfect model would reach. Some scores depend on the number of points, so the three
sets have the same size.

If likelihood and observation are both binary, sampled pixels are compared with observed images. Otherwise
means of p(x | z) are compared with the stored images; such scores ignore the noise around the means.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.data import Dataset
from vaekit.data.splits import Splits
from vaekit.engine.loaded_model import LoadedModel
from vaekit.errors import InvalidError
from vaekit.evaluation.confidence_intervals import mean_and_stderr
from vaekit.evaluation.feature_classifier import Say
from vaekit.evaluation.features import feature_space
from vaekit.evaluation.results import SampleQuality
from vaekit.evaluation.sample_metrics import sample_metrics
from vaekit.evaluation.validity import BINARY_OBSERVATIONS
from vaekit.models.batching import chunk_sizes, images_per_batch
from vaekit.models.head import Head
from vaekit.parallel.turns import in_turns

MIN_SAMPLES = 10
SAMPLE_SEEDS = 5
_log = logging.getLogger(__name__)


def sample_quality(
    trained: LoadedModel,
    samples: int = 5000,
    features: str | None = None,
    sample_pixels: bool | None = None,
    seed: int = 0,
    data: str | None = None,
    say: Say = _log.info,
    sample_seeds: int = SAMPLE_SEEDS,
) -> SampleQuality:
    """Score samples of a model against its training images.

    Args:
        trained: the model and its recipe.
        samples: the number of samples, of training images and of held-out images; fewer if the data has
            fewer.
        features: the feature space; see `vaekit.evaluation.features.feature_space`.
        sample_pixels: whether pixels are sampled; if False, means are compared; if None, as said above.
        seed: of the samples and of the choice of images.
        data: another dataset of the same shape, by name or path; the model's own if None.
        say: called with a message before a classifier is trained.
        sample_seeds: the number of sets of samples; each score is a mean over them, with its standard error.

    Raises:
        InvalidError: there are no sets of samples, too few images, images have missing values, or the
            features do not exist.
        NotFoundError: the file, module or function of the user's features does not exist.

    Example:
        >>> from pathlib import Path
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> recipe = load_recipe("digits")
        >>> model = build_model(recipe.model, (1, 8, 8)).eval()  # not trained
        >>> trained = LoadedModel(model, recipe, (1, 8, 8), tuple("0123456789"), Path())
        >>> found = sample_quality(trained, samples=20, features="pixels")
        >>> found.images, found.frechet > found.floor_frechet
        (20, True)
    """
    began = time.perf_counter()
    if sample_seeds < 1:
        raise InvalidError(f"sample_seeds: expected at least 1, got {sample_seeds}")
    dataset, splits = trained.load_data(data)
    parts = _reference_parts(splits)
    n = _sample_count(dataset, samples, *map(len, parts))
    sample_pixels = _compares_pixels(trained) if sample_pixels is None else sample_pixels
    training, held_out = (
        reference_batches(trained, dataset, _random_subset(part, n, seed), sample_pixels) for part in parts
    )
    space = feature_space(dataset, features, trained.device, say, trained.preprocessing)
    real, floor = in_turns([training, held_out], space.extract)

    def scores(number: int | None) -> dict[str, float]:
        if number is None:
            return sample_metrics(real, floor)
        return sample_metrics(real, space.extract(_sample_batches(trained, n, sample_pixels, seed + number)))

    *by_seed, floor_scores = in_turns([*range(sample_seeds), None], scores)
    return SampleQuality(
        **_mean_scores(by_seed),
        **{f"floor_{name}": value for name, value in floor_scores.items()},
        images=n,
        pixels="drawn" if sample_pixels else "means",
        features=space.kind,
        description=space.description,
        accuracy=space.accuracy,
        seed=seed,
        seconds=time.perf_counter() - began,
        sample_seeds=sample_seeds,
    )


def _mean_scores(by_seed: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """The mean of each score over sets of samples, and its standard error."""
    found: dict[str, Any] = {}
    for name in by_seed[0]:
        values = torch.tensor([scores[name] for scores in by_seed], dtype=torch.float64)
        found[name], found[f"{name}_stderr"] = mean_and_stderr(values)
    return found


def _reference_parts(splits: Splits) -> tuple[np.ndarray, np.ndarray]:
    """Training and held-out images; of other data, which have no training images, every second image each."""
    if len(splits.train):
        return splits.train, held_out_indices(splits)
    return splits.test[::2], splits.test[1::2]


def _sample_count(dataset: Dataset, wanted: int, *available: int) -> int:
    """The size of the three sets."""
    n = min(wanted, *available)
    if n < MIN_SAMPLES:
        raise InvalidError(
            f"quality: expected at least {MIN_SAMPLES} samples, training and held-out images each; of data "
            f"{dataset.name!r} there are {wanted}, {available[0]} and {available[1]}; ask for more"
        )
    return n


def _compares_pixels(trained: LoadedModel) -> bool:
    supports = {head.support for head in trained.model.decoder.modules() if isinstance(head, Head)}
    return trained.recipe.data.observation in BINARY_OBSERVATIONS and supports == {"binary"}


def _random_subset(indices: np.ndarray, n: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).permutation(indices)[:n])


def held_out_indices(splits: Splits) -> np.ndarray:
    """The test images, or the validation images if there are no test images.

    Example:
        >>> held_out_indices(Splits(np.array([0, 1]), np.array([2]), np.array([], int))).tolist()
        [2]
    """
    return splits.test if len(splits.test) else splits.validation


def reference_batches(
    trained: LoadedModel, dataset: Dataset, indices: np.ndarray, sample_pixels: bool = False
) -> Iterator[Tensor]:
    """Batches (B, *event) of data points that samples of a model are compared with.

    Args:
        trained: the model and its recipe.
        dataset: the images.
        indices: of images of the dataset.
        sample_pixels: whether images come as observed. Otherwise they come as the means of a perfect model
            would be: if the observation is random, these are the stored gray values.

    Raises:
        InvalidError: the data has missing values.

    Example:
        >>> from pathlib import Path
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> from vaekit.data import load_dataset
        >>> recipe = load_recipe("digits")
        >>> model = build_model(recipe.model, (1, 8, 8)).eval()
        >>> trained = LoadedModel(model, recipe, (1, 8, 8), tuple("0123456789"), Path())
        >>> next(reference_batches(trained, load_dataset("digits"), np.arange(5))).shape
        torch.Size([5, 1, 8, 8])
    """
    if dataset.has_missing:
        raise InvalidError(
            f"data {dataset.name!r}: expected images without missing values, to compare samples with; "
            "name other data with --data"
        )
    own = trained.recipe.data.observation
    observation = own if sample_pixels or own in ("threshold", "counts") else "continuous"
    images = trained.with_missing("none").subset(dataset, indices, observation=observation)
    return (x for x, _ in images.batches(images_per_batch(trained.model.decoder, images.shape)))


def _sample_batches(trained: LoadedModel, n: int, sample_pixels: bool, seed: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    for size in chunk_sizes(n, images_per_batch(trained.model.decoder, trained.shape)):
        yield in_range(trained, trained.model.sample(size, seed=generator, sample_pixels=sample_pixels))


def in_range(trained: LoadedModel, x: Tensor) -> Tensor:
    """Data points of a model, clamped to [0, 1] if all of its training data are in between.

    Example:
        >>> import vaekit
        >>> in_range(vaekit.demo(), torch.tensor([-0.5, 0.25, 2.0])).tolist()
        [0.0, 0.25, 1.0]
    """
    known = trained.preprocessing
    if known is None:
        return x.clamp(0, 1)
    low, high = known.offset, known.offset + known.scale
    return x if known.columns or known.low < low or known.high > high else x.clamp(0, 1)
