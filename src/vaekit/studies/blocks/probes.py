"""What can be read out of codes: how well simple methods tell the class of an image from its code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vaekit.data.observation import ObservedImages
from vaekit.errors import InvalidError
from vaekit.evaluation.latent import encode_batches
from vaekit.evaluation.probes import probe_accuracy as of_codes
from vaekit.studies.blocks.latent import AT_ONCE
from vaekit.studies.parts import Cell, Column, Part, comparison
from vaekit.studies.results import Outcome, Results
from vaekit.studies.schema import Names

_COLUMNS = (
    Column("linear", "linear classifier", "right", "higher", 3),
    Column("neighbours", "5 neighbours", "right", "higher", 3),
    Column("silhouette", "silhouette", "", "higher", 3),
)


def separability(
    study: Results,
    runs: Names = ["*"],  # noqa: B006
    n: int = 2000,
    split: str = "test",
    pixels: bool = True,
    best: bool = True,
    note: str = "",
) -> list[Part]:
    """How well the class of an image is told from the mean of its code, by `evaluation.separability`.

    Args:
        n: so many images of the split.
        pixels: whether a row says the same of the pixels themselves.
        best: whether the highest numbers are marked: whether codes ought to tell the class.
        note: a line under the table.
    """
    outcomes = study.select(runs, finished=True)
    rows = [(outcome.label, _cells(*codes_and_classes(outcome, n, split))) for outcome in outcomes]
    images, classes = _pixels(outcomes[0], n, split)
    if pixels:
        rows.append(("pixels, no code", _cells(images, classes)))
    columns = [column if best else replace(column, better=None) for column in _COLUMNS]
    return [comparison(columns, rows, [*filter(None, [note]), _protocol(outcomes[0], classes, split)])]


def codes_and_classes(outcome: Outcome, n: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The means of the codes (N, d) of n images of a split, and the classes of the images (N,).

    Raises:
        InvalidError: the data have no labels.
    """
    seen = outcome.first.trained.observed(split, images=n)
    codes = encode_batches(outcome.first.trained.model, seen.batches(AT_ONCE)).mean
    return codes, _classes(seen)


def _pixels(outcome: Outcome, n: int, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The same images as the model sees them, (N, C H W), and their classes."""
    seen = outcome.first.trained.observed(split, images=n)
    return seen.all().flatten(1).cpu().numpy(), _classes(seen)


def _classes(seen: ObservedImages) -> np.ndarray:
    if seen.classes is None:
        raise InvalidError("runs: expected labelled images, but the data have no labels")
    return seen.classes.cpu().numpy()


def _cells(codes: np.ndarray, classes: np.ndarray) -> list[Cell]:
    found = of_codes(codes, classes)
    return [Cell(found.linear), Cell(found.neighbours), Cell(found.silhouette)]


def _protocol(outcome: Outcome, classes: np.ndarray, split: str) -> str:
    chance = np.bincount(classes).max() / len(classes)
    return (
        f"Codes are the means of q(z|x) of {len(classes):,} {split} images. Shares are of images that the "
        f"method was not fitted on; who always says the commonest class has {chance:.3f}. Silhouette: 1 for "
        "clusters far apart, 0 for none."
    )
