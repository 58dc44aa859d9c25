"""What a reader of the user's own files hands over, before anything is inferred from the values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.errors import DataError

# The names that people give to the parts of a split, in files and folders.
PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


@dataclass(frozen=True, eq=False)
class Raw:
    """Values (N, ...) of any numeric type, labels (N, ...) of any type or None, and what came with them."""

    values: np.ndarray
    labels: np.ndarray | None = None
    published: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Part(NamedTuple):
    """One part of a published split: its values (n, ...) and its labels (n, ...) or None."""

    values: np.ndarray
    labels: np.ndarray | None = None


def stack(parts: Mapping[str, Part], where: str | Path) -> Raw:
    """The parts of a published split behind one another, as one array with their bounds.

    Args:
        parts: "train", and "validation", "test" where there are any.
        where: the file or folder, for the message.

    Raises:
        DataError: there is no train part, only some have labels, or shapes differ.
    """
    check_parts(parts, where)
    _check_alike(parts, where)
    labels = [part.labels for part in parts.values() if part.labels is not None]
    return Raw(
        values=np.concatenate([part.values for part in parts.values()]),
        labels=np.concatenate(labels) if labels else None,
        published=ranges({name: len(part.values) for name, part in parts.items()}),
    )


def ranges(counts: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Part -> (first, past the last) image, of parts that lie behind one another."""
    bounds = pairwise(accumulate(counts.values(), initial=0))
    return dict(zip(counts, bounds, strict=True))


def check_parts(parts: Iterable[str], where: str | Path) -> None:
    """A published split needs a train part.

    Raises:
        DataError: there is none.
    """
    if "train" not in parts:
        raise DataError(
            f"{where}: has a part {', '.join(parts)}, but none to train on; add train or rename it"
        )


def _check_alike(parts: Mapping[str, Part], where: str | Path) -> None:
    for name, part in parts.items():
        expected, found = parts["train"].values.shape[1:], part.values.shape[1:]
        if found != expected:
            raise DataError(
                f"{where}: train has images of shape {expected}, but {name} of {found}; make them alike"
            )
        if (part.labels is None) != (parts["train"].labels is None):
            raise DataError(f"{where}: only some of train and {name} have labels; give all or none of them")
        if part.labels is not None and len(part.labels) != len(part.values):
            raise DataError(
                f"{where}: {name} has {len(part.values)} images, but {len(part.labels)} labels; "
                "give exactly one label an image"
            )


def natural(name: str) -> list[tuple[int, str]]:
    """The key that sorts "image 9" before "image 10"."""
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"(\d+)", name)]
