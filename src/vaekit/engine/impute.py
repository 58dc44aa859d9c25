"""Fill in the missing values of a dataset with a trained model, and score them where the truth is known.

The best single imputation is E[x | x_observed], or the most frequent word of a category. Its error is the
root mean square of the difference to the truth over all hidden numbers, and the accuracy of the words. The
baseline, which ignores the row, is the mean of the training rows, and their most frequent word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from torch import Tensor

from vaekit.data import Dataset
from vaekit.data.observation import ObservedImages
from vaekit.engine.loaded_model import LoadedModel, split_indices
from vaekit.errors import InvalidError, NotFoundError
from vaekit.evaluation.validity import describe_missing
from vaekit.models.batching import images_per_batch
from vaekit.models.imputation import Imputations, impute
from vaekit.spec import Preprocessing

Progress = Callable[[int, int], None]
VOTES = 25  # samples of which the most frequent category is the best single imputation


@dataclass(frozen=True, repr=False)
class ImputedDataset:
    """N images or rows with their missing values imputed M times, as model values.

    Args:
        dataset: the source of the images.
        indices: of the images in the dataset, (N,).
        truth: the true values, (N, *shape), NaN where unknown.
        observed: the values that the model saw, (N, *shape), NaN where missing.
        images: samples of p(x | x_observed), (N, M, *shape).
        mean: E[x | x_observed], (N, *shape); for categories the most frequent sample.
        effective_sample_size: of the posterior samples of each image, (N,).
        mean_image: the mean of the training images, (*shape,); for categories the most frequent one.
        missing: a description of what is missing.
        preprocessing: how data become model values; None if the dataset alone says so.
        samples: how many posterior samples of each image were drawn.

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
    preprocessing: Preprocessing | None = None
    samples: int = 0

    def __repr__(self) -> str:
        images, imputations = self.images.shape[:2]
        return (
            f"ImputedDataset({images} images of {self.dataset.name}, {imputations} imputations, "
            f"missing={self.missing!r})"
        )

    @cached_property
    def scored(self) -> np.ndarray:
        """Which values were hidden but are known, (N, *shape)."""
        return np.isnan(self.observed) & ~np.isnan(self.truth)

    @property
    def rmse(self) -> float | None:
        """Root mean squared error of `mean` over the numbers `scored`, in `unit`; None if there are none."""
        return self._rmse(self.mean)

    @property
    def unit(self) -> str:
        """What the errors are in: standard units of tables, gray levels in [0, 1], or units of the data."""
        if self.dataset.columns:
            return "in standard units"
        return "in units of the data" if self._scale else "in [0, 1]"

    @property
    def accuracy(self) -> float | None:
        """The share of the categories `scored` that `mean` has right; None if there are none."""
        return self._accuracy(self.mean)

    @property
    def accuracy_of_mean_image(self) -> float | None:
        """The same share of the most frequent categories of training, a baseline."""
        return self._accuracy(np.broadcast_to(self.mean_image, self.truth.shape))

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
            `imputations` (N, M, ...), `mean` (N, ...), `observed` (N, ...) of booleans, `ess` (N,). Tables
            are float64, other data float32.
        """
        known = self.to_layout(~np.isnan(self.observed))
        given = self.to_layout(self.dataset.in_units(self.indices))
        images, mean = self.to_data(self.images), self.to_data(self.mean)
        dtype = np.float64 if self.dataset.columns else np.float32
        return {
            "imputations": np.where(known[:, None], given[:, None], images).astype(dtype),
            "mean": np.where(known, given, mean).astype(dtype),
            "observed": known,
            "ess": self.effective_sample_size,
        }

    def to_data(self, x: np.ndarray) -> np.ndarray:
        """Model values (..., *shape) in units and layout of the data."""
        if self.preprocessing is None:
            return self.dataset.to_original(x)
        return self.to_layout(self.preprocessing.to_data(x))

    def to_layout(self, values: np.ndarray) -> np.ndarray:
        """An array (..., *shape) in the layout of the data."""
        return self.dataset.to_layout(values)

    @property
    def _scale(self) -> float:
        """The unit of model values in units of the data; 0 for tables and gray levels."""
        known = self.preprocessing
        return 0.0 if known is None or known.columns or known.levels else abs(known.scale)

    @property
    def _is_number(self) -> np.ndarray:
        """Which elements of a data point are numbers rather than categories, broadcastable to (*shape,)."""
        columns = self.dataset.columns
        return np.array([column.is_numeric for column in columns]) if columns else np.array(True)

    def _rmse(self, imputed: np.ndarray) -> float | None:
        scored = self.scored & self._is_number
        if not scored.any():
            return None
        return (self._scale or 1.0) * _rmse(imputed[scored], self.truth[scored])

    def _accuracy(self, imputed: np.ndarray) -> float | None:
        scored = self.scored & ~self._is_number
        return float((np.rint(imputed) == self.truth)[scored].mean()) if scored.any() else None

    def column_errors(self) -> list[dict[str, Any]]:
        """The error of each column with hidden values, and that of the baseline.

        Returns:
            Rows with `name`, `scored` (how many), and `rmse` in units of the data, or `accuracy` of words,
            each beside that `of_mean`.
        """
        truth, best = self.to_data(self.truth), self.to_data(self.mean)
        mean = np.broadcast_to(self.to_data(self.mean_image), truth.shape)
        rows: list[dict[str, Any]] = []
        for j, column in enumerate(self.dataset.columns):
            places = self.scored[:, j]
            if not places.any():
                continue
            score = _rmse if column.is_numeric else _share_equal
            name = "rmse" if column.is_numeric else "accuracy"
            found = {name: score(best[places, j], truth[places, j])}
            rows.append(
                {"name": column.name, "scored": int(places.sum()), **found,
                 "of_mean": score(mean[places, j], truth[places, j])}
            )  # fmt: skip
        return rows


def _rmse(imputed: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.square(imputed - truth).mean()))


def _share_equal(imputed: np.ndarray, truth: np.ndarray) -> float:
    return float((imputed == truth).mean())


def impute_dataset(
    trained: LoadedModel,
    missing: str | None = None,
    split: str | None = None,
    data: Any = None,
    max_images: int | None = None,
    imputations: int = 5,
    samples: int = 1000,
    sample_pixels: bool = True,
    seed: int = 0,
    labels: Literal["condition", "marginalize"] = "condition",
    progress: Progress = lambda images, total: None,
) -> ImputedDataset:
    """Impute the missing values of images or rows of a dataset.

    Args:
        trained: the model and its recipe.
        missing: what to hide, such as "square:12". If None: nothing if the data itself has missing values,
            else what was hidden in training, else a fifth of the cells of a table, or a square of a third of
            the side of an image.
        split: which images; if None the test split, or all images of other data.
        data: other data: a name, a path, an array, a data frame ...; the model's own if None.
        max_images: size of a random subset of the images with missing values; all images if None.
        imputations, samples, sample_pixels, seed: see `VAE.impute`.
        labels: of a conditional model: "condition" on the labels of the images, or "marginalize" over p(y).
        progress: called after each batch with its number of images and with the number of all images.

    Returns:
        The imputations of all these images.

    Raises:
        InvalidError: no image has missing values, or the split is empty.

    Example:
        >>> from pathlib import Path
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> recipe = load_recipe("digits")
        >>> model = build_model(recipe.model, (1, 8, 8)).eval()  # not trained
        >>> trained = LoadedModel(model, recipe, (1, 8, 8), tuple("0123456789"), Path())
        >>> impute_dataset(trained, "square:3", max_images=4, imputations=2, samples=5)
        ImputedDataset(4 images of digits, 2 imputations, missing='square:3')
    """
    dataset, splits = trained.load_data(data)
    split = split or (None if data is not None else "test")
    whole = trained.with_missing("none")
    masked = trained.with_missing(_default_mask(trained, dataset) if missing is None else missing)
    candidates = np.arange(len(dataset)) if split is None else split_indices(splits, split)
    indices = _choose_indices(candidates, _incomplete_indices(masked, dataset, candidates), max_images, seed)
    observed = masked.subset(dataset, indices)
    words = [j for j, column in enumerate(trained.columns) if not column.is_numeric]
    drawn = max(imputations, VOTES) if words else imputations
    batches = _impute_batches(
        trained, observed, drawn, samples, sample_pixels, seed, labels == "condition", progress
    )
    images = np.concatenate([_to_numpy(batch.images.transpose(0, 1)) for batch in batches])
    mean = np.concatenate([_to_numpy(batch.mean) for batch in batches])
    mean[:, words] = _most_frequent(images[:, :, words], axis=1)
    return ImputedDataset(
        dataset,
        indices,
        truth=_to_numpy(whole.subset(dataset, indices).all()),
        observed=_to_numpy(observed.all()),
        images=images[:, :imputations],
        mean=mean,
        effective_sample_size=np.concatenate([_to_numpy(batch.effective_sample_size) for batch in batches]),
        mean_image=_mean_of_training(whole, words, dataset, candidates),
        missing=describe_missing(masked.recipe.data.hidden, dataset),
        preprocessing=trained.preprocessing,
        samples=max((batch.samples for batch in batches), default=0),
    )


def _most_frequent(values: np.ndarray, axis: int) -> np.ndarray:
    """The most frequent value along an axis, without NaN."""
    from scipy.stats import mode  # takes as long to import as half of torch

    return mode(np.rint(values), axis=axis, nan_policy="omit").mode if values.size else values.mean(axis)


def _mean_of_training(whole: LoadedModel, words: list[int], dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """The mean of the training images, and the most frequent categories among columns of words.

    It is that of other rows where the training data are not at hand.
    """
    try:
        own, splits = whole.load_data()
        dataset, rows = own, splits.train
    except (NotFoundError, InvalidError):
        pass
    images = whole.subset(dataset, rows)
    mean = _mean_image(images)
    if words:
        mean[words] = _most_frequent(_to_numpy(images.all())[:, words], axis=0)
    return mean


def _default_mask(trained: LoadedModel, dataset: Dataset) -> str:
    """The mask if the caller gives none."""
    if dataset.has_missing:
        return "none"
    if dataset.columns:
        return trained.recipe.data.hidden or "pixels:0.2"
    sides = [side for side in dataset.shape[1:] or dataset.shape if side > 1]
    return trained.recipe.data.hidden or f"square:{max(1, min(sides, default=1) // 3)}"


def _incomplete_indices(masked: LoadedModel, dataset: Dataset, candidates: np.ndarray) -> np.ndarray:
    """The candidates with missing values.

    Raises:
        InvalidError: there are none.
    """
    if masked.recipe.data.missing is not None:
        return candidates
    values = dataset.images[candidates].reshape(len(candidates), -1)
    incomplete = candidates[np.isnan(values).any(1)]
    if not len(incomplete):
        raise InvalidError(
            f"data {dataset.name!r}: none of these {len(candidates)} {dataset.noun} has missing values; hide "
            f"some, such as --missing {'pixels:0.2' if dataset.columns else 'square:9'}"
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
    trained: LoadedModel,
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
    """The mean of the observed values of each element, (*shape,); 1/2 if there are none."""
    total, count = np.zeros(images.shape), np.zeros(images.shape)
    for x, _ in images.batches(1000):
        known = ~x.isnan()
        total += x.nan_to_num(0.0).double().sum(0).cpu().numpy()
        count += known.sum(0).cpu().numpy()
    return np.where(count, total / np.maximum(count, 1), 0.5)


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
