"""Convolutional and residual networks for signals (C, L), images (C, H, W) and volumes (C, D, H, W).

The number of dimensions follows from the event shapes. Images take the layers of `nn.layers` that are fast on
CPUs; signals and volumes take the plain ones of PyTorch, which compute the same in one and three dimensions.
Every entry of `channels` halves the sizes, rounded up, down to 1; a decoder runs through the same sizes
backwards, so every size is met exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from vaekit.errors import InvalidError
from vaekit.nn.dense import ACTIVATIONS, Activation, Dense, Layers, Shape, nonlinearity
from vaekit.nn.layers import ToImage, Upsample, he_init_
from vaekit.registry import register
from vaekit.utils.schema import Channels, HiddenSizes

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MAX_MAPS = 2**27  # numbers in the feature maps of one data point, 512 MiB in float32


class ConvEncoder(nn.Module):
    """Signal, image or volume (and vectors) -> vector: convolutions, then a dense network.

    Args:
        trunk: the convolutions, (N, C, *size) -> feature maps.
        top: dense network whose first input is the flattened feature maps.
        dims: the number of dimensions of a size: 1 for signals, 2 for images, 3 for volumes.

    >>> encoder = convolutional([(1, 28, 28)], (80,))
    >>> type(encoder).__name__, encoder(torch.zeros(4, 1, 28, 28)).shape
    ('ConvEncoder', torch.Size([4, 80]))
    """

    def __init__(self, trunk: nn.Module, top: Dense, dims: int = 2):
        super().__init__()
        self.trunk, self.top, self.dims = trunk, top, dims

    def forward(self, x: Tensor, *vectors: Tensor) -> Tensor:
        leading = x.shape[: -1 - self.dims]
        features = self.trunk(x.flatten(0, -2 - self.dims)).flatten(1)
        return self.top(features.unflatten(0, leading), *vectors)


class ConvDecoder(nn.Module):
    """Vectors -> signal, image or volume: a dense network to the smallest feature maps, then convolutions.

    Args:
        bottom: dense network, vectors -> smallest feature maps.
        trunk: the upsampling convolutions, feature maps -> data point.
        channels_last: memory format of the feature maps; it changes the speed, not the values.
        dims: the number of dimensions of a size: 1 for signals, 2 for images, 3 for volumes.

    >>> decoder = convolutional([(40,)], (1, 28, 28))
    >>> type(decoder).__name__, decoder(torch.zeros(4, 40)).shape
    ('ConvDecoder', torch.Size([4, 1, 28, 28]))
    """

    def __init__(self, bottom: Dense, trunk: nn.Module, channels_last: bool, dims: int = 2):
        super().__init__()
        self.bottom, self.trunk, self.channels_last, self.dims = bottom, trunk, channels_last, dims

    def forward(self, *vectors: Tensor) -> Tensor:
        features = self.bottom(*vectors)
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        maps = features.flatten(0, -2 - self.dims).contiguous(memory_format=layout)
        return self.trunk(maps).unflatten(0, features.shape[: -1 - self.dims])


@register("network")
def convolutional(
    inputs: Sequence[Shape],
    output: Shape,
    channels: Channels = (32, 64),
    hidden_sizes: HiddenSizes = (128,),
    gated: bool = False,
    activation: Activation = "relu",
) -> nn.Module:
    """Convolutions of width 3 with stride 2, one for each entry of `channels`; transposed ones in a decoder.

    Args:
        inputs, output: event shapes: signals (C, L), images (C, H, W), volumes (C, D, H, W) or vectors. From
            vectors to a vector the network has its dense layers only.
        channels: number of channels of the feature maps, largest maps first.
        hidden_sizes: units of the dense layers between feature maps and latents.
        gated: whether each layer is a linear layer times the sigmoid of another (Dauphin et al. 2017);
            otherwise `activation` follows it.
        activation: the function after each layer; not used if `gated`.

    Raises:
        InvalidError: a shape is none of these, or the network would need gigabytes for each data point.

    >>> convolutional([(1, 28, 20), (10,)], (80,))(torch.zeros(4, 1, 28, 20), torch.zeros(4, 10)).shape
    torch.Size([4, 80])
    >>> convolutional([(40,)], (2, 129))(torch.zeros(4, 40)).shape  # signals of two channels
    torch.Size([4, 2, 129])
    """
    double = 2 if gated else 1
    dims = _spatial_dims(inputs, output)

    def layer(convolution: nn.Module) -> Layers:
        return [convolution, _in_place(nonlinearity(gated, activation, dim=1))]

    def down(a: int, b: int) -> Layers:
        return layer(he_init_(CONVOLUTIONS[dims](a, b * double, 3, stride=2, padding=1)))

    def up(a: int, b: int, small: Shape, large: Shape) -> Layers:
        extra: Any = tuple(n - (2 * m - 1) for m, n in zip(small, large, strict=True))  # 1 if even, else 0
        if dims == 2:
            return layer(Upsample(a, b * double, extra))
        plain = TRANSPOSED[dims](a, b * double, 3, stride=2, padding=1, output_padding=extra)
        return layer(he_init_(plain))

    dense = partial(Dense, hidden_sizes=hidden_sizes, gated=gated, activation=activation)
    pyramid = _ConvPyramid(dims, channels, dense, ACTIVATIONS[activation], down, up, channels_last=not gated)
    return pyramid.network(inputs, output)


@register("network")
def residual(
    inputs: Sequence[Shape],
    output: Shape,
    channels: Channels = (32, 64),
    hidden_sizes: HiddenSizes = (128,),
    activation: Activation = "silu",
) -> nn.Module:
    """Strided convolutions with a residual block at each resolution (He et al. 2016).

    A decoder upsamples by nearest-neighbor interpolation and a convolution, to avoid checkerboard artifacts.

    Args:
        inputs, output: event shapes: signals (C, L), images (C, H, W), volumes (C, D, H, W) or vectors. From
            vectors to a vector the network has its dense layers only.
        channels: number of channels of the feature maps, largest maps first.
        hidden_sizes: units of the dense layers between feature maps and latents.
        activation: the function after each layer.

    Raises:
        InvalidError: a shape is none of these, or the network would need gigabytes for each data point.

    >>> residual([(40,)], (3, 32, 32))(torch.zeros(4, 40)).shape
    torch.Size([4, 3, 32, 32])
    >>> residual([(1, 8, 9, 10)], (80,))(torch.zeros(4, 1, 8, 9, 10)).shape  # volumes
    torch.Size([4, 80])
    """
    act = ACTIVATIONS[activation]
    dims = _spatial_dims(inputs, output)
    convolution = CONVOLUTIONS[dims]

    def down(a: int, b: int) -> Layers:
        halving = he_init_(convolution(a, b, 3, stride=2, padding=1))
        return [halving, act(), ResidualBlock(b, activation, dims)]

    def up(a: int, b: int, small: Shape, large: Shape) -> Layers:
        block, enlarge = ResidualBlock(a, activation, dims), nn.Upsample(size=large, mode="nearest")
        return [block, enlarge, he_init_(convolution(a, b, 3, padding=1)), act()]

    dense = partial(Dense, hidden_sizes=hidden_sizes, activation=activation)
    return _ConvPyramid(dims, channels, dense, act, down, up).network(inputs, output)


class ResidualBlock(nn.Module):
    """x + f(x), with two convolutions in f; the second starts at zero, so the block starts as the identity.

    Args:
        channels: number of channels, unchanged by the block.
        activation: a name in `ACTIVATIONS`.
        dims: 1 for signals, 2 for images, 3 for volumes.

    >>> x = torch.ones(2, 8, 7, 7)
    >>> torch.equal(ResidualBlock(8, "relu")(x), x)
    True
    """

    def __init__(self, channels: int, activation: str, dims: int = 2):
        super().__init__()
        act, convolution = ACTIVATIONS[activation], CONVOLUTIONS[dims]
        first = he_init_(convolution(channels, channels, 3, padding=1))
        second = he_init_(convolution(channels, channels, 3, padding=1), gain=0.0)
        self.body = nn.Sequential(act(), first, act(), second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


@dataclass(frozen=True)
class _ConvPyramid:
    """Builds convolutional encoders and decoders from the layers of one resolution.

    Attributes:
        dims: 1 for signals, 2 for images, 3 for volumes.
        channels: number of channels at each resolution, largest maps first.
        dense: builds the dense part, from event shapes to an event shape.
        act: builds the activation of the smallest maps of a decoder.
        down: builds the layers from a to b channels at half the size.
        up: builds the layers from a to b channels and from a small size to a large one.
        channels_last: memory format of a decoder's feature maps for images. It is faster, except for gates,
            which split the channels (docs/speed.md).
    """

    dims: int
    channels: Sequence[int]
    dense: Callable[[Sequence[Shape], Shape], Dense]
    act: Callable[[], nn.Module]
    down: Callable[[int, int], Layers]
    up: Callable[[int, int, Shape, Shape], Layers]
    channels_last: bool = True

    def network(self, inputs: Sequence[Shape], output: Shape) -> nn.Module:
        """Build a decoder, an encoder or a dense network, depending on the shapes."""
        if len(output) > 1:
            return self.decoder(inputs, output)
        if len(inputs[0]) > 1:
            return self.encoder(inputs, output)
        return self.dense(inputs, output)

    def encoder(self, inputs: Sequence[Shape], output: Shape) -> ConvEncoder:
        data, *vectors = inputs
        sizes = _halvings(data[1:], len(self.channels))
        self._check_maps(data, sizes[1:])
        trunk = [layer for a, b in pairwise([data[0], *self.channels]) for layer in self.down(a, b)]
        features = (self.channels[-1] * math.prod(sizes[-1]),)
        return ConvEncoder(nn.Sequential(*trunk), self.dense([features, *vectors], output), self.dims)

    def decoder(self, inputs: Sequence[Shape], output: Shape) -> ConvDecoder:
        sizes = _halvings(output[1:], len(self.channels))
        self._check_maps(output, sizes[:-1])
        sizes = sizes[::-1]
        widths = [self.channels[-1], *reversed(self.channels)]
        bottom = self.dense(inputs, (widths[0], *sizes[0]))
        trunk = [self.act()]
        for (a, b), (small, large) in zip(pairwise(widths), pairwise(sizes), strict=True):
            trunk += self.up(a, b, small, large)
        trunk.append(_to_data(self.dims, widths[-1], output[0]))
        return ConvDecoder(bottom, nn.Sequential(*trunk), self.channels_last and self.dims == 2, self.dims)

    def _check_maps(self, data: Shape, sizes: Sequence[Shape]) -> None:
        numbers = max(width * math.prod(size) for width, size in zip(self.channels, sizes, strict=True))
        if numbers > MAX_MAPS:
            raise InvalidError(
                f"network: data points of shape {data} with channels {list(self.channels)} would need "
                f"feature maps of {numbers:,} numbers for each data point, expected at most {MAX_MAPS:,}; "
                "bring the data to a smaller size, or choose fewer channels"
            )


def _spatial_dims(inputs: Sequence[Shape], output: Shape) -> int:
    """1 for signals, 2 for images, 3 for volumes; 1 if there are only vectors, which need no convolution."""
    event = output if len(output) > 1 else inputs[0]
    if not 1 <= len(event) <= 4 or min(event) < 1:
        raise InvalidError(
            "network: expected data points of shape (D,), (C, L), (C, H, W) or (C, D, H, W) with positive "
            f"sizes, got {tuple(event)}; choose the network dense for any other shape"
        )
    return max(len(event) - 1, 1)


def _to_data(dims: int, channels: int, output: int) -> nn.Module:
    """The last convolution, from feature maps to the channels of a data point."""
    if dims == 2:
        return ToImage(channels, output)
    return he_init_(CONVOLUTIONS[dims](channels, output, 3, padding=1), gain=1.0)


def _halvings(size: Shape, times: int) -> list[Shape]:
    """Halve a size several times, rounding up: (28, 20) twice -> [(28, 20), (14, 10), (7, 5)]."""
    sizes = [tuple(size)]
    for _ in range(times):
        sizes.append(tuple(-(-n // 2) for n in sizes[-1]))
    return sizes


def _in_place(act: nn.Module) -> nn.Module:
    """Let an activation overwrite its input, for layers whose output nothing else reads."""
    if isinstance(act, nn.ReLU | nn.LeakyReLU | nn.ELU):
        act.inplace = True
    return act
