"""Mixture priors: their pseudo-inputs or exemplars, and the images that their components generate."""

from __future__ import annotations

import numpy as np
import torch

from vaekit import plotting
from vaekit.engine.plot import to_array
from vaekit.errors import InvalidError
from vaekit.evaluation import mixture_components
from vaekit.registry import register
from vaekit.studies.blocks.images import figure_title, group_by_dataset
from vaekit.studies.blocks.latent import encode_split
from vaekit.studies.elements import Element, FigureElement, Text
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns


@register("study_block")
def pseudo_inputs(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 12,
    seed: int = 0,
    title: str = "Pseudo-inputs of the prior",
    caption: str = (
        "Some of the images whose posteriors are the components of the prior, as the encoder sees them, "
        "each above the decoded mean of its component."
    ),
) -> list[Element]:
    """Pseudo-inputs or exemplars of a prior, each above the decoded mean of its component.

    Args:
        runs: name patterns or groups of runs with a `vamp` or `exemplars` prior.
        n: number of components shown.
        seed: of the choice of components.
        title, caption: of the figures, one per dataset.

    Raises:
        InvalidError: a prior has no pseudo-inputs or exemplars.

    >>> from vaekit.studies.example import example_results
    >>> vamp = example_results("model.prior={kind: vamp, components: 6, init: random}")
    >>> [type(part).__name__ for part in pseudo_inputs(vamp, n=4)]
    ['FigureElement']
    """
    parts: list[Element] = []
    for data, variants in group_by_dataset(study.select(runs, finished=True)):
        rows = {label: images for variant in variants for label, images in _pairs(variant, n, seed).items()}
        parts.append(FigureElement(plotting.image_rows(rows, figure_title(title, data)), caption))
    return parts


@register("study_block")
def clusters(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    split: str = "test",
    images: int = 10_000,
    title: str = "Components and classes",
    caption: str = (
        "Top: the decoded mean of each component. Each image is assigned to the most probable component of "
        "its latents. Bottom: the classes of the images of each component."
    ),
) -> list[Element]:
    """Whether the components of a mixture prior are classes: one figure per run, and its purity in words.

    Args:
        runs: name patterns or groups of runs with a mixture prior.
        split: of the images that are assigned to components.
        images: number of images.
        title, caption: of the figures.

    Raises:
        InvalidError: the images have no labels, or a prior is not a mixture.

    >>> from vaekit.studies.example import example_results
    >>> mixture = example_results("model.prior={kind: mixture, components: 3}")
    >>> [type(part).__name__ for part in clusters(mixture, "vae-2", images=50)]
    ['FigureElement', 'Text']
    """
    parts: list[Element] = []
    for variant in study.select(runs, finished=True):
        counts = count_classes(variant, split, images)
        trained = variant.first.trained
        pictures = to_array(mixture_components.decode_components(trained.model))
        figure = plotting.clusters(counts, pictures, trained.label_names, f"{title}: {variant.label}")
        parts += [
            FigureElement(figure, caption),
            Text(_describe_clusters(variant.label, counts, trained.label_names)),
        ]
    return parts


def _pairs(variant: VariantResult, n: int, seed: int) -> dict[str, np.ndarray]:
    """n random pseudo-inputs or exemplars, and the decoded means of their components."""
    model = variant.first.trained.model
    inputs, means = mixture_components.pseudo_inputs(model), mixture_components.decode_components(model)
    chosen = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))[:n]
    rows = {variant.label: inputs[chosen], f"{variant.label}, decoded": means[chosen]}
    return {label: to_array(images) for label, images in rows.items()}


def count_classes(variant: VariantResult, split: str, images: int) -> np.ndarray:
    """The number of images of each class in each component, (components, classes), for the first seed.

    Raises:
        InvalidError: the images have no labels.

    >>> from vaekit.studies.example import example_results
    >>> mixture = example_results("model.prior={kind: mixture, components: 3}")
    >>> count_classes(mixture.variants[0], "test", images=50).shape
    (3, 10)
    """
    trained, latents = variant.first.trained, encode_split(variant, images, split)
    if latents.labels is None:
        raise InvalidError(
            f"{variant.label}: expected labeled images, but {trained.recipe.data.dataset!r} has no labels"
        )
    prior = mixture_components.prior_mixture(trained.model)
    assigned = mixture_components.assign_components(trained.model, latents.mean)
    return mixture_components.contingency(
        assigned, latents.labels, len(prior.log_weights), len(trained.label_names)
    )


def _describe_clusters(label: str, counts: np.ndarray, names: tuple[str, ...]) -> str:
    """The number of used components, their purity, and the classes that no component represents."""
    used = counts[counts.sum(1) > 0]
    represented = {names[k] for k in used.argmax(1)}
    chance = counts.sum(0).max() / counts.sum()
    summary = (
        f"**{label}**: {len(used)} of {len(counts)} components have images. If each component predicts its "
        f"most frequent class, it is right for {mixture_components.purity(counts):.0%} of the images (one "
        f"class for all: {chance:.0%})."
    )
    missing = [name for name in names if name not in represented]
    return f"{summary} Most frequent in no component: {', '.join(missing)}." if missing else summary
