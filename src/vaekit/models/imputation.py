"""What the unobserved part of an image may have been: draws from p(x_missing | x_observed).

With p(z | x_observed) at hand it would be easy: draw z from it, then x_missing from p(x | z). At hand is some
q(z). Of K draws z_k from q, with weights

    w_k = p(x_observed | z_k) p(z_k) / q(z_k),

one that is drawn again with probability w_k / sum w comes from p(z | x_observed) as K grows: sampling
importance resampling (Rubin 1987), for VAEs in Mattei and Frellsen 2019. The same weights give the mean
E[x | x_observed] and say, by the effective sample size (sum w)^2 / sum w^2 (Kong 1992), how many of the K
draws carry it.

A good q is near p(z | x_observed) wherever that has mass. The encoder's q(z | x_observed), with 0 in the
gaps, is so only if it was trained on gaps. Therefore the gaps are also filled by a few short chains, z from
q(z | x_filled), then x_missing = E[x | z] (Rezende et al. 2014 draw from such a chain itself). Half of the
mixture q is then q(z | x_observed), the other half the posteriors of all these fillings.

A label y that is not given is as unknown as z: each y_k that it may be has its share of the K draws, whose
weights are multiplied by p(y_k).

The K draws come in portions, of which no more is kept than what is drawn again: a portion that has a share s
of all the weight so far takes the place of each with probability s (weighted reservoir sampling, Chao 1982).
Draws whose numbers are not finite, as a model that was hardly trained may give, carry no weight.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.models import masking
from vaekit.models.batching import batch_size_for, chunk_sizes, outputs_per_image
from vaekit.models.conditional import HierarchicalDistribution
from vaekit.models.labels import LabelPrior
from vaekit.utils.random import Seed, seeded

CHAINS, STEPS = 8, 3
NO_WEIGHT = -1e30  # the logarithm of so little that any other draw outweighs it


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


class LatentVariableModel(Protocol):
    """What imputation needs of a model; every `VAE` has it."""

    decoder: nn.Module
    labels: LabelPrior | None

    @property
    def latent_dim(self) -> int: ...

    def conditional_prior(self, y: Tensor | None = None) -> HierarchicalDistribution: ...

    def encode(self, x: Tensor, y: Tensor | None = None) -> HierarchicalDistribution: ...

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution: ...


Possible = list[tuple[Tensor | None, float]]


@torch.no_grad()
def impute(
    model: LatentVariableModel,
    x: Tensor,
    y: Tensor | None = None,
    mask: Tensor | None = None,
    imputations: int = 5,
    samples: int = 1000,
    sample_pixels: bool = True,
    seed: Seed = None,
) -> Imputations:
    """Fill the missing pixels of images several times; the arguments are those of `VAE.impute`."""
    known = (~x.isnan() if mask is None else mask & ~x.isnan()).expand_as(x)
    seen, possible = masking.fill_missing(x, known), _possible(model, y)
    resampled = _Resampled(imputations, seen, model.latent_dim)
    with seeded(seed):
        for place, (label, log_py) in enumerate(possible):
            for z, log_weights, means in _draws(model, seen, known, label, -(-samples // len(possible))):
                resampled.add(z, log_weights + log_py, means, place)
        px = model.decode(resampled.z, _labels(possible, resampled.label))
        images = px.sample() if sample_pixels else px.mean
    return Imputations(
        torch.where(known, seen, images), torch.where(known, seen, resampled.mean), resampled.size
    )


def _possible(model: LatentVariableModel, y: Tensor | None) -> Possible:
    """Each label that the images may have, with log p(y): the one that is given, or all of the model's."""
    if y is not None or model.labels is None:
        return [(y, 0.0)]
    return [(model.labels.values[k][None], float(model.labels.log_prob[k])) for k in model.labels.support]


def _labels(possible: Possible, places: Tensor) -> Tensor | None:
    """The labels at these places (M, B): the one that is given, or (M, B, m)."""
    first = possible[0][0]
    if len(possible) == 1 or first is None:
        return first
    return torch.cat([label for label, _ in possible if label is not None])[places]


