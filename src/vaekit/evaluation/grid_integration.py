"""The evidence of a model with two latents, by an integral over their plane: nothing is sampled.

With the points z_g of a square grid, h apart,

    log p(x) = log of the integral of p(x | z) p(z)  =  log sum_g p(x | z_g) p(z_g) h^2,

and from it the posterior p(z | x) = p(x | z) p(z) / p(x), and the gap KL(q, p(z | x)) of the bound, which
more latents hide. For what is smooth and vanishes at the border the sum errs by less than any power of h:
for a Gaussian of deviation s by a share of 4 exp(-2 pi^2 s^2 / h^2) (Trefethen and Weideman 2014). The same
sum over every second point, each way, shows whether h is small enough.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vaekit.errors import InvalidError
from vaekit.models.batching import batch_size_for, outputs_per_image
from vaekit.models.vae import VAE


class GridIntegral(NamedTuple):
    """Integrals for B images, float64 (B,), in nats.

    Attributes:
        log_evidence: log p(x).
        coarse: the same by every second point each way.
        gap: KL(q(z | x), p(z | x)).
        mass: the integral of q over the grid, which should be 1.
        mean, stddev: of p(z | x), (B, 2).
    """

    log_evidence: Tensor
    log_evidence_coarse: Tensor
    gap: Tensor
    mass: Tensor
    mean: Tensor
    stddev: Tensor


@torch.no_grad()
def integrate_over_grid(
    model: VAE, x: Tensor, half_width: float = 4.5, spacing: float = 0.04
) -> GridIntegral:
    """log p(x), and what the bound of q lacks, by sums over a grid.

    Args:
        model: with two latents, told nothing of the images.
        x: (B, C, H, W).
        half_width: the grid goes from -reach to reach, each way.
        spacing: h; not much more than the deviations of the posteriors.

    Raises:
        InvalidError: for another number of latents, or a conditional model.
    """
    side = 2 * round(half_width / spacing / 2)
    axis = spacing * torch.arange(-side, side + 1, dtype=x.dtype, device=x.device)
    z = torch.cartesian_prod(axis, axis)
    log_joint = joint_log_prob(model, x, z)
    log_evidence = log_joint.logsumexp(0) + 2 * math.log(spacing)
    coarse = log_joint.unflatten(0, (len(axis), len(axis)))[::2, ::2].flatten(0, 1)
    log_posterior, cell = log_joint - log_evidence, spacing**2
    log_q = model.encode(x).log_prob(z[:, None]).double()
    mean, square = (log_posterior.exp().T @ moment.double() * cell for moment in (z, z.square()))
    return GridIntegral(
        log_evidence,
        coarse.logsumexp(0) + 2 * math.log(2 * spacing),
        (log_q.exp() * (log_q - log_posterior)).sum(0) * cell,
        log_q.exp().sum(0) * cell,
        mean,
        (square - mean.square()).clamp(min=0).sqrt(),
    )


@torch.no_grad()
def joint_log_prob(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    """log p(x | z) p(z) of B images (B, C, H, W) at G points (G, 2), float64 (G, B).

    Raises:
        InvalidError: for another number of latents, or a conditional model.
    """
    if model.layer_dims != (2,) or model.conditioned_parts:
        told = " that is told labels" if model.conditioned_parts else ""
        raise InvalidError(
            f"model: expected one level of two latents and no labels, to integrate over their plane, got "
            f"levels {list(model.layer_dims)}{told}; train one such as the recipe mnist-2d"
        )
    size = batch_size_for(len(x) * outputs_per_image(model.decoder, x.shape[1:]))
    return torch.cat([_joint_log_prob(model, x, some) for some in z.split(size)])


def _joint_log_prob(model: VAE, x: Tensor, z: Tensor) -> Tensor:
    log_px = model.decode(z[:, None]).log_prob(x).double()
    return log_px + model.conditional_prior().log_prob(z).double()[:, None]
