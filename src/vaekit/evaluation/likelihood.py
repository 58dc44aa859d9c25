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
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vaekit.evaluation import pareto
from vaekit.evaluation.columns import Columns
from vaekit.evaluation.kept import Kept
from vaekit.evaluation.latent import active_units
from vaekit.evaluation.weights import Weights, ladder
from vaekit.models import masking
from vaekit.models.batching import at_once, chunks, numbers
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded

if TYPE_CHECKING:
    from vaekit.evaluation.quality import Quality


@dataclass(frozen=True)
class Bound:
    """The bound of so many samples, a mean over images with its standard error."""

    samples: int
    value: float
    stderr: float | None


@dataclass(frozen=True)
class Evaluation:
    """Means over images, in nats unless said otherwise.

    Attributes:
        images, samples: how many images, and importance samples an image.
        reconstruction: E_q log p(x | z).
        rate: KL(q, p) of each level, top first; empty where it is not defined.
        elbo: reconstruction - sum of the rates, that of the label included; None where it is no bound.
        log_likelihood: the importance-sampled log p(x); None where it is not defined.
        log_likelihood_stderr: standard error over the images.
        bits_per_dimension: -log_likelihood / (observed dimensions log 2).
        ess_mean, ess_min: effective sample size an image, of `samples`.
        pareto_k: the median over images of the shape of the weights' tail; None for too few samples.
        unreliable: the share of images whose shape is above 0.7, so that their estimate may be far too low.
        growth: the bound for 1, 2, 5, ... K samples.
        information, prior_gap: I_q and KL(q(z), p(z)) of the top level, which add up to its rate, and
        aggregated: over how many images; see `surgery`. None where labels condition the prior.
        saturated: the share of pixels whose scale is at one of its bounds, where a likelihood has such.
        each: the numbers of each image, (N,), by name: `index` into the dataset, `log_likelihood`, `elbo`,
            `effective_sample_size`, `pareto_k`.
        mse: mean squared error of reconstructions, a pixel of the stored values in [0, 1].
        seconds: wall-clock time.
        seed: of the draws.
        split, observation: what was measured.
        missing: what of it was not observed, such as `square:12` where that was hidden; empty where all was.
        pixels: a digest of which images these were and, where pixels are drawn or hidden at random, of the
            seed of that: the same pixels have the same digest.
        active_units, latents: how many latents of each level the images move, and how many it has, top first.
        quality: how near samples are to the data, where that was asked for.
        labels: "given" where the numbers are of log p(x | y), "missing" where they are of log p(x), averaged
            over p(y); empty for a model that is told none.
        label_rate: KL of the label's posterior from p(y), a part of the bound where labels are missing.
        label_accuracy: the share of images whose class has the largest p(y | x), where labels are missing.
        is_likelihood: whether `log_likelihood` is log-probability, or density, of the data as observed.
        caveats: why it is not, or what else must be known to read the numbers.
        estimator: "is", importance sampling, or "ais", annealed, of which `samples` are then the chains.
        steps, start: of annealed chains: how many steps each has, and where it begins.
    """

    images: int
    samples: int
    reconstruction: float
    rate: list[float]
    elbo: float | None
    log_likelihood: float | None
    log_likelihood_stderr: float | None
    bits_per_dimension: float | None
    ess_mean: float | None
    ess_min: float | None
    seconds: float
    seed: int
    split: str = ""
    observation: str = ""
    missing: str = ""
    pixels: str = ""
    mse: float | None = None
    active_units: list[int] = field(default_factory=list)
    latents: list[int] = field(default_factory=list)
    quality: Quality | None = None
    labels: str = ""
    label_rate: float | None = None
    label_accuracy: float | None = None
    is_likelihood: bool = True
    caveats: list[str] = field(default_factory=list)
    pareto_k: float | None = None
    unreliable: float | None = None
    growth: list[Bound] = field(default_factory=list)
    estimator: str = "is"
    steps: int | None = None
    start: str = ""
    information: float | None = None
    prior_gap: float | None = None
    aggregated: int | None = None
    saturated: float | None = None
    each: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON, without those of each image."""
        return {name: value for name, value in asdict(replace(self, each={})).items() if name != "each"}


Measure = Callable[[VAE, Tensor, Tensor | None, int], Columns]


@torch.no_grad()
def log_likelihood(
    model: VAE,
    batches: Iterator[tuple[Tensor, Tensor | None]],
    samples: int = 5000,
    seed: int = 0,
    progress: Callable[[int], None] = lambda images: None,
    by: Measure | None = None,
    kept: Kept | None = None,
) -> Columns:
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
    by, kept = measure if by is None else by, Kept() if kept is None else kept
    training = model.training
    model.eval()
    try:
        done = kept.batches
        for number, (x, y) in enumerate(batches):
            if number >= done:
                with seeded(seed + 1_000_003 * number):
                    kept.add(by(model, x, y, samples))
            progress(len(x))
    finally:
        model.train(training)
        kept.write()
    return kept.columns()


def measure(model: VAE, x: Tensor, y: Tensor | None, samples: int) -> Columns:
    """The terms of a batch (B, C, H, W) by K samples; of log p(x | y) where the model takes labels."""
    mask = masking.observed(x)
    posterior, prior = model.encode(x, y), model.prior_given(y)
    weights = Weights(len(x), samples, x.device)
    reconstruction = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    rate = torch.zeros(len(model.levels), len(x), dtype=torch.float64, device=x.device)
    for k in chunks(samples, at_once(len(x) * numbers(model.decoder, x.shape[1:]))):
        evidence = model.evidence(x, y, samples=k, mask=mask, posterior=posterior, prior=prior)
        weights.add(evidence.log_weights)
        reconstruction += evidence.log_px.double().sum(0) / samples
        rate += evidence.rate.double() * (k / samples)
    dimensions = (~x.isnan()).flatten(1).sum(1)
    return Columns(
        reconstruction,
        rate,
        weights.log_mean,
        weights.effective_sample_size,
        dimensions,
        posterior.mean.T,
        torch.zeros_like(reconstruction),
        rate.new_zeros(0, len(x)),
        weights.pareto_k,
        weights.growth,
    )


def summarise(parts: Columns, levels: Sequence[int], samples: int, seed: int, seconds: float) -> Evaluation:
    """Means over images with their standard error; `levels` are the sizes of the model's."""
    mean, stderr = mean_and_error(parts.log_likelihood)
    pareto_k, unreliable = tails(parts.pareto_k)
    reconstruction, rate = parts.reconstruction.mean().item(), parts.rate.mean(1).tolist()
    return Evaluation(
        images=len(parts.log_likelihood),
        samples=samples,
        reconstruction=reconstruction,
        rate=rate,
        elbo=reconstruction - sum(rate) - parts.label_rate.mean().item(),
        log_likelihood=mean,
        log_likelihood_stderr=stderr,
        bits_per_dimension=_bits(mean, parts.dimensions.mean().item()),
        ess_mean=parts.effective_sample_size.mean().item(),
        ess_min=parts.effective_sample_size.min().item(),
        active_units=active_units(parts.codes.T.numpy(), levels),
        latents=list(levels),
        label_rate=parts.label_rate.mean().item() if len(parts.label_posterior) else None,
        seconds=seconds,
        seed=seed,
        growth=[
            Bound(n, *mean_and_error(row)) for n, row in zip(ladder(samples), parts.growth, strict=False)
        ],
        pareto_k=pareto_k,
        unreliable=unreliable,
    )


def mean_and_error(values: Tensor) -> tuple[float, float | None]:
    """The mean of (N,) and its standard error, which one value alone has not."""
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else None
    return values.mean().item(), error


def tails(shapes: Tensor) -> tuple[float, float] | tuple[None, None]:
    """The median shape of the tails (N,), and the share of those that are too heavy.

    One that is NaN, where others are known, could not be found, and counts as too heavy; of NaN alone, as of
    too few samples, there is nothing to say.
    """
    if shapes.isnan().all():
        return None, None
    shapes = shapes.nan_to_num(nan=math.inf, posinf=math.inf, neginf=-math.inf)
    return shapes.median().item(), (shapes > pareto.RELIABLE).double().mean().item()


def _bits(log_likelihood: float, dimensions: float) -> float | None:
    """Per observed dimension; None where nothing was observed."""
    return -log_likelihood / (dimensions * math.log(2)) if dimensions else None


def clock() -> Callable[[], float]:
    """Seconds since the call."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start
