"""Layers with their first weights, and two convolutions in the form that processors compute fastest.

Either gives the numbers of a plain one, and has the weights of a plain one.
"""

from __future__ import annotations

import math
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Layer = TypeVar("Layer", bound=nn.Linear | nn.Conv2d | nn.ConvTranspose2d)


def he(layer: Layer, gain: float = 2.0, fan_in: int | None = None) -> Layer:
    """Weights N(0, gain / fan-in) and no bias (He et al. 2015): variance 2 / fan-in before a rectifier."""
    nn.init.normal_(layer.weight, std=math.sqrt(gain / max(fan_in or _fan_in(layer), 1)))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _fan_in(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> int:
    """How many inputs each output reads."""
    if isinstance(layer, nn.ConvTranspose2d):  # with stride s, only 1 / s^2 of its kernel
        return layer.weight.shape[0] * layer.weight[0, 0].numel() // math.prod(layer.stride)
    return layer.weight[0].numel()


class Enlarge(nn.Module):
    """A transposed convolution of 3 x 3 that doubles a size, with its bias added by itself.

    Where channels are last, oneDNN takes as long for the gradient of the bias as for that of the weights.

    Args:
        channels, output: before and after.
        extra: rows and columns beyond twice the size less one, each 0 or 1.
    """

    def __init__(self, channels: int, output: int, extra: tuple[int, int]):
        super().__init__()
        convolution = he(nn.ConvTranspose2d(channels, output, 3, stride=2, padding=1))
        self.weight, self.extra = convolution.weight, extra
        self.bias = nn.Parameter(torch.zeros(output))

    def forward(self, x: Tensor) -> Tensor:
        enlarged = F.conv_transpose2d(x, self.weight, stride=2, padding=1, output_padding=self.extra)
        return enlarged + self.bias.view(-1, 1, 1)


class ToPixels(nn.Module):
    """A convolution of 3 x 3 from many channels to few, computed as the transposed one that is the same map.

    With few channels at the end processors are faster that way, forward and backward (docs/speed.md).

    Args:
        channels, output: of the feature maps and of the image.
    """

    def __init__(self, channels: int, output: int):
        super().__init__()
        convolution = he(nn.Conv2d(channels, output, 3, padding=1), gain=1.0)
        self.weight, self.bias = convolution.weight, convolution.bias

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.weight.flip(-2, -1).transpose(0, 1), self.bias, padding=1)
