"""Latent spaces of several runs side by side.

Codes latent by latent: what each tells, and whether all of them together follow the prior.

What can be read out of codes: how well simple methods tell the class of an image from its code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from vaekit import plotting
from vaekit.data.observation import ObservedImages
from vaekit.errors import InvalidError
from vaekit.evaluation.latent import Latents, encode_batches, kl_per_latent
from vaekit.evaluation.normality import normality
from vaekit.evaluation.probes import probe_accuracy
from vaekit.studies.blocks.images import figure_title, group_by_dataset
from vaekit.studies.elements import Cell, Column, Element, FigureElement, Table, comparison_table
from vaekit.studies.results import StudyResults, VariantResult
from vaekit.studies.schema import Patterns

BATCH_SIZE = 500


def latent_scatter(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 2000,
    split: str = "test",
    dimensions: Literal[2, 3] = 2,
    kernel_pca: bool = False,
    title: str = "Latent space",
    caption: str = "",
) -> list[Element]:
    """The codes of n images of a split, a panel a run, colored by label.

    Args:
        dimensions: of the panels; codes of more are shown by their principal components.
        kernel_pca: show them by principal components of a Gaussian kernel instead.
    """
    draw = plotting.scatter_panels if dimensions == 2 else plotting.scatter_panels_3d
    parts: list[Element] = []
    for data, variants in group_by_dataset(study.select(runs, finished=True)):
        codes = {variant.label: encode_split(variant, n, split) for variant in variants}
        panels = {
            label: (_points(each.mean, dimensions, kernel_pca), each.labels) for label, each in codes.items()
        }
        names = variants[0].first.trained.label_names
        parts.append(
            FigureElement(
                draw(panels, figure_title(title, data), names),
                caption or _caption(codes, dimensions, kernel_pca),
            )
        )
    return parts


def encode_split(variant: VariantResult, n: int, split: str) -> Latents:
    """The codes of a random n images of a split, by the first run of a run."""
    trained = variant.first.trained
    return encode_batches(trained.model, trained.load_split(split, images=n).batches(BATCH_SIZE))


def _points(codes: np.ndarray, dimensions: int, kernel_pca: bool) -> np.ndarray:
    """Codes (N, d) as points (N, dimensions)."""
    if kernel_pca:
        return plotting.kernel_components(codes, dimensions)
    return (
        plotting.project(codes)[0] if dimensions == 2 else plotting.principal_components(codes, dimensions)[0]
    )


def _caption(codes: Mapping[str, Latents], dimensions: int, kernel_pca: bool) -> str:
    count, most = (max(each.mean.shape[axis] for each in codes.values()) for axis in (0, 1))
    projected = f", of more than {dimensions} latents their principal components" if most > dimensions else ""
    shown = ", by principal components of a Gaussian kernel" if kernel_pca else projected
    return f"The means of q(z|x) of {count:,} held-out images{shown}."


USED_KL = 0.01  # nats of KL, above which a latent tells something
_NORMALITY_COLUMNS = (
    Column("latents", "latents", digits=0),
    Column("mean", "farthest mean", digits=2),
    Column("least", "least sd", digits=2),
    Column("most", "greatest sd", digits=2),
    Column("within", "within ±2", digits=3),
    Column("distance", "distance from N(0, 1)", digits=3),
)


def latent_histograms(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 5000,
    max_latents: int = 16,
    split: str = "test",
    seed: int = 0,
    title: str = "Latents against N(0, 1)",
    caption: str = "",
) -> list[Element]:
    """A histogram of each latent over the density of N(0, 1), those that tell the most, a figure a run.

    The codes are draws from q(z|x), one an image; those of an autoencoder are what they are.

    Args:
        max_latents: number of latents shown.
    """
    parts: list[Element] = []
    for variant in study.select(runs, finished=True):
        codes = encode_split(variant, n, split)
        chosen = sorted(np.argsort(-kl_per_latent(codes), kind="stable")[:max_latents])
        drawn = {variant.label: sample_posterior(codes, seed)}
        parts.append(FigureElement(plotting.latent_histograms(drawn, title, chosen), caption))
    return parts


def kl_by_latent(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 5000,
    split: str = "test",
    title: str = "KL of each latent",
    caption: str = "",
) -> list[Element]:
    """The KL of each latent, a figure a run; of those whose codes are points there is none."""
    parts: list[Element] = []
    for variant in study.select(runs, finished=True):
        codes = encode_split(variant, n, split)
        if codes.stddev.any():
            figure = plotting.kl_by_latent(kl_per_latent(codes), f"{title}: {variant.label}", dead=USED_KL)
            parts.append(FigureElement(figure, caption))
    return parts


def latent_normality(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 5000,
    split: str = "test",
    seed: int = 0,
    note: str = "",
) -> list[Element]:
    """How near codes are to N(0, 1): apart for latents that tell something, and for those that do not."""
    rows = [row for variant in study.select(runs, finished=True) for row in _rows(variant, n, split, seed)]
    notes = [
        *filter(None, [note]),
        f"Draws from q(z|x), one for each of {n:,} {split} images at most. N(0, 1) itself has sd 1, 0.954 "
        f"within ±2, and with so many draws a distance of about {0.87 / np.sqrt(n):.3f} (Kolmogorov's).",
        f"A latent is used where its KL is above {USED_KL:g} nats.",
    ]
    return [Table(_NORMALITY_COLUMNS, rows, notes)]


def sample_posterior(codes: Latents, seed: int = 0) -> np.ndarray:
    """A draw from each posterior, latent by latent; codes that are points stay what they are."""
    noise = np.random.default_rng(seed).standard_normal(codes.mean.shape)
    return codes.mean + codes.stddev * noise


def _rows(variant: VariantResult, n: int, split: str, seed: int) -> list[tuple[str, list[Cell]]]:
    codes = encode_split(variant, n, split)
    drawn, used = sample_posterior(codes, seed), kl_per_latent(codes) > USED_KL
    if not codes.stddev.any():
        return [(variant.label, _normality_cells(drawn))]
    groups = {"used": drawn[:, used], "unused": drawn[:, ~used]}
    return [
        (f"{variant.label}, {name}", _normality_cells(some)) for name, some in groups.items() if some.size
    ]


def _normality_cells(codes: np.ndarray) -> list[Cell]:
    return [Cell(codes.shape[1]), *map(Cell, normality(codes))]


_PROBE_COLUMNS = (
    Column("linear", "linear classifier", "right", "higher", 3),
    Column("neighbors", "5 neighbors", "right", "higher", 3),
    Column("silhouette", "silhouette", "", "higher", 3),
)


def latent_probes(
    study: StudyResults,
    runs: Patterns = ["*"],  # noqa: B006
    n: int = 2000,
    split: str = "test",
    pixels: bool = True,
    mark_best: bool = True,
    note: str = "",
) -> list[Element]:
    """How well simple classifiers predict the class of an image from its latents.

    Args:
        n: so many images of the split.
        pixels: whether a row says the same of the pixels themselves.
        mark_best: whether the highest numbers are marked: whether codes ought to tell the class.
        note: a line under the table.
    """
    variants = study.select(runs, finished=True)
    rows = [(variant.label, _probe_cells(*latents_and_classes(variant, n, split))) for variant in variants]
    images, classes = _pixels(variants[0], n, split)
    if pixels:
        rows.append(("pixels, no latents", _probe_cells(images, classes)))
    columns = [column if mark_best else replace(column, better=None) for column in _PROBE_COLUMNS]
    return [comparison_table(columns, rows, [*filter(None, [note]), _protocol(variants[0], classes, split)])]


def latents_and_classes(variant: VariantResult, n: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The means of the codes (N, d) of n images of a split, and the classes of the images (N,).

    Raises:
        InvalidError: the data have no labels.
    """
    seen = variant.first.trained.load_split(split, images=n)
    codes = encode_batches(variant.first.trained.model, seen.batches(BATCH_SIZE)).mean
    return codes, _classes(seen)


def _pixels(variant: VariantResult, n: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The same images as the model sees them, (N, C H W), and their classes."""
    seen = variant.first.trained.load_split(split, images=n)
    return seen.all().flatten(1).cpu().numpy(), _classes(seen)


def _classes(seen: ObservedImages) -> np.ndarray:
    if seen.classes is None:
        raise InvalidError("runs: expected labeled images, but the data have no labels")
    return seen.classes.cpu().numpy()


def _probe_cells(codes: np.ndarray, classes: np.ndarray) -> list[Cell]:
    found = probe_accuracy(codes, classes)
    return [Cell(found.linear), Cell(found.neighbors), Cell(found.silhouette)]


def _protocol(variant: VariantResult, classes: np.ndarray, split: str) -> str:
    chance = np.bincount(classes).max() / len(classes)
    return (
        f"Latents are the means of q(z|x) of {len(classes):,} {split} images. Shares are of images that the "
        f"method was not fitted on; who always says the commonest class has {chance:.3f}. Silhouette: 1 for "
        "clusters far apart, 0 for none."
    )
