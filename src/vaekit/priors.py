"""The prior p(z): what a latent is before anything is seen. Each is a conditional, most without a context.

A function here makes each of the kinds that a recipe names, from what the model around it has to offer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from vaekit.mixture import Mixture


class StandardNormal(nn.Module):
    """N(0, I) over d numbers, whatever the context.

    Args:
        size: d.
    """

    loc: Tensor
    scale: Tensor

    def __init__(self, size: int):
        super().__init__()
        self.register_buffer("loc", torch.zeros(size), persistent=False)
        self.register_buffer("scale", torch.ones(size), persistent=False)

    def forward(self, *context: Tensor) -> Independent:
        return _normal(self.loc, self.scale)


class MixtureOfGaussians(nn.Module):
    """C diagonal Gaussians over d numbers, with means, variances and weights that are learned.

    At first the means are draws from N(0, I), the variances 1 and the weights equal.

    Args:
        size: d.
        components: C.
    """

    def __init__(self, size: int, components: int):
        super().__init__()
        self.mean = nn.Parameter(torch.randn(components, size))
        self.log_variance = nn.Parameter(torch.zeros(components, size))
        self.logits = nn.Parameter(torch.zeros(components))

    def forward(self, *context: Tensor) -> Mixture:
        return Mixture(self.logits, _normal(self.mean, (0.5 * self.log_variance).exp()))


def _normal(loc: Tensor, scale: Tensor) -> Independent:
    return Independent(Normal(loc, scale, validate_args=False), 1, validate_args=False)


# ---------------------------------------------------------------------------------------------------- kinds


class Around(NamedTuple):
    """What a prior may be made of.

    Attributes:
        size: d, the numbers of the level it is for.
    """

    size: int


def standard_normal(around: Around) -> nn.Module:
    """N(0, I)."""
    return StandardNormal(around.size)


def mixture(around: Around, components: int = 10) -> nn.Module:
    """A mixture of so many diagonal Gaussians."""
    return MixtureOfGaussians(around.size, components)


PRIORS: dict[str, Callable[..., nn.Module]] = {f.__name__: f for f in (standard_normal, mixture)}
