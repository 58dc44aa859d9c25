"""Imputation: samples from p(x_missing | x_observed).

The posterior p(z | x_observed) is intractable. For K samples z_k from a proposal q, with weights

    w_k = p(x_observed | z_k) p(z_k) / q(z_k),

resampling z_k with probability w_k / sum w gives samples from p(z | x_observed) as K grows: sampling
importance resampling (Rubin 1987), for VAEs in Mattei and Frellsen 2019. Then x_missing is sampled from p(x |
z). The same weights give the means of x, z and log p(x_observed | z) over p(z | x_observed), the effective
sample size (sum w)^2 / sum w^2 (Kong 1992), and log 1/K sum w, which estimates log p(x_observed) from below.

A good proposal covers p(z | x_observed). The encoder's q(z | x_observed), with 0 for missing pixels, does so
only if it was trained on missing data. Therefore a few short chains also fill the missing pixels: z from
q(z | x_filled), then x_missing = E[x | z] (Rezende et al. 2014 sample from such a chain itself). Half of the
mixture q is q(z | x_observed), the other half are the posteriors of these filled images.

These posteriors believe that the filled values were observed, and are too narrow where many are missing. For
rows of values, half of the samples therefore come from Gaussians at modes of p(z | x_observed), to which
Newton's method climbs from the chains.

An unknown label y is treated like z: each possible y_k gets an equal share of the K samples, and their
weights are multiplied by p(y_k).

The K samples come in chunks, and only the resampled ones are stored. A chunk with a share s of the total
weight so far replaces each stored sample with probability s (weighted reservoir sampling, Chao 1982). Samples
that are not finite, which an untrained model may produce, get no weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.models import masking
from vaekit.models.batching import MAX_IMAGES_PER_BATCH, batch_size_for, chunk_sizes, outputs_per_image
from vaekit.models.conditional import HierarchicalDistribution
from vaekit.models.context import Context, as_context
from vaekit.models.elbo import latent_kind
from vaekit.models.from_noise import noise_size, sample_from_noise
from vaekit.models.labels import LabelPrior
from vaekit.models.posterior_modes import gaussians_at_modes
from vaekit.utils.random import Seed, seeded

CHAINS, STEPS = 8, 3
MAX_LATENTS = 64  # up to which Gaussians at modes are found
NO_WEIGHT = -1e30  # a finite log-weight below that of any valid sample


@dataclass(frozen=True, repr=False)
class Imputations:
    """Images with their missing pixels filled.

    Attributes:
        images: (M, B, C, H, W), M samples from p(x | x_observed); observed pixels are unchanged.
        mean: (B, C, H, W), E[x | x_observed]; observed pixels are unchanged.
        effective_sample_size: (B,), between 1 and the number of samples.
        samples: how many were drawn: K, rounded up to a multiple of the number of proposals.
        log_observed: (B,), log 1/K sum w, in nats: log p(x_observed), or less.
        reconstruction: (B,), the mean of log p(x_observed | z) over p(z | x_observed), in nats. Less
            `log_observed`, it is KL(p(z | x_observed), p(z)).
        latent_mean, latent_stddev: (B, d), of p(z | x_observed).
        label_probabilities: (B, M), p(y | x_observed) of the labels the model knows; None if the label is
            given or there is none.

    >>> Imputations(torch.zeros(5, 2, 1, 8, 8), torch.zeros(2, 1, 8, 8), torch.tensor([310.0, 900.0]))
    Imputations(images=(5, 2, 1, 8, 8), min_effective_sample_size=310)
    """

    images: Tensor
    mean: Tensor
    effective_sample_size: Tensor
    samples: int = 0
    log_observed: Tensor | None = None
    reconstruction: Tensor | None = None
    latent_mean: Tensor | None = None
    latent_stddev: Tensor | None = None
    label_probabilities: Tensor | None = None

    def __repr__(self) -> str:
        smallest = min(self.effective_sample_size.tolist(), default=math.nan)
        return f"Imputations(images={tuple(self.images.shape)}, min_effective_sample_size={smallest:.0f})"


class LatentVariableModel(Protocol):
    """What imputation needs of a model; every `VAE` has it.

    >>> from vaekit.models.vae import VAE
    >>> all(hasattr(VAE, name) for name in ("latent_dim", "conditional_prior", "encode", "decode"))
    True
    """

    decoder: nn.Module
    labels: LabelPrior | None

    @property
    def latent_dim(self) -> int: ...

    def conditional_prior(self, context: Context | None = None) -> HierarchicalDistribution: ...

    def encode(self, x: Tensor, context: Context | None = None) -> HierarchicalDistribution: ...

    def decode(self, z: Tensor, context: Context | None = None) -> Distribution: ...

    def with_offset(self, context: Context, x: Tensor) -> Context: ...


Draw = Callable[[Distribution, tuple[int, ...]], Tensor]
LabelSupport = list[tuple[Tensor | None, float]]  # labels with their log p(y)


@torch.no_grad()
def impute(
    model: LatentVariableModel,
    x: Tensor,
    context: Context | Tensor | None = None,
    imputations: int = 5,
    samples: int = 1000,
    sample_pixels: bool = True,
    seed: Seed = None,
    same_noise: bool = False,
) -> Imputations:
    """Sample the missing pixels of images several times.

    Args:
        model: for example a `VAE`.
        x, context, imputations, samples, sample_pixels, seed: as for `VAE.impute`.
        same_noise: propose latents from the same noise for each data point, so that its mean does not depend
            on the others; see `vaekit.models.from_noise`.

    Returns:
        The imputations, their mean, and the effective sample size.

    >>> from vaekit.models.conditional import Conditional, Hierarchy
    >>> from vaekit.models.likelihoods import bernoulli
    >>> from vaekit.models.posteriors import gaussian
    >>> from vaekit.models.priors import StandardNormal
    >>> from vaekit.models.vae import VAE
    >>> from vaekit.nn.networks import Dense
    >>> encoder = Conditional(Dense([(1, 4, 4)], (4,), ()), gaussian())
    >>> decoder = Conditional(Dense([(2,)], (1, 4, 4), ()), bernoulli())
    >>> model = VAE(Hierarchy([StandardNormal(2)], [2]), Hierarchy([encoder], [2]), decoder)
    >>> x = torch.ones(3, 1, 4, 4)
    >>> x[..., :2] = torch.nan
    >>> images = impute(model, x, imputations=5, samples=32, seed=0).images
    >>> images.shape, images.isnan().any(), (images[..., 2:] == 1).all()
    (torch.Size([5, 3, 1, 4, 4]), tensor(False), tensor(True))
    """
    context = as_context(context)
    mask = context.mask
    observed = (~x.isnan() if mask is None else mask & ~x.isnan()).expand_as(x)
    filled, support = masking.fill_missing(x, observed), _label_support(model, context.label)
    context = model.with_offset(context, torch.where(observed, x, torch.nan))
    reservoir = _Reservoir(imputations, filled, model.latent_dim)
    with seeded(seed):
        for index, (label, log_py) in enumerate(support):
            for z, log_weights, log_px, means in _propose(
                model, filled, observed, context.with_label(label), -(-samples // len(support)), same_noise
            ):
                reservoir.add(z, log_weights + log_py, log_px, means, index)
        chosen = context.with_label(_select_labels(support, reservoir.label))
        px = model.decode(reservoir.z, chosen)
        images = px.sample() if sample_pixels else px.mean
    return Imputations(
        torch.where(observed, filled, images),
        torch.where(observed, filled, reservoir.mean),
        reservoir.effective_sample_size,
        reservoir.count,
        reservoir.log_sum.float() - math.log(reservoir.count / len(support)),
        reservoir.log_px,
        reservoir.z_mean,
        (reservoir.z_square - reservoir.z_mean.square()).clamp_min(0).sqrt(),
        _label_probabilities(model.labels, reservoir) if len(support) > 1 else None,
    )


def _label_support(model: LatentVariableModel, y: Tensor | None) -> LabelSupport:
    """The possible labels with log p(y): the given one, or all labels of the model."""
    if y is not None or model.labels is None:
        return [(y, 0.0)]
    return [(model.labels.values[k][None], float(model.labels.log_prob[k])) for k in model.labels.support]


def _label_probabilities(labels: LabelPrior | None, reservoir: _Reservoir) -> Tensor | None:
    """p(y | x_observed), (B, M), by the sums of the weights of each label."""
    if labels is None:
        return None
    shares = torch.stack(reservoir.log_sum_by_label).softmax(0).T.float()
    return shares.new_zeros(len(shares), len(labels)).index_copy(1, labels.support, shares)


def _select_labels(support: LabelSupport, indices: Tensor) -> Tensor | None:
    """The labels at these indices (M, B): the given one, or (M, B, m)."""
    first = support[0][0]
    if len(support) == 1 or first is None:
        return first
    return torch.cat([label for label, _ in support if label is not None])[indices]


def _propose(
    model: LatentVariableModel,
    filled: Tensor,
    observed: Tensor,
    context: Context,
    samples: int,
    same_noise: bool,
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Samples from q in chunks of k: z (k, B, d), log w and log p(x | z) (k, B), E[x | z] (k, B, C, H, W)."""
    draw = _same_noise if same_noise else _own_noise
    posterior, prior = _proposal(model, filled, observed, context, draw), model.conditional_prior(context)
    parts, images = posterior.batch_shape
    images = MAX_IMAGES_PER_BATCH if same_noise else images  # the chunks decide what noise is drawn

    def log_joint(z: Tensor) -> Tensor:
        log_pz = prior.condition_on(z).log_prob.sum(0)
        return masking.masked_log_prob(model.decode(z, context), filled, observed) + log_pz

    modes = (
        gaussians_at_modes(log_joint, draw(posterior, ())[-CHAINS:])
        if _has_modes(posterior, filled)
        else None
    )
    draws = parts if modes is None else 2 * parts
    for k in chunk_sizes(
        -(-samples // draws),
        batch_size_for(draws * images * outputs_per_image(model.decoder, filled.shape[1:])),
    ):
        z = draw(posterior, (k,)).flatten(0, 1)
        if modes is not None:
            z = torch.cat([z, draw(modes, (k * parts // CHAINS,)).flatten(0, 1)])
        log_q = _log_mean(posterior.condition_on(z[:, None]).log_prob.sum(0))
        if modes is not None:
            log_q = torch.logaddexp(log_q, _log_mean(modes.log_prob(z[:, None]))) - math.log(2)
        px, log_pz = model.decode(z, context), prior.condition_on(z).log_prob.sum(0)
        log_px = masking.masked_log_prob(px, filled, observed)
        yield z, log_px + log_pz - log_q, log_px, px.mean


def _has_modes(posterior: HierarchicalDistribution, x: Tensor) -> bool:
    """Whether p(z | x) has modes that are cheap to find: rows of values, and few continuous latents."""
    [latents, *others] = posterior.layer_dims
    is_smooth = latent_kind(posterior.top) == "continuous"
    return x.dim() == 2 and not others and latents <= MAX_LATENTS and is_smooth


def _log_mean(log_parts: Tensor) -> Tensor:
    """The log-density (K, B) of a mixture with equal weights, from those of its parts (K, R, B)."""
    return log_parts.nan_to_num(NO_WEIGHT).logsumexp(1) - math.log(log_parts.shape[1])


def _proposal(
    model: LatentVariableModel, filled: Tensor, observed: Tensor, context: Context, draw: Draw
) -> HierarchicalDistribution:
    """The posteriors (R, B) of images: half of the R with 0 for missing pixels, half filled by the chains."""
    chains = filled.expand(CHAINS, *filled.shape)
    for _ in range(STEPS):
        z = draw(model.encode(chains, context), ())
        means = model.decode(z, context).mean
        chains = torch.where(observed | ~means.isfinite(), filled, means)
    return model.encode(torch.cat([filled.expand_as(chains), chains]), context)


def _own_noise(distribution: Distribution, shape: tuple[int, ...]) -> Tensor:
    """Samples (*shape, R, B, d) of a distribution with batch shape (R, B)."""
    return distribution.rsample(torch.Size(shape))


def _same_noise(distribution: Distribution, shape: tuple[int, ...]) -> Tensor:
    """The same, from noise that all B data points share."""
    point = distribution.mean
    size = (*shape, *distribution.batch_shape[:-1], 1, noise_size(distribution))
    return sample_from_noise(distribution, torch.randn(size, dtype=point.dtype, device=point.device))


def _as_events(values: Tensor, events: Tensor) -> Tensor:
    """Values of data points, (B,) or (k, B), in a shape that broadcasts with (..., B, *event)."""
    return values.reshape(*values.shape, *[1] * (events.dim() - values.dim()))


class _Reservoir:
    """M resampled latents for each of B images, and weighted means, from a stream of weighted samples."""

    def __init__(self, n_samples: int, images: Tensor, latent_dim: int):
        self.count = 0
        self.z = images.new_zeros(n_samples, len(images), latent_dim)
        self.label = torch.zeros(n_samples, len(images), dtype=torch.long, device=images.device)
        self.mean = torch.zeros_like(images)
        self.log_px = images.new_zeros(len(images))
        self.z_mean, self.z_square = torch.zeros_like(self.z[0]), torch.zeros_like(self.z[0])
        self.log_sum = torch.full((len(images),), -torch.inf, dtype=torch.float64, device=images.device)
        self.log_sum_by_label: list[Tensor] = []
        self._log_sum_of_squares = self.log_sum.clone()

    def add(self, z: Tensor, log_weights: Tensor, log_px: Tensor, means: Tensor, label: int) -> None:
        """Add k samples under a label: z (k, B, d), log w and log p(x | z) (k, B), E[x | z]."""
        self.count += len(z)
        valid = log_weights.isfinite() & z.isfinite().all(-1)
        log_weights = torch.where(valid, log_weights.double(), NO_WEIGHT)
        z, means = torch.where(valid[..., None], z, 0), torch.where(_as_events(valid, means), means, 0)
        before, chunk = self.log_sum, log_weights.logsumexp(0)
        self.log_sum = torch.logaddexp(before, chunk)
        self._log_sum_of_squares = torch.logaddexp(self._log_sum_of_squares, (2 * log_weights).logsumexp(0))
        self._add_to_label(label, chunk)
        self._resample(z, torch.exp(log_weights - chunk), torch.exp(chunk - self.log_sum), label)
        share, previous = torch.exp(log_weights - self.log_sum), torch.exp(before - self.log_sum)
        log_px = torch.where(valid, log_px, 0)
        for name, values in (("mean", means), ("log_px", log_px), ("z_mean", z), ("z_square", z.square())):
            old, part = getattr(self, name), torch.einsum("kb,kb...->b...", share.to(values), values)
            setattr(self, name, _as_events(previous.to(old), old) * old + part)

    def _add_to_label(self, label: int, log_sum: Tensor) -> None:
        """Add to the sum of the weights of a label; labels come one after the other."""
        if label == len(self.log_sum_by_label):
            self.log_sum_by_label.append(torch.full_like(log_sum, -torch.inf))
        self.log_sum_by_label[label] = torch.logaddexp(self.log_sum_by_label[label], log_sum)

    def _resample(self, z: Tensor, weights: Tensor, share: Tensor, label: int) -> None:
        """Replace stored samples, by weights (k, B) within the chunk and its share (B,) of the total."""
        chosen = weights.T.multinomial(len(self.z), replacement=True).T
        replaced = torch.rand(chosen.shape, device=z.device) < share
        images = torch.arange(z.shape[1], device=z.device)
        self.z = torch.where(replaced[..., None], z[chosen, images], self.z)
        self.label = torch.where(replaced, label, self.label)

    @property
    def effective_sample_size(self) -> Tensor:
        """(B,): (sum w)^2 / sum w^2."""
        return torch.exp(2 * self.log_sum - self._log_sum_of_squares)
