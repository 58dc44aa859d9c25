"""Where the rate goes: into telling images apart, and into a prior that is not where the codes are.

With q(z) = (1/N) sum_n q(z | x_n), the aggregated posterior of N images,

    (1/N) sum_n KL(q(z | x_n), p(z))  =  I_q(n; z)  +  KL(q(z), p(z)),

the rate is the mutual mutual_information of an image's number and its code, which is at most log N, and the gap of
prior and aggregated posterior (Hoffman and Johnson 2016, "ELBO surgery"). A better prior can take away the
second term and no more. The gap is also what samples suffer from: where p(z) > 0 and q(z) is not, the decoder
has learned nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.distributions.mixture import Mixture
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded

MAX_IMAGES = 5000  # images: the work grows with their square


class ELBODecomposition(NamedTuple):
    """The rate of the top level and its two parts, in nats, by one draw for each image.

    Attributes:
        rate: the mean KL(q, p).
        mutual_information: I_q(n; z), at most `log_n`.
        marginal_kl: KL(q(z), p(z)).
        log_n: log N.
        images: N.
    """

    kl: float
    mutual_information: float
    marginal_kl: float
    log_n: float
    images: int


@torch.no_grad()
def elbo_surgery(
    model: VAE, batches: Iterable[tuple[Tensor, Tensor | None]], most: int = MAX_IMAGES, seed: int = 0
) -> ELBODecomposition:
    """The two parts of the rate of the top level, over the first batches that hold `most` images.

    Args:
        model: in evaluation mode, with a prior that no label conditions.
        batches: of images (B, C, H, W) and labels or None.
        seed: of the draws.
    """
    posteriors, draws, own = [], [], []
    with seeded(seed):
        for x, y in batches:
            posteriors.append(model.encode(x, y).top)
            draws.append(posteriors[-1].sample())
            own.append(posteriors[-1].log_prob(draws[-1]))
            if sum(map(len, draws)) >= most:
                break
    z, log_q = torch.cat(draws), torch.cat(own).double()
    log_aggregated = _log_aggregated_posterior(posteriors, z)
    log_p = model.conditional_prior().top.log_prob(z).double()
    mutual_information, marginal_kl = (
        (log_q - log_aggregated).mean().item(),
        (log_aggregated - log_p).mean().item(),
    )
    return ELBODecomposition(
        (log_q - log_p).mean().item(), mutual_information, marginal_kl, math.log(len(z)), len(z)
    )


def _log_aggregated_posterior(posteriors: Sequence[Distribution], z: Tensor) -> Tensor:
    """log q(z) at z (N, d), (N,): the mixture of the mixtures that batches are, by their sizes."""
    sizes = z.new_tensor([posterior.batch_shape.numel() for posterior in posteriors])
    each = [Mixture(z.new_zeros(int(n)), q).log_prob(z) for n, q in zip(sizes, posteriors, strict=True)]
    return (torch.stack(each).double() + sizes.log().double().unsqueeze(1)).logsumexp(0) - math.log(len(z))
