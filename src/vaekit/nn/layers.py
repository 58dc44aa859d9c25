"""Layers with their first weights, and two convolutions in the form that processors compute fastest.

Either gives the numbers of a plain one, and has the weights of a plain one.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaekit.utils.device import to_float32

_transformed = getattr(torch._C, "_are_functorch_transforms_active", lambda: False)

MAX_CHANNELS = 4  # channels of an image for which nine maps of each are worth their memory

Layer = TypeVar("Layer", bound=nn.Linear | nn.Conv2d | nn.ConvTranspose2d)


def he_init_(layer: Layer, gain: float = 2.0, fan_in: int | None = None) -> Layer:
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


class Upsample(nn.Module):
    """A transposed convolution of 3 x 3 that doubles a size, with the gradient of its bias taken by itself.

    Where channels are last, oneDNN takes as long for the gradient of the bias as for that of the weights.

    Args:
        channels, output: before and after.
        extra: rows and columns beyond twice the size less one, each 0 or 1.
    """

    def __init__(self, channels: int, output: int, extra: tuple[int, int]):
        super().__init__()
        convolution = he_init_(nn.ConvTranspose2d(channels, output, 3, stride=2, padding=1))
        self.weight, self.extra = convolution.weight, extra
        self.bias = nn.Parameter(torch.zeros(output))

    def forward(self, x: Tensor) -> Tensor:
        apart = torch.is_grad_enabled() and _eager_on_cpu(x)
        bias = self.bias.detach() if apart else self.bias
        maps = F.conv_transpose2d(x, self.weight, bias, stride=2, padding=1, output_padding=self.extra)
        return _Biased.apply(maps, self.bias) if apart else maps


class _Biased(torch.autograd.Function):
    """Feature maps (B, C, H, W) to which a bias (C,) was added: they as they are, and the gradient of it."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, bias: Tensor) -> Tensor:
        ctx.mark_dirty(maps)
        return maps

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return gradient, gradient.sum((0, 2, 3))


class ToImage(nn.Module):
    """A convolution of 3 x 3 from many channels to few, as the transposed one that is the same map.

    With very few channels at the end, processors are fastest forward by one matrix product for all nine
    places of the kernel, whose maps are shifted and added, and backward by that convolution (docs/speed.md).

    Args:
        channels, output: of the feature maps and of the image.
    """

    def __init__(self, channels: int, output: int):
        super().__init__()
        convolution = he_init_(nn.Conv2d(channels, output, 3, padding=1), gain=1.0)
        self.weight, self.bias = convolution.weight, nn.Parameter(torch.zeros(output))

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.flip(-2, -1).transpose(0, 1)
        if len(self.weight) > MAX_CHANNELS or not _eager_on_cpu(x):
            return F.conv_transpose2d(x, kernel, self.bias, padding=1)
        return _Spread.apply(*_in_autocast(x, kernel)) + self.bias.view(-1, 1, 1)


class _Spread(torch.autograd.Function):
    """Maps (B, C, H, W), kernels (C, O, 3, 3) -> (B, O, H, W), in float32 or better."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(x, kernel)
        (height, width), outputs = x.shape[2:], kernel.shape[1]
        places = torch.matmul(kernel.flatten(1).T, x.flatten(2)).unflatten(1, (outputs, 3, 3))
        spread = to_float32(x.new_zeros(())).new_zeros(len(x), outputs, height + 2, width + 2)
        for i, j in product(range(3), range(3)):
            spread[..., i : i + height, j : j + width] += places[:, :, i, j].unflatten(-1, (height, width))
        return spread[..., 1:-1, 1:-1].contiguous()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, kernel = ctx.saved_tensors
        one, wanted = [1, 1], [*ctx.needs_input_grad, False]
        return torch.ops.aten.convolution_backward(
            gradient.to(x.dtype), x, kernel, None, one, one, one, True, [0, 0], 1, wanted
        )[:2]


def _in_autocast(*tensors: Tensor) -> list[Tensor]:
    """As they would enter a product: in less than float32 where autocast says so."""
    kind = tensors[0].device.type
    if not torch.is_autocast_enabled(kind):
        return list(tensors)
    return [tensor.to(torch.get_autocast_dtype(kind)) for tensor in tensors]


def _eager_on_cpu(x: Tensor) -> bool:
    """Elsewhere, and compiled, the plain layers are as fast; transforms of `torch.func` know no others."""
    return x.device.type == "cpu" and not torch.compiler.is_compiling() and not _transformed()
