"""A conditional is a Module whose forward takes a context and returns a distribution.

`Conditional` is a network and a head. A `Chain` puts several in a row: the distribution of z = (z_1 ... z_L),
top level first, as the product of each level given the context and all the levels above,

    q(z | x) = q(z_1 | x) q(z_2 | x, z_1) ... q(z_L | x, z_1 ... z_{L-1}).

A chain of one link is the ordinary, flat case; there is no other code for it. Whatever the number of levels,
z is one vector (..., d) with d the sum of their sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints

from vaekit.distributions.normal import SampleShape
from vaekit.distributions.operations import with_temperature

SampleRule = Callable[[int, Distribution], Tensor]


class Conditional(nn.Module):
    """head(network(*context)): the distribution of one thing given others."""

    def __init__(self, network: nn.Module, head: nn.Module):
        super().__init__()
        self.network, self.head = network, head

    def forward(self, *context: Tensor) -> Distribution:
        return self.head(self.network(*context))


@dataclass(frozen=True)
class LatentSample:
    """A value of every level, and what it was drawn from.

    Attributes:
        z: (..., d), the levels side by side, top first.
        values: the levels, each (..., d_l).
        layers: the distribution of each layer given those above.
    """

    z: Tensor
    values: Sequence[Tensor]
    layers: Sequence[Distribution]

    @property
    def log_prob(self) -> Tensor:
        """(L, ...): the log-density of each level given those above, in nats."""
        logs = [layer.log_prob(value) for layer, value in zip(self.layers, self.values, strict=True)]
        return torch.stack(torch.broadcast_tensors(*logs))


class Hierarchy(nn.Module):
    """Conditionals in a row, each given the context and the levels above.

    Args:
        layers: top layer first; layer l is called as `layer(*context, *layers_above)`.
        layer_dims: the number of latents of each layer.

    Raises:
        ValueError: there are no layers, or another number of `layer_dims`.
    """

    def __init__(self, layers: Sequence[nn.Module], layer_dims: Sequence[int]):
        super().__init__()
        if len(layers) != len(layer_dims) or not layers:
            raise ValueError(
                f"layers: expected at least one, and one of layer_dims for each; got {len(layers)} layers, "
                f"layer_dims {tuple(layer_dims)}"
            )
        self.layers, self.layer_dims = nn.ModuleList(layers), tuple(layer_dims)

    def forward(self, *context: Tensor) -> HierarchicalDistribution:
        return HierarchicalDistribution(self.layers, self.layer_dims, context)


class HierarchicalDistribution(Distribution):
    """The joint distribution of a chain's levels, drawn from the top down.

    Mean and standard deviation are those of each level given the means above: for one level, its own.

    Attributes:
        top: the distribution of the top level.
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        layers: Sequence[nn.Module] | nn.ModuleList,
        layer_dims: tuple[int, ...],
        context: tuple[Tensor, ...],
        top: Distribution | None = None,
        temperature: float = 1.0,
    ):
        self.layer_dims, self.context, self.temperature = layer_dims, context, temperature
        self._layers = list(layers)
        self.top = self._layers[0](*context) if top is None else top
        super().__init__(self.top.batch_shape, torch.Size([sum(layer_dims)]), validate_args=False)

    def _layer(self, level: int, above: Sequence[Tensor]) -> Distribution:
        if level == 0:
            return self.top
        layer = self._layers[level](*self.context, *above)
        return layer if self.temperature == 1.0 else with_temperature(layer, self.temperature)

    def sample_with(self, rule: SampleRule) -> LatentSample:
        """The value of each level as `rule` chooses it from its place and distribution, from the top down."""
        values, layers = self._descend(rule)
        z = values[0] if len(values) == 1 else _concatenate_layers(values)
        return LatentSample(z, values, layers)

    def _descend(self, rule: SampleRule) -> tuple[list[Tensor], list[Distribution]]:
        """From the top down, choose each level's value; all values, and the distributions on the way."""
        values: list[Tensor] = []
        layers: list[Distribution] = []
        for level in range(len(self.layer_dims)):
            layers.append(self._layer(level, values))
            values.append(rule(level, layers[-1]))
        return values, layers

    def rsample_layers(self, sample_shape: SampleShape = ()) -> LatentSample:
        """Draw with reparametrization; leading dimensions `sample_shape`, as in `rsample`."""
        shape = torch.Size(sample_shape) + self.batch_shape

        def draw(level: int, layer: Distribution) -> Tensor:
            missing = len(shape) - len(layer.batch_shape)  # all but those that come with the levels above
            return layer.rsample(shape[:missing])

        return self.sample_with(draw)

    def condition_on(self, z: Tensor) -> LatentSample:
        """`z` as a draw: the distribution of each level given those above in it."""
        values = z.split(self.layer_dims, -1)
        _, layers = self._descend(lambda level, _: values[level])
        return LatentSample(z, values, layers)

    def resample_below(self, z: Tensor, level: int) -> Tensor:
        """`z` (..., d) with the levels below `level` drawn anew, given those above."""
        values = z.split(self.layer_dims, -1)
        return self.sample_with(lambda i, layer: values[i] if i <= level else layer.rsample()).z

    def with_top(self, top: Distribution) -> HierarchicalDistribution:
        """The same levels below another distribution of the top one."""
        return HierarchicalDistribution(self._layers, self.layer_dims, self.context, top, self.temperature)

    def rsample(self, sample_shape: SampleShape = ()) -> Tensor:
        return self.rsample_layers(sample_shape).z

    def log_prob(self, value: Tensor) -> Tensor:
        return self.condition_on(value).log_prob.sum(0)

    def _layers_at_means(self) -> tuple[list[Tensor], list[Distribution]]:
        return self._descend(lambda _, layer: layer.mean)

    @property
    def mean(self) -> Tensor:
        return _concatenate_layers(self._layers_at_means()[0])

    @property
    def variance(self) -> Tensor:
        return _concatenate_layers([layer.variance for layer in self._layers_at_means()[1]])


def _concatenate_layers(parts: Sequence[Tensor]) -> Tensor:
    """Join (..., d_l) to (..., d), where a level that depends on nothing has no leading dimensions."""
    leading = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return torch.cat([part.expand(*leading, part.shape[-1]) for part in parts], -1)


@with_temperature.register
def _(distribution: HierarchicalDistribution, temperature: float) -> Distribution:
    top = with_temperature(distribution.top, temperature)
    below = distribution.temperature * temperature
    return HierarchicalDistribution(
        distribution._layers, distribution.layer_dims, distribution.context, top, below
    )
