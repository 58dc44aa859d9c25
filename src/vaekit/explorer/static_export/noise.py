"""A sample as a function of noise: z = f(e), e ~ N(0, I), for each family of distributions over vectors.

A diagonal Gaussian is m + s e, a full-covariance Gaussian m + L e, a flow the inverse of its steps, a delta
its point. Scaled noise is a sample at a temperature.
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
def sample_from_noise(distribution: Distribution, noise: Tensor) -> Tensor:
    """Transform standard normal noise into a sample.

    Args:
        distribution: over z (d,).
        noise: (..., d), standard normal.

    Returns:
        (..., d).

    Raises:
        InvalidError: the family is not supported.

    Example:
        >>> sample_from_noise(Normal(torch.tensor([1.0]), torch.tensor([2.0])), torch.tensor([0.5]))
        tensor([2.])
    """
    raise InvalidError(f"{type(distribution).__name__}: its samples cannot be written as a function of noise")


@sample_from_noise.register
def _(distribution: Independent, noise: Tensor) -> Tensor:
    return sample_from_noise(distribution.base_dist, noise)


@sample_from_noise.register
def _(distribution: Normal, noise: Tensor) -> Tensor:
    return distribution.loc + distribution.scale * noise


@sample_from_noise.register
def _(distribution: Delta, noise: Tensor) -> Tensor:
    return distribution.value + 0 * noise


@sample_from_noise.register
def _(distribution: CholeskyNormal, noise: Tensor) -> Tensor:
    return distribution.loc + torch.einsum("...ij,...j->...i", distribution.scale_tril, noise)


@sample_from_noise.register
def _(distribution: Flow, noise: Tensor) -> Tensor:
    return distribution.from_noise(noise)
