"""Pictures of a trained model: it and its data give arrays, and the arrays a figure.

Each function returns both, so that either can be saved. Everything random is seeded.
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
from vaekit.engine.sample_quality import held_out_indices, reference_batches
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.evaluation.label_inference import labels_or_prediction
from vaekit.evaluation.latent import decode_grid, encode_batches, kl_per_latent, latent_traversal
from vaekit.evaluation.sample_metrics import nearest_neighbors as neighbors
from vaekit.utils.io import write_whole
from vaekit.utils.random import seeded

CODES = 10_000
IMPUTED = 10  # rows of images
ARRAYS = ("npy", "npz")
_DISTANCE = "over each pair stands its distance: Euclidean, of the pixels"
FORMATS = ("png", "pdf", "svg", *ARRAYS)


class Plot(NamedTuple):
    """What was computed, by name, the main array first, and its figure."""

    arrays: dict[str, np.ndarray]
    figure: Figure

    def save(self, path: str | Path) -> Path:
        """Write the figure (.png, .pdf, .svg), the main array (.npy), or all arrays (.npz).

        Raises:
            InvalidError: another ending.
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
    draw: bool = False,
    told: Condition | None = None,
) -> Plot:
    """n images from the model's prior; of a conditional model told a label, or else labels from p(y)."""
    y = None if told is None else told.vector.expand(n, -1)
    images = to_array(trained.model.sample(n, temperature, y, seed, draw))
    warmth = "" if temperature == 1 else f", temperature {temperature:g}"
    given = (
        f"given {told.description}, " if told else "y from p(y), " if trained.model.labels is not None else ""
    )
    subtitle = f"{given}z from the prior{warmth}, seed {seed}"
    return Plot({"images": images}, plotting.samples(images, f"Samples: {trained.title}", subtitle=subtitle))


def nearest_images(
    trained: TrainedModel, n: int = 10, temperature: float = 1.0, seed: int = 0, draw: bool = False
) -> Plot:
    """n samples over the training images nearest to them, and as a reference n held-out images over theirs.

    By the Euclidean distance of the pixels: of means to images themselves, or of drawn to observed ones. A
    model that repeats its training images shows here: samples are then nearer to them than held-out images.

    Raises:
        InvalidError: values of the images are missing.
    """
    dataset, splits = trained.data()
    chosen = np.random.default_rng(seed).permutation(held_out_indices(splits))[:n]
    sampled = trained.model.sample(n, temperature, seed=seed, sample_pixels=draw).clamp(0, 1)
    images = torch.cat([sampled, *reference_batches(trained, dataset, chosen, draw)])
    training = reference_batches(trained, dataset, splits.train, draw)
    indices, distances = (each[:, 0].cpu().numpy() for each in neighbors(images, training))
    found = torch.cat(list(reference_batches(trained, dataset, splits.train[indices], draw)))
    columns = to_array(images), to_array(found), distances
    groups = {"sample": [each[:n] for each in columns]}
    if len(chosen):
        groups["held-out image"] = [each[n:] for each in columns]
    title = f"Nearest training images: {trained.title}"
    figure = plotting.nearest_neighbors(groups, "nearest in training", title, _DISTANCE)
    return Plot(dict(zip(("images", "nearest", "distances"), columns, strict=True)), figure)


def reconstructions(
    trained: TrainedModel, seen: ObservedImages, n: int = 20, seed: int = 0, draw: bool = False
) -> Plot:
    """n images of a split over what the model makes of them."""
    x, y = random_images(trained, seen, n, seed)
    originals, again = to_array(x), to_array(trained.model.reconstruct(x, y, seed=seed, sample_latents=draw))
    title = f"Reconstructions: {trained.title}"
    figure = plotting.reconstructions(originals, again, title)
    return Plot({"originals": originals, "reconstructions": again}, figure)


