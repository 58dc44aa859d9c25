"""Priors that are mixtures: the images that some are made of, and what their components stand for."""

from __future__ import annotations

import numpy as np
import torch

from vaekit import plotting
from vaekit.errors import InvalidError
from vaekit.evaluation import mixture_components
from vaekit.studies.blocks.images import figure_title, group_by_dataset
from vaekit.studies.blocks.latent import encode_split
from vaekit.studies.elements import Element, FigureElement, Text
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns


def pseudo_inputs(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 12,
    seed: int = 0,
    title: str = "What the prior is made of",
    caption: str = (
        "Some of the images whose posteriors make up the prior, as the encoder sees them, "
        "each above what its component decodes to."
    ),
) -> list[Element]:
    """The pseudo-inputs or exemplars of runs, above the images that their components stand for."""
    parts: list[Element] = []
    for data, variants in group_by_dataset(study.select(runs, finished=True)):
        rows = {label: images for variant in variants for label, images in _pairs(variant, n, seed).items()}
        parts.append(FigureElement(plotting.image_rows(rows, figure_title(title, data)), caption))
    return parts


def clusters(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    split: str = "test",
    images: int = 10_000,
    title: str = "Components and classes",
    caption: str = (
        "Above, the mean of each component, decoded. Each image goes to the component that most likely gave "
        "its code; below, of which classes the images of a component are."
    ),
) -> list[Element]:
    """Whether the components of a mixture become classes: a figure a run, and its purity in words.

    Args:
        split: whose images are given to components.
        images: a random subset of so many.
    """
    parts: list[Element] = []
    for variant in study.select(runs, finished=True):
        counts = count_classes(variant, split, images)
        trained = variant.first.trained
        pictures = mixture_components.decode_components(trained.model).clamp(0, 1).cpu().numpy()
        figure = plotting.clusters(counts, pictures, trained.label_names, f"{title}: {variant.label}")
        parts += [FigureElement(figure, caption), Text(_found(variant.label, counts, trained.label_names))]
    return parts


def _pairs(variant: VariantResult, n: int, seed: int) -> dict[str, np.ndarray]:
    """Some n of the images that the prior is made of, and what their components decode to."""
    model = variant.first.trained.model
    inputs, means = mixture_components.pseudo_inputs(model), mixture_components.decode_components(model)
    chosen = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))[:n]
    rows = {variant.label: inputs[chosen], f"{variant.label}, decoded": means[chosen]}
    return {label: images.clamp(0, 1).cpu().numpy() for label, images in rows.items()}


def count_classes(variant: VariantResult, split: str, images: int) -> np.ndarray:
    """How many images of each class each component gathers, in the first run of a run."""
    trained, codes = variant.first.trained, encode_split(variant, images, split)
    if codes.labels is None:
        raise InvalidError(f"{variant.label}: its data {trained.recipe.data.dataset!r} have no labels")
    prior = mixture_components.prior_mixture(trained.model)
    of = mixture_components.assign_components(trained.model, codes.mean)
    return mixture_components.contingency(of, codes.labels, len(prior.log_weights), len(trained.label_names))


def _found(label: str, counts: np.ndarray, names: tuple[str, ...]) -> str:
    """What the counts say, in words."""
    used = counts[counts.sum(1) > 0]
    own = [names[k] for k in sorted(set(used.argmax(1)))]
    chance = counts.sum(0).max() / counts.sum()
    said = (
        f"**{label}**: {len(used)} of {len(counts)} components gather images. Named after its commonest "
        f"class, a component is right for {mixture_components.purity(counts):.0%} of them (one name for all: "
        f"{chance:.0%})."
    )
    missing = [name for name in names if name not in own]
    return f"{said} No component is mostly of: {', '.join(missing)}." if missing else said
