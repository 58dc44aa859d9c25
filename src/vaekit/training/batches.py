"""Batches of images in a given order.

The order is a permutation that `vaekit.utils.random` computes from the seed and the epoch, so a resumed
training skips the batches that are done and sees the rest as it would have. This holds for data larger than
memory, too, whose order is by blocks.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from vaekit.utils.random import derive_seed, epoch_order, weighted_order


class ImageSource(Protocol):
    """What training needs of a split: its length, device and labels, and a batch by indices.

    `vaekit.data.observe` returns one. Any class with these attributes will do.

    Attributes:
        device: the device of the batches.
        labels: (N, ...) what the model is conditioned on, or None.
        has_missing: whether a batch may hold NaN, which stands for a missing value.

    >>> class Zeros:
    ...     device, labels, has_missing = torch.device("cpu"), None, False
    ...     def __len__(self): return 3
    ...     def batch(self, indices): return torch.zeros(len(indices), 1, 4, 4)
    >>> [x.shape[0] for x, y in iterate_batches(Zeros(), torch.arange(3), size=2)]
    [2, 1]
    """

    device: torch.device
    labels: Tensor | None
    has_missing: bool

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> Tensor:
        """The images (B, C, H, W) at `indices` (B,), in [0, 1], on the device.

        With a further argument `rows`, a slice, only these are returned, with the random numbers of the whole
        batch. Without it, each of several processes makes the whole batch and keeps its rows.
        """
        ...


def epoch_visits(images: ImageSource, seed: int, epoch: int) -> Tensor:
    """The order in which an epoch visits the images.

    Args:
        images: the split. It may have `epoch_order(seed, epoch)`, which returns an order of its own.
        seed: of the run.
        epoch: counted from 1.

    Returns:
        (N,), the visits.

    >>> from vaekit.data import load_dataset, observe
    >>> import numpy as np
    >>> images = observe(load_dataset("digits"), np.arange(10), "dynamic")
    >>> epoch_visits(images, seed=0, epoch=1).sort().values.tolist() == list(range(10))
    True
    """
    own = getattr(images, "epoch_order", None)
    order = own(seed, epoch) if own else epoch_order(seed, epoch, len(images))
    return visits(images, order, derive_seed(seed, "weights", epoch))


def read_ahead(
    images: ImageSource, order: Tensor, size: int, rows_of: Callable[[int], slice] | None = None
) -> None:
    """Let a source that has a method of this name begin to read the batches of an order from its files.

    Args:
        images: the split.
        order, size, rows_of: as for `iterate_batches`.
    """
    begin = getattr(images, "read_ahead", None)
    if begin is not None:
        begin(order, size, rows_of)


def visits(images: ImageSource, order: Tensor, seed: int) -> Tensor:
    """The order of an epoch; images that have `weights` (N,) are visited as often as these say.

    Args:
        images: the split.
        order: (N,), a permutation.
        seed: of the rounding of numbers of visits.

    >>> from types import SimpleNamespace
    >>> visits(SimpleNamespace(weights=torch.tensor([3.0, 1.0, 0.0, 0.0])), torch.arange(4), 0).sort().values
    tensor([0, 0, 0, 1])
    """
    weights = getattr(images, "weights", None)
    return order if weights is None else weighted_order(order, weights, seed)


def iterate_batches(
    images: ImageSource,
    order: Tensor,
    size: int,
    first: int = 0,
    rows_of: Callable[[int], slice] | None = None,
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Images and labels in the given order, `size` at a time; the last batch may be smaller.

    Args:
        images: the split.
        order: (N,) indices.
        size: the number of images per batch.
        first: the number of batches to skip at the start.
        rows_of: the part of a batch of so many images that is computed here; all of it if None.

    Yields:
        Images (B, C, H, W), and labels (B, ...) or None.

    >>> from vaekit.data import load_dataset, observe
    >>> import numpy as np
    >>> images = observe(load_dataset("digits"), np.arange(10), "dynamic")
    >>> [x.shape[0] for x, y in iterate_batches(images, torch.arange(10), size=4)]
    [4, 4, 2]
    """
    for indices in order.to(images.device).split(size)[first:]:
        rows = slice(None) if rows_of is None else rows_of(len(indices))
        x = images.batch(indices) if rows_of is None else _part_of_batch(images, indices, rows)
        yield x, None if images.labels is None else images.labels[indices[rows]]


def _part_of_batch(images: ImageSource, indices: Tensor, rows: slice) -> Tensor:
    """The rows of a batch, with the random numbers of the whole batch."""
    if "rows" in inspect.signature(images.batch).parameters:
        return images.batch(indices, rows=rows)  # type: ignore[call-arg]
    return images.batch(indices)[rows]


def observed_mask(images: ImageSource, x: Tensor) -> Tensor | None:
    """The mask of a batch: True where a value was observed; None if the split has no missing values.

    Args:
        images: the split that the batch comes from.
        x: (B, C, H, W), with NaN for missing values.

    >>> from types import SimpleNamespace
    >>> observed_mask(SimpleNamespace(has_missing=True), torch.tensor([0.5, torch.nan]))
    tensor([ True, False])
    """
    return ~x.isnan() if images.has_missing else None