def interpolations(
    trained: TrainedModel,
    seen: ObservedImages,
    rows: int = 6,
    steps: int = 10,
    path: str = "linear",
    seed: int = 0,
    vary: Literal["both", "style", "label"] = "both",
) -> Plot:
    """Ways through the latent space between pairs of images of a split.

    Args:
        vary: of a conditional model, what goes over from one to the other: code and label, or one of them.

    Raises:
        InvalidError: there are no two images, or the model is told no labels that could stay or vary.
    """
    if vary != "both" and trained.model.labels is None:
        raise InvalidError(f"vary {vary!r}: {trained.source} is told no labels; leave it out")
    x, y = random_images(trained, seen, 2 * rows, seed)
    if len(x) < 2:
        raise InvalidError("interpolation: expected at least 2 images in the split, got 1")
    half = len(x) // 2
    a, b = x[:half], x[half : 2 * half]
    y_a, y_b = (None, None) if y is None else (y[:half], y[half : 2 * half])
    images = to_array(trained.model.interpolate(a, b, steps, path, y_a, y_b, vary).transpose(0, 1))
    of = {"both": "", "style": " of style, the label kept", "label": " of label, the style kept"}[vary]
    title = f"Interpolations{of} ({path}): {trained.title}"
    return Plot({"images": images}, plotting.interpolation(images, title, ends=(to_array(a), to_array(b))))


def traversals(
    trained: TrainedModel,
    seen: ObservedImages,
    latents: Sequence[int] | None = None,
    steps: int = 11,
    extent: float = 3.0,
    image: int | None = None,
    told: Condition | None = None,
) -> Plot:
    """Walks along single latents, the most informative first, from the prior's or an image's code.

    Args:
        told: the label of a conditional model; that of the image, or the mode_, without it.

    Raises:
        InvalidError: for a latent or an image that is not there.
    """
    codes = encode_batches(trained.model, _some(seen, CODES))
    kl = kl_per_latent(codes)
    chosen = list(np.argsort(-kl)[:12] if latents is None else latents)
    if wrong := [i for i in chosen if not 0 <= i < len(kl)]:
        raise InvalidError(f"latent {wrong[0]}: this model has latents 0 to {len(kl) - 1}")
    values = np.linspace(-extent, extent, steps)
    z, y = _start(trained, seen, image, told)
    rows = to_array(latent_traversal(trained.model, z, chosen, values.tolist(), y))
    measure = "KL {:.2f}" if codes.stddev.any() else "variance {:.2f}"
    names = [f"z{i}  {measure.format(kl[i])}" for i in chosen]
    title = f"Traversals: {trained.title}"
    figure = plotting.traversal(
        rows, title, names, values.tolist(), subtitle=f"given {told.description}" if told else ""
    )
    return Plot({"images": rows, "latents": np.array(chosen)}, figure)


def latent_scatter(
    trained: TrainedModel, seen: ObservedImages, label_names: Sequence[str] | None = None
) -> Plot:
    """The codes of a split, colored by label; by principal components beyond two latents.

    Args:
        label_names: of the classes of the split, where they are not those the model was trained on.
    """
    names = trained.label_names if label_names is None else label_names
    codes = encode_batches(trained.model, _some(seen, CODES))
    classes = None if seen.classes is None else seen.classes[:CODES].cpu().numpy()
    plane, axes, explained = plotting.project(codes.mean)
    title = f"Latent space: {trained.title}"
    figure = plotting.latent_scatter(
        plane, classes, title, label_names=names, axis_names=axes, explained=explained
    )
    return Plot({"codes": codes.mean, "plane": plane}, figure)


def decoded_grid(trained: TrainedModel, n: int = 20, told: Condition | None = None) -> Plot:
    """What a 2-D latent space decodes to, at n by n Gaussian quantiles.

    Args:
        told: the label of a conditional model; the mode_ without it.

    Raises:
        InvalidError: the latent space is not 2-D.
    """
    if trained.model.latent_dim != 2:
        raise InvalidError(
            f"{trained.source}: the decoded grid needs 2 latents, this model has "
            f"{trained.model.latent_dim}; train one with model.latent_dim=2, such as the recipe mnist-2d"
        )
    y = _likeliest(trained) if told is None else told.vector
    images, values = decode_grid(trained.model, n, y)
    title = f"Decoded latent space: {trained.title}"
    arrays = {"images": to_array(images), "quantiles": values}
    subtitle = f"given {told.description}" if told else "given the mode_ label" if y is not None else ""
    return Plot(arrays, plotting.decoded_grid(arrays["images"], values.tolist(), title, subtitle))


