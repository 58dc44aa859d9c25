"""Samples from the prior of a model: at a temperature, from one component, or below one layer."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.distributions.mixture import Mixture
from vaekit.distributions.operations import select, with_temperature
from vaekit.errors import InvalidError
from vaekit.models.conditional import HierarchicalDistribution
from vaekit.models.vae import VAE
from vaekit.models.vampprior import AggregatedPosterior
from vaekit.utils.random import seeded


@torch.no_grad()
def sample_latent(
    model: VAE, temperature: float, label: Tensor | None, seed: int, component: int | None = None
) -> Tensor:
    """A sample from the prior.

    Args:
        model: the model.
        temperature: factor of the standard deviation of the prior, in every layer.
        label: (1,) if the prior is conditioned on a label.
        seed: seed of the sample.
        component: the mixture component to sample the top layer from; None for a random one.

    Returns:
        (1, d).

    Raises:
        InvalidError: the prior has no such component.

    Example:
        >>> from vaekit.explorer.session import demo
        >>> sample_latent(demo().model, 1.0, torch.tensor([3]), seed=0).shape
        torch.Size([1, 2])
    """
    prior = model.conditional_prior(label)
    if component is not None:
        prior = prior.with_top(_component(prior.top, component))
    with seeded(seed):
        return with_temperature(prior, temperature).rsample().reshape(1, -1)


@torch.no_grad()
def resample_below(
    model: VAE, z: Tensor, layer: int, temperature: float, label: Tensor | None, seed: int
) -> Tensor:
    """Keep the latents of the upper layers and resample those below one, p(z_l | layers above).

    Args:
        model: the model.
        z: (1, d).
        layer: the last layer to keep; 0 is the top.
        temperature, label, seed: see `sample_latent`.

    Returns:
        (1, d).

    Raises:
        InvalidError: the model has no such layer.

    Example:
        >>> from vaekit.explorer.session import demo
        >>> resample_below(demo().model, torch.zeros(1, 2), 0, 1.0, torch.tensor([3]), seed=0)
        tensor([[0., 0.]])
    """
    if layer >= len(model.layer_dims):
        raise InvalidError(f"layer: expected 0 to {len(model.layer_dims) - 1}, got {layer}")
    prior = with_temperature(model.conditional_prior(label), temperature)
    assert isinstance(prior, HierarchicalDistribution)
    with seeded(seed):
        return prior.resample_below(z, layer)


def n_pseudo_inputs(model: VAE) -> int:
    """The number of pseudo-inputs or exemplars of the prior; 0 for any other prior.

    Example:
        >>> from vaekit.explorer.session import demo
        >>> n_pseudo_inputs(demo().model)
        0
    """
    top = model.prior.layers[0]
    return len(top.images()) if isinstance(top, AggregatedPosterior) else 0


def _component(top: torch.distributions.Distribution, k: int) -> torch.distributions.Distribution:
    if not isinstance(top, Mixture):
        raise InvalidError("component: the prior of this model is not a mixture")
    if k >= (count := top.log_weights.shape[-1]):
        raise InvalidError(f"component: expected 0 to {count - 1}, got {k}")
    return select(top.components, torch.tensor(k))
