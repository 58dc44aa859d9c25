"""Training, validation and test images: as published by the source, or drawn with a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.errors import DataError


@dataclass(frozen=True, eq=False)
class Splits:
    """Three disjoint, sorted int64 arrays of image indices.

    >>> Splits(np.arange(6), np.arange(6, 8), np.arange(8, 10))
    Splits(6 train, 2 validation, 2 test)
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def __repr__(self) -> str:
        return f"Splits({len(self.train)} train, {len(self.validation)} validation, {len(self.test)} test)"


def split(
    dataset: Dataset,
    *,
    validation: int | float = 0.1,
    test: int | float = 0.1,
    train: int | None = None,
    seed: int = 0,
) -> Splits:
    """Split a dataset into training, validation and test images.

    Published parts are used as they are. Otherwise the test images are drawn at random. So are the validation
    images, unless the test part is published: then they are the last images of the published training part
    (images 50000 to 59999 of MNIST for validation=10000). All other images are for training.

    A dataset with `times` is split by time: the last data points are for testing, those before them for
    validation. A dataset with `groups` is split by whole groups in random order, as many as come closest to
    the numbers.

    Args:
        dataset: the dataset.
        validation: the number of images (int) or the fraction (float in [0, 1)) of those that are not in
            another published part; ignored if a validation part is published.
        test: the same for the test part.
        train: the maximum number of training images, drawn at random; all if None.
        seed: the random seed.

    Raises:
        DataError: there are fewer than 2 data points, a number is out of range, or no image is left for
            training.

    >>> from vaekit.data import load_dataset
    >>> split(load_dataset("digits"), validation=100, test=0.1)
    Splits(1517 train, 100 validation, 180 test)
    """
    if len(dataset) < 2:
        raise DataError(
            f"{dataset.name}: expected at least 2 data points to train on and to measure with, got "
            f"{len(dataset)}; give more"
        )
    published = {name: np.arange(*bounds) for name, bounds in dataset.published.items()}
    pool = published.get("train", np.arange(len(dataset)))
    if published and "train" not in published:
        pool = np.setdiff1d(pool, np.concatenate(list(published.values())))
    counts = {
        part: 0 if part in published else _count(part, size, len(pool))
        for part, size in (("validation", validation), ("test", test))
    }
    if sum(counts.values()) >= len(pool):
        raise DataError(
            f"{dataset.name}: {counts['validation']} images for validation and {counts['test']} for testing "
            f"leave no image of {len(pool)} for training; choose fewer"
        )
    if dataset.groups is not None and dataset.times is not None:
        raise DataError(f"{dataset.name}: split by group or by time, not by both; leave one out")
    if dataset.times is not None:
        pool = pool[np.argsort(dataset.times[pool], kind="stable")]
    elif dataset.groups is not None:
        pool, counts = _by_groups(pool, dataset.groups, counts, seed, dataset.name)
    elif "test" not in published:
        pool = np.random.default_rng(seed).permutation(pool)
    remaining, drawn_test = _split_off(pool, counts["test"])
    remaining, drawn_validation = _split_off(remaining, counts["validation"])
    return Splits(
        train=np.sort(_random_subset(remaining, train, seed)),
        validation=published.get("validation", np.sort(drawn_validation)),
        test=published.get("test", np.sort(drawn_test)),
    )


def _by_groups(
    pool: np.ndarray, groups: np.ndarray, counts: dict[str, int], seed: int, name: str
) -> tuple[np.ndarray, dict[str, int]]:
    """Indices by group in random order, and numbers for validation and testing that cut no group."""
    members, place = np.unique(groups[pool], return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(members))[place]
    pool = pool[np.argsort(order, kind="stable")]
    edges = np.flatnonzero(np.diff(np.sort(order))) + 1  # positions between groups
    ends = len(pool) - edges[::-1]  # the numbers that the last groups have together
    needed = sum(count > 0 for count in counts.values())
    if len(ends) < needed:
        raise DataError(
            f"{name}: {len(members)} groups are too few for {needed + 1} parts; choose another column, or a "
            "part of 0"
        )
    taken: dict[str, int] = {}
    total, first = 0, 0
    for part in ("test", "validation"):
        if not counts[part]:
            taken[part] = 0
            continue
        left = sum(counts[other] > 0 for other in ("test", "validation") if other not in taken) - 1
        choices = ends[first : len(ends) - left]
        best = int(np.abs(choices - (total + counts[part])).argmin())
        taken[part], total, first = int(choices[best]) - total, int(choices[best]), first + best + 1
    return pool, taken


def _split_off(pool: np.ndarray, last: int) -> tuple[np.ndarray, np.ndarray]:
    """All indices but the last ones, and the last ones."""
    return pool[: len(pool) - last], pool[len(pool) - last :]


def _random_subset(indices: np.ndarray, size: int | None, seed: int) -> np.ndarray:
    """A random subset of at most `size` indices; a larger one contains every smaller one."""
    if size is None or size >= len(indices):
        return indices
    return np.random.default_rng([seed, 1]).permutation(indices)[:size]


def _count(part: str, size: int | float, available: int) -> int:
    if isinstance(size, float) and 0 <= size < 1:
        return round(size * available)
    if isinstance(size, int) and size >= 0:
        return size
    raise DataError(
        f"{part}: expected a number of images (0, 1, 2, ...) or a fraction in [0, 1), got {size!r}"
    )
