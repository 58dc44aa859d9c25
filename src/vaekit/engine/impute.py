"""A trained model fills what is missing of the images of a dataset; where the truth is known, it is judged.

The model's one best filling is E[x | x_observed], and its error the root mean square of the difference to the
truth, over all values that were hidden. What knows nothing of an image, the mean of all training images, is
what it must beat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from torch import Tensor

from vaekit.data import Dataset
from vaekit.data.observation import ObservedImages
from vaekit.engine.trained_model import TrainedModel, split_indices
from vaekit.errors import InvalidError
from vaekit.evaluation.validity import describe_missing
from vaekit.models.batching import images_per_batch
from vaekit.models.imputation import Imputations, impute

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImputedDataset:
    """N images with their missing pixels filled M times, in [0, 1].

    Attributes:
        dataset: where the images are from.
        indices: (N,), which they are.
        truth: (N, C, H, W), what they are where that is known, else NaN.
        observed: (N, C, H, W), what the model saw of them, else NaN.
        images: (N, M, C, H, W), draws from p(x | x_observed).
        mean: (N, C, H, W), E[x | x_observed].
        effective_sample_size: (N,), how many of the posterior samples carry weight.
        mean_image: (C, H, W), the mean of the training images.
        missing: what is missing, in words.
    """

    dataset: Dataset
    indices: np.ndarray
    truth: np.ndarray
    observed: np.ndarray
    images: np.ndarray
    mean: np.ndarray
    effective_sample_size: np.ndarray
    mean_image: np.ndarray
    missing: str

    @cached_property
    def scored(self) -> np.ndarray:
        """(N, C, H, W): the values that were hidden, but are known."""
        return np.isnan(self.observed) & ~np.isnan(self.truth)

    @property
    def rmse(self) -> float | None:
        """Root mean squared error of the mean filling over the values judged; None where there are none."""
        return self._rmse(self.mean)

    @property
    def rmse_of_mean_image(self) -> float | None:
        """The same of the mean training image in place of the filling."""
        return self._rmse(np.broadcast_to(self.mean_image, self.truth.shape))

    @property
    def n_low_ess(self) -> int:
        """Of how many images fewer than M posterior samples carry weight, so that fillings repeat."""
        return int((self.effective_sample_size < self.images.shape[1]).sum())

    def arrays(self) -> dict[str, np.ndarray]:
        """What there is in the units and layout of the data, where observed values are as they were there.

        Returns:
            imputations (N, M, ...), mean (N, ...), observed (N, ...) True or False, ess (N,).
        """
        known = self.dataset.to_layout(~np.isnan(self.observed))
        given = self.dataset.to_original(
            self.dataset.images[self.indices] / (255 if self.dataset.is_levels else 1)
        )
        images, mean = (self.dataset.to_original(each) for each in (self.images, self.mean))
        return {
            "imputations": np.where(known[:, None], given[:, None], images).astype(np.float32),
            "mean": np.where(known, given, mean).astype(np.float32),
            "observed": known,
            "ess": self.effective_sample_size,
        }

    def _rmse(self, filling: np.ndarray) -> float | None:
        if not self.scored.any():
            return None
        return float(np.sqrt(np.square((filling - self.truth)[self.scored]).mean()))


def impute_dataset(
    trained: TrainedModel,
    missing: str | None = None,
    split: str | None = None,
    data: str | None = None,
    max_images: int | None = None,
    imputations: int = 5,
    samples: int = 1000,
    sample_pixels: bool = True,
    seed: int = 0,
    labels: Literal["condition", "marginalize"] = "condition",
    progress: Progress = lambda images, of: None,
) -> ImputedDataset:
    """Fill the missing pixels of images of a dataset.

    Args:
        missing: what to hide, such as "square:12"; without it nothing of data that lack values by themselves,
            else what was hidden in training, else a square of a third of the side.
        split: which images; without it the test split, or all of other data.
        data: other data of the same shape, by name or path.
        max_images: so many at random of those that lack something; all images without it.
        imputations, samples, sample_pixels, seed: see `VAE.impute`.
        labels: of a conditional model: whether it is told those of the images.
        progress: called with the number of images in a batch that is done with, and in all of them.

    Raises:
        InvalidError: nothing is missing of the images, or the split is empty.
    """
    dataset, splits = trained.data(data)
    split = split or (None if data else "test")
    everything = trained.hiding("none")
    lacks = trained.hiding(_default_mask(trained, dataset) if missing is None else missing)
    candidates = np.arange(len(dataset)) if split is None else split_indices(splits, split)
    indices = _choose(candidates, _incomplete(lacks, dataset, candidates), max_images, seed)
    seen = lacks.split(dataset, indices)
    filled = _impute_batches(
        trained, seen, imputations, samples, sample_pixels, seed, labels == "condition", progress
    )
    return ImputedDataset(
        dataset,
        indices,
        truth=_to_numpy(everything.split(dataset, indices).all()),
        observed=_to_numpy(seen.all()),
        images=np.concatenate([_to_numpy(each.images.transpose(0, 1)) for each in filled]),
        mean=np.concatenate([_to_numpy(each.mean) for each in filled]),
        effective_sample_size=np.concatenate([_to_numpy(each.effective_sample_size) for each in filled]),
        mean_image=_mean_image(everything.split(dataset, splits.train)),
        missing=describe_missing(lacks.recipe.data.hidden, dataset),
    )


def _default_mask(trained: TrainedModel, dataset: Dataset) -> str:
    """What is hidden where nobody says what."""
    if dataset.has_missing:
        return "none"
    _, height, width = dataset.shape
    side = min(height, width) if height > 1 else width
    return trained.recipe.data.hidden or f"square:{max(1, side // 3)}"


def _incomplete(lacks: TrainedModel, dataset: Dataset, candidates: np.ndarray) -> np.ndarray:
    """Which of the candidates lack something.

    Raises:
        InvalidError: none does.
    """
    if lacks.recipe.data.missing is not None:
        return candidates
    holed = candidates[np.isnan(dataset.images[candidates]).any((1, 2, 3))]
    if not len(holed):
        raise InvalidError(
            f"data {dataset.name!r}: nothing is missing of these {len(candidates)} images; hide something of "
            "them, such as --missing square:9"
        )
    return holed


def _choose(candidates: np.ndarray, lacking: np.ndarray, max_images: int | None, seed: int) -> np.ndarray:
    if max_images is None:
        return candidates
    count = min(max_images, len(lacking))
    return np.sort(np.random.default_rng(seed).choice(lacking, count, replace=False))


def _impute_batches(
    trained: TrainedModel,
    seen: ObservedImages,
    imputations: int,
    samples: int,
    sample_pixels: bool,
    seed: int,
    told: bool,
    progress: Progress,
) -> list[Imputations]:
    """A batch at a time; the draws of each follow from the seed and the batch's number."""

    def each() -> Iterator[Imputations]:
        size = images_per_batch(trained.model.decoder, seen.shape)
        for place, (x, y) in enumerate(seen.batches(size)):
            batch_seed = seed + 1_000_003 * place
            yield impute(
                trained.model, x, y if told else None, None, imputations, samples, sample_pixels, batch_seed
            )
            progress(len(x), len(seen))

    return list(each())


def _mean_image(seen: ObservedImages) -> np.ndarray:
    """(C, H, W): the mean of what is known of each value, 1/2 where nothing is."""
    total, count = np.zeros(seen.shape), np.zeros(seen.shape)
    for x, _ in seen.batches(1000):
        known = ~x.isnan()
        total += x.nan_to_num(0.0).double().sum(0).cpu().numpy()
        count += known.sum(0).cpu().numpy()
    return np.where(count, total / np.maximum(count, 1), 0.5)


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
