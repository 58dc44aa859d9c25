"""What is hidden of every image, as if it had not been observed.

A kind of missing is a function of a random generator and of a height and width, which gives what is left:
True where a pixel is observed. All channels of a pixel are hidden together. What is hidden of image i is a
function of the seed and of i alone, so that image i lacks the same in every epoch, subset and process: of
`pixels` it would otherwise take few epochs until each had been seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from vaekit.errors import DataError

Size = tuple[int, int]
MaskSampler = Callable[[np.random.Generator, Size], np.ndarray]
Side = Literal["left", "right", "top", "bottom", "random"]

_STREAM = 1  # apart from that of the static binarization


def pixels(share: float = 0.5) -> MaskSampler:
    """Each pixel is hidden with this probability, independently of the others."""
    return lambda generator, size: generator.random(size) >= share


def square(size: int = 12) -> MaskSampler:
    """A square of so many pixels a side is hidden, at a random place inside the image.

    Of an image less high or wide than that it is a rectangle; of a vector, so many values in a row.
    """

    def left(generator: np.random.Generator, image: Size) -> np.ndarray:
        if size >= max(image):
            raise DataError(f"missing: a square of {size} hides all of an image of {_by(image)}; take less")
        height, width = (min(size, length) for length in image)
        top, first = (
            int(generator.integers(0, all - part + 1))
            for all, part in zip(image, (height, width), strict=True)
        )
        observed = np.ones(image, bool)
        observed[top : top + height, first : first + width] = False
        return observed

    return left


def half(side: Side = "random") -> MaskSampler:
    """One half of the image is hidden: always the same, or a random one."""

    def left(generator: np.random.Generator, image: Size) -> np.ndarray:
        sides = ["left", "right"] * (image[1] > 1) + ["top", "bottom"] * (image[0] > 1)
        chosen = sides[generator.integers(len(sides))] if side == "random" and sides else side
        if chosen not in sides:
            raise DataError(f"missing: an image of {_by(image)} has no {side} half; take another side")
        return _without(chosen, image)

    return left


MASKS: dict[str, Callable[..., MaskSampler]] = {f.__name__: f for f in (pixels, square, half)}


def observed_pixels(
    missing: MaskSampler, shape: tuple[int, int, int], indices: np.ndarray, seed: int
) -> np.ndarray:
    """What is left of images (C, H, W) by their indices (n,) in the dataset: (n, 1, H, W), True or False.

    Raises:
        DataError: what is to be hidden does not fit the images.
    """
    masks = np.empty((len(indices), 1, *shape[1:]), bool)
    for mask, index in zip(masks, indices.tolist(), strict=True):
        mask[0] = missing(np.random.default_rng([seed, index, _STREAM]), shape[1:])
    return masks


def _without(side: str, image: Size) -> np.ndarray:
    rows, columns = (slice(length // 2) for length in image)
    observed = np.ones(image, bool)
    cut = {
        "left": (slice(None), columns),
        "right": (slice(None), slice(-(image[1] // 2), None)),
        "top": (rows, slice(None)),
        "bottom": (slice(-(image[0] // 2), None), slice(None)),
    }
    observed[cut[side]] = False
    return observed


def _by(image: Size) -> str:
    return f"{image[0]} x {image[1]}"
