"""The log-likelihood of held-out images, by importance sampling, and the terms of its lower bound.

For each image x and K draws z_k from q(z | x), with w_k = p(x | z_k) p(z_k) / q(z_k | x),

    log p(x) >= E log (1/K) sum_k w_k            (Burda et al. 2016), which rises to log p(x) with K.

The sum is streamed: a running maximum of log w, and the sums of w and of w^2 relative to it, so that memory
does not grow with K; these also give the effective sample size (sum w)^2 / sum w^2 (Kong 1992). Each image is
encoded once. A mean over images carries its standard error; all is in nats.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from vaekit import missing
from vaekit.evaluation.latent import active_units
from vaekit.portions import at_once, chunks, numbers
from vaekit.randomness import seeded
from vaekit.vae import VAE

if TYPE_CHECKING:
    from vaekit.evaluation.quality import Quality


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
        mse: mean squared error of reconstructions, a pixel of the stored values in [0, 1].
        seconds: wall-clock time.
        seed: of the draws.
        split, observation: what was measured.
        missing: what of it was not observed, such as `square:12` where that was hidden; empty where all was.
        active_units, latents: how many latents of each level the images move, and how many it has, top first.
        quality: how near samples are to the data, where that was asked for.
        labels: "given" where the numbers are of log p(x | y), "missing" where they are of log p(x), averaged
            over p(y); empty for a model that is told none.
        label_rate: KL of the label's posterior from p(y), a part of the bound where labels are missing.
        label_accuracy: the share of images whose class has the largest p(y | x), where labels are missing.
        is_likelihood: whether `log_likelihood` is log-probability, or density, of the data as observed.
        caveats: why it is not, or what else must be known to read the numbers.
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
    mse: float | None = None
    active_units: list[int] = field(default_factory=list)
    latents: list[int] = field(default_factory=list)
    quality: Quality | None = None
    labels: str = ""
    label_rate: float | None = None
    label_accuracy: float | None = None
    is_likelihood: bool = True
    caveats: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


class Weights:
    """Streaming log-mean-exp of importance weights, for B images at once."""

    def __init__(self, images: int, device: torch.device):
        self.largest = torch.full((images,), -math.inf, dtype=torch.float64, device=device)
        self.sum = torch.zeros(images, dtype=torch.float64, device=device)
        self.sum_of_squares = torch.zeros_like(self.sum)
        self.count = 0

    def add(self, log_weights: Tensor) -> None:
        """Take in log w of shape (k, B)."""
        log_weights = log_weights.double()
        largest = torch.maximum(self.largest, log_weights.amax(0))
        anchor = torch.where(largest.isfinite(), largest, torch.zeros_like(largest))
        shrink = torch.exp(self.largest - anchor)
        weights = torch.exp(log_weights - anchor)
        self.sum = self.sum * shrink + weights.sum(0)
        self.sum_of_squares = self.sum_of_squares * shrink.square() + weights.square().sum(0)
        self.largest, self.count = largest, self.count + len(log_weights)

    @property
    def log_mean(self) -> Tensor:
        """(B,): log of the mean weight."""
        return self.largest + torch.log(self.sum) - math.log(self.count)

    @property
    def effective_sample_size(self) -> Tensor:
        """(B,): between 1 and the number of samples."""
        return self.sum.square() / self.sum_of_squares


class Columns(NamedTuple):
    """The terms of N images: (N,), (L, N) for the rates, (d, N) for the codes, (M, N) for the labels.

    A code is the posterior mean of each level given the means above, `dimensions` how many values of the
    image were observed. Where labels are given, or there are none, the label's rate is 0, and M is 0.
    """

    reconstruction: Tensor
    rate: Tensor
    log_likelihood: Tensor
    effective_sample_size: Tensor
    dimensions: Tensor
    codes: Tensor
    label_rate: Tensor
    label_posterior: Tensor


Measure = Callable[[VAE, Tensor, Tensor | None, int], Columns]


@torch.no_grad()
def log_likelihood(
    model: VAE,
    batches: Iterator[tuple[Tensor, Tensor | None]],
    samples: int = 5000,
    seed: int = 0,
    progress: Callable[[int], None] = lambda images: None,
    by: Measure | None = None,
) -> Columns:
    """The importance-sampled log p(x) and the terms of the bound, image by image.

    Args:
        batches: of images (B, C, H, W) and labels or None; the batch size bounds memory on its side.
        samples: K.
        seed: the draws of each batch follow from it and the batch's number.
        progress: called with the number of images done with.
        by: what measures a batch; `measure`, with labels as they are given, without it.

    Returns:
        One number an image, in float64 on the CPU. The model is as it was, its training mode included.
    """
    by = measure if by is None else by
    training = model.training
    model.eval()
    try:
        parts = []
        for number, (x, y) in enumerate(batches):
            with seeded(seed + 1_000_003 * number):
                parts.append(by(model, x, y, samples))
            progress(len(x))
    finally:
        model.train(training)
    return Columns(*(torch.cat(column, -1).double().cpu() for column in zip(*parts, strict=True)))


def measure(model: VAE, x: Tensor, y: Tensor | None, samples: int) -> Columns:
    """The terms of a batch (B, C, H, W) by K samples; of log p(x | y) where the model takes labels."""
    mask = missing.observed(x)
    posterior, prior = model.encode(x, y), model.prior_given(y)
    weights = Weights(len(x), x.device)
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
    )


def summarise(parts: Columns, levels: Sequence[int], samples: int, seed: int, seconds: float) -> Evaluation:
    """Means over images with their standard error; `levels` are the sizes of the model's."""
    n = len(parts.log_likelihood)
    mean = parts.log_likelihood.mean().item()
    stderr = parts.log_likelihood.std().item() / math.sqrt(n) if n > 1 else None
    reconstruction, rate = parts.reconstruction.mean().item(), parts.rate.mean(1).tolist()
    return Evaluation(
        images=n,
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
    )


def _bits(log_likelihood: float, dimensions: float) -> float | None:
    """Per observed dimension; None where nothing was observed."""
    return -log_likelihood / (dimensions * math.log(2)) if dimensions else None


def clock() -> Callable[[], float]:
    """Seconds since the call."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start
