"""A network for rows of a table: a linear map plus a small correction,

    f(x) = W x + b + s * MLP(g((x - m) / t)),        g(u) = 3 tanh(u / 3).

The last layer of the MLP starts at 0, so the network starts as its linear part, which can be set to a closed
form. The inputs of the MLP are bounded by g: far from the training data the correction is constant, and the
linear part continues.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from vaekit.nn.layers import he_init_
from vaekit.nn.matmul import Linear
from vaekit.nn.networks import ACTIVATIONS, Activation, MultiInputLinear
from vaekit.registry import register
from vaekit.utils.schema import HiddenSizes

Shape = tuple[int, ...]
BOUND = 3.0  # of the standardized inputs of the MLP


@register("network", "tabular")
class Tabular(nn.Module):
    """A linear map of the first input, plus an MLP of all inputs that starts at zero.

    Args:
        inputs, output: event shapes, vectors. The first input is the row or the latents.
        hidden_sizes: units of each hidden layer of the MLP; none for a linear map.
        activation: the function after each hidden layer.

    Attributes:
        linear: W and b.
        center, spread: m and t, the location and scale of the first input.
        unit: s, the scale of the correction of each output.

    >>> network = Tabular([(5,), (3,)], (4,))
    >>> x = torch.randn(7, 5)
    >>> torch.equal(network(x, torch.zeros(2, 7, 3)), network.linear(x).expand(2, 7, 4))
    True
    """

    center: Tensor
    spread: Tensor
    unit: Tensor

    def __init__(
        self,
        inputs: Sequence[Shape],
        output: Shape,
        hidden_sizes: HiddenSizes = (64, 64),
        activation: Activation = "silu",
    ):
        super().__init__()
        if any(len(shape) != 1 for shape in [*inputs, output]):
            raise ValueError(f"tabular: expected vectors, got inputs {list(inputs)} and output {output}")
        [n], [m] = inputs[0], output
        self.linear = he_init_(Linear(n, m), gain=0.1)
        self.register_buffer("center", torch.zeros(n))
        self.register_buffer("spread", torch.ones(n))
        self.register_buffer("unit", torch.ones(m))
        sizes = [*hidden_sizes, m]
        self.join = MultiInputLinear(inputs, sizes[0], 2.0 if hidden_sizes else 0.0)
        layers: list[nn.Module] = []
        for units, out in pairwise(sizes):
            last = len(layers) == 2 * (len(sizes) - 2)
            layers += [ACTIVATIONS[activation](), he_init_(Linear(units, out), 0.0 if last else 2.0)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        bounded = BOUND * torch.tanh((x - self.center) / (BOUND * self.spread))
        return self.linear(x) + self.unit * self.layers(self.join(bounded, *others))

    @torch.no_grad()
    def set_(
        self, weight: Tensor, bias: Tensor, center: Tensor, spread: Tensor, unit: Tensor | None = None
    ) -> None:
        """Set W (M, N), b (M,), the inputs' m and t (N,), and s (M,)."""
        self.linear.weight.copy_(weight)
        self.linear.bias.copy_(bias)
        self.center.copy_(center)
        self.spread.copy_(spread)
        if unit is not None:
            self.unit.copy_(unit)
