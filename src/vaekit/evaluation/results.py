"""What is measured of each image, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaekit.models.vae import VAE


class PerImageMetrics(NamedTuple):
    """The terms of N images: (N,), (L, N) for the rates, (d, N) for the codes, (M, N) for the labels.

    A code is the posterior mean of each level given the means above, `dimensions` how many values of the
    image were observed. Where labels are given, or there are none, the label's rate is 0, and M is 0.
    `pareto_k` is the shape of the weights' tail, `growth` (G, N) the bound of the first 1, 2, 5, ... K draws.
    """

    reconstruction: Tensor
    kl: Tensor
    log_likelihood: Tensor
    effective_sample_size: Tensor
    dimensions: Tensor
    latents: Tensor
    label_kl: Tensor
    label_posterior: Tensor
    pareto_k: Tensor
    growth: Tensor


def concatenate(parts: Sequence[PerImageMetrics]) -> PerImageMetrics:
    """The numbers of several batches one after the other, in float64 on the CPU."""
    return PerImageMetrics(*(torch.cat(column, -1).double().cpu() for column in zip(*parts, strict=True)))


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
        labels: "condition" where the numbers are of log p(x | y), "marginalize" where they are of log p(x), averaged
            over p(y); empty for a model that is told none.
        label_kl: KL of the label's posterior from p(y), a part of the bound where labels are missing.
        label_accuracy: the share of images whose class has the largest p(y | x), where labels are missing.
        is_likelihood: whether `log_likelihood` is log-probability, or density, of the data as observed.
        caveats: why it is not, or what else must be known to read the numbers.
        estimator: "importance", importance sampling, or "ais", annealed, of which `samples` are then the chains.
        steps, init: of annealed chains: how many steps each has, and where it begins.
    """

    images: int
    samples: int
    reconstruction: float
    kl: list[float]
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
    layer_dims: list[int] = field(default_factory=list)
    quality: SampleQuality | None = None
    labels: str = ""
    label_kl: float | None = None
    label_accuracy: float | None = None
    is_likelihood: bool = True
    caveats: list[str] = field(default_factory=list)
    pareto_k: float | None = None
    unreliable: float | None = None
    growth: list[Bound] = field(default_factory=list)
    estimator: str = "importance"
    steps: int | None = None
    init: str = ""
    mutual_information: float | None = None
    marginal_kl: float | None = None
    surgery_images: int | None = None
    saturated: float | None = None
    per_image: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON, without those of each image."""
        return {
            name: value for name, value in asdict(replace(self, per_image={})).items() if name != "per_image"
        }


MeasureBatch = Callable[[VAE, Tensor, Tensor | None, int], PerImageMetrics]


@dataclass(frozen=True)
class SampleQuality:
    """Scores of samples against training images, and as the floor those of held-out images.

    Attributes:
        frechet, kernel: distances, the lower the better; in units of the features, squared and cubed.
        precision, recall: shares, the higher the better.
        floor_frechet, floor_kernel, floor_precision, floor_recall: of the held-out images.
        images: how many samples, training images and held-out images, each.
        pixels: what was compared: `drawn` pixels with observed images, or `means` with the images themselves.
        features, description: the space, by its name and in words.
        accuracy: of the classifier on test images; None for other features.
        seed: of the samples and of the choice of images.
        seconds: wall-clock time.
    """

    frechet: float
    kernel: float
    precision: float
    recall: float
    floor_frechet: float
    floor_kernel: float
    floor_precision: float
    floor_recall: float
    images: int
    pixels: str
    features: str
    description: str
    accuracy: float | None
    seed: int
    seconds: float
