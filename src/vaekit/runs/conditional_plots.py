"""Pictures of a conditional model: what a label makes of an image, and what the code leaves to style.

A code z is decoded under every label. Codes from the prior give a grid of classes by styles; the code of an
image, found with its own label, gives that image in another class: its style is transferred.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaekit import plotting
from vaekit.data.observation import ObservedImages
from vaekit.engine.conditioning import Condition
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.runs.plots import Plot, random_images, to_array
from vaekit.utils.random import seeded

MOST_CLASSES = 50  # columns that can be told apart


def has_classes(trained: TrainedModel) -> bool:
    """Whether a model is told classes, few enough for a column each."""
    return trained.recipe.model.condition_on == "label" and len(trained.label_names) <= MOST_CLASSES


def class_grid(
    trained: TrainedModel, rows: int = 8, temperature: float = 1.0, seed: int = 0, draw: bool = False
) -> Plot:
    """New images, a column a class; those of a row come of the same noise, and so have the same style.

    Raises:
        InvalidError: the model is told no classes.
    """
    sample = partial(trained.model.sample, rows, temperature, seed=seed, sample_pixels=draw)
    columns = [sample(y=y.expand(rows, -1)) for y in _each(trained)]
    images = to_array(torch.stack(columns, 1))
    warmth = "" if temperature == 1 else f", temperature {temperature:g}"
    subtitle = f"a column a class, a row a style, z from the prior{warmth}, seed {seed}"
    title = f"Classes by styles: {trained.title}"
    return Plot(
        {"images": images}, plotting.class_grid(images, trained.label_names, title, subtitle=subtitle)
    )


@torch.no_grad()
def style_transfer(
    trained: TrainedModel, seen: ObservedImages, to: Condition, n: int = 20, seed: int = 0, draw: bool = False
) -> Plot:
    """n images of a split over the same under another label.

    Args:
        to: what they become.
        draw: decode a draw from the posterior instead of its mean.
    """
    x, _ = random_images(trained, seen, n, seed)
    changed = to_array(_under(trained, seen, to.vector, n, seed, draw))
    originals, title = to_array(x), f"Style transfer: {trained.title}"
    subtitle = f"each image encoded with its own label, decoded with {to.description}"
    figure = plotting.image_rows({to.description: changed}, title, ("original", originals), subtitle=subtitle)
    return Plot({"images": changed, "originals": originals}, figure)


@torch.no_grad()
def style_transfer_to_all(
    trained: TrainedModel, seen: ObservedImages, n: int = 10, seed: int = 0, draw: bool = False
) -> Plot:
    """n images of a split, a row each: the image, then the same in every class.

    Raises:
        InvalidError: the model is told no classes.
    """
    x, _ = random_images(trained, seen, n, seed)
    columns = [x, *(_under(trained, seen, y, n, seed, draw) for y in _each(trained))]
    images = to_array(torch.stack(columns, 1))
    names = ["original", *trained.label_names]
    title = f"Style transfer: {trained.title}"
    subtitle = "each image encoded with its own label, decoded with every label"
    return Plot(
        {"images": images[:, 1:], "originals": images[:, 0]},
        plotting.class_grid(images, names, title, subtitle=subtitle),
    )


def report_plots(trained: TrainedModel) -> dict[str, Callable[[], Figure]]:
    """The figures of a run's report that only a conditional model has, each drawn when it is called for."""
    return {"classes": lambda: class_grid(trained).figure} if has_classes(trained) else {}


def _under(trained: TrainedModel, seen: ObservedImages, to: Tensor, n: int, seed: int, draw: bool) -> Tensor:
    """Images as `pick` picks them, under another label."""
    x, y = random_images(trained, seen, n, seed)
    with seeded(seed):
        posterior = trained.model.encode(x, y)
        return trained.model.decode(posterior.rsample() if draw else posterior.mean, to).mean


def _each(trained: TrainedModel) -> Tensor:
    """(M, m), the vector of each class."""
    labels = trained.model.labels
    if labels is None or not has_classes(trained):
        raise InvalidError(
            f"classes: {trained.source} is not told classes, or more than {MOST_CLASSES}; train one with "
            "model.condition=label, such as the recipe mnist-cvae"
        )
    return labels.values
