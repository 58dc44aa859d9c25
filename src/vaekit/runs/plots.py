"""Plots of a trained model: model and data give arrays, and the arrays give a figure.

Each function returns a `Plot` with both, so that either can be saved. Everything random has a seed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaekit import plotting
from vaekit.data.observation import ObservedImages
from vaekit.engine.conditioning import Condition
from vaekit.engine.impute import ImputedDataset
from vaekit.engine.sample_quality import held_out_indices, in_range, reference_batches
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.evaluation.label_inference import labels_or_prediction
from vaekit.evaluation.latent import decode_grid, encode_batches, kl_per_latent, latent_traversal
from vaekit.evaluation.sample_metrics import nearest_neighbors as neighbors
from vaekit.utils.io import write_whole
from vaekit.utils.random import seeded

MAX_LATENTS = 10_000
MAX_IMPUTED = 10  # rows of images
ARRAYS = ("npy", "npz")
_DISTANCE = "the number above each pair is the Euclidean distance of the pixels"
FORMATS = ("png", "pdf", "svg", *ARRAYS)


class Plot(NamedTuple):
    """Arrays and their figure.

    Attributes:
        arrays: by name; the main array is the first.
        figure: of the arrays.

    >>> import tempfile
    >>> plot = Plot({"images": np.zeros((2, 1, 8, 8))}, Figure())
    >>> plot.save(Path(tempfile.mkdtemp()) / "zeros.npy").name
    'zeros.npy'
    """

    arrays: dict[str, np.ndarray]
    figure: Figure

    def save(self, path: str | Path) -> Path:
        """Write the figure (.png, .pdf, .svg), the main array (.npy), or all arrays (.npz).

        Raises:
            InvalidError: the suffix is none of these.
            VaekitError: the file cannot be written.
        """
        path = Path(path)
        form = path.suffix.removeprefix(".").lower()
        if form not in FORMATS:
            raise InvalidError(f"{path}: expected a name that ends in .{', .'.join(FORMATS)}")
        if form in ARRAYS:
            return write_whole(path, self._packed(form))
        return write_whole(path, plotting.render(self.figure, form))

    def _packed(self, form: str) -> bytes:
        content = io.BytesIO()
        if form == "npz":
            np.savez_compressed(content, allow_pickle=False, **self.arrays)
        else:
            np.save(content, next(iter(self.arrays.values())), allow_pickle=False)
        return content.getvalue()


def samples(
    trained: TrainedModel,
    n: int = 64,
    temperature: float = 1.0,
    seed: int = 0,
    sample_pixels: bool = False,
    condition: Condition | None = None,
) -> Plot:
    """Sample n images from the prior. For a conditional model, condition on a label, or sample it from p(y).

    Args:
        trained: the model.
        n: number of images.
        temperature: factor on the standard deviation of the prior.
        seed: random seed.
        sample_pixels: sample the pixels instead of taking the mean of p(x|z).
        condition: what a conditional model is conditioned on.

    >>> import vaekit
    >>> samples(vaekit.demo(), n=4).arrays["images"].shape
    (4, 1, 28, 28)
    """
    y = None if condition is None else condition.vector.expand(n, -1)
    images = to_array(trained.model.sample(n, temperature, y, seed, sample_pixels))
    scale = "" if temperature == 1 else f", temperature {temperature:g}"
    given = (
        f"given {condition.description}, "
        if condition
        else "y from p(y), "
        if trained.model.labels is not None
        else ""
    )
    subtitle = f"{given}z from the prior{scale}, seed {seed}"
    return Plot({"images": images}, plotting.samples(images, f"Samples: {trained.title}", subtitle=subtitle))


def nearest_images(
    trained: TrainedModel, n: int = 10, temperature: float = 1.0, seed: int = 0, sample_pixels: bool = False
) -> Plot:
    """Show n samples above their nearest training images, and n held-out images above theirs for reference.

    The distance is the Euclidean distance of the pixels. If the model memorizes training images, its samples
    are nearer to them than held-out images are.

    Args:
        sample_pixels: compare sampled pixels with observed ones, instead of means with images.

    Raises:
        InvalidError: pixels of the images are missing.

    >>> import vaekit
    >>> plot = nearest_images(vaekit.demo(), n=2)
    >>> plot.arrays["nearest"].shape
    (4, 1, 28, 28)
    """
    dataset, splits = trained.load_data()
    chosen = np.random.default_rng(seed).permutation(held_out_indices(splits))[:n]
    drawn = trained.model.sample(n, temperature, seed=seed, sample_pixels=sample_pixels)
    sampled = in_range(trained, drawn)
    images = torch.cat([sampled, *reference_batches(trained, dataset, chosen, sample_pixels)])
    training = reference_batches(trained, dataset, splits.train, sample_pixels)
    indices, distances = (each[:, 0].cpu().numpy() for each in neighbors(images, training))
    found = torch.cat(list(reference_batches(trained, dataset, splits.train[indices], sample_pixels)))
    columns = to_array(images), to_array(found), distances
    groups = {"sample": [each[:n] for each in columns]}
    if len(chosen):
        groups["held-out image"] = [each[n:] for each in columns]
    title = f"Nearest training images: {trained.title}"
    figure = plotting.nearest_neighbors(groups, "nearest in training", title, _DISTANCE)
    return Plot(dict(zip(("images", "nearest", "distances"), columns, strict=True)), figure)


def reconstructions(
    trained: TrainedModel, images: ObservedImages, n: int = 20, seed: int = 0, sample_latents: bool = False
) -> Plot:
    """Show n random images above their reconstructions.

    Args:
        sample_latents: decode a posterior sample instead of the posterior mean.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> reconstructions(trained, images, n=3).arrays["reconstructions"].shape
    (3, 1, 28, 28)
    """
    x, y = random_images(trained, images, n, seed)
    originals, decoded = (
        to_array(x),
        to_array(trained.model.reconstruct(x, y, seed=seed, sample_latents=sample_latents)),
    )
    title = f"Reconstructions: {trained.title}"
    figure = plotting.reconstructions(originals, decoded, title)
    return Plot({"originals": originals, "reconstructions": decoded}, figure)


def interpolations(
    trained: TrainedModel,
    images: ObservedImages,
    rows: int = 6,
    steps: int = 10,
    path: str = "linear",
    seed: int = 0,
    vary: Literal["both", "style", "label"] = "both",
) -> Plot:
    """Interpolate in latent space between random pairs of images.

    Args:
        rows: number of pairs.
        steps: images per path, including both ends.
        path: "linear", or "spherical": an arc along which the norm of the latents changes linearly.
        vary: what changes along the path of a conditional model: latents ("style"), label, or both.

    Raises:
        InvalidError: there are fewer than two images, or `vary` needs a conditional model.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> interpolations(trained, images, rows=2, steps=5).arrays["images"].shape
    (2, 5, 1, 28, 28)
    """
    if vary != "both" and trained.model.labels is None:
        raise InvalidError(f"vary {vary!r}: {trained.source} is not a conditional model; leave it out")
    x, y = random_images(trained, images, 2 * rows, seed)
    if len(x) < 2:
        raise InvalidError("interpolation: expected at least 2 images in the split, got 1")
    half = len(x) // 2
    a, b = x[:half], x[half : 2 * half]
    y_a, y_b = (None, None) if y is None else (y[:half], y[half : 2 * half])
    paths = to_array(trained.model.interpolate(a, b, steps, path, y_a, y_b, vary).transpose(0, 1))
    of = {"both": "", "style": " of style, the label kept", "label": " of label, the style kept"}[vary]
    title = f"Interpolations{of} ({path}): {trained.title}"
    return Plot({"images": paths}, plotting.interpolation(paths, title, ends=(to_array(a), to_array(b))))


def traversals(
    trained: TrainedModel,
    images: ObservedImages,
    latents: Sequence[int] | None = None,
    steps: int = 11,
    max_value: float = 3.0,
    image: int | None = None,
    condition: Condition | None = None,
) -> Plot:
    """Vary single latents, those with the largest KL first.

    Args:
        latents: which; the 12 with the largest KL if None.
        steps: images per latent.
        max_value: each latent varies from -max_value to max_value.
        image: start from the posterior mean of this image instead of the prior mean.
        condition: of a conditional model. Default: the label of the image, or the most probable label.

    Raises:
        InvalidError: a latent or the image does not exist.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> traversals(trained, images, steps=3).arrays["images"].shape
    (2, 3, 1, 28, 28)
    """
    encoded = encode_batches(trained.model, _first_batches(images, MAX_LATENTS))
    kl = kl_per_latent(encoded)
    chosen = list(np.argsort(-kl)[:12] if latents is None else latents)
    if wrong := [i for i in chosen if not 0 <= i < len(kl)]:
        raise InvalidError(f"latent {wrong[0]}: this model has latents 0 to {len(kl) - 1}")
    values = np.linspace(-max_value, max_value, steps)
    z, y = _start(trained, images, image, condition)
    rows = to_array(latent_traversal(trained.model, z, chosen, values.tolist(), y))
    measure = "KL {:.2f}" if encoded.stddev.any() else "variance {:.2f}"
    names = [f"z{i}  {measure.format(kl[i])}" for i in chosen]
    title = f"Traversals: {trained.title}"
    figure = plotting.traversal(
        rows, title, names, values.tolist(), subtitle=f"given {condition.description}" if condition else ""
    )
    return Plot({"images": rows, "latents": np.array(chosen)}, figure)


def latent_scatter(
    trained: TrainedModel, images: ObservedImages, label_names: Sequence[str] | None = None
) -> Plot:
    """Scatter the posterior means of a split, colored by label; more than two latents are projected by PCA.

    Args:
        label_names: of the classes of the split. Default: those of the training data.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> latent_scatter(trained, images).arrays["plane"].shape
    (20, 2)
    """
    names = trained.label_names if label_names is None else label_names
    encoded = encode_batches(trained.model, _first_batches(images, MAX_LATENTS))
    classes = None if images.classes is None else images.classes[:MAX_LATENTS].cpu().numpy()
    plane, axes, explained = plotting.project(encoded.mean)
    title = f"Latent space: {trained.title}"
    figure = plotting.latent_scatter(
        plane, classes, title, label_names=names, axis_names=axes, explained=explained
    )
    return Plot({"latents": encoded.mean, "plane": plane}, figure)


def decoded_grid(trained: TrainedModel, n: int | None = None, condition: Condition | None = None) -> Plot:
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


def imputations(trained: TrainedModel, imputed: ImputedDataset) -> Plot:
    """Show the first ten images with their imputations. The arrays hold all, in the units of the data.

    >>> import vaekit
    >>> from vaekit.engine.impute import impute_dataset
    >>> trained = vaekit.demo()
    >>> imputed = impute_dataset(trained, "square:9", max_images=2, imputations=3, samples=20)
    >>> imputations(trained, imputed).arrays["imputations"].shape
    (2, 3, 1, 28, 28)
    """
    first = slice(MAX_IMPUTED)
    title, known = f"Imputations: {trained.title}", bool(imputed.scored.any())
    figure = plotting.imputations(
        imputed.observed[first], imputed.images[first], imputed.mean[first], title,
        imputed.truth[first] if known else None, subtitle=f"missing: {imputed.missing}",
    )  # fmt: skip
    return Plot(imputed.arrays(), figure)


def report_plots(trained: TrainedModel) -> dict[str, Callable[[], Figure]]:
    """The figures of a report by file name, as functions that draw them.

    >>> import vaekit
    >>> sorted(report_plots(vaekit.demo()))[:3]
    ['decoded-grid', 'interpolations', 'latent-space']
    """
    images = cache(lambda: trained.load_split(held_out_split(trained)))
    drawings: dict[str, Callable[[], Plot]] = {
        "reconstructions": lambda: reconstructions(trained, images()),
        "samples": lambda: samples(trained),
        "interpolations": lambda: interpolations(trained, images()),
        "traversals": lambda: traversals(trained, images()),
        "latent-space": lambda: latent_scatter(trained, images()),
    }
    if len(images()) < 2:
        del drawings["interpolations"], drawings["latent-space"]
    if trained.model.latent_dim == 2:
        drawings["decoded-grid"] = lambda: decoded_grid(trained)
    return {name: partial(_figure, draw) for name, draw in drawings.items()}


def latent_plots(trained: TrainedModel) -> dict[str, Callable[[], Figure]]:
    """The figures of a report that show latents only, for data that are not drawn one by one.

    >>> import vaekit
    >>> sorted(latent_plots(vaekit.demo()))
    ['latent-space']
    """
    images = cache(lambda: trained.load_split(held_out_split(trained)))
    return {"latent-space": lambda: latent_scatter(trained, images()).figure}


def held_out_split(trained: TrainedModel) -> str:
    """The first split with two images or more: test, validation or train.

    >>> import vaekit
    >>> held_out_split(vaekit.demo())
    'test'
    """
    _, splits = trained.load_data()
    return next((name for name in ("test", "validation") if len(getattr(splits, name)) > 1), "train")


def _figure(draw: Callable[[], Plot]) -> Figure:
    return draw().figure


def _start(
    trained: TrainedModel, images: ObservedImages, image: int | None, condition: Condition | None
) -> tuple[Tensor, Tensor | None]:
    """The latents (d,) to start from, and their label: of the prior mean, or of an image."""
    wanted = None if condition is None else condition.vector
    if image is None:
        y = _most_probable_label(trained) if wanted is None else wanted
        with torch.no_grad(), seeded(0):
            return trained.model.conditional_prior(y).mean.reshape(-1), y
    if not 0 <= image < len(images):
        raise InvalidError(f"image {image}: the split has images 0 to {len(images) - 1}")
    x, y = _with_labels(trained, images, torch.tensor([image]))
    with torch.no_grad():
        z = trained.model.encode(x, y).mean[0]
    return z, y[0] if wanted is None and y is not None else wanted


def _most_probable_label(trained: TrainedModel) -> Tensor | None:
    """The most probable label vector (m,); None without labels."""
    labels = trained.model.labels
    return None if labels is None else labels.values[labels.mode]


def random_images(
    trained: TrainedModel, images: ObservedImages, n: int, seed: int
) -> tuple[Tensor, Tensor | None]:
    """n random images, and their labels for a conditional model; predicted labels where the data has none.

    Args:
        trained: the model.
        images: a split.
        n: number of images.
        seed: random seed.

    Returns:
        The images (n, *event), and their label vectors (n, m) or None.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> x, y = random_images(trained, images, n=3, seed=0)
    >>> x.shape
    torch.Size([3, 1, 28, 28])
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:n]
    return _with_labels(trained, images, order)


def _with_labels(
    trained: TrainedModel, images: ObservedImages, order: Tensor
) -> tuple[Tensor, Tensor | None]:
    x, y = (
        images.batch(order),
        None if images.labels is None else images.labels[order.to(images.labels.device)],
    )
    return x, labels_or_prediction(trained.model, x, y)


def _first_batches(images: ObservedImages, n: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """The first n images in batches."""
    for start in range(0, min(n, len(images)), 500):
        indices = torch.arange(start, min(start + 500, n, len(images)), device=images.device)
        yield images.batch(indices), None if images.labels is None else images.labels[indices]


def to_array(images: Tensor) -> np.ndarray:
    """Data points as an array of float32; figures clip what lies beyond their range.

    >>> to_array(torch.tensor([-0.5, 0.25, 2.0])).tolist()
    [-0.5, 0.25, 2.0]
    """
    return images.detach().float().cpu().numpy()
