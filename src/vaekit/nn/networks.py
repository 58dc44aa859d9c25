"""Networks for images and vectors of any size.

A network is built from the event shapes of its inputs and of its output. The same options therefore build an
encoder, a decoder or the network between two latent layers:

- the first input is an image: the network encodes it (convolutions with stride 2, or one flattened vector);
- the output is an image: the network decodes to it (transposed convolutions that match any size exactly);
- all other inputs (the latents of a layer above, a label) are vectors.

The leading dimensions of the inputs are broadcast: x (B, C, H, W) with z (K, B, d) gives (K, B, ...). The
part that depends on x alone is computed once for all K samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from vaekit.nn.layers import ToImage, Upsample, he_init_
from vaekit.registry import register
from vaekit.utils.schema import Channels, HiddenSizes

Shape = tuple[int, ...]
Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "softplus"]
Layers = list[nn.Module]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.1),
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
}


class MultiInputLinear(nn.Module):
    """A linear layer over several concatenated inputs, computed as the sum of one linear layer per input.

    Args:
        inputs: event shapes; each input is flattened over its event.
        output_size: size of the output.
        gain: of the initial weights, see `layers.he_init_`.

    >>> layer = MultiInputLinear([(1, 28, 28), (10,)], 300)
    >>> layer(torch.zeros(4, 1, 28, 28), torch.zeros(5, 4, 10)).shape
    torch.Size([5, 4, 300])
    """

    def __init__(self, inputs: Sequence[Shape], output_size: int, gain: float = 2.0):
        super().__init__()
        self.event_dims = [len(shape) for shape in inputs]
        sizes = [math.prod(shape) for shape in inputs]
        linears = [nn.Linear(n, output_size, bias=i == 0) for i, n in enumerate(sizes)]
        self.linears = nn.ModuleList(he_init_(linear, gain, fan_in=sum(sizes)) for linear in linears)

    def forward(self, *inputs: Tensor) -> Tensor:
        terms = [
            linear(x.flatten(-dims) if dims > 1 else x)
            for linear, dims, x in zip(self.linears, self.event_dims, inputs, strict=True)
        ]
        return sum(terms[1:], start=terms[0])


@register("network", "dense")
class Dense(nn.Module):
    """Fully connected layers from any inputs to a vector or an image; without hidden layers a linear map.

    Args:
        inputs, output: event shapes.
        hidden_sizes: units of each hidden layer.
        gated: whether each hidden layer is a linear layer times the sigmoid of another (Dauphin et al.
            2017); otherwise `activation` follows a linear layer.
        activation: the function after each hidden layer; not used if `gated`.

    >>> Dense([(1, 28, 28)], (80,))(torch.zeros(4, 1, 28, 28)).shape
    torch.Size([4, 80])
    """

    def __init__(
        self,
        inputs: Sequence[Shape],
        output: Shape,
        hidden_sizes: HiddenSizes = (300, 300),
        gated: bool = False,
        activation: Activation = "relu",
    ):
        super().__init__()
        self.output = output
        double = 2 if gated else 1
        outputs = [units * double for units in hidden_sizes] + [math.prod(output)]
        gains = [2.0] * len(hidden_sizes) + [1.0]
        self.join = MultiInputLinear(inputs, outputs[0], gains[0])
        layers: Layers = []
        for units, out, gain in zip(hidden_sizes, outputs[1:], gains[1:], strict=True):
            layers += [_nonlinearity(gated, activation, dim=-1), he_init_(nn.Linear(units, out), gain)]
        self.layers = nn.Sequential(*layers)

    def forward(self, *inputs: Tensor) -> Tensor:
        numbers = self.layers(self.join(*inputs))
        return numbers if len(self.output) == 1 else numbers.unflatten(-1, self.output)


class ConvEncoder(nn.Module):
    """Image (and vectors) -> vector: convolutions, then a dense network.

    Args:
        trunk: the convolutions, (N, C, H, W) -> feature maps.
        top: dense network whose first input is the flattened feature maps.

    >>> encoder = convolutional([(1, 28, 28)], (80,))
    >>> type(encoder).__name__, encoder(torch.zeros(4, 1, 28, 28)).shape
    ('ConvEncoder', torch.Size([4, 80]))
    """

    def __init__(self, trunk: nn.Module, top: Dense):
        super().__init__()
        self.trunk, self.top = trunk, top

    def forward(self, image: Tensor, *vectors: Tensor) -> Tensor:
        features = self.trunk(image.flatten(0, -4)).flatten(1)
        return self.top(features.unflatten(0, image.shape[:-3]), *vectors)


class ConvDecoder(nn.Module):
    """Vectors -> image: a dense network to the smallest feature maps, then upsampling convolutions.

    Args:
        bottom: dense network, vectors -> smallest feature maps.
        trunk: the convolutions, feature maps -> image.
        layout: memory format of the feature maps; it changes the speed, not the values.

    >>> decoder = convolutional([(40,)], (1, 28, 28))
    >>> type(decoder).__name__, decoder(torch.zeros(4, 40)).shape
    ('ConvDecoder', torch.Size([4, 1, 28, 28]))
    """

    def __init__(self, bottom: Dense, trunk: nn.Module, layout: torch.memory_format):
        super().__init__()
        self.bottom, self.trunk, self.layout = bottom, trunk, layout

    def forward(self, *vectors: Tensor) -> Tensor:
        features = self.bottom(*vectors)
        maps = features.flatten(0, -4).contiguous(memory_format=self.layout)
        return self.trunk(maps).unflatten(0, features.shape[:-3])


@register("network")
def convolutional(
    inputs: Sequence[Shape],
    output: Shape,
    channels: Channels = (32, 64),
    hidden_sizes: HiddenSizes = (128,),
    gated: bool = False,
    activation: Activation = "relu",
) -> nn.Module:
    """3 x 3 convolutions with stride 2, one for each entry of `channels`; transposed ones in a decoder.

    Args:
        inputs, output: event shapes. From vectors to a vector the network has its dense layers only.
        channels: number of channels of the feature maps, largest maps first.
        hidden_sizes: units of the dense layers between feature maps and latents.
        gated: whether each layer is a linear layer times the sigmoid of another (Dauphin et al. 2017);
            otherwise `activation` follows it.
        activation: the function after each layer; not used if `gated`.

    >>> convolutional([(1, 28, 20), (10,)], (80,))(torch.zeros(4, 1, 28, 20), torch.zeros(4, 10)).shape
    torch.Size([4, 80])
    """
    double = 2 if gated else 1

    def layer(convolution: nn.Module) -> Layers:
        return [convolution, _in_place(_nonlinearity(gated, activation, dim=1))]

    def down(a: int, b: int) -> Layers:
        return layer(he_init_(nn.Conv2d(a, b * double, 3, stride=2, padding=1)))

    def up(a: int, b: int, small: Shape, large: Shape) -> Layers:
        extra = (large[0] - (2 * small[0] - 1), large[1] - (2 * small[1] - 1))  # 1 for an even size, else 0
        return layer(Upsample(a, b * double, extra))

    dense = partial(Dense, hidden_sizes=hidden_sizes, gated=gated, activation=activation)
    layout = torch.contiguous_format if gated else torch.channels_last
    return _ConvPyramid(channels, dense, ACTIVATIONS[activation], down, up, layout).network(inputs, output)


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
        inputs, output: event shapes. From vectors to a vector the network has its dense layers only.
        channels: number of channels of the feature maps, largest maps first.
        hidden_sizes: units of the dense layers between feature maps and latents.
        activation: the function after each layer.

    >>> residual([(40,)], (3, 32, 32))(torch.zeros(4, 40)).shape
    torch.Size([4, 3, 32, 32])
    """
    act = ACTIVATIONS[activation]

    def down(a: int, b: int) -> Layers:
        return [he_init_(nn.Conv2d(a, b, 3, stride=2, padding=1)), act(), ResidualBlock(b, activation)]

    def up(a: int, b: int, small: Shape, large: Shape) -> Layers:
        enlarge = nn.Upsample(size=large, mode="nearest")
        return [ResidualBlock(a, activation), enlarge, he_init_(nn.Conv2d(a, b, 3, padding=1)), act()]

    dense = partial(Dense, hidden_sizes=hidden_sizes, activation=activation)
    return _ConvPyramid(channels, dense, act, down, up).network(inputs, output)


