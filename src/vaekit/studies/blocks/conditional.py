"""Conditional models p(x | z, y): the label y sets the class, and the latents z encode the style.

- Samples of every class in the same styles, style transfer, and interpolation of styles and labels.
- How often a sample has the class it is conditioned on, by a classifier.
- log p(x | y) against log p(x) = log sum_y p(y) p(x | y), and the accuracy of p(y | x).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vaekit import plotting
from vaekit.engine import conditional_plots
from vaekit.engine.plot import to_array
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.evaluation.feature_classifier import FeatureClassifier, feature_classifier
from vaekit.evaluation.importance_sampling import measure_batches, measure_importance
from vaekit.evaluation.label_inference import measure_marginal
from vaekit.evaluation.results import MeasureBatch, PerImageMetrics
from vaekit.registry import register
from vaekit.studies.blocks.interpolation import Pairs, choose_endpoints
from vaekit.studies.blocks.latent import BATCH_SIZE
from vaekit.studies.elements import Cell, Column, Element, FigureElement, Table, comparison_table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

_VARY: tuple[tuple[Literal["style", "label", "both"], str], ...] = (
    ("style", "style alone"),
    ("label", "class alone"),
    ("both", "both"),
)


@register("study_block")
def class_styles(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    rows: int = 6,
    seed: int = 0,
    caption: str = "One class per column; one style per row, sampled from the prior.",
) -> list[Element]:
    """Samples of every class in the same styles: one class per column, one style per row, one figure per run.

    Args:
        runs: name patterns or groups of conditional models.
        rows: number of styles.
        seed: of the styles, the same for all runs.
        caption: of the figures.

    >>> from vaekit.studies.example import example_results
    >>> conditional = example_results("model.condition=label")
    >>> len(class_styles(conditional, rows=2))
    2
    """
    return [
        FigureElement(conditional_plots.class_grid(variant.first.trained, rows, seed=seed).figure, caption)
        for variant in study.select(runs, finished=True)
    ]


@register("study_block")
def style_transfers(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 8,
    seed: int = 0,
    split: str = "test",
    caption: str = "Each held-out image in every class: encoded once, and decoded under each label.",
) -> list[Element]:
    """The style of held-out images under every label: one figure per run.

    Args:
        runs: name patterns or groups of conditional models.
        n: number of images.
        seed: of the choice of images.
        split: that they come from.
        caption: of the figures.

    >>> from vaekit.studies.example import example_results
    >>> conditional = example_results("model.condition=label")
    >>> style_transfers(conditional, "vae-2", n=2, caption="Two digits.")[0].caption
    'Two digits.'
    """
    models = [variant.first.trained for variant in study.select(runs, finished=True)]
    return [
        FigureElement(
            conditional_plots.style_transfer_to_all(trained, trained.load_split(split), n, seed).figure,
            caption,
        )
        for trained in models
    ]


@register("study_block")
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
    """Paths from one image to another that vary the style, the label, or both: one figure per run.

    Args:
        pairs: the classes of the first and the last image of each path, as numbers; the images are random.
        runs: name patterns or groups of conditional models.
        steps: number of images of a path.
        seed: of the choice of images.
        split: that they come from.
        title, caption: of the figures.

    Raises:
        InvalidError: a model is not conditioned on a label, or a class does not exist.

    >>> from vaekit.studies.example import example_results
    >>> conditional = example_results("model.condition=label")
    >>> [type(part).__name__ for part in conditional_interpolation(conditional, [(1, 7)], "vae-2", steps=3)]
    ['FigureElement']
    """
    parts: list[Element] = []
    for variant in study.select(runs, finished=True):
        trained = variant.first.trained
        ends = choose_endpoints(trained.load_split(split), pairs, seed)
        labels = [torch.tensor(side) for side in zip(*pairs, strict=True)]
        paths = {words: _path(trained, ends, labels, vary, steps) for vary, words in _VARY}
        originals = (to_array(ends[0]), to_array(ends[1]))
        figure = plotting.interpolation_rows(paths, f"{title}: {variant.label}", originals)
        parts.append(FigureElement(figure, caption))
    return parts


@register("study_block")
def conditional_accuracy(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 100,
    seed: int = 0,
    note: str = "",
) -> list[Element]:
    """How often a classifier assigns a sample to the class it is conditioned on: one row per run.

    Args:
        runs: name patterns or groups of conditional models.
        n: number of samples of each class.
        seed: of the samples.
        note: a line below the table.

    Raises:
        InvalidError: a model is not conditioned on classes.

    >>> from vaekit.studies.example import example_results
    >>> conditional_accuracy(example_results(), "vae-2")
    Traceback (most recent call last):
    vaekit.errors.InvalidError: runs: runs/vae-2 is not conditioned on classes; use a conditional model
    """
    models = {variant.label: variant.first.trained for variant in study.select(runs, finished=True)}
    for trained in models.values():
        if not conditional_plots.has_classes(trained):
            raise InvalidError(
                f"runs: {trained.source} is not conditioned on classes; use a conditional model"
            )
    first = next(iter(models.values()))
    classifier = feature_classifier(first.load_data()[0], first.device)
    accuracies = {label: _class_accuracy(trained, classifier, n, seed) for label, trained in models.items()}
    columns = [Column(name, name, "", None, 2) for name in first.label_names]
    rows = [
        (label, [Cell(share) for share in (*by_class, float(np.mean(by_class)))])
        for label, by_class in accuracies.items()
    ]
    method = (
        f"Fraction of {n} samples per class (means of the pixels) that a small classifier assigns to the "
        f"class they are conditioned on; its accuracy on the test images is {classifier.accuracy.item():.1%}."
    )
    return [Table([*columns, Column("all", "all", "", "higher", 3)], rows, [*filter(None, [note]), method])]


@register("study_block")
def label_likelihood(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 300,
    samples: int | None = None,
    seed: int = 0,
    split: str = "test",
    note: str = "",
) -> list[Element]:
    """log p(x | y), log p(x) with the label marginalized out, and the accuracy of p(y | x): one row per run.

    Args:
        runs: name patterns or groups; a model without labels only has log p(x).
        n: number of images, the same for all runs.
        samples: K, importance samples per image and label; by default as many as the study's evaluation.
        seed: of the samples.
        split: that the images come from.
        note: a line below the table.

    Raises:
        InvalidError: no model is conditioned on labels.

    >>> from vaekit.studies.example import example_results
    >>> conditional = example_results("model.condition=label")
    >>> [column.title for column in label_likelihood(conditional, n=4, samples=3)[0].columns]
    ['log p(x|y)', 'log p(x)', 'standard error', 'difference', 'accuracy of p(y|x)']
    """
    variants, samples = study.select(runs, finished=True), samples or study.preset.evaluate.samples
    rows = [(variant.label, _likelihood_cells(variant, n, samples, seed, split)) for variant in variants]
    method = (
        f"{n:,} {split} images, {samples} importance samples per image and label. log p(x|y) is not "
        "comparable with log p(x). Their mean difference estimates the information that the image contains "
        f"about the label, at most the entropy of the labels, {_label_entropy(variants):.2f} nats."
    )
    return [comparison_table(_COLUMNS, rows, [*filter(None, [note]), method])]


_COLUMNS = (
    Column("log_px_given_y", "log p(x|y)", "nats", None, 2),
    Column("log_px", "log p(x)", "nats", "higher", 2),
    Column("log_px_stderr", "standard error", "nats", None, 2),
    Column("label_information", "difference", "nats", None, 2),
    Column("label_accuracy", "accuracy of p(y|x)", "", "higher", 3),
)


def _path(
    trained: TrainedModel,
    ends: Sequence[Tensor],
    labels: Sequence[Tensor],
    vary: Literal["style", "label", "both"],
    steps: int,
) -> np.ndarray:
    """The images (P, S, C, H, W) of P paths with S steps each."""
    if trained.model.labels is None:
        raise InvalidError(f"runs: {trained.source} is not conditioned on a label; use a conditional model")
    (a, b), (y_a, y_b) = ends, (label.to(trained.device) for label in labels)
    return to_array(trained.model.interpolate(a, b, steps, "linear", y_a, y_b, vary).transpose(0, 1))


@torch.no_grad()
def _class_accuracy(trained: TrainedModel, classifier: FeatureClassifier, n: int, seed: int) -> list[float]:
    """For each class, the fraction of n samples that the classifier assigns to it."""
    classes = range(len(trained.label_names))
    labels = (torch.full((n,), k, device=trained.device) for k in classes)
    predicted = [classifier.logits(trained.model.sample(n, context=y, seed=seed)).argmax(1) for y in labels]
    return [float((found == k).double().mean()) for k, found in zip(classes, predicted, strict=True)]


def _likelihood_cells(variant: VariantResult, n: int, samples: int, seed: int, split: str) -> list[Cell]:
    """The cells of `_COLUMNS` for one run; those about labels are empty for a model without labels."""
    trained = variant.first.trained
    images = trained.load_split(split, images=n)

    def measure(by: MeasureBatch) -> PerImageMetrics:
        return measure_batches(trained.model, images.batches(BATCH_SIZE // 5), samples, seed, measure=by)

    conditional = measure(measure_importance).log_likelihood
    if trained.model.labels is None or images.labels is None:
        return [
            Cell(None),
            Cell(conditional.mean().item()),
            Cell(_stderr(conditional)),
            Cell(None),
            Cell(None),
        ]
    marginalized = measure(partial(measure_marginal, measure_conditional=measure_importance))
    marginal = marginalized.log_likelihood
    correct = marginalized.label_posterior.argmax(0) == images.labels.cpu()
    difference = (conditional - marginal).mean().item()
    numbers = (conditional.mean(), marginal.mean(), _stderr(marginal), difference, correct.double().mean())
    return [Cell(float(value)) for value in numbers]


def _stderr(values: Tensor) -> float:
    """The standard error of a mean."""
    return (values.std() / math.sqrt(len(values))).item()


def _label_entropy(variants: Sequence[VariantResult]) -> float:
    """The entropy of p(y), in nats, of the first model that is conditioned on labels.

    Raises:
        InvalidError: no model is conditioned on labels.
    """
    models = (variant.first.trained.model for variant in variants)
    known = next((model.labels for model in models if model.labels is not None), None)
    if known is None:
        raise InvalidError("runs: no model is conditioned on labels; add a conditional model")
    return torch.special.entr(known.log_prob.double().exp()).sum().item()
