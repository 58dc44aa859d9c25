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
class RawData:
    """Values (N, ...) of any numeric type, labels (N, ...) of any type or None, and what came with them.

    Attributes are (N, m) or (N,) numbers, or None; files the names of the images' files, if they have any.
    """

    values: np.ndarray
    labels: np.ndarray | None = None
    published: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    attributes: np.ndarray | None = None
    files: tuple[str, ...] = ()


class SplitPart(NamedTuple):
    """One part of a published split: its values (n, ...), and its labels and attributes (n, ...) or None."""

    values: np.ndarray
    labels: np.ndarray | None = None
    attributes: np.ndarray | None = None


def stack_parts(parts: Mapping[str, SplitPart], where: str | Path) -> RawData:
    """The parts of a published split behind one another, as one array with their bounds.

    Args:
        parts: "train", and "validation", "test" where there are any.
        where: the file or folder, for the message.

    Raises:
        DataError: there is no train part, only some have labels or attributes, or shapes differ.
    """
    check_parts(parts, where)
    _check_alike(parts, where)
    return RawData(
        values=np.concatenate([part.values for part in parts.values()]),
        labels=_behind([part.labels for part in parts.values()]),
        attributes=_behind([part.attributes for part in parts.values()]),
        published=split_bounds({name: len(part.values) for name, part in parts.items()}),
    )


def _behind(arrays: Iterable[np.ndarray | None]) -> np.ndarray | None:
    """Arrays behind one another; None where there are none."""
    given = [array for array in arrays if array is not None]
    return np.concatenate(given) if given else None


def split_bounds(counts: Mapping[str, int]) -> dict[str, tuple[int, int]]:
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


def _check_alike(parts: Mapping[str, SplitPart], where: str | Path) -> None:
    for name, part in parts.items():
        expected, found = parts["train"].values.shape[1:], part.values.shape[1:]
        if found != expected:
            raise DataError(
                f"{where}: train has images of shape {expected}, but {name} of {found}; make them alike"
            )
        for what in ("labels", "attributes"):
            _check_beside(name, what, part, parts["train"], where)


def _check_beside(name: str, what: str, part: SplitPart, train: SplitPart, where: str | Path) -> None:
    """Labels, or attributes, go with all parts or none, and with every image."""
    given, in_train = getattr(part, what), getattr(train, what)
    if (given is None) != (in_train is None):
        raise DataError(f"{where}: only some of train and {name} have {what}; give all or none of them")
    if given is not None and len(given) != len(part.values):
        raise DataError(
            f"{where}: {name} has {len(part.values)} images, but {len(given)} {what}; "
            f"give exactly one {what.removesuffix('s')} an image"
        )


def natural_key(name: str) -> list[tuple[int, str]]:
    """The key that sorts "image 9" before "image 10"."""
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"(\d+)", name)]
