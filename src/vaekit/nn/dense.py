"""Dense networks: fully connected layers from any event shapes to another."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from vaekit.errors import InvalidError
from vaekit.nn.layers import he_init_
from vaekit.nn.matmul import Linear
from vaekit.registry import register
from vaekit.utils.schema import HiddenSizes

Shape = tuple[int, ...]
Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "softplus"]
Layers = list[nn.Module]

MAX_WEIGHTS = 2**29  # of one layer, 2 GiB in float32; training needs four times as much

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

    >>> import torch
    >>> layer = MultiInputLinear([(1, 28, 28), (10,)], 300)
    >>> layer(torch.zeros(4, 1, 28, 28), torch.zeros(5, 4, 10)).shape
    torch.Size([5, 4, 300])
    """

    def __init__(self, inputs: Sequence[Shape], output_size: int, gain: float = 2.0):
        super().__init__()
        self.event_dims = [len(shape) for shape in inputs]
        sizes = [math.prod(shape) for shape in inputs]
        linears = [Linear(n, output_size, bias=i == 0) for i, n in enumerate(sizes)]
        self.linears = nn.ModuleList(he_init_(linear, gain, fan_in=sum(sizes)) for linear in linears)

    def forward(self, *inputs: Tensor) -> Tensor:
        terms = [
            linear(x.flatten(-dims) if dims > 1 else x)
            for linear, dims, x in zip(self.linears, self.event_dims, inputs, strict=True)
        ]
        return sum(terms[1:], start=terms[0])


@register("network", "dense")
class Dense(nn.Module):
    """Fully connected layers from any event shapes to any other; without hidden layers a linear map.

    Args:
        inputs, output: event shapes.
        hidden_sizes: units of each hidden layer.
        gated: whether each hidden layer is a linear layer times the sigmoid of another (Dauphin et al.
            2017); otherwise `activation` follows a linear layer.
        activation: the function after each hidden layer; not used if `gated`.
        dropout: probability with which a value of the first input is set to 0 in training, while the others
            grow in proportion (Srivastava et al. 2014).

    Raises:
        InvalidError: a layer would have more than 2^29 weights.

    >>> import torch
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
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ):
        super().__init__()
        self.output = output
        self.dropout = nn.Dropout(dropout) if dropout else None
        double = 2 if gated else 1
        outputs = [units * double for units in hidden_sizes] + [math.prod(output)]
        gains = [2.0] * len(hidden_sizes) + [1.0]
        _check_weights([sum(map(math.prod, inputs)), *hidden_sizes], outputs)
        self.join = MultiInputLinear(inputs, outputs[0], gains[0])
        layers: Layers = []
        for units, out, gain in zip(hidden_sizes, outputs[1:], gains[1:], strict=True):
            layers += [nonlinearity(gated, activation, dim=-1), he_init_(Linear(units, out), gain)]
        self.layers = nn.Sequential(*layers)

    def forward(self, *inputs: Tensor) -> Tensor:
        if self.dropout is not None:
            inputs = (self.dropout(inputs[0]), *inputs[1:])
        numbers = self.layers(self.join(*inputs))
        return numbers if len(self.output) == 1 else numbers.unflatten(-1, self.output)


def nonlinearity(gated: bool, activation: str, dim: int) -> nn.Module:
    """A gate over halves of dimension `dim`, or the function of a name in `ACTIVATIONS`.

    >>> nonlinearity(True, "relu", dim=1), nonlinearity(False, "relu", dim=1)
    (GLU(dim=1), ReLU())
    """
    return nn.GLU(dim) if gated else ACTIVATIONS[activation]()


def _check_weights(inputs: Sequence[int], outputs: Sequence[int]) -> None:
    for a, b in zip(inputs, outputs, strict=True):
        if a * b > MAX_WEIGHTS:
            raise InvalidError(
                f"network: a dense layer from {a:,} to {b:,} values would have {a * b:,} weights, expected "
                f"at most {MAX_WEIGHTS:,}; bring the data to a smaller size, choose smaller hidden_sizes, or "
                "a convolutional network with more entries in channels"
            )
