"""What a model says of each data point: its log-likelihood, the terms of the bound, and where it is odd.

For a data point x with K posterior samples z_k,

    log p(x) >= log (1/K) sum_k p(x | z_k) p(z_k) / q(z_k | x)        (Burda et al. 2016)

and, with one sample in the mean, E_q log p(x | z) - KL(q(z | x), p(z)). The parts of log p(x | z) say which
columns or pixels are unlikely given the rest, since the decoder sees the whole point through z.

`vaekit.evaluation.anomaly_views` turns these values into an anomaly score and a p-value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from vaekit.distributions.product import Product
from vaekit.models import masking
from vaekit.models.batching import batch_size_for, chunk_sizes, outputs_per_image
from vaekit.models.context import Context
from vaekit.models.vae import VAE
from vaekit.parallel.turns import in_turns
from vaekit.utils.random import seeded

SAMPLES = 64  # posterior samples per data point


@dataclass(frozen=True)
class RowTerms:
    """What a model says of N data points.

    Args:
        x: the data points as the model sees them, (N, *event), NaN where missing.
        log_likelihood: the importance-weighted bound on log p(x), (N,), in nats.
        reconstruction: E_q log p(x | z), (N,), in nats.
        kl: KL(q(z | x), p(z)), (N,), in nats, all layers together.
        error: the root mean squared difference between x and the mean of p(x | E[z | x]), (N,), over the
            observed numbers, in model values: standard deviations of the training rows for a table.
        parts: log p(x_i | E[z | x]) of each column or element, (N, *event), in nats; 0 where missing.
        latents: E[z | x], (N, d).

    >>> one = np.zeros(3)
    >>> x = np.ones((3, 2))
    >>> terms = RowTerms(x, one - 4.0, one - 3.0, one + 1.0, one, parts=x - 2.5, latents=x)
    >>> terms, len(terms.take(np.array([0, 2])))
    (RowTerms(3 data points of (2,)), 2)
    """

    x: np.ndarray
    log_likelihood: np.ndarray
    reconstruction: np.ndarray
    kl: np.ndarray
    error: np.ndarray
    parts: np.ndarray
    latents: np.ndarray

    def __repr__(self) -> str:
        return f"RowTerms({len(self)} data points of {self.x.shape[1:]})"

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: np.ndarray) -> RowTerms:
        """The terms of some data points, by their positions or a boolean mask."""
        return RowTerms(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@torch.no_grad()
def measure_rows(
    model: VAE,
    batches: Iterable[tuple[Tensor, Tensor | None]],
    samples: int = SAMPLES,
    numeric: Sequence[bool] = (),
    seed: int = 0,
    progress: Callable[[int], None] = lambda rows: None,
    noise: Tensor | None = None,
) -> RowTerms:
    """Measure what a model says of each data point.

    Args:
        model: any VAE. Its training mode is restored at the end.
        batches: of data points (B, *event), NaN where missing, and labels or None.
        samples: K, posterior samples per data point.
        numeric: which columns are numbers, so that they count in the error; all if empty.
        seed: the draws of a batch depend on it and on the index of the batch.
        progress: called after each batch with its number of data points.
        noise: (K, n), from which the samples of every data point are computed, see `VAE.elbo_terms`; the
            terms of a data point then do not depend on its batch.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> x = model.sample(5, seed=0, sample_pixels=True)
        >>> terms = measure_rows(model, [(x, None)], samples=8)
        >>> terms.parts.shape, terms.latents.shape
        ((5, 1, 8, 8), (5, 2))
    """
    training = model.training
    model.eval()
    found: list[RowTerms] = []
    try:

        def measure(numbered: tuple[int, tuple[Tensor, Tensor | None]]) -> RowTerms:
            number, (x, y) = numbered
            with seeded(seed + 1_000_003 * number):
                return _measure_batch(model, x, y, samples, numeric, noise)

        for terms in in_turns(enumerate(batches), measure):
            found.append(terms)
            progress(len(terms))
    finally:
        model.train(training)
    return RowTerms(
        **{
            field.name: np.concatenate([getattr(terms, field.name) for terms in found])
            for field in fields(RowTerms)
        }
    )


def _measure_batch(
    model: VAE, x: Tensor, y: Tensor | None, samples: int, numeric: Sequence[bool], noise: Tensor | None
) -> RowTerms:
    context = Context(label=y, mask=masking.observed_mask(x))
    posterior, prior = model.encode(x, context), model.conditional_prior(context)
    log_weights, reconstruction = [], torch.zeros(len(x), dtype=torch.float64, device=x.device)
    kl = torch.zeros_like(reconstruction)
    sizes = list(chunk_sizes(samples, batch_size_for(len(x) * outputs_per_image(model.decoder, x.shape[1:]))))
    parts = [None] * len(sizes) if noise is None else noise[:, None].split(sizes)
    for k, part in zip(sizes, parts, strict=True):
        terms = model.elbo_terms(x, context, k, posterior=posterior, prior=prior, noise=part)
        log_weights.append(terms.log_weights.double())
        reconstruction += terms.log_px.double().sum(0) / samples
        kl += terms.kl.double().sum(0) * (k / samples)
    mean = posterior.mean
    px = model.decode(mean, context)
    known = ~x.isnan()
    return RowTerms(
        x=_to_numpy(x),
        log_likelihood=_to_numpy(torch.cat(log_weights).logsumexp(0) - math.log(samples)),
        reconstruction=_to_numpy(reconstruction),
        kl=_to_numpy(kl),
        error=_to_numpy(_root_mean_square(x - px.mean, known, numeric)),
        parts=_to_numpy(element_log_prob(px, x)),
        latents=_to_numpy(mean),
    )


def element_log_prob(px: Distribution, x: Tensor) -> Tensor:
    """log p of each element of data points, of the shape of x; 0 where x is missing (NaN).

    Args:
        px: a distribution over whole data points whose elements are independent.
        x: (..., *event).

    Raises:
        TypeError: the elements are not independent.

    >>> from torch.distributions import Normal
    >>> p = Independent(Normal(torch.zeros(2), 1.0), 1)
    >>> element_log_prob(p, torch.tensor([[0.0, torch.nan]]))
    tensor([[-0.9189,  0.0000]])
    """
    known = ~x.isnan()
    filled = torch.where(known, x, torch.zeros_like(x))
    if isinstance(px, Product):
        logs = [
            element_log_prob(part, column)
            for part, column in zip(px.parts, filled.split(px.sizes, -1), strict=True)
        ]
        return torch.where(known, torch.cat(logs, -1), 0.0)
    if hasattr(px, "log_prob_parts"):
        parts = px.log_prob_parts(filled, known).movedim(0, -1)
        if parts.shape == x.shape:
            return parts
    base: Distribution = px
    while isinstance(base, Independent):
        base = base.base_dist
    logs_each = base.log_prob(filled)
    if logs_each.shape != x.shape:
        raise TypeError(
            f"px: expected independent elements of {tuple(x.shape)}, got {tuple(logs_each.shape)}"
        )
    return torch.where(known, logs_each, torch.zeros_like(logs_each))


def _root_mean_square(difference: Tensor, known: Tensor, numeric: Sequence[bool]) -> Tensor:
    """Over the observed numbers of each data point, (N,); 0 if it has none."""
    if numeric:
        known = known & torch.tensor(list(numeric), device=known.device)
    square = torch.where(known, difference, torch.zeros_like(difference)).double().square()
    return (square.flatten(1).sum(1) / known.flatten(1).sum(1).clamp(min=1)).sqrt()


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return tensor.double().cpu().numpy()
