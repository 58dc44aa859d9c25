"""What an evaluation returns: metrics per image, their means over images, and sample quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vaekit.evaluation.baselines import Baseline
from vaekit.models.vae import VAE


class PerImageMetrics(NamedTuple):
    """The metrics of N images, in nats.

    Attributes:
        reconstruction: E_q log p(x | z), (N,).
        kl: KL(q, p) of each layer, (L, N).
        log_likelihood: the estimate of log p(x), (N,).
        effective_sample_size: of the importance weights, (N,).
        dimensions: how many values of the image were observed, (N,).
        latents: the posterior mean of each layer given the means above, (d, N).
        label_kl: KL of the label's posterior from p(y), (N,); 0 unless labels are marginalized.
        label_posterior: p(y | x), (M, N); M = 0 unless labels are marginalized.
        pareto_k: the shape of the tail of the weights, (N,).
        growth: the bound of the first 1, 2, 5, ..., K samples, (G, N).
        mc_variance: the variance of `log_likelihood` over its own random draws, (N,); NaN if unknown.
        shortfall: by how much `log_likelihood` is too low on average over these draws, (N,); NaN if unknown.

    Example:
        >>> zeros = torch.zeros(3)
        >>> PerImageMetrics(
        ...     zeros, zeros[None], zeros, zeros, zeros, zeros[None], zeros, zeros[None], zeros, zeros[None],
        ...     zeros, zeros,
        ... )
        PerImageMetrics(images=3, layers=1, latents=1)
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
    mc_variance: Tensor
    shortfall: Tensor

    def __repr__(self) -> str:
        layers, images = self.kl.shape
        return f"PerImageMetrics(images={images}, layers={layers}, latents={len(self.latents)})"


def concatenate(batches: Sequence[PerImageMetrics]) -> PerImageMetrics:
    """Join the metrics of several batches, in float64 on the CPU.

    Example:
        >>> zeros = torch.zeros(3)
        >>> batch = PerImageMetrics(
        ...     zeros, zeros[None], zeros, zeros, zeros, zeros[None], zeros, zeros[None], zeros, zeros[None],
        ...     zeros, zeros,
        ... )
        >>> concatenate([batch, batch])
        PerImageMetrics(images=6, layers=1, latents=1)
    """
    return PerImageMetrics(*(torch.cat(column, -1).double().cpu() for column in zip(*batches, strict=True)))


