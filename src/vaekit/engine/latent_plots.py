"""Plots of the latent space of a trained model: paths through it, its map, and what it decodes to.

As in `vaekit.engine.plots`, each function returns a `Plot` with arrays and their figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vaekit import plotting
from vaekit.data.observation import ObservedImages
from vaekit.engine.conditioning import Condition
from vaekit.engine.loaded_model import LoadedModel
from vaekit.engine.plot import Plot, first_batches, random_order, to_array, with_labels
from vaekit.errors import InvalidError
from vaekit.evaluation.label_inference import labels_or_prediction
from vaekit.evaluation.latent import decode_grid, encode_batches, kl_per_latent, latent_traversal
from vaekit.models.vampprior import AggregatedPosterior
from vaekit.utils.random import seeded

MAX_LATENTS = 10_000
MAX_EMBEDDED = 3000  # latents that t-SNE and UMAP place, which takes them about ten seconds on one core

Vary = Literal["both", "style", "label"]


def interpolations(
    trained: LoadedModel,
    images: ObservedImages,
    rows: int = 6,
    steps: int = 10,
    path: str = "linear",
    seed: int = 0,
    vary: Vary = "both",
    pairs: Sequence[tuple[int, int]] | None = None,
) -> Plot:
    """Interpolate in latent space between pairs of images, and write their indices in the split below them.

    Args:
        rows: number of random pairs.
        steps: images per path, including both ends.
        path: "linear", or "spherical": an arc along which the norm of the latents changes linearly.
        vary: what changes along the path of a conditional model: latents ("style"), label, or both.
        pairs: indices of images in the split, in place of random ones.

    Raises:
        InvalidError: there are fewer than two images, an image does not exist, or `vary` needs a conditional
            model.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> interpolations(trained, images, rows=2, steps=5).arrays["images"].shape
    (2, 5, 1, 28, 28)
    """
    if pairs is None:
        order = random_order(len(images), 2 * rows, seed)
        if len(order) < 2:
            raise InvalidError("interpolation: expected at least 2 images in the split, got 1")
        a, b = order[: len(order) // 2], order[len(order) // 2 : 2 * (len(order) // 2)]
    else:
        for index in (index for pair in pairs for index in pair):
            _check_index(images, index)
        a, b = torch.tensor(pairs).T
    names = [(str(i), str(j)) for i, j in zip(a.tolist(), b.tolist(), strict=True)]
    ends = with_labels(trained, images, a), with_labels(trained, images, b)
    return interpolation(trained, *ends, names, steps, path, vary)


def interpolation(
    trained: LoadedModel,
    start: tuple[Tensor, Tensor | None],
    end: tuple[Tensor, Tensor | None],
    names: Sequence[tuple[str, str]] = (),
    steps: int = 10,
    path: str = "linear",
    vary: Vary = "both",
) -> Plot:
    """Interpolate in latent space between given data points.

    Args:
        start, end: model values (R, *event) each, and their label vectors (R, m) or None.
        names: of both data points of each row, written below them.
        steps, path, vary: as for `interpolations`.

    Raises:
        InvalidError: `vary` needs a conditional model.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> a, b = (with_labels(trained, images, torch.tensor([i])) for i in (3, 18))
    >>> interpolation(trained, a, b, steps=5).arrays["images"].shape
    (1, 5, 1, 28, 28)
    """
    if vary != "both" and trained.model.labels is None:
        raise InvalidError(f"vary {vary!r}: {trained.source} is not a conditional model; leave it out")
    (a, y_a), (b, y_b) = start, end
    paths = to_array(trained.model.interpolate(a, b, steps, path, y_a, y_b, vary).transpose(0, 1))
    of = {"both": "", "style": " of style, the label kept", "label": " of label, the style kept"}[vary]
    title = f"Interpolations{of} ({path}): {trained.title}"
    both = to_array(a), to_array(b)
    return Plot({"images": paths}, plotting.interpolation(paths, title, ends=both, end_names=names))


def interpolation_of_files(
    trained: LoadedModel, start: str, end: str, steps: int = 10, path: str = "linear", vary: Vary = "both"
) -> Plot:
    """Interpolate between the images of two files, or of folders or files of as many images each.

    Args:
        start, end: paths, read as other data of the model.
        steps, path, vary: as for `interpolations`.

    Raises:
        InvalidError, DataError: the images do not fit the model, or differ in number.
        NotFoundError: there is no such path.
    """
    ends, names = [], []
    for file in (start, end):
        dataset, splits = trained.load_data(file)
        images = trained.with_missing("none").subset(dataset, splits.test)
        ends.append(with_labels(trained, images, torch.arange(len(images))))
        numbers = range(len(images)) if len(images) > 1 else [""]
        names.append([f"{Path(file).name} {number}".strip()[-24:] for number in numbers])
    if len(names[0]) != len(names[1]):
        raise InvalidError(f"{end}: expected {len(names[0])} images, as many as {start}, got {len(names[1])}")
    both = list(zip(*names, strict=True))
    return interpolation(trained, ends[0], ends[1], both, steps, path, vary)


def traversals(
    trained: LoadedModel,
    images: ObservedImages,
    latents: Sequence[int] | None = None,
    steps: int = 11,
    max_value: float = 3.0,
    image: int | None = None,
    condition: Condition | None = None,
    start: Tensor | None = None,
) -> Plot:
    """Vary single latents, those with the largest KL first.

    Args:
        latents: which; the 12 with the largest KL if None.
        steps: images per latent.
        max_value: each latent varies from -max_value to max_value.
        image: start from the posterior mean of this image instead of the prior mean.
        condition: of a conditional model. Default: the label of the image, or the most probable label.
        start: (1, *event), start from the posterior mean of this data point.

    Raises:
        InvalidError: a latent or the image does not exist.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> traversals(trained, images, steps=3).arrays["images"].shape
    (2, 3, 1, 28, 28)
    """
    encoded = encode_batches(trained.model, first_batches(images, MAX_LATENTS))
    kl = kl_per_latent(encoded)
    chosen = list(np.argsort(-kl)[:12] if latents is None else latents)
    if wrong := [i for i in chosen if not 0 <= i < len(kl)]:
        raise InvalidError(f"latent {wrong[0]}: this model has latents 0 to {len(kl) - 1}")
    values = np.linspace(-max_value, max_value, steps)
    z, y = _start(trained, images, image if start is None else start, condition)
    rows = to_array(latent_traversal(trained.model, z, chosen, values.tolist(), y))
    measure = "KL {:.2f}" if encoded.stddev.any() else "variance {:.2f}"
    names = [f"z{i}  {measure.format(kl[i])}" for i in chosen]
    title = f"Traversals: {trained.title}"
    figure = plotting.traversal(
        rows, title, names, values.tolist(), subtitle=f"given {condition.description}" if condition else ""
    )
    return Plot({"images": rows, "latents": np.array(chosen)}, figure)


def latent_scatter(
    trained: LoadedModel,
    images: ObservedImages,
    label_names: Sequence[str] | None = None,
    method: plotting.Method = "pca",
    dims: int = 2,
) -> Plot:
    """Scatter the posterior means of a split, colored by label.

    With "pca", latents of at most `dims` dimensions stay as they are. At most 10,000 data points are drawn,
    and at most 3000 by the other methods. Those show neighborhoods: long distances mean nothing.

    Args:
        label_names: of the classes of the split. Default: those of the training data.
        method: how more latents become 2 or 3: "pca", "tsne" or "umap".
        dims: 2, or 3 for a cloud in space.

    Raises:
        InvalidError: there are fewer than two images, or another method or number of dimensions is asked for.
        VaekitError: the method needs a package that is not installed.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> latent_scatter(trained, images).arrays["plane"].shape
    (20, 2)
    """
    names = trained.label_names if label_names is None else label_names
    most = MAX_LATENTS if method == "pca" else MAX_EMBEDDED
    latents = encode_batches(trained.model, first_batches(images, most)).mean
    classes = None if images.classes is None else images.classes[:most].cpu().numpy()
    points, axes, explained = plotting.embed(latents, method, dims)
    title = f"Latent space: {trained.title}"
    parts = [f"{plotting.METHODS[method]} of {latents.shape[1]} latents"] * (axes[0] != "z0")
    parts += [f"the first {most:,} of {len(images):,} data points"] * (len(images) > most)
    figure = plotting.latent_scatter(
        points, classes, title, names, axes, explained, subtitle=", ".join(parts)
    )
    return Plot({"latents": latents, "plane": points}, figure)


def decoded_grid(trained: LoadedModel, n: int | None = None, condition: Condition | None = None) -> Plot:
    """Decode a two-dimensional latent space at n by n Gaussian quantiles.

    Args:
        n: per axis. Default: 20 for gray and color images, 10 for what needs more room.
        condition: of a conditional model. Default: the most probable label.

    Raises:
        InvalidError: the model does not have two latents.

    >>> import vaekit
    >>> decoded_grid(vaekit.demo(), n=3).arrays["images"].shape
    (3, 3, 1, 28, 28)
    """
    if trained.model.latent_dim != 2:
        raise InvalidError(
            f"{trained.source}: the decoded grid needs 2 latents, this model has "
            f"{trained.model.latent_dim}; train one with model.latent_dim=2, such as the recipe mnist-2d"
        )
    y = _most_probable_label(trained) if condition is None else condition.vector
    plain = len(trained.shape) == 3 and trained.shape[0] in (1, 3)
    images, values = decode_grid(trained.model, n or (20 if plain else 10), y)
    title = f"Decoded latent space: {trained.title}"
    arrays = {"images": to_array(images), "quantiles": values}
    subtitle = (
        f"given {condition.description}"
        if condition
        else "given the most probable label"
        if y is not None
        else ""
    )
    return Plot(arrays, plotting.decoded_grid(arrays["images"], values.tolist(), title, subtitle))


def pseudo_inputs(trained: LoadedModel, n: int = 64) -> Plot:
    """Show the pseudo-inputs of a VampPrior, or the images of an exemplar prior; those of large weight first.

    Args:
        n: how many at most.

    Raises:
        InvalidError: the prior of the model has none.

    >>> import vaekit
    >>> pseudo_inputs(vaekit.demo())
    Traceback (most recent call last):
    ...
    vaekit.errors.InvalidError: pseudo-inputs: ... train a model with model.prior=vamp
    """
    found = [part for part in trained.model.prior.modules() if isinstance(part, AggregatedPosterior)]
    if not found:
        raise InvalidError(
            f"pseudo-inputs: {trained.recipe.name} has the prior {trained.recipe.model.prior.kind}, without "
            "any; train a model with model.prior=vamp"
        )
    weights = found[0].logits.detach().softmax(0)
    order = weights.argsort(descending=True, stable=True)[:n]
    images = to_array(found[0].images()[order])
    total = f"{len(order)} of {len(weights)}" if len(order) < len(weights) else f"all {len(weights)}"
    largest = ", the largest weights first" if weights.max() > 1.001 * weights.min() else ""
    figure = plotting.samples(images, f"Pseudo-inputs: {trained.title}", subtitle=total + largest)
    return Plot({"images": images, "weights": weights[order].cpu().numpy()}, figure)


def _start(
    trained: LoadedModel, images: ObservedImages, image: int | Tensor | None, condition: Condition | None
) -> tuple[Tensor, Tensor | None]:
    """The latents (d,) to start from, and their label: of the prior mean, or of an image."""
    wanted = None if condition is None else condition.vector
    if image is None:
        y = _most_probable_label(trained) if wanted is None else wanted
        with torch.no_grad(), seeded(0):
            return trained.model.conditional_prior(y).mean.reshape(-1), y
    if isinstance(image, Tensor):
        x, y = image, labels_or_prediction(trained.model, image, None)
    else:
        _check_index(images, image)
        x, y = with_labels(trained, images, torch.tensor([image]))
    with torch.no_grad():
        z = trained.model.encode(x, y).mean[0]
    return z, y[0] if wanted is None and y is not None else wanted


def _check_index(images: ObservedImages, image: int) -> None:
    if not 0 <= image < len(images):
        raise InvalidError(f"image {image}: the split has images 0 to {len(images) - 1}")


def _most_probable_label(trained: LoadedModel) -> Tensor | None:
    """The most probable label vector (m,); None without labels."""
    labels = trained.model.labels
    return None if labels is None else labels.values[labels.mode]
