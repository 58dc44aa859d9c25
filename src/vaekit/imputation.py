"""What the unobserved part of an image may have been: draws from p(x_missing | x_observed).

With p(z | x_observed) at hand it would be easy: draw z from it, then x_missing from p(x | z). At hand is
q(z | x_observed). Of K draws z_k from q, with weights

    w_k = p(x_observed | z_k) p(z_k) / q(z_k | x_observed),

one that is drawn again with probability w_k / sum w comes from p(z | x_observed) as K grows: sampling
importance resampling (Rubin 1987), for VAEs in Mattei and Frellsen 2019; Rezende et al. 2014 run a Markov
chain instead. The same weights give the mean E[x | x_observed] and say, by the effective sample size
(sum w)^2 / sum w^2 (Kong 1992), how many of the K draws carry it.

Nothing is kept of the K draws: the k with the largest log w_k + g_k, where the g_k are independent Gumbel
noise, is one drawn with probability w_k / sum w (Yellott 1977), and a running maximum finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit import missing
from vaekit.portions import at_once, chunks, numbers
from vaekit.randomness import Seed, seeded

if TYPE_CHECKING:
    from vaekit.vae import VAE


@dataclass(frozen=True)
class Imputations:
    """Images with their missing pixels filled.

    Attributes:
        images: (M, B, C, H, W), M draws from p(x | x_observed); observed pixels are as they were.
        mean: (B, C, H, W), E[x | x_observed]; the same holds.
        effective_sample_size: (B,), between 1 and K: how many of the K draws carry weight.
    """

    images: Tensor
    mean: Tensor
    effective_sample_size: Tensor


@torch.no_grad()
def impute(
    model: VAE,
    x: Tensor,
    y: Tensor | None = None,
    mask: Tensor | None = None,
    imputations: int = 5,
    samples: int = 1000,
    draw: bool = True,
    seed: Seed = None,
) -> Imputations:
    """Fill the missing pixels of images several times; the arguments are those of `VAE.impute`."""
    known = (~x.isnan() if mask is None else mask & ~x.isnan()).expand_as(x)
    seen = missing.filled(x, known)
    posterior, prior = model.encode(seen, y), model.prior_given(y)
    resampled = _Resampled(imputations, seen, model.latent_size)
    with seeded(seed):
        for k in chunks(samples, at_once(len(x) * numbers(model.decoder, x.shape[1:]))):
            q = posterior.draw((k,))
            px, p = model.decode(q.z, y), prior.score(q.z)
            log_weights = missing.log_prob(px, seen, known) + (p.log_prob - q.log_prob).sum(0)
            resampled.add(q.z, log_weights, px.mean)
        px = model.decode(resampled.z, y)
        images = px.sample() if draw else px.mean
    return Imputations(
        torch.where(known, seen, images), torch.where(known, seen, resampled.mean), resampled.size
    )


class _Resampled:
    """Of a stream of weighted draws for B images: M drawn again, the weighted mean, and how many carry it."""

    def __init__(self, draws: int, images: Tensor, latents: int):
        self.z = images.new_zeros(draws, len(images), latents)
        self.mean = torch.zeros_like(images)
        self._highest = torch.full(
            (draws, len(images)), -torch.inf, dtype=torch.float64, device=images.device
        )
        self._log_sum = self._highest.new_full((len(images),), -torch.inf)
        self._log_sum_of_squares = self._log_sum.clone()

    def add(self, z: Tensor, log_weights: Tensor, means: Tensor) -> None:
        """Take in k draws: z (k, B, d), log w (k, B), and E[x | z] (k, B, C, H, W)."""
        log_weights = log_weights.double()
        self._draw_again(z, log_weights)
        before = self._log_sum
        self._log_sum = torch.logaddexp(before, log_weights.logsumexp(0))
        self._log_sum_of_squares = torch.logaddexp(self._log_sum_of_squares, (2 * log_weights).logsumexp(0))
        share = torch.exp(log_weights - self._log_sum).to(means)
        kept = torch.exp(before - self._log_sum).to(means)
        self.mean = kept[:, None, None, None] * self.mean + torch.einsum("kb,kb...->b...", share, means)

    def _draw_again(self, z: Tensor, log_weights: Tensor) -> None:
        noise = -log_weights.new_empty(len(z), *self._highest.shape).exponential_().log()
        highest, chosen = (log_weights[:, None] + noise).max(0)
        higher = highest > self._highest
        self.z = torch.where(higher[..., None], z[chosen, torch.arange(z.shape[1])], self.z)
        self._highest = torch.maximum(highest, self._highest)

    @property
    def size(self) -> Tensor:
        """(B,): the effective sample size."""
        return torch.exp(2 * self._log_sum - self._log_sum_of_squares)
