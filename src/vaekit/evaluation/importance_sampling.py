"""The log-likelihood of held-out images, by importance sampling, and the terms of its lower bound.

For each image x and K draws z_k from q(z | x), with w_k = p(x | z_k) p(z_k) / q(z_k | x),

    log p(x) >= E log (1/K) sum_k w_k            (Burda et al. 2016), which rises to log p(x) with K.

The weights are streamed (see `weights`), so that memory does not grow with K. Each image is encoded once. A
mean over images carries its standard error; all is in nats.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.evaluation.importance_weights import ImportanceWeights, sample_sizes
from vaekit.evaluation.latent import active_units
from vaekit.evaluation.psis import MAX_RELIABLE_K
from vaekit.evaluation.results import Bound, Evaluation, MeasureBatch, PerImageMetrics
from vaekit.evaluation.resumable import ResumableResults
from vaekit.models import masking
from vaekit.models.batching import batch_size_for, chunk_sizes, outputs_per_image
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded

if TYPE_CHECKING:
    pass


@torch.no_grad()
def measure_batches(
    model: VAE,
    batches: Iterator[tuple[Tensor, Tensor | None]],
    samples: int = 5000,
    seed: int = 0,
    progress: Callable[[int], None] = lambda images: None,
    measure: MeasureBatch | None = None,
    results: ResumableResults | None = None,
) -> PerImageMetrics:
    """The importance-sampled log p(x) and the terms of the bound, image by image.

    Args:
        batches: of images (B, C, H, W) and labels or None; the batch size bounds memory on its side.
        samples: K.
        seed: the draws of each batch follow from it and the batch's number.
        progress: called with the number of images done with.
        by: what measures a batch; `measure`, with labels as they are given, without it.
        kept: the batches that are done already, which are passed by, and to which the others are added.

    Returns:
        One number an image, in float64 on the CPU. The model is as it was, its training mode included.
    """
    measure = measure or measure_importance
    results = ResumableResults() if results is None else results
    training = model.training
    model.eval()
    try:
        done = results.batches
        for number, (x, y) in enumerate(batches):
            if number >= done:
                with seeded(seed + 1_000_003 * number):
                    results.add(measure(model, x, y, samples))
            progress(len(x))
    finally:
        model.train(training)
        results.write()
    return results.concatenate()


def measure_importance(model: VAE, x: Tensor, y: Tensor | None, samples: int) -> PerImageMetrics:
    """The terms of a batch (B, C, H, W) by K samples; of log p(x | y) where the model takes labels."""
    mask = masking.observed_mask(x)
    posterior, prior = model.encode(x, y), model.conditional_prior(y)
    weights = ImportanceWeights(len(x), samples, x.device)
    reconstruction = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    kl = torch.zeros(len(model.layer_dims), len(x), dtype=torch.float64, device=x.device)
    for k in chunk_sizes(samples, batch_size_for(len(x) * outputs_per_image(model.decoder, x.shape[1:]))):
        bound = model.elbo_terms(x, y, samples=k, mask=mask, posterior=posterior, prior=prior)
        weights.add(bound.log_weights)
        reconstruction += bound.log_px.double().sum(0) / samples
        kl += bound.kl.double() * (k / samples)
    dimensions = (~x.isnan()).flatten(1).sum(1)
    return PerImageMetrics(
        reconstruction,
        kl,
        weights.log_mean,
        weights.effective_sample_size,
        dimensions,
        posterior.mean.T,
        torch.zeros_like(reconstruction),
        kl.new_zeros(0, len(x)),
        weights.pareto_k,
        weights.growth,
    )


def summarize(
    parts: PerImageMetrics, levels: Sequence[int], samples: int, seed: int, seconds: float
) -> Evaluation:
    """Means over images with their standard error; `levels` are the sizes of the model's."""
    mean, stderr = mean_and_stderr(parts.log_likelihood)
    pareto_k, unreliable = summarize_tails(parts.pareto_k)
    reconstruction, kl = parts.reconstruction.mean().item(), parts.kl.mean(1).tolist()
    return Evaluation(
        images=len(parts.log_likelihood),
        samples=samples,
        reconstruction=reconstruction,
        kl=kl,
        elbo=reconstruction - sum(kl) - parts.label_kl.mean().item(),
        log_likelihood=mean,
        log_likelihood_stderr=stderr,
        bits_per_dimension=_bits_per_dimension(mean, parts.dimensions.mean().item()),
        ess_mean=parts.effective_sample_size.mean().item(),
        ess_min=parts.effective_sample_size.min().item(),
        active_units=active_units(parts.latents.T.numpy(), levels),
        layer_dims=list(levels),
        label_kl=parts.label_kl.mean().item() if len(parts.label_posterior) else None,
        seconds=seconds,
        seed=seed,
        growth=[
            Bound(n, *mean_and_stderr(row))
            for n, row in zip(sample_sizes(samples), parts.growth, strict=False)
        ],
        pareto_k=pareto_k,
        unreliable=unreliable,
    )


def mean_and_stderr(values: Tensor) -> tuple[float, float | None]:
    """The mean of (N,) and its standard error, which one value alone has not."""
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else None
    return values.mean().item(), error


def summarize_tails(shapes: Tensor) -> tuple[float, float] | tuple[None, None]:
    """The median shape of the tails (N,), and the share of those that are too heavy.

    One that is NaN, where others are known, could not be found, and counts as too heavy; of NaN alone, as of
    too few samples, there is nothing to say.
    """
    if shapes.isnan().all():
        return None, None
    shapes = shapes.nan_to_num(nan=math.inf, posinf=math.inf, neginf=-math.inf)
    return shapes.median().item(), (shapes > MAX_RELIABLE_K).double().mean().item()


def _bits_per_dimension(log_likelihood: float, dimensions: float) -> float | None:
    """Per observed dimension; None where nothing was observed."""
    return -log_likelihood / (dimensions * math.log(2)) if dimensions else None


def clock() -> Callable[[], float]:
    """Seconds since the call."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start
