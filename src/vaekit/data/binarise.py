"""Grey values as probabilities: a binary image drawn from them anew, with torch's global generator.

Of levels it is P(1) = v / 255 by bytes, of which eight come of one random number: the byte is less than v, or
it is 255 and another is drawn in its place. Three bytes leave an error of 256^-3, that of a float.
"""

from __future__ import annotations

import torch
from torch import Tensor

BYTES = 3  # a pixel


def drawn(images: Tensor) -> Tensor:
    """Bernoulli(v / 255) of levels v, uint8, or Bernoulli(p) of real numbers p: float32 of the same shape."""
    if images.dtype != torch.uint8:
        return torch.rand_like(images, dtype=torch.float32).lt_(images)
    top = torch.full_like(images, 255)
    *earlier, last = (noise.view(images.shape) for noise in _bytes(BYTES, images.numel(), images.device))
    below = (last < images) | (images == top)  # white is white, with no error
    for noise in reversed(earlier):
        below = (noise < images) | ((noise == top) & below)
    return below.view(torch.uint8).to(torch.float32)


def _bytes(rows: int, n: int, device: torch.device) -> Tensor:
    """Random bytes (rows, n)."""
    if device.type == "mps":  # whose random numbers have no 64 bits
        return torch.randint(0, 256, (rows, n), dtype=torch.uint8, device=device)
    words = torch.empty(rows, -(-n // 8), dtype=torch.int64, device=device).random_(-(2**63), None)
    return words.view(torch.uint8)[:, :n]
