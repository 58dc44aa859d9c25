"""Plots of a conditional model: the same latents decoded with different labels.

Latents from the prior, decoded with every label, give a grid of classes by styles. The latents of an image,
encoded with its own label and decoded with another one, show the image in another class (style transfer).
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
from vaekit.engine.loaded_model import LoadedModel
from vaekit.engine.plot import Plot, random_images, to_array
from vaekit.errors import InvalidError
from vaekit.models.context import Context
from vaekit.utils.random import seeded

MAX_CLASSES = 50  # columns of a figure


def has_classes(trained: LoadedModel) -> bool:
    """Whether the model is conditioned on classes, few enough for one column each.

    >>> import vaekit
    >>> has_classes(vaekit.demo())
    True
    """
    return trained.recipe.model.condition_on == "label" and len(trained.label_names) <= MAX_CLASSES


def class_grid(
    trained: LoadedModel, rows: int = 8, temperature: float = 1.0, seed: int = 0, sample_pixels: bool = False
) -> Plot:
    """Sample new images: one column per class, and the same latents along each row.

    Args:
        rows: number of latents.
        temperature: factor on the standard deviation of the prior.
        seed: random seed.
        sample_pixels: sample the pixels instead of taking the mean of p(x|z, y).

    Raises:
        InvalidError: the model is not conditioned on classes.

    >>> import vaekit
    >>> class_grid(vaekit.demo(), rows=2).arrays["images"].shape
    (2, 10, 1, 28, 28)
    """
    sample = partial(trained.model.sample, rows, temperature, seed=seed, sample_pixels=sample_pixels)
    columns = [sample(context=y.expand(rows, -1)) for y in _class_vectors(trained)]
    images = to_array(torch.stack(columns, 1))
    scale = "" if temperature == 1 else f", temperature {temperature:g}"
    subtitle = f"one column per class, one z from the prior per row{scale}, seed {seed}"
    title = f"Classes by styles: {trained.title}"
    return Plot(
        {"images": images}, plotting.class_grid(images, trained.label_names, title, subtitle=subtitle)
    )


@torch.no_grad()
def style_transfer(
    trained: LoadedModel,
    images: ObservedImages,
    condition: Condition,
    n: int = 20,
    seed: int = 0,
    sample_latents: bool = False,
) -> Plot:
    """Show n images above their reconstructions with another label.

    Args:
        condition: the other label.
        sample_latents: decode a posterior sample instead of the posterior mean.

    >>> import vaekit
    >>> from vaekit.engine.conditioning import parse_condition
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> seven = parse_condition(trained, "7")
    >>> style_transfer(trained, images, seven, n=2).arrays["images"].shape
    (2, 1, 28, 28)
    """
    x, _ = random_images(trained, images, n, seed)
    changed = to_array(_with_label(trained, images, condition.vector, n, seed, sample_latents))
    originals, title = to_array(x), f"Style transfer: {trained.title}"
    subtitle = f"each image encoded with its own label, decoded with {condition.description}"
    figure = plotting.image_rows(
        {condition.description: changed}, title, ("original", originals), subtitle=subtitle
    )
    return Plot({"images": changed, "originals": originals}, figure)


@torch.no_grad()
def style_transfer_to_all(
    trained: LoadedModel, images: ObservedImages, n: int = 10, seed: int = 0, sample_latents: bool = False
) -> Plot:
    """Show n images, one per row: the image, then its reconstruction with every label.

    Raises:
        InvalidError: the model is not conditioned on classes.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> style_transfer_to_all(trained, images, n=2).arrays["images"].shape
    (2, 10, 1, 28, 28)
    """
    x, _ = random_images(trained, images, n, seed)
    columns = [
        x,
        *(_with_label(trained, images, y, n, seed, sample_latents) for y in _class_vectors(trained)),
    ]
    grid = to_array(torch.stack(columns, 1))
    names = ["original", *trained.label_names]
    title = f"Style transfer: {trained.title}"
    subtitle = "each image encoded with its own label, decoded with every label"
    return Plot(
        {"images": grid[:, 1:], "originals": grid[:, 0]},
        plotting.class_grid(grid, names, title, subtitle=subtitle),
    )


def report_plots(trained: LoadedModel) -> dict[str, Callable[[], Figure]]:
    """The figures of a report that only a conditional model has, as functions that draw them.

    >>> import vaekit
    >>> list(report_plots(vaekit.demo()))
    ['classes']
    """
    return {"classes": lambda: class_grid(trained).figure} if has_classes(trained) else {}


def _with_label(
    trained: LoadedModel, images: ObservedImages, to: Tensor, n: int, seed: int, sample_latents: bool
) -> Tensor:
    """Images as `pick` picks them, under another label."""
    x, y = random_images(trained, images, n, seed)
    with seeded(seed):
        posterior = trained.model.encode(x, y)
        z = posterior.rsample() if sample_latents else posterior.mean
        return trained.model.decode(z, trained.model.with_offset(Context(label=to), x)).mean


def _class_vectors(trained: LoadedModel) -> Tensor:
    """The vectors (M, m) of all classes."""
    labels = trained.model.labels
    if labels is None or not has_classes(trained):
        raise InvalidError(
            f"classes: {trained.source} is not conditioned on classes, or on more than {MAX_CLASSES}; train "
            "one with model.condition=label, such as the recipe mnist-cvae"
        )
    return labels.values
