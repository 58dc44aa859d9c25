"""Choose batch sizes that bound memory.

A decoder returns n_params values per pixel. With K posterior samples of B images of D pixels that is
K B D n_params values. Batches are sized so that they hold about 2^20 values (4 MB in float32).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from torch import nn

FLOATS_PER_BATCH = 1 << 20
MAX_IMAGES_PER_BATCH = 100


def outputs_per_image(decoder: nn.Module, shape: Sequence[int]) -> int:
    """The number of values that a decoder computes per image.

    Args:
        decoder: a module with a `head` that has `network_output`, or such a head.
        shape: (C, H, W), of one image.

    >>> from vaekit.models.likelihoods import categorical
    >>> outputs_per_image(categorical(), (1, 28, 28))  # 256 logits per pixel
    200704
    """
    head: Any = getattr(decoder, "head", decoder)
    return math.prod(head.network_output(tuple(shape)) if hasattr(head, "network_output") else shape)


def images_per_batch(decoder: nn.Module, shape: Sequence[int]) -> int:
    """The number of images per batch: 100, or fewer if the decoder's output per image is large.

    >>> from vaekit.models.likelihoods import bernoulli, categorical
    >>> images_per_batch(bernoulli(), (1, 28, 28)), images_per_batch(categorical(), (1, 28, 28))
    (100, 5)
    """
    return min(MAX_IMAGES_PER_BATCH, batch_size_for(outputs_per_image(decoder, shape)))


def batch_size_for(floats: int) -> int:
    """The number of items per batch, at least one, for items of so many values each.

    >>> batch_size_for(784)
    1337
    """
    return max(1, FLOATS_PER_BATCH // floats)


def chunk_sizes(total: int, size: int) -> Iterator[int]:
    """The sizes of the chunks of a total: size, size, ..., rest.

    >>> list(chunk_sizes(10, 4))
    [4, 4, 2]
    """
    yield from [size] * (total // size)
    if total % size:
        yield total % size
