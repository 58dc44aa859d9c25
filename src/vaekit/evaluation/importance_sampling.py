"""The log-likelihood of held-out images, by importance sampling, and the terms of its lower bound.

For each image x and K draws z_k from q(z | x), with w_k = p(x | z_k) p(z_k) / q(z_k | x),

    log p(x) >= E log (1/K) sum_k w_k            (Burda et al. 2016), which rises to log p(x) with K.

The weights are streamed (see `vaekit.evaluation.importance_weights`), so memory does not grow with K. Each
image is encoded once. Means over images come with their standard error. All values are in nats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vaekit.evaluation.confidence_intervals import mean_and_stderr as mean_and_stderr
from vaekit.evaluation.importance_weights import ImportanceWeights, sample_sizes
from vaekit.evaluation.latent import active_units
from vaekit.evaluation.monte_carlo import evidence_interval, monte_carlo_error
from vaekit.evaluation.psis import MAX_RELIABLE_K
from vaekit.evaluation.results import Bound, Evaluation, MeasureBatch, PerImageMetrics, concatenate
from vaekit.evaluation.resumable import ResumableResults
from vaekit.models import masking
from vaekit.models.batching import batch_size_for, chunk_sizes, outputs_per_image
from vaekit.models.context import Context, as_context
from vaekit.models.vae import VAE
from vaekit.nn.matmul import use_chosen
from vaekit.parallel.processes import current
from vaekit.parallel.turns import in_turns
from vaekit.utils.random import seeded


@torch.no_grad()
@use_chosen()
def measure_batches(
    model: VAE,
    batches: Iterator[tuple[Tensor, Tensor | None]],
    samples: int = 5000,
    seed: int = 0,
    progress: Callable[[int], None] = lambda images: None,
    measure: MeasureBatch | None = None,
    results: ResumableResults | None = None,
) -> PerImageMetrics:
    """Estimate log p(x) and the terms of the bound for each image.

    Args:
        model: any VAE. Its training mode is restored at the end.
        batches: of images (B, C, H, W) and labels or None.
        samples: K, samples per image.
        seed: the draws of a batch depend on it and on the index of the batch.
        progress: called after each batch with its number of images.
        measure: the function that measures a batch; `measure_importance` if None.
        results: batches that are finished already; they are skipped, and the others are added to them.

    Returns:
        One value per image, in float64 on the CPU; of several processes, each measures some of the batches.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> x = model.sample(5, seed=0, sample_pixels=True)
        >>> metrics = measure_batches(model, iter([(x[:3], None), (x[3:], None)]), samples=10)
        >>> metrics.log_likelihood.shape, metrics.kl.shape
        (torch.Size([5]), torch.Size([1, 5]))
    """
    measure = measure or measure_importance
    results = ResumableResults() if results is None else results
    training = model.training
    model.eval()
    try:
        done, results.metrics = current().share((results.batches, results.metrics))

        def measure_one(numbered: tuple[int, tuple[Tensor, Tensor | None]]) -> tuple[int, Any]:
            number, (x, y) = numbered
            if number < done:
                return len(x), None
            with seeded(seed + 1_000_003 * number):
                return len(x), concatenate([measure(model, x, y, samples)])

        for images, found in in_turns(enumerate(batches), measure_one):
            if found is not None:
                results.add(found)
            progress(images)
    finally:
        model.train(training)
        results.write()
    return results.concatenate()


def measure_importance(model: VAE, x: Tensor, y: Context | Tensor | None, samples: int) -> PerImageMetrics:
    """Measure a batch by importance sampling; a conditional model gives log p(x | y).

    Args:
        model: any VAE.
        x: (B, *event), NaN where not observed.
        y: labels (B,) or attributes (B, M) of a conditional model, else None; or a `Context`.
        samples: K, samples per image.

    Returns:
        The metrics of the batch, one value per image.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> x = model.sample(3, seed=0, sample_pixels=True)
        >>> with torch.no_grad():
        ...     metrics = measure_importance(model, x, None, samples=10)
        >>> metrics.effective_sample_size.shape
        torch.Size([3])
    """
    context = replace(as_context(y), mask=masking.observed_mask(x))
    posterior, prior = model.encode(x, context), model.conditional_prior(context)
    weights = ImportanceWeights(len(x), samples, x.device)
    reconstruction = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    kl = torch.zeros(len(model.layer_dims), len(x), dtype=torch.float64, device=x.device)
    for k in chunk_sizes(samples, batch_size_for(len(x) * outputs_per_image(model.decoder, x.shape[1:]))):
        bound = model.elbo_terms(x, context, k, posterior=posterior, prior=prior)
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
        *weights.monte_carlo_error,
    )


def summarize(
    metrics: PerImageMetrics,
    layer_dims: Sequence[int],
    samples: int,
    seed: int,
    seconds: float,
    weights: Tensor | None = None,
) -> Evaluation:
    """Average metrics over images.

    Args:
        metrics: of N images.
        layer_dims: the number of latents of each layer.
        samples: samples, or chains, per image.
        seed, seconds: of the measurement.
        weights: (N,), how much each image counts in means; None for equal weights.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> model = build_model(load_recipe("mnist-2d").model, (1, 8, 8)).eval()
        >>> x = model.sample(3, seed=0, sample_pixels=True)
        >>> metrics = measure_batches(model, iter([(x, None)]), samples=10)
        >>> evaluation = summarize(metrics, model.layer_dims, samples=10, seed=0, seconds=0.1)
        >>> evaluation.images, [bound.samples for bound in evaluation.growth]
        (3, [1, 2, 5, 10])
    """
    mean, stderr = mean_and_stderr(metrics.log_likelihood, weights)
    interval = evidence_interval(metrics.log_likelihood, metrics.shortfall, weights)
    average = lambda values: mean_and_stderr(values, weights)[0]
    pareto_k, unreliable = summarize_tails(metrics.pareto_k)
    reconstruction = average(metrics.reconstruction)
    kl = metrics.kl.mean(1).tolist() if weights is None else [average(layer) for layer in metrics.kl]
    dimensions, label_kl = average(metrics.dimensions), average(metrics.label_kl)
    return Evaluation(
        images=len(metrics.log_likelihood),
        samples=samples,
        reconstruction=reconstruction,
        kl=kl,
        elbo=reconstruction - sum(kl) - label_kl,
        log_likelihood=mean,
        log_likelihood_stderr=stderr,
        mc_error=monte_carlo_error(metrics.mc_variance, weights),
        shortfall=_known(average(metrics.shortfall)),
        log_likelihood_interval=None if interval is None else [interval.low, interval.high],
        bits_per_dimension=-mean / (dimensions * math.log(2)) if dimensions else None,
        ess_mean=metrics.effective_sample_size.mean().item(),
        ess_min=metrics.effective_sample_size.min().item(),
        active_units=active_units(metrics.latents.T.numpy(), layer_dims),
        layer_dims=list(layer_dims),
        label_kl=label_kl if len(metrics.label_posterior) else None,
        seconds=seconds,
        seed=seed,
        growth=[
            Bound(n, *mean_and_stderr(row, weights))
            for n, row in zip(sample_sizes(samples), metrics.growth, strict=False)
        ],
        pareto_k=pareto_k,
        unreliable=unreliable,
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def summarize_tails(pareto_k: Tensor) -> tuple[float, float] | tuple[None, None]:
    """The median Pareto k of N images, and the fraction of images whose k is above 0.7.

    A NaN among other values counts as too heavy a tail. If all are NaN, as for few samples, the result is
    (None, None).

    Args:
        pareto_k: (N,).

    Example:
        >>> median, fraction = summarize_tails(torch.tensor([0.25, 0.5, 0.75, 1.0]))
        >>> median, fraction
        (0.5, 0.5)
    """
    if pareto_k.isnan().all():
        return None, None
    pareto_k = pareto_k.nan_to_num(nan=math.inf, posinf=math.inf, neginf=-math.inf)
    return pareto_k.median().item(), (pareto_k > MAX_RELIABLE_K).double().mean().item()
