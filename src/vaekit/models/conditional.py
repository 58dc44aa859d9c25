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
from vaekit.distributions.operations import tempered

Choice = Callable[[int, Distribution], Tensor]


class Conditional(nn.Module):
    """head(network(*context)): the distribution of one thing given others."""

    def __init__(self, network: nn.Module, head: nn.Module):
        super().__init__()
        self.network, self.head = network, head

    def forward(self, *context: Tensor) -> Distribution:
        return self.head(self.network(*context))


@dataclass(frozen=True)
class Draw:
    """A value of every level, and what it was drawn from.

    Attributes:
        z: (..., d), the levels side by side, top first.
        values: the levels, each (..., d_l).
        links: the distribution of each level given those above.
    """

    z: Tensor
    values: Sequence[Tensor]
    links: Sequence[Distribution]

    @property
    def log_prob(self) -> Tensor:
        """(L, ...): the log-density of each level given those above, in nats."""
        logs = [link.log_prob(value) for link, value in zip(self.links, self.values, strict=True)]
        return torch.stack(torch.broadcast_tensors(*logs))


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
            raise ValueError(
                f"a chain needs a size for each link, at least one; got {len(links)} links, {sizes}"
            )
        self.links, self.sizes = nn.ModuleList(links), tuple(sizes)

    def forward(self, *context: Tensor) -> Ancestral:
        return Ancestral(self.links, self.sizes, context)


class Ancestral(Distribution):
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
        links: Sequence[nn.Module] | nn.ModuleList,
        sizes: tuple[int, ...],
        context: tuple[Tensor, ...],
        top: Distribution | None = None,
        temperature: float = 1.0,
    ):
        self.sizes, self.context, self.temperature = sizes, context, temperature
        self._links = list(links)
        self.top = self._links[0](*context) if top is None else top
        super().__init__(self.top.batch_shape, torch.Size([sum(sizes)]), validate_args=False)

    def _link(self, level: int, above: Sequence[Tensor]) -> Distribution:
        if level == 0:
            return self.top
        link = self._links[level](*self.context, *above)
        return link if self.temperature == 1.0 else tempered(link, self.temperature)

    def choose(self, each: Choice) -> Draw:
        """The value of each level as `each` chooses it from its place and distribution, from the top down."""
        values, links = self._descend(each)
        z = values[0] if len(values) == 1 else _side_by_side(values)
        return Draw(z, values, links)

    def _descend(self, choose: Choice) -> tuple[list[Tensor], list[Distribution]]:
        """From the top down, `choose` each level's value; all values, and the distributions on the way."""
        values: list[Tensor] = []
        links: list[Distribution] = []
        for level in range(len(self.sizes)):
            links.append(self._link(level, values))
            values.append(choose(level, links[-1]))
        return values, links

    def draw(self, sample_shape: SampleShape = ()) -> Draw:
        """Draw with reparametrisation; leading dimensions `sample_shape`, as in `rsample`."""
        shape = torch.Size(sample_shape) + self.batch_shape

        def choose(level: int, link: Distribution) -> Tensor:
            missing = len(shape) - len(link.batch_shape)  # all but those that come with the levels above
            return link.rsample(shape[:missing])

        return self.choose(choose)

    def score(self, z: Tensor) -> Draw:
        """`z` as a draw: the distribution of each level given those above in it."""
        values = z.split(self.sizes, -1)
        _, links = self._descend(lambda level, _: values[level])
        return Draw(z, values, links)

    def redraw(self, z: Tensor, level: int) -> Tensor:
        """`z` (..., d) with the levels below `level` drawn anew, given those above."""
        values = z.split(self.sizes, -1)
        return self.choose(lambda i, link: values[i] if i <= level else link.rsample()).z

    def under(self, top: Distribution) -> Ancestral:
        """The same levels below another distribution of the top one."""
        return Ancestral(self._links, self.sizes, self.context, top, self.temperature)

    def rsample(self, sample_shape: SampleShape = ()) -> Tensor:
        return self.draw(sample_shape).z

    def log_prob(self, value: Tensor) -> Tensor:
        return self.score(value).log_prob.sum(0)

    def _at_means(self) -> tuple[list[Tensor], list[Distribution]]:
        return self._descend(lambda _, link: link.mean)

    @property
    def mean(self) -> Tensor:
        return _side_by_side(self._at_means()[0])

    @property
    def variance(self) -> Tensor:
        return _side_by_side([link.variance for link in self._at_means()[1]])


def _side_by_side(parts: Sequence[Tensor]) -> Tensor:
    """Join (..., d_l) to (..., d), where a level that depends on nothing has no leading dimensions."""
    leading = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return torch.cat([part.expand(*leading, part.shape[-1]) for part in parts], -1)


@tempered.register
def _(distribution: Ancestral, temperature: float) -> Distribution:
    top = tempered(distribution.top, temperature)
    below = distribution.temperature * temperature
    return Ancestral(distribution._links, distribution.sizes, distribution.context, top, below)
