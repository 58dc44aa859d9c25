"""Functions of images and vectors, as networks, for any image size and number of channels.

Every network is made from the shapes of its inputs and of its output, so that the same words build an
encoder, a decoder or a link between two latent levels:

- an image as the first input: the network reads it (convolutions with stride 2, or one flattened vector);
- an image as the output: the network draws it (transposed convolutions that meet every size exactly);
- inputs beyond the image (a latent of the level above, a label) are vectors.

Inputs may differ in their leading dimensions as long as these broadcast: x (B, C, H, W) beside z (K, B, d)
gives (K, B, ...), and the part that sees only x is computed once for all K samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from vaekit.nn.layers import ToImage, Upsample, he_init_

Shape = tuple[int, ...]
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
    """A linear map of several inputs set side by side, as a sum of one map an input.

    Args:
        inputs: event shapes; each input is flattened over its event.
        width: size of the output.
        gain: of the initial weights, see `layers.he`.
    """

    def __init__(self, inputs: Sequence[Shape], width: int, gain: float = 2.0):
        super().__init__()
        self.event_dims = [len(shape) for shape in inputs]
        sizes = [math.prod(shape) for shape in inputs]
        linears = [nn.Linear(n, width, bias=i == 0) for i, n in enumerate(sizes)]
        self.maps = nn.ModuleList(he_init_(linear, gain, fan_in=sum(sizes)) for linear in linears)

    def forward(self, *inputs: Tensor) -> Tensor:
        terms = [
            linear(x.flatten(-dims) if dims > 1 else x)
            for linear, dims, x in zip(self.maps, self.event_dims, inputs, strict=True)
        ]
        return sum(terms[1:], start=terms[0])


class Dense(nn.Module):
    """Fully connected layers from any inputs to a vector or an image; no hidden width gives a linear map.

    Args:
        inputs, output: event shapes.
        width: units of each hidden layer.
        gated: each hidden layer is its linear part times the sigmoid of another (Dauphin et al. 2017), both
            in one matrix product; otherwise `activation` follows a linear layer.
        activation: a name in `ACTIVATIONS`.
    """

    def __init__(
        self,
        inputs: Sequence[Shape],
        output: Shape,
        width: Sequence[int] = (300, 300),
        gated: bool = False,
        activation: str = "relu",
    ):
        super().__init__()
        self.output = output
        double = 2 if gated else 1
        outputs = [units * double for units in width] + [math.prod(output)]
        gains = [2.0] * len(width) + [1.0]
        self.join = MultiInputLinear(inputs, outputs[0], gains[0])
        layers: Layers = []
        for units, out, gain in zip(width, outputs[1:], gains[1:], strict=True):
            layers += [_nonlinearity(gated, activation, dim=-1), he_init_(nn.Linear(units, out), gain)]
        self.layers = nn.Sequential(*layers)

    def forward(self, *inputs: Tensor) -> Tensor:
        numbers = self.layers(self.join(*inputs))
        return numbers if len(self.output) == 1 else numbers.unflatten(-1, self.output)


class ConvEncoder(nn.Module):
    """Image (and vectors) -> vector: a trunk of convolutions, then a dense network over its features.

    Args:
        trunk: (N, C, H, W) -> features.
        top: dense network whose first input is the flattened features.
    """

    def __init__(self, trunk: nn.Module, top: Dense):
        super().__init__()
        self.trunk, self.top = trunk, top

    def forward(self, image: Tensor, *vectors: Tensor) -> Tensor:
        features = self.trunk(image.flatten(0, -4)).flatten(1)
        return self.top(features.unflatten(0, image.shape[:-3]), *vectors)


class ConvDecoder(nn.Module):
    """Vectors -> image: a dense network to the smallest feature maps, then a trunk that enlarges them.

    Args:
        bottom, trunk: the two.
        layout: of the feature maps in memory, which the trunk keeps; the numbers do not depend on it.
    """

    def __init__(self, bottom: Dense, trunk: nn.Module, layout: torch.memory_format):
        super().__init__()
        self.bottom, self.trunk, self.layout = bottom, trunk, layout

    def forward(self, *vectors: Tensor) -> Tensor:
        features = self.bottom(*vectors)
        maps = features.flatten(0, -4).contiguous(memory_format=self.layout)
        return self.trunk(maps).unflatten(0, features.shape[:-3])


def convolutional(
    inputs: Sequence[Shape],
    output: Shape,
    channels: Sequence[int] = (32, 64),
    width: Sequence[int] = (128,),
    gated: bool = False,
    activation: str = "relu",
) -> nn.Module:
    """Convolutions of 3 x 3 that halve the image, one a number of `channels`; transposed ones back.

    `width` are the dense layers between feature maps and latent. Between two vectors it is those alone.
    """
    double = 2 if gated else 1

    def layer(convolution: nn.Module) -> Layers:
        return [convolution, _in_place(_nonlinearity(gated, activation, dim=1))]

    def down(a: int, b: int) -> Layers:
        return layer(he_init_(nn.Conv2d(a, b * double, 3, stride=2, padding=1)))

    def up(a: int, b: int, small: Shape, large: Shape) -> Layers:
        extra = (large[0] - (2 * small[0] - 1), large[1] - (2 * small[1] - 1))  # 1 where it is even, else 0
        return layer(Upsample(a, b * double, extra))

    link = partial(Dense, width=width, gated=gated, activation=activation)
    layout = torch.contiguous_format if gated else torch.channels_last
    return _ConvPyramid(channels, link, ACTIVATIONS[activation], down, up, layout).network(inputs, output)


def residual(
    inputs: Sequence[Shape],
    output: Shape,
    channels: Sequence[int] = (32, 64),
    width: Sequence[int] = (128,),
    activation: str = "silu",
) -> nn.Module:
    """Each halving is followed, each doubling on the way back preceded, by a residual block (He et al. 2016).

    Back to full size by nearest-neighbor enlargement and a convolution, which leaves no chequerboard.
    """
    act = ACTIVATIONS[activation]

    def down(a: int, b: int) -> Layers:
        return [he_init_(nn.Conv2d(a, b, 3, stride=2, padding=1)), act(), ResidualBlock(b, activation)]

    def up(a: int, b: int, small: Shape, large: Shape) -> Layers:
        enlarge = nn.Upsample(size=large, mode="nearest")
        return [ResidualBlock(a, activation), enlarge, he_init_(nn.Conv2d(a, b, 3, padding=1)), act()]

    link = partial(Dense, width=width, activation=activation)
    return _ConvPyramid(channels, link, act, down, up).network(inputs, output)


class ResidualBlock(nn.Module):
    """x + f(x), with f two convolutions; the second starts at zero, and so the block as the identity."""

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
    """How to go from full size to the smallest feature maps, and back.

    Attributes:
        channels: of the feature maps of each level, largest maps first.
        link: makes the dense part, from event shapes to an event shape.
        act: makes the activation of the smallest maps on the way back.
        down: makes the layers from a to b channels at half the size.
        up: makes the layers from a to b channels and from a small size to a large one.
        layout: of feature maps on the way back: channels last is faster, but for gates, which split the
            channels (docs/speed.md).
    """

    channels: Sequence[int]
    link: Callable[[Sequence[Shape], Shape], Dense]
    act: Callable[[], nn.Module]
    down: Callable[[int, int], Layers]
    up: Callable[[int, int, Shape, Shape], Layers]
    layout: torch.memory_format = torch.channels_last

    def network(self, inputs: Sequence[Shape], output: Shape) -> nn.Module:
        """Choose by the shapes: draw an image, read one, or join vectors."""
        if len(output) == 3:
            return self.drawer(inputs, output)
        if len(inputs[0]) == 3:
            return self.reader(inputs, output)
        return self.link(inputs, output)

    def reader(self, inputs: Sequence[Shape], output: Shape) -> ConvEncoder:
        image, *vectors = inputs
        trunk = [layer for a, b in pairwise([image[0], *self.channels]) for layer in self.down(a, b)]
        smallest = _halvings(image[1:], len(self.channels))[-1]
        features = (self.channels[-1] * math.prod(smallest),)
        return ConvEncoder(nn.Sequential(*trunk), self.link([features, *vectors], output))

    def drawer(self, inputs: Sequence[Shape], output: Shape) -> ConvDecoder:
        sizes = _halvings(output[1:], len(self.channels))[::-1]
        widths = [self.channels[-1], *reversed(self.channels)]
        bottom = self.link(inputs, (widths[0], *sizes[0]))
        trunk = [self.act()]
        for (a, b), (small, large) in zip(pairwise(widths), pairwise(sizes), strict=True):
            trunk += self.up(a, b, small, large)
        return ConvDecoder(bottom, nn.Sequential(*trunk, ToImage(widths[-1], output[0])), self.layout)


def _halvings(size: Shape, times: int) -> list[Shape]:
    """(28, 20) twice -> [(28, 20), (14, 10), (7, 5)]; odd sizes are rounded up."""
    sizes = [tuple(size)]
    for _ in range(times):
        sizes.append(tuple(-(-n // 2) for n in sizes[-1]))
    return sizes


def _in_place(act: nn.Module) -> nn.Module:
    """The same, over what it is given where it can: for a layer whose output nothing else reads."""
    if isinstance(act, nn.ReLU | nn.LeakyReLU | nn.ELU):
        act.inplace = True
    return act


def _nonlinearity(gated: bool, activation: str, dim: int) -> nn.Module:
    return nn.GLU(dim) if gated else ACTIVATIONS[activation]()


NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "dense": Dense,
    "convolutional": convolutional,
    "residual": residual,
}
