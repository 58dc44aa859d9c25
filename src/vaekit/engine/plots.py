"""Plots of a trained model: model and data give arrays, and the arrays give a figure.

Each function returns a `Plot` with both, so that either can be saved. Everything random has a seed. Those of
the latent space are in `vaekit.engine.latent_plots`, and are names of this module, too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch
from matplotlib.figure import Figure

from vaekit import plotting
from vaekit.data.observation import ObservedImages
from vaekit.engine.conditioning import Condition
from vaekit.engine.impute import ImputedDataset
from vaekit.engine.latent_plots import decoded_grid, interpolations, latent_scatter, traversals
from vaekit.engine.loaded_model import LoadedModel
from vaekit.engine.plot import Plot, held_out_split, random_images, random_order, to_array, with_labels
from vaekit.engine.sample_quality import held_out_indices, in_range, reference_batches
from vaekit.evaluation.sample_metrics import nearest_neighbors as neighbors

MAX_IMPUTED = 10  # rows of images
_DISTANCE = "the number above each pair is the Euclidean distance of the pixels"

__all__ = [
    "Plot", "decoded_grid", "held_out_split", "imputations", "interpolations", "latent_plots",
    "latent_scatter", "nearest_images", "random_images", "reconstructions", "report_plots", "samples",
    "to_array", "traversals",
]  # fmt: skip


def samples(
    trained: LoadedModel,
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
    trained: LoadedModel, n: int = 10, temperature: float = 1.0, seed: int = 0, sample_pixels: bool = False
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
    trained: LoadedModel,
    images: ObservedImages,
    n: int = 20,
    seed: int = 0,
    sample_latents: bool = False,
    in_order: bool = False,
) -> Plot:
    """Show n random images above their reconstructions, with their indices in the split.

    Args:
        seed: of the choice of images, and of sampled latents.
        sample_latents: decode a posterior sample instead of the posterior mean.
        in_order: show the first n instead.

    >>> import vaekit
    >>> trained = vaekit.demo()
    >>> images = trained.load_split("test", images=20)
    >>> reconstructions(trained, images, n=3).arrays["reconstructions"].shape
    (3, 1, 28, 28)
    """
    order = torch.arange(min(n, len(images))) if in_order else random_order(len(images), n, seed)
    x, y = with_labels(trained, images, order)
    again = trained.model.reconstruct(x, y, seed=seed, sample_latents=sample_latents)
    originals, decoded = to_array(x), to_array(again)
    title = f"Reconstructions: {trained.title}"
    figure = plotting.reconstructions(originals, decoded, title, indices=order.tolist())
    return Plot({"originals": originals, "reconstructions": decoded}, figure)


def imputations(trained: LoadedModel, imputed: ImputedDataset) -> Plot:
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


def report_plots(trained: LoadedModel) -> dict[str, Callable[[], Figure]]:
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


def latent_plots(trained: LoadedModel) -> dict[str, Callable[[], Figure]]:
    """The figures of a report that show latents only, for data that are not drawn one by one.

    >>> import vaekit
    >>> sorted(latent_plots(vaekit.demo()))
    ['latent-space']
    """
    images = cache(lambda: trained.load_split(held_out_split(trained)))
    return {"latent-space": lambda: latent_scatter(trained, images()).figure}


def _figure(draw: Callable[[], Plot]) -> Figure:
    return draw().figure
