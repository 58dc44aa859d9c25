"""Train, validation and test: as published where the source publishes them, else drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vaekit.data.dataset import Dataset
from vaekit.errors import DataError


@dataclass(frozen=True, eq=False)
class Splits:
    """Which images belong to which part: three disjoint, sorted int64 arrays of indices."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split(
    dataset: Dataset,
    *,
    validation: int | float = 0.1,
    test: int | float = 0.1,
    train: int | None = None,
    seed: int = 0,
) -> Splits:
    """The three parts of a dataset.

    A published part is taken as it is. Otherwise the test part is drawn at random; the validation part
    too, except where the test part is published: then it is the last images of the published train part
    (of MNIST with validation=10000, images 50000 to 59999). What is left is the train part.

    Args:
        dataset: what to split.
        validation: number of images (int) or fraction (float in [0, 1)) of those not published as
            another part; not used where a validation part is published.
        test: the same for the test part.
        train: at most so many of what is left, drawn at random; all of it if not given.
        seed: of the draw; the same seed gives the same parts.

    Raises:
        DataError: a number is out of range, or nothing is left to train on.
    """
    published = {name: np.arange(*bounds) for name, bounds in dataset.published.items()}
    elsewhere = np.concatenate([np.empty(0, np.int64), *published.values()])
    pool = published.get("train", np.setdiff1d(np.arange(len(dataset)), elsewhere))
    counts = {
        part: 0 if part in published else _count(part, size, len(pool))
        for part, size in (("validation", validation), ("test", test))
    }
    if sum(counts.values()) >= len(pool):
        raise DataError(
            f"{dataset.name}: {counts['validation']} images for validation and {counts['test']} for testing "
            f"leave none of {len(pool)} to train on; ask for fewer"
        )
    if "test" not in published:
        pool = np.random.default_rng(seed).permutation(pool)
    rest, drawn_test = _cut(pool, counts["test"])
    left, drawn_validation = _cut(rest, counts["validation"])
    return Splits(
        train=np.sort(_some(left, train, seed)),
        validation=published.get("validation", np.sort(drawn_validation)),
        test=published.get("test", np.sort(drawn_test)),
    )


def _cut(pool: np.ndarray, last: int) -> tuple[np.ndarray, np.ndarray]:
    return pool[: len(pool) - last], pool[len(pool) - last :]


def _some(indices: np.ndarray, most: int | None, seed: int) -> np.ndarray:
    """At most so many of the indices, at random; more are always a superset of fewer."""
    if most is None or most >= len(indices):
        return indices
    return np.random.default_rng([seed, 1]).permutation(indices)[:most]


def _count(part: str, size: int | float, available: int) -> int:
    if isinstance(size, float) and 0 <= size < 1:
        return round(size * available)
    if isinstance(size, int) and size >= 0:
        return size
    raise DataError(
        f"{part}: expected a number of images (0, 1, 2, ...) or a fraction in [0, 1), but {size!r} came"
    )
