"""log p(x) of a model with two latents, by integration over a grid, without sampling.

With the points z_g of a square grid with spacing h,

    log p(x) = log integral p(x | z) p(z) dz  =  log sum_g p(x | z_g) p(z_g) h^2.

This also gives the posterior p(z | x) = p(x | z) p(z) / p(x), and the gap KL(q(z | x), p(z | x)) of the ELBO.
For smooth integrands that vanish at the border, the error falls faster than any power of h: for a Gaussian of
standard deviation s it is a fraction 4 exp(-2 pi^2 s^2 / h^2) (Trefethen and Weideman 2014). Comparing with
the sum over every second point per axis shows whether h is small enough.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vaekit.errors import InvalidError
from vaekit.models.batching import batch_size_for, outputs_per_image
from vaekit.models.context import Context
from vaekit.models.vae import VAE


class GridIntegral(NamedTuple):
    """Integrals for B images, float64 (B,), in nats.

    Attributes:
        log_evidence: log p(x).
        log_evidence_coarse: the same by every second point per axis.
        gap: KL(q(z | x), p(z | x)), the gap of the ELBO.
        mass: the integral of q over the grid, which should be 1.
        mean, stddev: of p(z | x), (B, 2).

    Example:
        >>> zeros = torch.zeros(3)
        >>> GridIntegral(zeros, zeros, zeros, zeros + 1, torch.zeros(3, 2), torch.ones(3, 2))
        GridIntegral(images=3, log_evidence=0.00, gap=0.00)
    """

    log_evidence: Tensor
    log_evidence_coarse: Tensor
    gap: Tensor
    mass: Tensor
    mean: Tensor
    stddev: Tensor

    def __repr__(self) -> str:
        means = f"log_evidence={self.log_evidence.mean():.2f}, gap={self.gap.mean():.2f}"
        return f"GridIntegral(images={len(self.gap)}, {means})"


@torch.no_grad()
def integrate_over_grid(
    model: VAE, x: Tensor, half_width: float = 4.5, spacing: float = 0.04
) -> GridIntegral:
    """Integrate p(x | z) p(z) over a grid of latents.

    Args:
        model: with one layer of two latents, not conditional.
        x: (B, C, H, W).
        half_width: the grid covers -half_width to half_width on both axes.
        spacing: h, at most about the standard deviation of the posteriors.

    Raises:
        InvalidError: the model has other layers, or is conditional.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> x = model.sample(2, seed=0, sample_pixels=True)
        >>> found = integrate_over_grid(model, x, spacing=0.5)
        >>> found.log_evidence.shape, found.mean.shape
        (torch.Size([2]), torch.Size([2, 2]))
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
    """log p(x | z) p(z) of B images at G points, float64 (G, B).

    Args:
        model: with one layer of two latents, not conditional.
        x: (B, C, H, W).
        z: (G, 2).

    Raises:
        InvalidError: the model has other layers, or is conditional.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> x = model.sample(2, seed=0, sample_pixels=True)
        >>> joint_log_prob(model, x, torch.zeros(5, 2)).shape
        torch.Size([5, 2])
    """
    if model.layer_dims != (2,) or model.conditioned_parts:
        conditional = " of a conditional model" if model.conditioned_parts else ""
        raise InvalidError(
            "model: expected one layer of two latents and no labels, to integrate over a grid, got layers "
            f"{list(model.layer_dims)}{conditional}; train one, such as the recipe mnist-2d"
        )
    prior, context = model.conditional_prior(), model.with_offset(Context(), x)

    def log_joint(z: Tensor) -> Tensor:
        log_px = model.decode(z[:, None], context).log_prob(x).double()
        return log_px + prior.log_prob(z).double()[:, None]

    size = batch_size_for(len(x) * outputs_per_image(model.decoder, x.shape[1:]))
    return torch.cat([log_joint(chunk) for chunk in z.split(size)])
