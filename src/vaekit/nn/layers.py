"""Weight initialization, gradients without those of the weights, and two convolutions for CPUs.

`Upsample` and `ToImage` compute the same function as the plain PyTorch layers and have the same weights. Only
the order of computation differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from vaekit.utils.device import to_float32

_transformed = getattr(torch._C, "_are_functorch_transforms_active", lambda: False)

MAX_CHANNELS = 4  # image channels up to which nine feature maps per channel are worth their memory

Layer = TypeVar("Layer", bound=nn.Linear | _ConvNd)


def he_init_(layer: Layer, gain: float = 2.0, fan_in: int | None = None) -> Layer:
    """Initialize weights from N(0, gain / fan_in) and set the bias to 0 (He et al. 2015).

    Args:
        layer: changed in place.
        gain: 2 before a rectifier, 1 before nothing.
        fan_in: number of inputs of each output; computed from the layer if None.

    Returns:
        The layer.

    >>> layer = he_init_(nn.Linear(5000, 10))
    >>> round(layer.weight.std().item(), 2), layer.bias.abs().sum().item()  # sqrt(2 / 5000) = 0.02
    (0.02, 0.0)
    """
    nn.init.normal_(layer.weight, std=math.sqrt(gain / max(fan_in or _fan_in(layer), 1)))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _fan_in(layer: nn.Linear | _ConvNd) -> int:
    """The number of inputs of each output."""
    if isinstance(layer, _ConvTransposeNd):  # stride s in d dimensions: only 1 / s^d of the kernel
        return layer.weight.shape[0] * layer.weight[0, 0].numel() // math.prod(layer.stride)
    return layer.weight[0].numel()


@contextmanager
def without_weight_gradients(module: nn.Module) -> Iterator[None]:
    """Inside the block, no weight requires a gradient, so that those of latents cost nothing more.

    Args:
        module: restored after the block.

    >>> layer = nn.Linear(2, 1)
    >>> with without_weight_gradients(layer):
    ...     layer(torch.ones(2, requires_grad=True)).backward()
    >>> layer.weight.grad is None, layer.weight.requires_grad
    (True, True)
    """
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    try:
        for weight in weights:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


class Upsample(nn.Module):
    """A 3 x 3 transposed convolution that doubles height and width.

    On a CPU the gradient of the bias is computed separately: with channels-last memory, oneDNN takes as long
    for it as for the gradient of the weights.

    Args:
        channels, output: number of input and output channels.
        extra: rows and columns beyond 2 n - 1, each 0 or 1.

    >>> Upsample(8, 4, extra=(1, 0))(torch.zeros(2, 8, 7, 7)).shape
    torch.Size([2, 4, 14, 13])
    """

    def __init__(self, channels: int, output: int, extra: tuple[int, int]):
        super().__init__()
        convolution = he_init_(nn.ConvTranspose2d(channels, output, 3, stride=2, padding=1))
        self.weight, self.extra = convolution.weight, extra
        self.bias = nn.Parameter(torch.zeros(output))

    def forward(self, x: Tensor) -> Tensor:
        separate = torch.is_grad_enabled() and eager_on_cpu(x)
        bias = self.bias.detach() if separate else self.bias
        maps = F.conv_transpose2d(x, self.weight, bias, stride=2, padding=1, output_padding=self.extra)
        return _BiasGradient.apply(maps, self.bias) if separate else maps


class _BiasGradient(torch.autograd.Function):
    """Feature maps (B, C, H, W) that include a bias (C,): the identity, with the gradient of that bias."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, bias: Tensor) -> Tensor:
        ctx.mark_dirty(maps)
        return maps

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        return gradient, gradient.sum((0, 2, 3))


class ToImage(nn.Module):
    """A 3 x 3 convolution from many channels to few, computed as the equivalent transposed convolution.

    With few output channels, a CPU is fastest with one matrix product for all nine kernel positions, whose
    results are shifted and added; backward uses the convolution (docs/speed.md).

    Args:
        channels, output: number of channels of the feature maps and of the image.

    >>> ToImage(16, 1)(torch.zeros(2, 16, 28, 28)).shape
    torch.Size([2, 1, 28, 28])
    """

    def __init__(self, channels: int, output: int):
        super().__init__()
        convolution = he_init_(nn.Conv2d(channels, output, 3, padding=1), gain=1.0)
        self.weight, self.bias = convolution.weight, nn.Parameter(torch.zeros(output))

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.flip(-2, -1).transpose(0, 1)
        if len(self.weight) > MAX_CHANNELS or not eager_on_cpu(x):
            return F.conv_transpose2d(x, kernel, self.bias, padding=1)
        return _ShiftAndAdd.apply(*_in_autocast(x, kernel)) + self.bias.view(-1, 1, 1)


class _ShiftAndAdd(torch.autograd.Function):
    """Transposed convolution of maps (B, C, H, W) with kernels (C, O, 3, 3) -> (B, O, H, W), >= float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(x, kernel)
        (height, width), outputs = x.shape[2:], kernel.shape[1]
        products = torch.matmul(kernel.flatten(1).T, x.flatten(2)).unflatten(1, (outputs, 3, 3))
        total = to_float32(x.new_zeros(())).new_zeros(len(x), outputs, height + 2, width + 2)
        for i, j in product(range(3), range(3)):
            total[..., i : i + height, j : j + width] += products[:, :, i, j].unflatten(-1, (height, width))
        return total[..., 1:-1, 1:-1].contiguous()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, kernel = ctx.saved_tensors
        one, needs_grad = [1, 1], [*ctx.needs_input_grad, False]
        return torch.ops.aten.convolution_backward(
            gradient.to(x.dtype), x, kernel, None, one, one, one, True, [0, 0], 1, needs_grad
        )[:2]


def _in_autocast(*tensors: Tensor) -> list[Tensor]:
    """Cast tensors to the autocast type, if autocast is enabled."""
    kind = tensors[0].device.type
    if not torch.is_autocast_enabled(kind):
        return list(tensors)
    return [tensor.to(torch.get_autocast_dtype(kind)) for tensor in tensors]


def eager_on_cpu(x: Tensor) -> bool:
    """Whether a layer of our own applies: elsewhere plain ones are as fast, and `torch.func` requires them.

    >>> eager_on_cpu(torch.zeros(1))
    True
    """
    return x.device.type == "cpu" and not torch.compiler.is_compiling() and not _transformed()