def imputations(trained: TrainedModel, imputed: ImputedDataset) -> Plot:
    """The first ten images with their fillings; as arrays all of them, in the units of the data."""
    first = slice(IMPUTED)
    title, known = f"Imputations: {trained.title}", bool(imputed.scored.any())
    figure = plotting.imputations(
        imputed.observed[first], imputed.images[first].clip(0, 1), imputed.mean[first].clip(0, 1), title,
        imputed.truth[first] if known else None, subtitle=f"missing: {imputed.missing}",
    )  # fmt: skip
    return Plot(imputed.arrays(), figure)


def report_plots(trained: TrainedModel) -> dict[str, Callable[[], Figure]]:
    """The figures of a run's report, by file name, each drawn when it is called for."""
    seen = cache(lambda: trained.observed(_held_out(trained)))
    drawings: dict[str, Callable[[], Plot]] = {
        "reconstructions": lambda: reconstructions(trained, seen()),
        "samples": lambda: samples(trained),
        "interpolations": lambda: interpolations(trained, seen()),
        "traversals": lambda: traversals(trained, seen()),
        "latent-space": lambda: latent_scatter(trained, seen()),
    }
    if len(seen()) < 2:
        del drawings["interpolations"]
    if trained.model.latent_dim == 2:
        drawings["decoded-grid"] = lambda: decoded_grid(trained)
    return {name: partial(_figure, draw) for name, draw in drawings.items()}


def _held_out(trained: TrainedModel) -> str:
    """The test split, or the next best where that has less than the two images that a way leads between."""
    _, splits = trained.data()
    return next((name for name in ("test", "validation") if len(getattr(splits, name)) > 1), "train")


def _figure(draw: Callable[[], Plot]) -> Figure:
    return draw().figure


def _start(
    trained: TrainedModel, seen: ObservedImages, image: int | None, told: Condition | None
) -> tuple[Tensor, Tensor | None]:
    """A code (d,) to walk from, and its label: the prior's mean, or the posterior's mean of an image."""
    wanted = None if told is None else told.vector
    if image is None:
        y = _likeliest(trained) if wanted is None else wanted
        with torch.no_grad(), seeded(0):
            return trained.model.conditional_prior(y).mean.reshape(-1), y
    if not 0 <= image < len(seen):
        raise InvalidError(f"image {image}: the split has images 0 to {len(seen) - 1}")
    x, y = _labeled(trained, seen, torch.tensor([image]))
    with torch.no_grad():
        z = trained.model.encode(x, y).mean[0]
    return z, y[0] if wanted is None and y is not None else wanted


def _likeliest(trained: TrainedModel) -> Tensor | None:
    """The label vector (m,) of the largest p(y); None for a model that is told none."""
    labels = trained.model.labels
    return None if labels is None else labels.values[labels.mode]


def random_images(
    trained: TrainedModel, seen: ObservedImages, n: int, seed: int
) -> tuple[Tensor, Tensor | None]:
    """n images of a split at random, and what a conditional model is told of them: a guess without labels."""
    order = torch.randperm(len(seen), generator=torch.Generator().manual_seed(seed))[:n]
    return _labeled(trained, seen, order)


def _labeled(trained: TrainedModel, seen: ObservedImages, order: Tensor) -> tuple[Tensor, Tensor | None]:
    x, y = seen.batch(order), None if seen.labels is None else seen.labels[order.to(seen.labels.device)]
    return x, labels_or_prediction(trained.model, x, y)


def _some(seen: ObservedImages, n: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Batches of at most the first n images."""
    for start in range(0, min(n, len(seen)), 500):
        indices = torch.arange(start, min(start + 500, n, len(seen)), device=seen.device)
        yield seen.batch(indices), None if seen.labels is None else seen.labels[indices]


def to_array(images: Tensor) -> np.ndarray:
    """Images for a figure, with values in [0, 1]."""
    return images.detach().float().cpu().clamp(0, 1).numpy()
