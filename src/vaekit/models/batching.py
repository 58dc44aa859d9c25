"""Many posterior samples, little memory: how many images, or samples of images, are decoded together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from torch import nn

from vaekit.models.head import Head

FLOATS_PER_BATCH = 1 << 20
MAX_IMAGES_PER_BATCH = 100


def outputs_per_image(decoder: nn.Module, shape: Sequence[int]) -> int:
    """How many numbers a decoder gives for an image (C, H, W): those that its head takes for each pixel."""
    heads = (module for module in decoder.modules() if isinstance(module, Head))
    return math.prod(shape) * max((head.n_params for head in heads), default=1)


def images_per_batch(decoder: nn.Module, shape: Sequence[int]) -> int:
    """How many images (C, H, W) make a batch: 100, or fewer where the decoder gives much for each."""
    return min(MAX_IMAGES_PER_BATCH, batch_size_for(outputs_per_image(decoder, shape)))


def batch_size_for(floats: int) -> int:
    """How many things of so many numbers are decoded together: about 4 MB of them, at least one."""
    return max(1, FLOATS_PER_BATCH // floats)


def chunk_sizes(total: int, size: int) -> Iterator[int]:
    """total = size + size + ... + rest."""
    yield from [size] * (total // size)
    if total % size:
        yield total % size
