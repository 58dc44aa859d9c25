"""Functions of images and vectors, as networks, for any image size and number of channels.

Every network is made from the shapes of its inputs and of its output, so that the same words build an
encoder, a decoder or a link between two latent levels:

- an image among the inputs: the network reads it (convolutions with stride 2, or one flattened vector);
- an image as the output: the network draws it (transposed convolutions that meet every size exactly);
- inputs beyond the image (a latent of the level above, a label) are vectors.

Inputs may differ in their leading dimensions as long as these broadcast: x (B, C, H, W) beside z (K, B, d)
gives (K, B, ...), and the part that sees only x is computed once for all K samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

Shape = tuple[int, ...]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.1),
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
}


class Join(nn.Module):
    """A linear map of several inputs set side by side, as a sum of one map an input.

    Args:
        inputs: event shapes; each input is flattened over its event.
        width: size of the output.
    """

    def __init__(self, inputs: Sequence[Shape], width: int):
        super().__init__()
        self.event_dims = [len(shape) for shape in inputs]
        sizes = [math.prod(shape) for shape in inputs]
        self.maps = nn.ModuleList(nn.Linear(n, width, bias=i == 0) for i, n in enumerate(sizes))
        for linear in self.maps:
            _he(linear, fan_in=sum(sizes))

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
        sizes = [*width, math.prod(output)]
        self.join = Join(inputs, sizes[0] * (double if width else 1))
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(sizes)):
            last = i == len(width) - 1
            linear = nn.Linear(a, b if last else b * double)
            layers += [_nonlinearity(gated, activation, dim=-1), _he(linear, gain=1.0 if last else 2.0)]
        self.layers = nn.Sequential(*layers)

    def forward(self, *inputs: Tensor) -> Tensor:
        numbers = self.layers(self.join(*inputs))
        return numbers if len(self.output) == 1 else numbers.unflatten(-1, self.output)


class Reader(nn.Module):
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


class Drawer(nn.Module):
    """Vectors -> image: a dense network to the smallest feature maps, then a trunk that enlarges them."""

    def __init__(self, bottom: Dense, trunk: nn.Module):
        super().__init__()
        self.bottom, self.trunk = bottom, trunk

    def forward(self, *vectors: Tensor) -> Tensor:
        features = self.bottom(*vectors)
        return self.trunk(features.flatten(0, -4)).unflatten(0, features.shape[:-3])


def dense(
    inputs: Sequence[Shape],
    output: Shape,
    width: Sequence[int] = (300, 300),
    gated: bool = False,
    activation: str = "relu",
) -> nn.Module:
    """Fully connected layers; see `Dense`."""
    return Dense(inputs, output, width, gated, activation)


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

    def layer(convolution: nn.Module) -> list[nn.Module]:
        return [_he(convolution), _nonlinearity(gated, activation, dim=1)]

    double = 2 if gated else 1

    def down(a: int, b: int) -> list[nn.Module]:
        return layer(nn.Conv2d(a, b * double, 3, stride=2, padding=1))

    def up(a: int, b: int, small: Shape, large: Shape) -> list[nn.Module]:
        extra = tuple(n - (2 * m - 1) for n, m in zip(large, small, strict=True))
        return layer(nn.ConvTranspose2d(a, b * double, 3, stride=2, padding=1, output_padding=extra))

    return _pyramid(inputs, output, channels, width, gated, activation, down, up)


def residual(
    inputs: Sequence[Shape],
    output: Shape,
    channels: Sequence[int] = (32, 64),
    width: Sequence[int] = (128,),
    activation: str = "silu",
) -> nn.Module:
    """Each halving is followed, on the way back preceded, by a residual block (He et al. 2016).

    Back to full size by nearest-neighbour enlargement and a convolution, which leaves no chequerboard.
    """

    def down(a: int, b: int) -> list[nn.Module]:
        return [_he(nn.Conv2d(a, b, 3, stride=2, padding=1)), ResidualBlock(b, activation)]

    def up(a: int, b: int, small: Shape, large: Shape) -> list[nn.Module]:
        enlarge = nn.Upsample(size=large, mode="nearest")
        return [ResidualBlock(a, activation), enlarge, _he(nn.Conv2d(a, b, 3, padding=1))]

    return _pyramid(inputs, output, channels, width, False, activation, down, up)


class ResidualBlock(nn.Module):
    """x + f(x), with f two convolutions that start at zero, so that the block starts as the identity."""

    def __init__(self, channels: int, activation: str):
        super().__init__()
        second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(second.weight)
        act = ACTIVATIONS[activation]
        first = _he(nn.Conv2d(channels, channels, 3, padding=1))
        self.body = nn.Sequential(act(), first, act(), second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _pyramid(inputs, output, channels, width, gated, activation, down, up) -> nn.Module:
    """Choose by the shapes: read an image, draw one, or join vectors."""
    channels = list(channels)
    if len(output) == 3:
        sizes = _halvings(output[1:], len(channels))
        small = (channels[-1], *sizes[-1])
        bottom = Dense(inputs, small, width, gated, activation)
        layers = [ACTIVATIONS[activation]()]
        reverse = channels[::-1]
        steps = zip([reverse[0], *reverse], reverse, sizes[:0:-1], sizes[-2::-1], strict=False)
        for a, b, before, after in steps:
            layers += up(a, b, before, after)
        return Drawer(bottom, nn.Sequential(*layers, _he(nn.Conv2d(channels[0], output[0], 3, padding=1), gain=1.0)))
    image, *vectors = inputs
    if len(image) != 3:
        return Dense(inputs, output, width, gated, activation)
    trunk = [layer for a, b in pairwise([image[0], *channels]) for layer in down(a, b)]
    features = (math.prod((channels[-1], *_halvings(image[1:], len(channels))[-1])),)
    return Reader(nn.Sequential(*trunk), Dense([features, *vectors], output, width, gated, activation))


def _halvings(size: Shape, times: int) -> list[Shape]:
    """(28, 20) twice -> [(28, 20), (14, 10), (7, 5)]; odd sizes are rounded up."""
    sizes = [tuple(size)]
    for _ in range(times):
        sizes.append(tuple(-(-n // 2) for n in sizes[-1]))
    return sizes


def _nonlinearity(gated: bool, activation: str, dim: int) -> nn.Module:
    return nn.GLU(dim) if gated else ACTIVATIONS[activation]()


def _he(layer: nn.Module, gain: float = 2.0, fan_in: int | None = None) -> nn.Module:
    """Weights N(0, gain / fan-in) and no bias (He et al. 2015): variance 2 / fan-in before a rectifier."""
    transposed = isinstance(layer, nn.ConvTranspose2d)
    weight: Tensor = layer.weight  # type: ignore[assignment]
    if fan_in is None:
        # A transposed convolution of stride s reads each output from 1 / s^2 of its kernel.
        fan_in = weight[0].numel() if not transposed else weight.shape[0] * weight[0, 0].numel() // 4
    nn.init.normal_(weight, std=math.sqrt(gain / max(fan_in, 1)))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


NETWORKS: dict[str, Callable[..., nn.Module]] = {
    f.__name__: f for f in (dense, convolutional, residual)
}
