"""Conditional models: the label chooses the class, the latents encode the style."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vaekit import plotting
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.evaluation.feature_classifier import FeatureClassifier, feature_classifier
from vaekit.evaluation.importance_sampling import measure_batches, measure_importance
from vaekit.evaluation.label_inference import measure_marginal
from vaekit.evaluation.results import MeasureBatch, PerImageMetrics
from vaekit.runs import conditional_plots
from vaekit.runs.plots import to_array
from vaekit.studies.blocks.interpolation import Pairs, choose_endpoints
from vaekit.studies.blocks.latent import BATCH_SIZE
from vaekit.studies.elements import Cell, Column, Element, FigureElement, Table, comparison_table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

_VARIED: tuple[tuple[Literal["style", "label", "both"], str], ...] = (
    ("style", "style alone"),
    ("label", "class alone"),
    ("both", "both"),
)


def class_styles(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    rows: int = 6,
    seed: int = 0,
    caption: str = "One class per column; one style per row, sampled from the prior.",
) -> list[Element]:
    """New images of every class in the same styles, a figure a run."""
    chosen = study.select(runs, finished=True)
    return [
        FigureElement(conditional_plots.class_grid(o.first.trained, rows, seed=seed).figure, caption)
        for o in chosen
    ]


def style_transfers(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 8,
    seed: int = 0,
    split: str = "test",
    caption: str = "Each held-out image in every class: encoded once, and decoded under each label.",
) -> list[Element]:
    """Images of a split in the style that they have, as every class, a figure a run."""
    found = [o.first.trained for o in study.select(runs, finished=True)]
    return [
        FigureElement(
            conditional_plots.style_transfer_to_all(t, t.load_split(split), n, seed).figure, caption
        )
        for t in found
    ]


def conditional_interpolation(
    study: StudyResults,
    pairs: Pairs,
    runs: Patterns = ["*"],  # noqa: B006
    steps: int = 10,
    seed: int = 0,
    split: str = "test",
    title: str = "From one image to another",
    caption: str = "",
) -> list[Element]:
    """Ways from one image to another on which the code changes, or the label, or both, a figure a run.

    Args:
        pairs: classes that the ways lead from and to, by their numbers; an image of each is drawn.
        steps: images of a way.
    """
    parts: list[Element] = []
    for variant in study.select(runs, finished=True):
        trained = variant.first.trained
        ends = choose_endpoints(trained.load_split(split), pairs, seed)
        labels = [torch.tensor(side) for side in zip(*pairs, strict=True)]
        paths = {words: _path(trained, ends, labels, vary, steps) for vary, words in _VARIED}
        originals = (to_array(ends[0]), to_array(ends[1]))
        figure = plotting.interpolation_rows(paths, f"{title}: {variant.label}", originals)
        parts.append(FigureElement(figure, caption))
    return parts


def conditional_accuracy(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 100,
    seed: int = 0,
    note: str = "",
) -> list[Element]:
    """How often a sample is of the class it is conditioned on, by a classifier of the data.

    Args:
        n: samples of each class.
        note: a line under the table.
    """
    models = {variant.label: variant.first.trained for variant in study.select(runs, finished=True)}
    first = next(iter(models.values()))
    judge = feature_classifier(first.load_data()[0], first.device)
    shares = {label: _class_shares(trained, judge, n, seed) for label, trained in models.items()}
    columns = [Column(name, name, "", None, 2) for name in first.label_names]
    rows = [(label, [Cell(s) for s in (*each, float(np.mean(each)))]) for label, each in shares.items()]
    said = (
        f"Shares of {n} samples of each class (means of pixels) that a small classifier names so; "
        f"it is right on {judge.accuracy.item():.1%} of the test images."
    )
    return [Table([*columns, Column("all", "all", "", "higher", 3)], rows, [*filter(None, [note]), said])]


def label_likelihood(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 300,
    samples: int | None = None,
    seed: int = 0,
    split: str = "test",
    note: str = "",
) -> list[Element]:
    """log p(x | y) with the label given, log p(x) averaged over p(y), and how often p(y | x) is right.

    Args:
        n: images of the split, the same for all runs.
        samples: K, importance samples an image and label; without it as many as the runs were measured with.
        note: a line under the table.
    """
    chosen, samples = study.select(runs, finished=True), samples or study.preset.evaluate.samples
    rows = [(o.label, _likelihoods(o, n, samples, seed, split)) for o in chosen]
    said = (
        f"{n:,} {split} images, {samples} importance samples per image and label. log p(x|y) is not "
        "comparable with log p(x). Their difference is the information of the label about the image, "
        "at most the "
        f"entropy of the labels, {_entropy(chosen):.2f} nats."
    )
    return [comparison_table(_COLUMNS, rows, [*filter(None, [note]), said])]


_COLUMNS = (
    Column("log_px_given_y", "log p(x|y)", "nats", None, 2),
    Column("log_px", "log p(x)", "nats", "higher", 2),
    Column("log_px_stderr", "standard error", "nats", None, 2),
    Column("label_information", "difference", "nats", None, 2),
    Column("label_accuracy", "labels right by p(y|x)", "", "higher", 3),
)


def _path(
    trained: TrainedModel,
    ends: Sequence[Tensor],
    labels: Sequence[Tensor],
    vary: Literal["style", "label", "both"],
    steps: int,
) -> np.ndarray:
    """(P, S, C, H, W)."""
    if trained.model.labels is None:
        raise InvalidError(f"runs: {trained.source} is not conditioned on a label; use a conditional model")
    (a, b), (y_a, y_b) = ends, (label.to(trained.device) for label in labels)
    return to_array(trained.model.interpolate(a, b, steps, "linear", y_a, y_b, vary).transpose(0, 1))


@torch.no_grad()
def _class_shares(trained: TrainedModel, judge: FeatureClassifier, n: int, seed: int) -> list[float]:
    """For each class the share of n samples that the classifier names so."""
    if not conditional_plots.has_classes(trained):
        raise InvalidError(f"runs: {trained.source} is not conditioned on classes; use a conditional model")
    classes = range(len(trained.label_names))
    labels = (torch.full((n,), k, device=trained.device) for k in classes)
    named = [judge.logits(trained.model.sample(n, y=y, seed=seed)).argmax(1) for y in labels]
    return [float((found == k).double().mean()) for k, found in zip(classes, named, strict=True)]


def _likelihoods(variant: VariantResult, n: int, samples: int, seed: int, split: str) -> list[Cell]:
    trained = variant.first.trained
    seen = trained.load_split(split, images=n)

    def measured(by: MeasureBatch) -> PerImageMetrics:
        return measure_batches(trained.model, seen.batches(BATCH_SIZE // 5), samples, seed, measure=by)

    given = measured(measure_importance).log_likelihood
    if trained.model.labels is None or seen.labels is None:
        return [Cell(None), Cell(given.mean().item()), Cell(_stderr(given)), Cell(None), Cell(None)]
    averaged = measured(partial(measure_marginal, measure_conditional=measure_importance))
    without, right = averaged.log_likelihood, averaged.label_posterior.argmax(0) == seen.labels.cpu()
    difference = (given - without).mean().item()
    numbers = (given.mean(), without.mean(), _stderr(without), difference, right.double().mean())
    return [Cell(float(value)) for value in numbers]


def _stderr(values: Tensor) -> float:
    return (values.std() / math.sqrt(len(values))).item()


def _entropy(variants: Sequence[VariantResult]) -> float:
    """The entropy of p(y) in nats, of the first run that is conditioned on labels.

    Raises:
        InvalidError: none is.
    """
    models = (variant.first.trained.model for variant in variants)
    known = next((model.labels for model in models if model.labels is not None), None)
    if known is None:
        raise InvalidError("runs: none of them is conditioned on labels")
    return torch.special.entr(known.log_prob.double().exp()).sum().item()
