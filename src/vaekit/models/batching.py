"""Many posterior samples, little memory: how many images, or samples of images, are decoded together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from torch import nn

from vaekit.models.head import Head

FLOATS_AT_ONCE = 1 << 20
IMAGES_AT_ONCE = 100


def outputs_per_image(decoder: nn.Module, shape: Sequence[int]) -> int:
    """How many numbers a decoder gives for an image (C, H, W): those that its head takes for each pixel."""
    heads = (module for module in decoder.modules() if isinstance(module, Head))
    return math.prod(shape) * max((head.maps for head in heads), default=1)


def images_at_once(decoder: nn.Module, shape: Sequence[int]) -> int:
    """How many images (C, H, W) make a batch: 100, or fewer where the decoder gives much for each."""
    return min(IMAGES_AT_ONCE, batch_size_for(outputs_per_image(decoder, shape)))


def batch_size_for(floats: int) -> int:
    """How many things of so many numbers are decoded together: about 4 MB of them, at least one."""
    return max(1, FLOATS_AT_ONCE // floats)


def chunks(total: int, size: int) -> Iterator[int]:
    """total = size + size + ... + rest."""
    yield from [size] * (total // size)
    if total % size:
        yield total % size
