"""What a reader returns, before anything is inferred from the values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vaekit.errors import DataError

# Names of the parts of a split, in files and folders.
PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


@dataclass(frozen=True, eq=False)
class RawData:
    """Values (N, ...) of any numeric type, labels (N, ...) of any type or None, and what came with them.

    Attributes are (N, m) or (N,) numbers, or None; `files` are the names of the image files, if there are
    any, or of the rows of a table. The reader may know the `kind` of data points, whether channels are the
    last axis, the `names` of the columns of a table, and that its values are counts.

    >>> RawData(np.zeros((3, 8, 8))).labels is None
    True
    """

    values: np.ndarray
    labels: np.ndarray | None = None
    published: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    attributes: np.ndarray | None = None
    files: tuple[str, ...] = ()
    kind: str = "auto"
    channels_last: bool | None = None
    names: tuple[str, ...] = ()
    counts: bool = False


class SplitPart(NamedTuple):
    """One part of a published split: its values (n, ...), and its labels and attributes (n, ...) or None.

    >>> SplitPart(np.zeros((3, 8, 8))).values.shape
    (3, 8, 8)
    """

    values: np.ndarray
    labels: np.ndarray | None = None
    attributes: np.ndarray | None = None


def stack_parts(parts: Mapping[str, SplitPart], where: str | Path) -> RawData:
    """Concatenate the parts of a published split into one array, and keep their bounds.

    Args:
        parts: "train", and optionally "validation" and "test".
        where: the file or folder, for the message.

    Raises:
        DataError: there is no train part, only some parts have labels or attributes, or shapes differ.

    >>> parts = {"train": SplitPart(np.zeros((3, 2))), "test": SplitPart(np.zeros((1, 2)))}
    >>> stack_parts(parts, "x.npz").published
    {'train': (0, 3), 'test': (3, 4)}
    """
    check_parts(parts, where)
    _check_alike(parts, where)
    return RawData(
        values=np.concatenate([part.values for part in parts.values()]),
        labels=_concatenate([part.labels for part in parts.values()]),
        attributes=_concatenate([part.attributes for part in parts.values()]),
        published=split_bounds({name: len(part.values) for name, part in parts.items()}),
    )


def _concatenate(arrays: Iterable[np.ndarray | None]) -> np.ndarray | None:
    """The concatenated arrays; None if there are none."""
    given = [array for array in arrays if array is not None]
    return np.concatenate(given) if given else None


def split_bounds(counts: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Part -> (first, last + 1) image, for concatenated parts.

    >>> split_bounds({"train": 3, "test": 1})
    {'train': (0, 3), 'test': (3, 4)}
    """
    bounds = pairwise(accumulate(counts.values(), initial=0))
    return dict(zip(counts, bounds, strict=True))


def check_parts(parts: Iterable[str], where: str | Path) -> None:
    """Check that a published split has a train part.

    Raises:
        DataError: it has none.

    >>> check_parts(["train", "test"], "folder")
    """
    if "train" not in parts:
        raise DataError(f"{where}: expected a part train, got only {', '.join(parts)}; add it, or rename one")


def _check_alike(parts: Mapping[str, SplitPart], where: str | Path) -> None:
    for name, part in parts.items():
        expected, found = parts["train"].values.shape[1:], part.values.shape[1:]
        if found != expected:
            raise DataError(
                f"{where}: train has images of shape {expected}, but {name} of {found}; "
                "give them the same shape"
            )
        for what in ("labels", "attributes"):
            _check_part(name, what, part, parts["train"], where)


def _check_part(name: str, what: str, part: SplitPart, train: SplitPart, where: str | Path) -> None:
    """Check that all parts have labels (or attributes) or none, and one per image."""
    given, in_train = getattr(part, what), getattr(train, what)
    if (given is None) != (in_train is None):
        raise DataError(f"{where}: only some of train and {name} have {what}; give all or none of them")
    if given is not None and len(given) != len(part.values):
        raise DataError(
            f"{where}: {name} has {len(part.values)} images, but {len(given)} {what}; "
            f"give exactly one {what.removesuffix('s')} per image"
        )


def natural_key(name: str) -> list[tuple[int, str]]:
    """The sort key that puts "image 9" before "image 10".

    >>> sorted(["image 10", "image 9"], key=natural_key)
    ['image 9', 'image 10']
    """
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in re.split(r"(\d+)", name)]
