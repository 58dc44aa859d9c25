"""A conditional is a Module whose forward takes a context and returns a distribution.

`Conditional` is a network and a head. A `Chain` puts several in a row: the distribution of z = (z_1 ... z_L),
top level first, as the product of each level given the context and all the levels above,

    q(z | x) = q(z_1 | x) q(z_2 | x, z_1) ... q(z_L | x, z_1 ... z_{L-1}).

A chain of one link is the ordinary, flat case; there is no other code for it. Whatever the number of levels,
z is one vector (..., d) with d the sum of their sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints

from vaekit.distributions import tempered


class Conditional(nn.Module):
    """head(network(*context)): the distribution of one thing given others."""

    def __init__(self, network: nn.Module, head: nn.Module):
        super().__init__()
        self.network, self.head = network, head

    def forward(self, *context: Tensor) -> Distribution:
        return self.head(self.network(*context))


class Draw(NamedTuple):
    """A value of every level, and what it was drawn from.

    Attributes:
        z: (..., d), the levels side by side, top first.
        log_prob: (L, ...), log-density of each level given those above, in nats.
        links: the distribution of each level given those above.
    """

    z: Tensor
    log_prob: Tensor
    links: list[Distribution]


class Chain(nn.Module):
    """Conditionals in a row, each given the context and the levels above.

    Args:
        links: top level first; link l is called as `link(*context, *levels_above)`.
        sizes: how many numbers each level has.

    Raises:
        ValueError: where links and sizes differ in number, or there are none.
    """

    def __init__(self, links: Sequence[nn.Module], sizes: Sequence[int]):
        super().__init__()
        if len(links) != len(sizes) or not links:
            raise ValueError(f"a chain needs as many links as sizes, at least one; got {len(links)} and {len(sizes)}")
        self.links, self.sizes = nn.ModuleList(links), tuple(sizes)

    def forward(self, *context: Tensor) -> Ancestral:
        return Ancestral(self.links, self.sizes, context)


class Ancestral(Distribution):
    """The joint distribution of a chain's levels, drawn from the top down.

    Mean and standard deviation are those of each level given the means above: for one level, its own.
    """

    arg_constraints = {}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        links: Sequence[nn.Module] | nn.ModuleList,
        sizes: tuple[int, ...],
        context: tuple[Tensor, ...],
        top: Distribution | None = None,
        temperature: float = 1.0,
    ):
        self.sizes, self.context, self.temperature = sizes, context, temperature
        self._links = list(links)
        self._top = self._link(0, ()) if top is None else top
        super().__init__(self._top.batch_shape, torch.Size([sum(sizes)]), validate_args=False)

    def _link(self, level: int, above: Sequence[Tensor]) -> Distribution:
        link = self._links[level](*self.context, *above)
        return link if self.temperature == 1.0 else tempered(link, self.temperature)

    def _walk(self) -> Iterator[tuple[Distribution, list[Tensor]]]:
        """Yield each level's distribution, top first; the caller appends that level's value to the list."""
        above: list[Tensor] = []
        for level in range(len(self.sizes)):
            yield (self._link(level, above) if level else self._top), above

    def draw(self, sample_shape: Sequence[int] = ()) -> Draw:
        """Draw with reparametrisation; leading dimensions `sample_shape`, as in `rsample`."""
        links, logs, values = [], [], []
        for link, above in self._walk():
            value = link.rsample(torch.Size(() if above else sample_shape))
            links.append(link)
            logs.append(link.log_prob(value))
            above.append(value)
            values = above
        return Draw(torch.cat(values, -1), torch.stack(logs), links)

    def score(self, z: Tensor) -> Draw:
        """The log-density of each level at `z`, and the distributions that gave it."""
        links, logs = [], []
        for (link, above), value in zip(self._walk(), z.split(self.sizes, -1), strict=True):
            links.append(link)
            logs.append(link.log_prob(value))
            above.append(value)
        return Draw(z, torch.stack(torch.broadcast_tensors(*logs)), links)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.draw(sample_shape).z

    def log_prob(self, value: Tensor) -> Tensor:
        return self.score(value).log_prob.sum(0)

    def _moments(self) -> tuple[Tensor, Tensor]:
        means: list[Tensor] = []
        deviations: list[Tensor] = []
        for link, above in self._walk():
            above.append(link.mean)
            means, deviations = above, [*deviations, link.stddev]
        return torch.cat(means, -1), torch.cat(deviations, -1)

    @property
    def mean(self) -> Tensor:
        return self._moments()[0]

    @property
    def variance(self) -> Tensor:
        return self._moments()[1].square()


@tempered.register
def _(distribution: Ancestral, temperature: float) -> Distribution:
    top = tempered(distribution._top, temperature)
    return Ancestral(distribution._links, distribution.sizes, distribution.context, top, temperature)
