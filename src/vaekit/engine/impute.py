"""Fill in the missing pixels of a dataset with a trained model, and score them where the truth is known.

The best single imputation is E[x | x_observed]. Its error is the root mean square of the difference to the
truth over all hidden values. The baseline, which ignores the image, is the mean of all training images.
"""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True, repr=False)
class ImputedDataset:
    """N images with their missing pixels imputed M times, in [0, 1].

    Args:
        dataset: the source of the images.
        indices: of the images in the dataset, (N,).
        truth: the true values, (N, C, H, W), NaN where unknown.
        observed: the values that the model saw, (N, C, H, W), NaN where missing.
        images: samples of p(x | x_observed), (N, M, C, H, W).
        mean: E[x | x_observed], (N, C, H, W).
        effective_sample_size: of the posterior samples of each image, (N,).
        mean_image: the mean of the training images, (C, H, W).
        missing: a description of what is missing.

    Example:
        >>> from vaekit.data import load_dataset
        >>> hidden, ones = np.full((1, 1, 2, 2), np.nan), np.ones((1, 1, 2, 2))
        >>> found = ImputedDataset(
        ...     load_dataset("digits"), np.array([0]), truth=ones, observed=hidden, images=ones[None],
        ...     mean=0.5 * ones, effective_sample_size=np.array([9.0]), mean_image=0 * ones[0], missing="all",
        ... )
        >>> found.rmse, found.rmse_of_mean_image
        (0.5, 1.0)
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

    def __repr__(self) -> str:
        images, imputations = self.images.shape[:2]
        return (
            f"ImputedDataset({images} images of {self.dataset.name}, {imputations} imputations, "
            f"missing={self.missing!r})"
        )

    @cached_property
    def scored(self) -> np.ndarray:
        """Which values were hidden but are known, (N, C, H, W)."""
        return np.isnan(self.observed) & ~np.isnan(self.truth)

    @property
    def rmse(self) -> float | None:
        """Root mean squared error of `mean` over the values `scored`; None if there are none."""
        return self._rmse(self.mean)

    @property
    def rmse_of_mean_image(self) -> float | None:
        """The same error of the mean training image, a baseline."""
        return self._rmse(np.broadcast_to(self.mean_image, self.truth.shape))

    @property
    def n_low_ess(self) -> int:
        """The number of images with an effective sample size below M, whose imputations repeat."""
        return int((self.effective_sample_size < self.images.shape[1]).sum())

    def arrays(self) -> dict[str, np.ndarray]:
        """The result in the units and layout of the data; observed values are unchanged.

        Returns:
            `imputations` (N, M, ...), `mean` (N, ...), `observed` (N, ...) of booleans, `ess` (N,).
        """
        known = self.dataset.to_layout(~np.isnan(self.observed))
        given = self.dataset.to_original(
            self.dataset.images[self.indices] / (255 if self.dataset.is_uint8 else 1)
        )
        images, mean = self.dataset.to_original(self.images), self.dataset.to_original(self.mean)
        return {
            "imputations": np.where(known[:, None], given[:, None], images).astype(np.float32),
            "mean": np.where(known, given, mean).astype(np.float32),
            "observed": known,
            "ess": self.effective_sample_size,
        }

    def _rmse(self, imputed: np.ndarray) -> float | None:
        if not self.scored.any():
            return None
        return float(np.sqrt(np.square((imputed - self.truth)[self.scored]).mean()))


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
    progress: Progress = lambda images, total: None,
) -> ImputedDataset:
    """Impute the missing pixels of images of a dataset.

    Args:
        trained: the model and its recipe.
        missing: what to hide, such as "square:12". If None: nothing if the data itself has missing values,
            else what was hidden in training, else a square of a third of the side.
        split: which images; if None the test split, or all images of other data.
        data: another dataset of the same shape, by name or path; the model's own if None.
        max_images: size of a random subset of the images with missing values; all images if None.
        imputations, samples, sample_pixels, seed: see `VAE.impute`.
        labels: of a conditional model: "condition" on the labels of the images, or "marginalize" over p(y).
        progress: called after each batch with its number of images and with the number of all images.

    Raises:
        InvalidError: no image has missing values, or the split is empty.

    Example:
        >>> from pathlib import Path
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> recipe = load_recipe("digits")
        >>> model = build_model(recipe.model, (1, 8, 8)).eval()  # not trained
        >>> trained = TrainedModel(model, recipe, (1, 8, 8), tuple("0123456789"), Path())
        >>> impute_dataset(trained, "square:3", max_images=4, imputations=2, samples=5)
        ImputedDataset(4 images of digits, 2 imputations, missing='square:3')
    """
    dataset, splits = trained.load_data(data)
    split = split or (None if data else "test")
    whole = trained.with_missing("none")
    masked = trained.with_missing(_default_mask(trained, dataset) if missing is None else missing)
    candidates = np.arange(len(dataset)) if split is None else split_indices(splits, split)
    indices = _choose_indices(candidates, _incomplete_indices(masked, dataset, candidates), max_images, seed)
    observed = masked.subset(dataset, indices)
    batches = _impute_batches(
        trained, observed, imputations, samples, sample_pixels, seed, labels == "condition", progress
    )
    return ImputedDataset(
        dataset,
        indices,
        truth=_to_numpy(whole.subset(dataset, indices).all()),
        observed=_to_numpy(observed.all()),
        images=np.concatenate([_to_numpy(batch.images.transpose(0, 1)) for batch in batches]),
        mean=np.concatenate([_to_numpy(batch.mean) for batch in batches]),
        effective_sample_size=np.concatenate([_to_numpy(batch.effective_sample_size) for batch in batches]),
        mean_image=_mean_image(whole.subset(dataset, splits.train)),
        missing=describe_missing(masked.recipe.data.hidden, dataset),
    )


def _default_mask(trained: TrainedModel, dataset: Dataset) -> str:
    """The mask if the caller gives none."""
    if dataset.has_missing:
        return "none"
    _, height, width = dataset.shape
    side = min(height, width) if height > 1 else width
    return trained.recipe.data.hidden or f"square:{max(1, side // 3)}"


def _incomplete_indices(masked: TrainedModel, dataset: Dataset, candidates: np.ndarray) -> np.ndarray:
    """The candidates with missing values.

    Raises:
        InvalidError: there are none.
    """
    if masked.recipe.data.missing is not None:
        return candidates
    incomplete = candidates[np.isnan(dataset.images[candidates]).any((1, 2, 3))]
    if not len(incomplete):
        raise InvalidError(
            f"data {dataset.name!r}: none of these {len(candidates)} images has missing values; hide some, "
            "such as --missing square:9"
        )
    return incomplete


def _choose_indices(
    candidates: np.ndarray, incomplete: np.ndarray, max_images: int | None, seed: int
) -> np.ndarray:
    if max_images is None:
        return candidates
    count = min(max_images, len(incomplete))
    return np.sort(np.random.default_rng(seed).choice(incomplete, count, replace=False))


def _impute_batches(
    trained: TrainedModel,
    observed: ObservedImages,
    imputations: int,
    samples: int,
    sample_pixels: bool,
    seed: int,
    condition: bool,
    progress: Progress,
) -> list[Imputations]:
    """Impute batch by batch; the random draws of a batch depend on the seed and its index."""
    results = []
    size = images_per_batch(trained.model.decoder, observed.shape)
    for index, (x, y) in enumerate(observed.batches(size)):
        y = y if condition else None
        batch_seed = seed + 1_000_003 * index
        results.append(impute(trained.model, x, y, imputations, samples, sample_pixels, batch_seed))
        progress(len(x), len(observed))
    return results


def _mean_image(images: ObservedImages) -> np.ndarray:
    """The mean of the observed values of each pixel, (C, H, W); 1/2 if there are none."""
    total, count = np.zeros(images.shape), np.zeros(images.shape)
    for x, _ in images.batches(1000):
        known = ~x.isnan()
        total += x.nan_to_num(0.0).double().sum(0).cpu().numpy()
        count += known.sum(0).cpu().numpy()
    return np.where(count, total / np.maximum(count, 1), 0.5)


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
