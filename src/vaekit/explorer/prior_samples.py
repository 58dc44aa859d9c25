"""Codes drawn from a model's own prior: at a temperature, from one component of it, or below a level."""

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
    """A code (1, d) from the prior.

    Args:
        temperature: multiplies the spread of the prior, of each level.
        label: (1,) where the prior is given one.
        component: of a mixture, from which the top level is drawn; None for a random one.

    Raises:
        InvalidError: the prior has no such component.
    """
    prior = model.conditional_prior(label)
    if component is not None:
        prior = prior.with_top(_component(prior.top, component))
    with seeded(seed):
        return with_temperature(prior, temperature).rsample().reshape(1, -1)


@torch.no_grad()
def resample_below(
    model: VAE, z: Tensor, level: int, temperature: float, label: Tensor | None, seed: int
) -> Tensor:
    """The code z (1, d) with the levels below one drawn anew, given those above.

    Raises:
        InvalidError: the model has no such level.
    """
    if level >= len(model.layer_dims):
        raise InvalidError(f"level: this model has levels 0 to {len(model.layer_dims) - 1}, got {level}")
    prior = with_temperature(model.conditional_prior(label), temperature)
    assert isinstance(prior, HierarchicalDistribution)
    with seeded(seed):
        return prior.resample_below(z, level)


def n_components(model: VAE) -> int:
    """How many images the prior is made of; 0 for any other prior."""
    top = model.prior.layers[0]
    return len(top.images()) if isinstance(top, AggregatedPosterior) else 0


def _component(top: torch.distributions.Distribution, k: int) -> torch.distributions.Distribution:
    if not isinstance(top, Mixture):
        raise InvalidError("component: the prior of this model is no mixture")
    if k >= (count := top.log_weights.shape[-1]):
        raise InvalidError(f"component: expected 0 to {count - 1}, got {k}")
    return select(top.components, torch.tensor(k))