class ResidualBlock(nn.Module):
    """x + f(x), with two convolutions in f; the second starts at zero, so the block starts as the identity.

    Args:
        channels: number of channels, unchanged by the block.
        activation: a name in `ACTIVATIONS`.

    >>> x = torch.ones(2, 8, 7, 7)
    >>> torch.equal(ResidualBlock(8, "relu")(x), x)
    True
    """

    def __init__(self, channels: int, activation: str):
        super().__init__()
        act = ACTIVATIONS[activation]
        first = he_init_(nn.Conv2d(channels, channels, 3, padding=1))
        second = he_init_(nn.Conv2d(channels, channels, 3, padding=1), gain=0.0)
        self.body = nn.Sequential(act(), first, act(), second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


@dataclass(frozen=True)
class _ConvPyramid:
    """Builds convolutional encoders and decoders from the layers of one resolution.

    Attributes:
        channels: number of channels at each resolution, largest maps first.
        dense: builds the dense part, from event shapes to an event shape.
        act: builds the activation of the smallest maps of a decoder.
        down: builds the layers from a to b channels at half the size.
        up: builds the layers from a to b channels and from a small size to a large one.
        layout: memory format of a decoder's feature maps. Channels last is faster, except for gates, which
            split the channels (docs/speed.md).
    """

    channels: Sequence[int]
    dense: Callable[[Sequence[Shape], Shape], Dense]
    act: Callable[[], nn.Module]
    down: Callable[[int, int], Layers]
    up: Callable[[int, int, Shape, Shape], Layers]
    layout: torch.memory_format = torch.channels_last

    def network(self, inputs: Sequence[Shape], output: Shape) -> nn.Module:
        """Build a decoder, an encoder or a dense network, depending on the shapes."""
        if len(output) == 3:
            return self.decoder(inputs, output)
        if len(inputs[0]) == 3:
            return self.encoder(inputs, output)
        return self.dense(inputs, output)

    def encoder(self, inputs: Sequence[Shape], output: Shape) -> ConvEncoder:
        image, *vectors = inputs
        trunk = [layer for a, b in pairwise([image[0], *self.channels]) for layer in self.down(a, b)]
        smallest = _halvings(image[1:], len(self.channels))[-1]
        features = (self.channels[-1] * math.prod(smallest),)
        return ConvEncoder(nn.Sequential(*trunk), self.dense([features, *vectors], output))

    def decoder(self, inputs: Sequence[Shape], output: Shape) -> ConvDecoder:
        sizes = _halvings(output[1:], len(self.channels))[::-1]
        widths = [self.channels[-1], *reversed(self.channels)]
        bottom = self.dense(inputs, (widths[0], *sizes[0]))
        trunk = [self.act()]
        for (a, b), (small, large) in zip(pairwise(widths), pairwise(sizes), strict=True):
            trunk += self.up(a, b, small, large)
        return ConvDecoder(bottom, nn.Sequential(*trunk, ToImage(widths[-1], output[0])), self.layout)


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


def _nonlinearity(gated: bool, activation: str, dim: int) -> nn.Module:
    return nn.GLU(dim) if gated else ACTIVATIONS[activation]()
