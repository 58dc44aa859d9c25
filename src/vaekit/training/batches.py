"""Images in an order, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor


class ImageSource(Protocol):
    """What training asks of a split: its length, device and labels, and a batch by its indices.

    Where it is `has_missing`, NaN in a batch stands for what was not observed.
    """

    device: torch.device
    labels: Tensor | None
    has_missing: bool

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> Tensor:
        """The images (B, C, H, W) at `indices` (B,), on the device, in [0, 1]."""
        ...


def iterate_batches(
    images: ImageSource, order: Tensor, size: int, first: int = 0
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Images and labels in an order, `size` at a time; the last batch may be smaller.

    Args:
        order: (N,) indices.
        first: how many batches to leave out at the start.
    """
    for indices in order.to(images.device).split(size)[first:]:
        yield images.batch(indices), None if images.labels is None else images.labels[indices]


def observed_mask(images: ImageSource, x: Tensor) -> Tensor | None:
    """True where a batch of these images was observed; None, without a look at it, where they all are."""
    return ~x.isnan() if images.has_missing else None
