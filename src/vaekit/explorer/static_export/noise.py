"""A draw as a function of noise: z = f(e), e ~ N(0, I), for each family of distributions over vectors.

A diagonal Gaussian is m + s e, any other Gaussian m + L e, a flow the inverse of its steps, a point itself.
Scaled noise is a draw at a temperature.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vaekit.distributions.normal import CholeskyNormal
from vaekit.distributions.operations import Delta
from vaekit.errors import InvalidError
from vaekit.models.flows import Flow


@functools.singledispatch
def placed(distribution: Distribution, noise: Tensor) -> Tensor:
    """What standard normal noise (..., d) becomes under a distribution over z (d,).

    Raises:
        InvalidError: for a family that is not known.
    """
    raise InvalidError(f"a draw of {type(distribution).__name__} cannot be written as a function of noise")


@placed.register
def _(distribution: Independent, noise: Tensor) -> Tensor:
    return placed(distribution.base_dist, noise)


@placed.register
def _(distribution: Normal, noise: Tensor) -> Tensor:
    return distribution.loc + distribution.scale * noise


@placed.register
def _(distribution: Delta, noise: Tensor) -> Tensor:
    return distribution.value + 0 * noise


@placed.register
def _(distribution: CholeskyNormal, noise: Tensor) -> Tensor:
    return distribution.loc + torch.einsum("...ij,...j->...i", distribution.scale_tril, noise)


@placed.register
def _(distribution: Flow, noise: Tensor) -> Tensor:
    return distribution.from_noise(noise)
