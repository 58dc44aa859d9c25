"""A conditional is an `nn.Module` whose `forward(*context)` returns a distribution.

A `Conditional` is a network and a head. A `Hierarchy` is the distribution of latents z = (z_1 ... z_L) in
several layers, top layer first. Each layer is conditioned on the context and on all layers above,

    q(z | x) = q(z_1 | x) q(z_2 | x, z_1) ... q(z_L | x, z_1 ... z_{L-1}).

A flat model is a hierarchy of one layer. For any number of layers, z is one vector (..., d), and d is the sum
of the layers' dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints

from vaekit.distributions.normal import SampleShape
from vaekit.distributions.operations import with_temperature

Shape = tuple[int, ...]
SampleRule = Callable[[int, Distribution], Tensor]


class Conditional(nn.Module):
    """The distribution head(network(*context)).

    Args:
        network: event shapes of the context -> the parameters that the head expects.
        head: parameters -> a distribution. A head with `takes_offset = True` is called with the offset (B,)
            as well. It has three methods: `offset_of(x)` reads the offset (B,) from data points with NaN for
            missing values, `sample_offset(n)` samples (n,) of them, and `typical_offset()` returns one.

    >>> from vaekit.models.likelihoods import bernoulli
    >>> from vaekit.nn.networks import Dense
    >>> head = bernoulli()
    >>> decoder = Conditional(Dense([(2,)], head.network_output((1, 8, 8))), head)
    >>> decoder(torch.zeros(5, 2)).event_shape
    torch.Size([1, 8, 8])
    """

    def __init__(self, network: nn.Module, head: nn.Module):
        super().__init__()
        self.network, self.head = network, head

    def forward(self, *context: Tensor, offset: Tensor | None = None) -> Distribution:
        output = self.network(*context)
        return self.head(output) if offset is None else self.head(output, offset)


@dataclass(frozen=True, repr=False)
class LatentSample:
    """A value of each latent layer, with the distribution that it has given the layers above.

    Attributes:
        z: (..., d), the layers flattened and concatenated, top layer first.
        values: the layers, each (..., *shape), such as (..., d_l).
        layers: the distribution of each layer given those above.

    >>> from vaekit.models.priors import StandardNormal
    >>> sample = Hierarchy([StandardNormal(3)], [3])().rsample_layers((5,))
    >>> sample
    LatentSample(z=(5, 3), layer_dims=(3,))
    >>> sample.log_prob.shape
    torch.Size([1, 5])
    """

    z: Tensor
    values: Sequence[Tensor]
    layers: Sequence[Distribution]

    @property
    def log_prob(self) -> Tensor:
        """(L, ...): the log-density of each layer given those above, in nats."""
        logs = [layer.log_prob(value) for layer, value in zip(self.layers, self.values, strict=True)]
        return torch.stack(torch.broadcast_tensors(*logs))

    def __repr__(self) -> str:
        dims = tuple(math.prod(layer.event_shape) for layer in self.layers)
        return f"LatentSample(z={tuple(self.z.shape)}, layer_dims={dims})"

    def flat(self) -> Tensor:
        """(..., d): the layers flattened and concatenated, as maps and exported files use them."""
        return self.z


class Hierarchy(nn.Module):
    """A distribution over latents in layers, each conditioned on the context and on the layers above.

    Args:
        layers: top layer first; layer l is called as `layer(*context, *layers_above)`.
        layer_dims: the number of latents of each layer, or its shape, such as (C, H, W).

    Attributes:
        layer_dims: the number of latents of each layer.
        layer_shapes: the shape of each layer.

    Raises:
        ValueError: `layers` is empty, or `layer_dims` has another length.

    >>> from vaekit.models.priors import StandardNormal
    >>> prior = Hierarchy([StandardNormal(16)], [16])
    >>> prior()
    HierarchicalDistribution(layer_dims=(16,), batch_shape=())
    >>> prior().rsample((5,)).shape
    torch.Size([5, 16])
    """

    def __init__(self, layers: Sequence[nn.Module], layer_dims: Sequence[int | Shape]):
        super().__init__()
        if len(layers) != len(layer_dims) or not layers:
            raise ValueError(
                f"layers: expected at least one, and one of layer_dims for each; got {len(layers)} layers, "
                f"layer_dims {tuple(layer_dims)}"
            )
        self.layers = nn.ModuleList(layers)
        self.layer_shapes = tuple((dim,) if isinstance(dim, int) else tuple(dim) for dim in layer_dims)
        self.layer_dims = tuple(math.prod(shape) for shape in self.layer_shapes)

    def forward(self, *context: Tensor) -> HierarchicalDistribution:
        return HierarchicalDistribution(self.layers, self.layer_shapes, context)

    def extra_repr(self) -> str:
        return f"layer_dims={self.layer_dims}"


class HierarchicalDistribution(Distribution):
    """The joint distribution of all layers of a `Hierarchy`, sampled from the top down.

    `mean` and `variance` are those of each layer given the means of the layers above; with one layer they are
    exact.

    Args:
        layers: the conditionals, top layer first.
        layer_shapes: the shape of each layer, such as (d_l,).
        context: what all layers are conditioned on.
        top: replaces the distribution of the top layer.
        temperature: multiplies the spread of the layers below the top.

    Attributes:
        top: the distribution of the top layer.
        layer_dims: the number of latents of each layer.

    >>> from vaekit.models.priors import StandardNormal
    >>> p = HierarchicalDistribution([StandardNormal(2)], [(2,)], ())
    >>> p.log_prob(torch.zeros(2))  # -log(2 pi)
    tensor(-1.8379)
    >>> p.condition_on(torch.zeros(4, 2)).log_prob.shape
    torch.Size([1, 4])
    """

    arg_constraints: ClassVar[dict] = {}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        layers: Sequence[nn.Module] | nn.ModuleList,
        layer_shapes: Sequence[Shape],
        context: tuple[Tensor, ...],
        top: Distribution | None = None,
        temperature: float = 1.0,
    ):
        self.layer_shapes, self.context, self.temperature = layer_shapes, context, temperature
        self.layer_dims = tuple(math.prod(shape) for shape in layer_shapes)
        self._layers = list(layers)
        self.top = self._layers[0](*context) if top is None else top
        super().__init__(self.top.batch_shape, torch.Size([sum(self.layer_dims)]), validate_args=False)

    def __repr__(self) -> str:
        batch = tuple(self.batch_shape)
        return f"HierarchicalDistribution(layer_dims={self.layer_dims}, batch_shape={batch})"

    def _layer(self, index: int, above: Sequence[Tensor]) -> Distribution:
        if index == 0:
            return self.top
        layer = self._layers[index](*self.context, *above)
        return layer if self.temperature == 1.0 else with_temperature(layer, self.temperature)

    def sample_with(self, rule: SampleRule) -> LatentSample:
        """Choose the value of each layer with `rule(index, distribution)`, from the top down."""
        values, layers = self._descend(rule)
        return LatentSample(self._flatten(values), values, layers)

    def _flatten(self, values: Sequence[Tensor]) -> Tensor:
        """The layers as one vector (..., d); the leading dimensions are broadcast."""
        flat = [
            value if len(shape) == 1 else value.flatten(-len(shape)) if shape else value[..., None]
            for value, shape in zip(values, self.layer_shapes, strict=True)
        ]
        return flat[0] if len(flat) == 1 else join_vectors(flat)

    def _split(self, z: Tensor) -> list[Tensor]:
        """The layers, each in its shape, of a vector (..., d)."""
        parts = zip(z.split(self.layer_dims, -1), self.layer_shapes, strict=True)
        return [part if len(shape) == 1 else part.reshape(*part.shape[:-1], *shape) for part, shape in parts]

    def _descend(self, rule: SampleRule) -> tuple[list[Tensor], list[Distribution]]:
        """The values that `rule` chooses, and the distributions of the layers, from the top down."""
        values: list[Tensor] = []
        layers: list[Distribution] = []
        for index in range(len(self.layer_dims)):
            layers.append(self._layer(index, values))
            values.append(rule(index, layers[-1]))
        return values, layers

    def rsample_layers(self, sample_shape: SampleShape = ()) -> LatentSample:
        """Sample all layers with reparametrization; the arguments are those of `rsample`."""
        shape = torch.Size(sample_shape) + self.batch_shape

        def draw(index: int, layer: Distribution) -> Tensor:
            missing = len(shape) - len(layer.batch_shape)  # the layers above bring the other dimensions
            return layer.rsample(shape[:missing])

        return self.sample_with(draw)

    def condition_on(self, z: Tensor) -> LatentSample:
        """The distribution of each layer given the values of the layers above in `z` (..., d)."""
        values = self._split(z)
        _, layers = self._descend(lambda index, _: values[index])
        return LatentSample(z, values, layers)

    def resample_below(self, z: Tensor, layer: int) -> Tensor:
        """`z` (..., d) with the layers below index `layer` sampled again, given those above."""
        values = self._split(z)
        return self.sample_with(lambda i, q: values[i] if i <= layer else q.rsample()).z

    def with_top(self, top: Distribution) -> HierarchicalDistribution:
        """Return a copy with another distribution of the top layer."""
        return HierarchicalDistribution(self._layers, self.layer_shapes, self.context, top, self.temperature)

    def rsample(self, sample_shape: SampleShape = ()) -> Tensor:
        return self.rsample_layers(sample_shape).z

    def log_prob(self, value: Tensor) -> Tensor:
        return self.condition_on(value).log_prob.sum(0)

    def _layers_at_means(self) -> tuple[list[Tensor], list[Distribution]]:
        return self._descend(lambda _, layer: layer.mean)

    @property
    def mean(self) -> Tensor:
        return self._flatten(self._layers_at_means()[0])

    @property
    def variance(self) -> Tensor:
        return self._flatten([layer.variance for layer in self._layers_at_means()[1]])


def join_vectors(vectors: Sequence[Tensor]) -> Tensor:
    """Concatenate vectors (..., m) along the last dimension; the leading dimensions are broadcast.

    >>> join_vectors([torch.zeros(3, 4, 2), torch.zeros(4, 1)]).shape
    torch.Size([3, 4, 3])
    """
    leading = torch.broadcast_shapes(*(vector.shape[:-1] for vector in vectors))
    return torch.cat([vector.expand(*leading, vector.shape[-1]) for vector in vectors], -1)


@with_temperature.register
def _(distribution: HierarchicalDistribution, temperature: float) -> Distribution:
    top = with_temperature(distribution.top, temperature)
    below = distribution.temperature * temperature
    return HierarchicalDistribution(
        distribution._layers, distribution.layer_shapes, distribution.context, top, below
    )