@dataclass(frozen=True)
class Bound:
    """The bound of a number of samples: a mean over images with its standard error, in nats.

    Example:
        >>> Bound(samples=10, value=-90.5, stderr=0.4).value
        -90.5
    """

    samples: int
    value: float
    stderr: float | None


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Means over images, in nats unless said otherwise.

    Attributes:
        images, samples: the number of images, and of importance samples (or chains) per image.
        reconstruction: E_q log p(x | z).
        kl: KL(q, p) of each layer, top first; empty where it is not defined.
        elbo: reconstruction - sum of the KLs, that of the label included; None where it is not a bound.
        log_likelihood: the estimate of log p(x); None where it is not defined.
        log_likelihood_stderr: its standard error over the images, which includes the Monte Carlo error.
        mc_error: its Monte Carlo error alone: the standard error over the draws, for these very images.
        shortfall: by how much it is too low on average over the draws, estimated.
        log_likelihood_interval: the 95 % interval of the mean of log p(x) over the population of the images,
            with the Monte Carlo error and the shortfall; see `vaekit.evaluation.monte_carlo`.
        repeats: how often the whole estimate was repeated with other draws.
        bits_per_dimension: -log_likelihood / (observed dimensions log 2).
        ess_mean, ess_min: effective sample size per image, out of `samples`.
        seconds: wall-clock time.
        seed: of the random draws.
        split, observation: the part of the data, and how its pixels were observed.
        missing: what was not observed, such as `square:12` if that was hidden; empty if nothing was missing.
        pixels: a digest of the images and, if pixels are random, of their seed. Equal digests mean that the
            same pixels were measured.
        mse: mean squared error of reconstructions per pixel, in stored values from 0 to 1.
        active_units, layer_dims: the number of active latents of each layer, and of all its latents, top
            first.
        quality: how close samples are to the data, if that was measured.
        labels: "condition" if the numbers are of log p(x | y), "marginalize" if they are of log p(x),
            averaged over p(y); empty for a model without labels.
        label_kl: KL of the label's posterior from p(y), a term of the bound if labels are marginalized.
        label_accuracy: fraction of images whose class has the largest p(y | x), if labels are marginalized.
        is_likelihood: whether `log_likelihood` is a log-probability, or density, of the data as observed.
        caveats: reasons why it is not, and anything else needed to read the numbers.
        pareto_k: the median over images of the Pareto shape of the weights; None for too few samples.
        unreliable: the fraction of images whose Pareto shape is above 0.7: their estimate may be far too low.
        growth: the bound for 1, 2, 5, ..., K samples.
        estimator: "importance", or "ais", of which `samples` are the chains.
        steps, init: of AIS: steps per chain, and where chains begin.
        mutual_information, marginal_kl: I_q(n; z) and KL(q(z), p(z)) of the top layer, which sum to its KL;
            see `vaekit.evaluation.elbo_surgery`. None if labels condition the prior.
        mutual_information_stderr, marginal_kl_stderr: their standard errors.
        surgery_images: the number of images for these two.
        saturated: the fraction of pixels whose likelihood scale is at a bound, if it has bounds.
        noun: what the data points are: images, rows, vectors, signals or volumes.
        metrics: the values of your own metrics by name; None for one that failed.
        baselines: log-densities of simple models on the same rows, if they were asked for.
        data: the fingerprint of the data, see `vaekit.data.fingerprint`.
        shape: of a data point.
        measure: whether log p(x) is of a probability or of a density, and of which values.
        conditioned_on: what is given in log p(x | ...): "label", "attributes", "covariates", "total"; empty
            for log p(x).
        scale: a digest of the map between data and model values, on which `mse` depends.
        weights: the SHA-256 of the weights that were measured, as in the model's config.json.
        per_image: arrays (N,) by name: `index` into the dataset, `log_likelihood`, `elbo`,
            `effective_sample_size`, `pareto_k`, `mc_variance`, `shortfall`.

    Example:
        >>> Evaluation(
        ...     images=2, samples=10, reconstruction=-80.0, kl=[20.0], elbo=-100.0, log_likelihood=-95.0,
        ...     log_likelihood_stderr=1.5, bits_per_dimension=0.17, ess_mean=4.0, ess_min=2.0, seconds=0.1,
        ...     seed=0, split="test",
        ... )
        Evaluation(log_likelihood=-95.00 ± 1.50, elbo=-100.00, kl=[20.00], 2 test images, 10 samples)
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
    noun: str = "images"
    metrics: dict[str, float | None] = field(default_factory=dict)
    baselines: list[Baseline] = field(default_factory=list)
    mutual_information_stderr: float | None = None
    marginal_kl_stderr: float | None = None
    data: str = ""
    shape: list[int] = field(default_factory=list)
    measure: str = ""
    conditioned_on: list[str] = field(default_factory=list)
    scale: str = ""
    mc_error: float | None = None
    shortfall: float | None = None
    log_likelihood_interval: list[float] | None = None
    repeats: int = 1
    weights: str = ""
    per_image: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        number = lambda value: "None" if value is None else f"{value:.2f}"
        stderr = "" if self.log_likelihood_stderr is None else f" ± {self.log_likelihood_stderr:.2f}"
        images = " ".join(filter(None, [str(self.images), self.split, self.noun]))
        draws = "chains" if self.estimator == "ais" else "samples"
        return (
            f"Evaluation(log_likelihood={number(self.log_likelihood)}{stderr}, elbo={number(self.elbo)}, "
            f"kl=[{', '.join(map(number, self.kl))}], {images}, {self.samples} {draws})"
        )

    def _repr_html_(self) -> str:
        from vaekit.evaluation.card import evaluation_card

        return evaluation_card(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the arrays per image."""
        return {
            name: value for name, value in asdict(replace(self, per_image={})).items() if name != "per_image"
        }


MeasureBatch = Callable[[VAE, Tensor, Tensor | None, int], PerImageMetrics]


@dataclass(frozen=True, repr=False)
class SampleQuality:
    """Scores of samples against training images, and the same scores of held-out images as the floor.

    Attributes:
        frechet, kernel: distances, lower is better; in squared and cubed units of the features.
        precision, recall: fractions, higher is better.
        floor_frechet, floor_kernel, floor_precision, floor_recall: of the held-out images.
        images: the number of samples, of training images and of held-out images, each.
        pixels: "drawn" if sampled pixels are compared with observed images, "means" if means of p(x | z) are
            compared with the stored images.
        features, description: the name of the feature space, and a sentence about it.
        accuracy: of the classifier on test images; None for other features.
        seed: of the samples and of the choice of images.
        seconds: wall-clock time.
        sample_seeds: the number of sets of samples; each score is their mean.
        frechet_stderr, kernel_stderr, precision_stderr, recall_stderr: standard errors of these means, from
            the spread over the sets of samples; None for one set. Training images and held-out images are the
            same in all sets, so their own choice is not included.

    Example:
        >>> SampleQuality(
        ...     3.0, 0.1, 0.8, 0.7, 1.0, 0.0, 0.9, 0.9, 5000, "means", "pixels", "PCA of pixels", None, 0, 2.0
        ... )
        SampleQuality(frechet=3 (floor 1), precision=0.80, recall=0.70, 5000 images, features='pixels')
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
    sample_seeds: int = 1
    frechet_stderr: float | None = None
    kernel_stderr: float | None = None
    precision_stderr: float | None = None
    recall_stderr: float | None = None

    def __repr__(self) -> str:
        return (
            f"SampleQuality(frechet={self.frechet:.4g} (floor {self.floor_frechet:.4g}), "
            f"precision={self.precision:.2f}, recall={self.recall:.2f}, {self.images} images, "
            f"features={self.features!r})"
        )
