"""Measure a trained model on a split of a dataset.

The result holds the terms of the lower bound and an estimate of log p(x), each a mean over images in nats:

    log p(x) >= E_q log p(x | z) - KL(q(z | x), p(z)).

It also holds what is needed to read these numbers: the split, the observation, what was missing, and caveats
where the number is not a log-likelihood of the data. `Run.evaluate` and the command `vaekit evaluate` call
`evaluate` too, and save what it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

import vaekit
from vaekit.config.components import short_name
from vaekit.config.functions import Given, named_functions
from vaekit.data import Dataset
from vaekit.data.fingerprint import fingerprint
from vaekit.data.observation import ObservedImages
from vaekit.engine.loaded_model import LoadedModel
from vaekit.engine.model_files import weights_digest
from vaekit.engine.own_metrics import own_metrics
from vaekit.engine.protocol import protocol_fields
from vaekit.engine.sample_quality import sample_quality as sample_quality
from vaekit.errors import InterruptedRun, InvalidError
from vaekit.evaluation import validity
from vaekit.evaluation.ais import CHAINS, STEPS, Init
from vaekit.evaluation.baselines import Baseline, baselines
from vaekit.evaluation.bdmc import BDMCBounds, bdmc
from vaekit.evaluation.elbo_surgery import elbo_surgery
from vaekit.evaluation.estimators import Estimator, EstimatorKind, check_density
from vaekit.evaluation.importance_sampling import measure_batches, summarize
from vaekit.evaluation.monte_carlo import REPEAT_SEEDS, combine_repeats
from vaekit.evaluation.reconstruction import reconstruction_mse, saturated_fraction
from vaekit.evaluation.results import Evaluation, PerImageMetrics, SampleQuality
from vaekit.evaluation.resumable import ResumableResults, measurement_key
from vaekit.models.batching import MAX_IMAGES_PER_BATCH

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class EvaluationOptions:
    """What is measured, and how.

    Args:
        samples: K, the importance samples per image.
        split: "train", "validation", "test" or "all".
        images: size of a random subset, which depends on the seed of the data; all images if None.
        seed: of all random draws of the evaluation.
        data: another dataset of the same shape, by name or path; the model's own if None.
        missing: what to hide from every image, such as "square:12" or "none"; as in training if None. The
            log-likelihood is then that of the observed part.
        labels: of a conditional model. "condition" uses the labels of the images and estimates log p(x | y);
            "marginalize" averages over p(y) and estimates log p(x).
        estimator: "importance" or "ais" (annealed importance sampling).
        chains, steps, init: of AIS: chains per image, temperatures, and where chains begin.
        precision: of matrix products: "float32", or "bfloat16", which is faster on processors that have its
            instructions. It changes the mean of log p(x) by up to a tenth of a nat, single values by more.
        repeats: R, how often log p(x) is estimated, each time with other draws. The result is the mean, and
            its Monte Carlo error comes from the spread of the repeats; with 1, from the weights.
        quality: also measure the quality of samples; see `sample_quality`.
        quality_samples: the number of samples for it.
        features: the feature space for it; a name implies `quality`.
        metrics: functions of your own, or names of registered ones; see `vaekit.engine.own_metrics`.
        baselines: also fit a Gaussian, factor analysis and a mixture of Gaussians on the same training rows.

    Example:
        >>> options = EvaluationOptions(samples=100, images=1000)
        >>> options.split, options.estimator, options.labels
        ('test', 'importance', 'condition')
    """

    samples: int = 5000
    split: str = "test"
    images: int | None = None
    seed: int = 0
    data: str | None = None
    missing: str | None = None
    labels: Literal["condition", "marginalize"] = "condition"
    estimator: EstimatorKind = "importance"
    chains: int = CHAINS
    steps: int = STEPS
    init: Init = "encoder"
    precision: Literal["float32", "bfloat16"] = "float32"
    repeats: int = 1
    quality: bool = False
    quality_samples: int = 5000
    features: str | None = None
    metrics: Sequence[Given] = ()
    baselines: bool = False


def evaluate(
    trained: LoadedModel,
    options: EvaluationOptions = EvaluationOptions(),
    progress: Progress = lambda images, total: None,
    say: Callable[[str], None] = lambda message: None,
    partial_path: Path | None = None,
    save: Callable[[Evaluation], Any] = lambda evaluation: None,
) -> Evaluation:
    """Estimate log p(x) of a split, with the terms of the lower bound.

    Args:
        trained: the model and its recipe.
        options: what is measured, and how.
        progress: called after each batch with its number of images and with the number of all images.
        say: called with a message before slow steps.
        partial_path: file for finished batches, from which the same evaluation resumes after an interruption.
            The start of the evaluation's key is added to its name. Nothing is kept if None.
        save: called with the result before that file is removed.

    Raises:
        InvalidError: the model needs labels that the data lacks; labels are marginalized for a model without
            labels; AIS is asked of a posterior without a density; or a metric does not exist.

    Example:
        >>> from vaekit.config.build import build_model
        >>> from vaekit.config.loading import load_recipe
        >>> recipe = load_recipe("digits")
        >>> model = build_model(recipe.model, (1, 8, 8)).eval()  # not trained
        >>> trained = LoadedModel(model, recipe, (1, 8, 8), tuple("0123456789"), Path())
        >>> found = evaluate(trained, EvaluationOptions(samples=2, images=5))
        >>> found.images, found.samples, found.is_likelihood
        (5, 2, True)
        >>> found.log_likelihood >= found.elbo
        True
    """
    functions = named_functions("metric", options.metrics)
    if options.baselines:
        check_baselines(trained)
    trained = trained.with_missing(options.missing)
    estimator = Estimator(options.estimator, options.samples, options.chains, options.steps, options.init)
    dataset, _ = trained.load_data(options.data)
    images = trained.load_split(options.split, options.data, options.images)
    validity.check_labels(trained.model, images, options.labels)
    estimator.check(trained.model)
    quality = _quality(trained, options, say)  # first: it is quick, and finds mistakes early
    repeats = _open_repeats(trained, dataset, images, estimator, options, partial_path)
    if done := sum(repeat.images for repeat in repeats):
        say(f"resuming after {done} of {len(images) * len(repeats)} images that were measured before")
    try:
        metrics = _measure(trained, images, estimator, options, repeats, progress)
    except KeyboardInterrupt:
        raise _interruption(repeats, len(images) * len(repeats), dataset.noun) from None
    evaluation = summarize(
        metrics,
        trained.model.layer_dims,
        estimator.draws,
        options.seed,
        sum(repeat.seconds for repeat in repeats),
        images.weights,
    )
    evaluation = _described(evaluation, metrics, trained, dataset, images, estimator, options)
    stored = trained.load_split(options.split, options.data, options.images, observation="continuous")
    mse = reconstruction_mse(trained.model, images, stored)
    values, failures = own_metrics(functions, trained, images, options.seed)
    evaluation = replace(
        evaluation, quality=quality, mse=mse, metrics=values,
        caveats=[*evaluation.caveats, *_precision_caveats(options), *failures],
        baselines=_baselines(trained, dataset, images, metrics, options) if options.baselines else [],
    )  # fmt: skip
    save(evaluation)
    for repeat in repeats:
        repeat.clear()
    return evaluation


def _quality(
    trained: LoadedModel, options: EvaluationOptions, say: Callable[[str], None]
) -> SampleQuality | None:
    """The quality of samples of the whole image, if it is asked for."""
    if not options.quality and options.features is None:
        return None
    return sample_quality(
        trained.with_missing("none"), options.quality_samples, options.features, seed=options.seed,
        data=options.data, say=say,
    )  # fmt: skip


def _described(
    evaluation: Evaluation,
    metrics: PerImageMetrics,
    trained: LoadedModel,
    dataset: Dataset,
    images: ObservedImages,
    estimator: Estimator,
    options: EvaluationOptions,
) -> Evaluation:
    """The evaluation with its values per image, how they were measured, and what to keep in mind."""
    evaluation = validity.with_labels(evaluation, metrics, trained.model, images)
    ais: dict[str, Any] = (
        {"steps": estimator.steps, "init": estimator.init} if estimator.kind == "ais" else {}
    )
    evaluation = replace(
        evaluation,
        per_image=_per_image(metrics, images),
        estimator=estimator.kind,
        **protocol_fields(trained, dataset, images, options.labels),
        repeats=options.repeats,
        weights=weights_digest(trained.model.state_dict()),
        **ais,
        **_surgery_fields(trained, images, options.seed),
        **_saturation_fields(trained, images),
    )
    data = trained.recipe.data
    likelihood = short_name(trained.recipe.model.decoder.likelihood)
    return validity.annotate(
        evaluation, trained.model, dataset, options.split, data.observation, likelihood, data.hidden
    )


def _interruption(repeats: Sequence[ResumableResults], total: int, noun: str) -> InterruptedRun:
    """What is said after Ctrl-C: how much is measured, and whether it is kept."""
    done = sum(repeat.images for repeat in repeats)
    kept = "kept; the same command continues" if repeats[0].file else "lost, since they have no place"
    return InterruptedRun(f"interrupted; {done} of {total} {noun} are measured, and {kept}")


def _open_repeats(
    trained: LoadedModel,
    dataset: Dataset,
    images: ObservedImages,
    estimator: Estimator,
    options: EvaluationOptions,
    partial_path: Path | None,
) -> list[ResumableResults]:
    """The results of each repeat, with the batches that an interrupted evaluation kept."""
    if options.repeats < 1:
        raise InvalidError(f"repeats: expected at least 1, got {options.repeats}")
    keyed = [replace(options, seed=seed) for seed in _seeds(options)]
    key = partial(_measurement_key, trained, dataset, images, estimator)
    return [ResumableResults(partial_path, key(each) if partial_path else "") for each in keyed]


def _measure(
    trained: LoadedModel,
    images: ObservedImages,
    estimator: Estimator,
    options: EvaluationOptions,
    repeats: Sequence[ResumableResults],
    progress: Progress,
) -> PerImageMetrics:
    """The metrics of each image, averaged over the repeats."""
    total, measured = len(images) * len(repeats), []
    for number, (seed, results) in enumerate(zip(_seeds(options), repeats, strict=True)):
        before = number * len(images)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=options.precision == "bfloat16"):
            found = measure_batches(
                trained.model,
                images.batches(estimator.images_per_batch(trained.model, images.shape)),
                estimator.draws if validity.is_bound(trained.model) else 1,  # a point posterior: equal draws
                seed,
                partial(_progress, progress, before, total),
                estimator.measure(options.labels),
                results,
            )
        measured.append(found)
    return combine_repeats(measured)


def _progress(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _seeds(options: EvaluationOptions) -> list[int]:
    """The seed of each repeat; that of the first is the seed of the evaluation."""
    return [options.seed + REPEAT_SEEDS * number for number in range(options.repeats)]


def bdmc_on_model_samples(
    trained: LoadedModel,
    images: int = 100,
    samples: int = 5000,
    chains: int = CHAINS,
    steps: int = STEPS,
    init: Init = "encoder",
    seed: int = 0,
    progress: Progress = lambda images, total: None,
) -> BDMCBounds:
    """Upper and lower bounds of log p(x) on images drawn from the model; see `vaekit.evaluation.bdmc`.

    Args:
        trained: a model whose posterior has a density.
        images: how many to draw.
        samples: importance samples per image.
        chains, steps, init: of AIS; see `EvaluationOptions`.
        seed: of all random draws.
        progress: called after each batch with its number of images and with the number of all images.

    Raises:
        InvalidError: the posterior has no density.

    Example:
        >>> import vaekit
        >>> found = bdmc_on_model_samples(vaekit.demo(), images=2, samples=5, chains=2, steps=1)
        >>> [bound.name for bound in found.bounds]
        ['annealed', 'importance-sampled', 'ELBO']
    """
    check_density(trained.model, "bdmc")
    return bdmc(
        trained.model, images, chains, steps, samples, init, seed, lambda done: progress(done, images)
    )


def check_baselines(trained: LoadedModel) -> None:
    """Raise an error unless the model is of a table of real columns, the only data that have baselines.

    Raises:
        InvalidError: it is not.

    Example:
        >>> import vaekit
        >>> check_baselines(vaekit.demo())  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        vaekit.errors.InvalidError: --baselines: expected a model of a table ...
    """
    others = [column.name for column in trained.columns if column.kind != "real"]
    if others or not trained.columns or trained.model.labels is not None:
        reason = f"column {others[0]!r} is not real" if others else f"{trained.source} is of other data"
        raise InvalidError(
            "--baselines: expected a model of a table with real columns only and without a condition, whose "
            f"densities Gaussians can have too, but {reason}; leave it out"
        )


def _baselines(
    trained: LoadedModel,
    dataset: Dataset,
    images: ObservedImages,
    metrics: PerImageMetrics,
    options: EvaluationOptions,
) -> list[Baseline]:
    """Baselines on the training rows of the model, and on the rows that were measured."""
    own, splits = trained.load_data()
    return baselines(
        own.in_units(splits.train),
        own.in_units(splits.validation),
        dataset.in_units(images.indices),
        metrics.log_likelihood.numpy() if options.estimator == "importance" else None,
        options.seed,
    )


def _measurement_key(
    trained: LoadedModel,
    dataset: Dataset,
    images: ObservedImages,
    estimator: Estimator,
    options: EvaluationOptions,
) -> str:
    """A digest of all that the metrics per image depend on, batch size and version included."""
    return measurement_key(
        trained.model,
        images=(fingerprint(dataset), images.indices.tolist(), trained.recipe.data),
        estimator=(estimator, estimator.images_per_batch(trained.model, images.shape)),
        recipe=trained.recipe.model,
        version=vaekit.__version__,
        seed=options.seed,
        labels=options.labels,
        **({"precision": options.precision} if options.precision != "float32" else {}),
    )


def _precision_caveats(options: EvaluationOptions) -> list[str]:
    """What bfloat16 does to the numbers, if it was used."""
    if options.precision == "float32":
        return []
    return ["matrix products in bfloat16: the mean may be off by a tenth of a nat, single values by more"]


def _per_image(metrics: PerImageMetrics, images: ObservedImages) -> dict[str, np.ndarray]:
    """The arrays of evaluation.npz, (N,) each."""
    elbo = metrics.reconstruction - metrics.kl.sum(0) - metrics.label_kl
    names = ("log_likelihood", "effective_sample_size", "pareto_k", "mc_variance", "shortfall")
    arrays = {name: getattr(metrics, name).numpy() for name in names}
    return {"index": images.indices, "elbo": elbo.numpy(), **arrays}


def _surgery_fields(trained: LoadedModel, images: ObservedImages, seed: int) -> dict[str, Any]:
    """The two parts of the top layer's KL, where all images share one prior."""
    model = trained.model
    unlabeled = "encoder" in model.conditioned_parts and images.labels is None
    if "prior" in model.conditioned_parts or unlabeled or not validity.is_bound(model):
        return {}
    found = elbo_surgery(model, images.batches(MAX_IMAGES_PER_BATCH), seed=seed)
    return {
        "mutual_information": found.mutual_information,
        "mutual_information_stderr": found.mutual_information_stderr,
        "marginal_kl": found.marginal_kl,
        "marginal_kl_stderr": found.marginal_kl_stderr,
        "surgery_images": found.images,
    }


def _saturation_fields(trained: LoadedModel, images: ObservedImages) -> dict[str, Any]:
    """The fraction of pixels in the first batch whose likelihood scale is at a bound."""
    bounds = getattr(trained.recipe.model.decoder.likelihood, "bounds", None)
    if bounds is None or (trained.model.conditioned_parts and images.labels is None):
        return {}
    x, y = next(images.batches(MAX_IMAGES_PER_BATCH))
    return {"saturated": saturated_fraction(trained.model, x, y, bounds)}