def _draws(
    model: LatentVariableModel, seen: Tensor, known: Tensor, y: Tensor | None, samples: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Draws from q in portions of k: z (k, B, d), log w (k, B), and E[x | z] (k, B, C, H, W)."""
    posterior, prior = _proposal(model, seen, known, y), model.conditional_prior(y)
    parts, images = posterior.batch_shape
    for k in chunk_sizes(
        -(-samples // parts),
        batch_size_for(parts * images * outputs_per_image(model.decoder, seen.shape[1:])),
    ):
        z = posterior.rsample((k,)).flatten(0, 1)
        log_parts = posterior.condition_on(z[:, None]).log_prob.sum(0)
        log_q = log_parts.nan_to_num(NO_WEIGHT).logsumexp(1) - math.log(parts)
        px, log_pz = model.decode(z, y), prior.condition_on(z).log_prob.sum(0)
        yield z, masking.masked_log_prob(px, seen, known) + log_pz - log_q, px.mean


def _proposal(
    model: LatentVariableModel, seen: Tensor, known: Tensor, y: Tensor | None
) -> HierarchicalDistribution:
    """The posteriors (R, B) of images (B, C, H, W): half of the R with 0 in the gaps, half with fillings."""
    filled = seen.expand(CHAINS, *seen.shape)
    for _ in range(STEPS):
        z = model.encode(filled, y).rsample()
        means = model.decode(z, y).mean
        filled = torch.where(known | ~means.isfinite(), seen, means)
    return model.encode(torch.cat([seen.expand_as(filled), filled]), y)


class _Resampled:
    """Of a stream of weighted draws for B images: M drawn again, the weighted mean, and how many carry it."""

    def __init__(self, draws: int, images: Tensor, latents: int):
        self.z = images.new_zeros(draws, len(images), latents)
        self.label = torch.zeros(draws, len(images), dtype=torch.long, device=images.device)
        self.mean = torch.zeros_like(images)
        self._log_sum = torch.full((len(images),), -torch.inf, dtype=torch.float64, device=images.device)
        self._log_sum_of_squares = self._log_sum.clone()

    def add(self, z: Tensor, log_weights: Tensor, means: Tensor, label: int) -> None:
        """Take in k draws under a label: z (k, B, d), log w (k, B), and E[x | z] (k, B, C, H, W)."""
        sound = log_weights.isfinite() & z.isfinite().all(-1)
        log_weights = torch.where(sound, log_weights.double(), NO_WEIGHT)
        z, means = torch.where(sound[..., None], z, 0), torch.where(sound[..., None, None, None], means, 0)
        before, portion = self._log_sum, log_weights.logsumexp(0)
        self._log_sum = torch.logaddexp(before, portion)
        self._log_sum_of_squares = torch.logaddexp(self._log_sum_of_squares, (2 * log_weights).logsumexp(0))
        self._draw_again(z, torch.exp(log_weights - portion), torch.exp(portion - self._log_sum), label)
        share = torch.exp(log_weights - self._log_sum).to(means)
        kept = torch.exp(before - self._log_sum).to(means)
        self.mean = kept[:, None, None, None] * self.mean + torch.einsum("kb,kb...->b...", share, means)

    def _draw_again(self, z: Tensor, weights: Tensor, share: Tensor, label: int) -> None:
        """Weights (k, B) within the portion, and its share (B,) of all so far."""
        chosen = weights.T.multinomial(len(self.z), replacement=True).T
        taken = torch.rand(chosen.shape, device=z.device) < share
        images = torch.arange(z.shape[1], device=z.device)
        self.z = torch.where(taken[..., None], z[chosen, images], self.z)
        self.label = torch.where(taken, label, self.label)

    @property
    def size(self) -> Tensor:
        """(B,): the effective sample size."""
        return torch.exp(2 * self._log_sum - self._log_sum_of_squares)
