"""A trained model is measured: a split of data, an estimator, and what must be known to read the numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

import vaekit
from vaekit.data import Dataset
from vaekit.data.observation import ObservedImages
from vaekit.engine.sample_quality import sample_quality as sample_quality
from vaekit.engine.trained_model import TrainedModel, fingerprint
from vaekit.evaluation import validity
from vaekit.evaluation.ais import CHAINS, STEPS, Init
from vaekit.evaluation.bdmc import BDMCBounds, bdmc
from vaekit.evaluation.elbo_surgery import elbo_surgery
from vaekit.evaluation.estimators import Estimator, EstimatorKind, check_density
from vaekit.evaluation.importance_sampling import measure_batches, summarize
from vaekit.evaluation.reconstruction import reconstruction_mse, saturated_fraction
from vaekit.evaluation.results import Evaluation, PerImageMetrics
from vaekit.evaluation.resumable import ResumableResults, measurement_key
from vaekit.models.batching import MAX_IMAGES_PER_BATCH

Progress = Callable[[int, int], None]


def evaluate(
    trained: TrainedModel,
    samples: int = 5000,
    split: str = "test",
    images: int | None = None,
    seed: int = 0,
    data: str | None = None,
    missing: str | None = None,
    labels: Literal["condition", "marginalize"] = "condition",
    progress: Progress = lambda images, of: None,
    quality: bool = False,
    quality_samples: int = 5000,
    features: str | None = None,
    say: Callable[[str], None] = lambda words: None,
    estimator: EstimatorKind = "importance",
    chains: int = CHAINS,
    steps: int = STEPS,
    init: Init = "encoder",
    keep: Path | None = None,
    store: Callable[[Evaluation], Any] = lambda evaluation: None,
) -> Evaluation:
    """The log-likelihood of a split, with the terms of the bound.

    Args:
        samples: K, importance samples an image.
        images: a seeded random subset of so many; all without it.
        data: another dataset of the same shape, by name or path.
        missing: what is hidden of every image, such as "square:12" or "none"; as in training without it. The
            log-likelihood is then that of the part which is left.
        labels: of a conditional model: whether it is told those of the images, and gives log p(x | y), or
            they are averaged over p(y), and it gives log p(x).
        progress: called with the number of images in a batch that is done with, and in all of them.
        quality: measure the quality of samples as well; see `evaluation.quality`.
        quality_samples: so many of them.
        features: the space that it is measured in; to name one is to ask for it.
        say: is told what takes a while.
        estimator: "importance", importance sampling, or "ais", annealed importance sampling.
        chains, steps, init: of the latter; see `evaluation.annealed`.
        keep: a file for what is done, from which the same measurement goes on after an interruption; a part
            of the measurement's key is added to its name.
        store: writes the numbers down, before that file is removed.

    Raises:
        InvalidError: labels that are not there are to be given, or missing ones to a model that is told none;
            a posterior without a density for annealed chains.
    """
    trained, way = trained.hiding(missing), Estimator(estimator, samples, chains, steps, init)
    dataset, _ = trained.data(data)
    seen = trained.observed(split, data, images)
    validity.check_labels(trained.model, seen, labels)
    way.check(trained.model)
    wanted = quality or features is not None  # measured first: it takes less time, and may find a mistake
    found = (
        sample_quality(trained.hiding("none"), quality_samples, features, seed=seed, data=data, say=say)
        if wanted
        else None
    )
    key = _measurement_key(trained, dataset, seen, way, seed=seed, labels=labels) if keep else ""
    kept = ResumableResults(keep, key)
    parts = _measure_images(trained, seen, way, labels, seed, kept, progress, say)
    stored = trained.observed(split, data, images, observation="continuous")
    evaluation = summarize(parts, trained.model.layer_dims, way.draws, seed, kept.seconds)
    evaluation = validity.with_labels(evaluation, parts, trained.model, seen)
    further = (
        _estimator_fields(way) | _surgery_fields(trained, seen, seed) | _saturation_fields(trained, seen)
    )
    evaluation = replace(
        evaluation, per_image=_per_image(parts, seen), pixels=_image_digest(trained, seen), **further
    )
    seen_as, kind = trained.recipe.data, trained.recipe.model.decoder.likelihood.kind
    measured = validity.annotate(
        evaluation, trained.model, dataset, split, seen_as.observation, kind, seen_as.hidden
    )
    measured = replace(measured, quality=found, mse=reconstruction_mse(trained.model, seen, stored))
    store(measured)
    kept.clear()
    return measured


def bdmc_on_model_samples(
    trained: TrainedModel,
    images: int = 100,
    samples: int = 5000,
    chains: int = CHAINS,
    steps: int = STEPS,
    init: Init = "encoder",
    seed: int = 0,
    progress: Progress = lambda images, of: None,
) -> BDMCBounds:
    """Upper and lower bounds of log p(x) on images drawn from the model; see `evaluation.bidirectional`.

    Raises:
        InvalidError: its posterior has no density.
    """
    check_density(trained.model, "bdmc")
    return bdmc(
        trained.model, images, chains, steps, samples, init, seed, lambda done: progress(done, images)
    )


def _measure_images(
    trained: TrainedModel,
    seen: ObservedImages,
    way: Estimator,
    labels: str,
    seed: int,
    kept: ResumableResults,
    progress: Progress,
    say: Callable[[str], None],
) -> PerImageMetrics:
    """The numbers of each image; draws of a point posterior are all the same, so that one will do."""
    if kept.batches:
        say(f"going on after {kept.images} of {len(seen)} images, which were measured before")
    return measure_batches(
        trained.model,
        seen.batches(way.images_at_once(trained.model, seen.shape)),
        way.draws if validity.is_bound(trained.model) else 1,
        seed,
        lambda images: progress(images, len(seen)),
        way.measure(labels),
        kept,
    )


def _measurement_key(
    trained: TrainedModel, dataset: Dataset, seen: ObservedImages, way: Estimator, **settings: Any
) -> str:
    """A digest of all that has a say in the numbers of images, batch size and version included."""
    images = (fingerprint(dataset), seen.indices.tolist(), trained.recipe.data)
    by = (way, way.images_at_once(trained.model, seen.shape), trained.recipe.model, vaekit.__version__)
    return measurement_key(trained.model, images=images, by=by, **settings)


def _image_digest(trained: TrainedModel, seen: ObservedImages) -> str:
    """A short digest of the images, and of what their pixels depend on beside."""
    data = trained.recipe.data
    seed = data.seed if data.observation in ("static", "dynamic") or data.hidden else None
    return hashlib.sha256(f"{seed} {seen.indices.tolist()}".encode()).hexdigest()[:8]


def _per_image(parts: PerImageMetrics, seen: ObservedImages) -> dict[str, np.ndarray]:
    """What is kept of each image."""
    elbo = parts.reconstruction - parts.kl.sum(0) - parts.label_kl
    names = ("log_likelihood", "effective_sample_size", "pareto_k")
    numbers = {name: getattr(parts, name).numpy() for name in names}
    return {"index": seen.indices, "elbo": elbo.numpy(), **numbers}


def _estimator_fields(way: Estimator) -> dict[str, Any]:
    """What is said of an estimator beside the number of its draws."""
    return {"estimator": way.kind} | ({"steps": way.steps, "init": way.init} if way.kind == "ais" else {})


def _surgery_fields(trained: TrainedModel, seen: ObservedImages, seed: int) -> dict[str, Any]:
    """How the rate of the top level comes about, where one prior stands for all images."""
    model = trained.model
    unknown = "encoder" in model.conditioned_parts and seen.labels is None
    if "prior" in model.conditioned_parts or unknown or not validity.is_bound(model):
        return {}
    found = elbo_surgery(model, seen.batches(MAX_IMAGES_PER_BATCH), seed=seed)
    return {
        "mutual_information": found.mutual_information,
        "marginal_kl": found.marginal_kl,
        "surgery_images": found.images,
    }


def _saturation_fields(trained: TrainedModel, seen: ObservedImages) -> dict[str, Any]:
    """How often the scale of the likelihood is at its bounds, in the first batch."""
    bounds = getattr(trained.recipe.model.decoder.likelihood, "bounds", None)
    if bounds is None or (trained.model.conditioned_parts and seen.labels is None):
        return {}
    x, y = next(seen.batches(MAX_IMAGES_PER_BATCH))
    return {"saturated": saturated_fraction(trained.model, x, y, bounds)}
