"""A sample as a function of noise: z = f(e), e ~ N(0, I), for each family of distributions over vectors.

A diagonal Gaussian is m + s e, a full-covariance Gaussian m + L e, a flow the inverse of its steps, a delta
its point. Scaled noise is a sample at a temperature. A mixture needs one number more: the last one chooses
the component, by its quantile among the cumulated weights.

With the same noise for every data point, what is estimated from samples of q(z | x) depends on x alone, and
not on the other data points of its batch. With noise as an input, a sampler is a plain function that can be
exported.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vaekit.distributions.message import PriorTimesMessage, WhitenedNormal, times
from vaekit.distributions.mixture import Mixture
from vaekit.distributions.operations import Delta, select
from vaekit.errors import InvalidError
from vaekit.models.conditional import HierarchicalDistribution, LatentSample
from vaekit.models.flows import Flow


@functools.singledispatch
def sample_from_noise(distribution: Distribution, noise: Tensor) -> Tensor:
    """Transform standard normal noise into a sample.

    Args:
        distribution: over z (d,).
        noise: (..., n), standard normal, with n from `noise_size`.

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
def _(distribution: MultivariateNormal, noise: Tensor) -> Tensor:
    return distribution.loc + torch.einsum("...ij,...j->...i", distribution.scale_tril, noise)


@sample_from_noise.register
def _(distribution: Flow, noise: Tensor) -> Tensor:
    return distribution.from_noise(noise)


@sample_from_noise.register
def _(distribution: WhitenedNormal, noise: Tensor) -> Tensor:
    return distribution.loc + times(distribution.factor, noise)


@sample_from_noise.register
def _(distribution: Mixture, noise: Tensor) -> Tensor:
    chosen = _choose(distribution.log_weights, noise[..., -1])
    return sample_from_noise(select(distribution.components, chosen), noise[..., :-1])


@sample_from_noise.register
def _(distribution: PriorTimesMessage, noise: Tensor) -> Tensor:
    chosen = _choose(distribution.logits, noise[..., -1])
    rows = torch.arange(math.prod(distribution.logits.shape[:-1]), device=noise.device)
    rows = rows.view(distribution.batch_shape).expand_as(chosen)
    locs, factor = distribution.locs.flatten(0, -3), distribution.factor.flatten(0, -4)
    return locs[rows, chosen] + times(factor[rows, chosen], noise[..., :-1])


@sample_from_noise.register
def _(distribution: HierarchicalDistribution, noise: Tensor) -> Tensor:
    return sample_layers(distribution, noise).z


def _choose(log_weights: Tensor, noise: Tensor) -> Tensor:
    """The component (...) that standard normal noise (...) chooses by weights (..., C)."""
    edges = log_weights.exp().cumsum(-1)[..., :-1]
    return (0.5 * (1 + torch.erf(noise / 2**0.5))[..., None] > edges).sum(-1)


def noise_size(distribution: Distribution) -> int:
    """How many standard normal numbers make a sample: d, and one more for a mixture.

    Example:
        >>> noise_size(Independent(Normal(torch.zeros(3), 1.0), 1))
        3
    """
    if isinstance(distribution, HierarchicalDistribution):
        return sum(noise_size(layer) for layer in distribution.condition_on(distribution.mean).layers)
    return distribution.event_shape.numel() + isinstance(distribution, Mixture | PriorTimesMessage)


def sample_layers(distribution: HierarchicalDistribution, noise: Tensor) -> LatentSample:
    """A sample of all layers as a function of noise.

    Args:
        distribution: over latents (..., d).
        noise: (..., n), standard normal, with n from `noise_size`; the layers side by side, top layer first.

    Raises:
        InvalidError: a layer is of a family that is not supported.

    Example:
        >>> from vaekit.models.conditional import Hierarchy
        >>> from vaekit.models.priors import StandardNormal
        >>> sample_layers(Hierarchy([StandardNormal(2)], [2])(), torch.ones(5, 2))
        LatentSample(z=(5, 2), layer_dims=(2,))
    """
    left = [noise]

    def draw(index: int, layer: Distribution) -> Tensor:
        own, left[0] = left[0].tensor_split([noise_size(layer)], -1)
        is_vector = len(layer.event_shape) == 1
        return sample_from_noise(layer, own if is_vector else own.unflatten(-1, layer.event_shape))

    return distribution.sample_with(draw)
