"""Masks that hide a part of every data point, as if it had not been observed.

A mask sampler is a function of a random generator and a size, (H, W) of images or (D, H, W) of volumes, that
returns a boolean array of that size: True where a value is observed. A signal of length L or a vector of L
values has the size (1, L). All channels of a place are hidden together.

The mask of image i depends on the seed and on i only, so it is the same in every epoch, subset and process.
Otherwise every pixel would be visible in some epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vaekit.errors import DataError
from vaekit.registry import register
from vaekit.utils.schema import Width

Size = tuple[int, ...]
MaskSampler = Callable[[np.random.Generator, Size], np.ndarray]
Side = Literal["left", "right", "top", "bottom", "front", "back", "random"]

_HALVES = {-1: ("left", "right"), -2: ("top", "bottom"), -3: ("front", "back")}  # by the axis of a size
_STREAM = 1  # a random stream other than that of the static binarization


@register("mask")
def pixels(share: Annotated[float, Field(gt=0, lt=1)] = 0.5) -> MaskSampler:
    """Hide each pixel independently: each place of a signal or volume, each value of a vector.

    Args:
        share: probability that a pixel is hidden.

    >>> pixels(share=0.25)(np.random.default_rng(0), (2, 3)).shape
    (2, 3)
    """
    return lambda generator, size: generator.random(size) >= share


@register("mask")
def square(size: Width = 12) -> MaskSampler:
    """Hide a square at a random place: a cube of a volume, `size` consecutive values of a signal or a vector.

    The square is cropped to a rectangle if the image is smaller in one direction.

    Args:
        size: side in pixels.

    >>> square(size=2)(np.random.default_rng(0), (4, 4)).sum()
    np.int64(12)
    """

    def sample(generator: np.random.Generator, image: Size) -> np.ndarray:
        if size >= max(image):
            raise DataError(
                f"missing: a square of {size} hides an image of {_format_size(image)} completely; "
                "choose a smaller size"
            )
        observed = np.ones(image, bool)
        sides = [min(size, length) for length in image]
        firsts = [
            int(generator.integers(0, length - side + 1)) for length, side in zip(image, sides, strict=True)
        ]
        observed[tuple(slice(first, first + side) for first, side in zip(firsts, sides, strict=True))] = False
        return observed

    return sample


@register("mask")
def half(side: Side = "random") -> MaskSampler:
    """Hide one half of each image.

    Args:
        side: the hidden half. Signals and vectors have the left and right half; volumes have all of them, the
            front being the half of the first slices.

    >>> half("left")(np.random.default_rng(0), (1, 4))
    array([[False, False,  True,  True]])
    """

    def sample(generator: np.random.Generator, image: Size) -> np.ndarray:
        sides = [side for axis, pair in _HALVES.items() if _length(image, axis) > 1 for side in pair]
        chosen = sides[generator.integers(len(sides))] if side == "random" and sides else side
        if chosen not in sides:
            raise DataError(
                f"missing: an image of {_format_size(image)} has no {side} half; choose another side"
            )
        return _mask_half(chosen, image)

    return sample


def observed_pixels(
    missing: MaskSampler, shape: tuple[int, ...], indices: np.ndarray, seed: int
) -> np.ndarray:
    """The masks of some data points.

    Args:
        missing: the mask sampler.
        shape: of a data point: (D,), (C, L), (C, H, W) or (C, D, H, W). A vector or signal counts as one row.
        indices: (n,) indices of the data points in the dataset.
        seed: the random seed.

    Returns:
        (n, 1, L), (n, 1, H, W) or (n, 1, D, H, W) bool, True where a value is observed; (n, D) for vectors.

    Raises:
        DataError: the mask does not fit the images.

    >>> observed_pixels(half("top"), (3, 2, 2), np.array([5]), seed=0)
    array([[[[False, False],
             [ True,  True]]]])
    """
    places = shape[1:] or shape
    size = places if len(places) > 1 else (1, *places)
    masks = np.empty((len(indices), *size), bool)
    for mask, index in zip(masks, indices.tolist(), strict=True):
        mask[:] = missing(np.random.default_rng([seed, index, _STREAM]), size)
    return masks.reshape(len(indices), *(1,) * (len(shape) > 1), *places)


def _mask_half(side: str, image: Size) -> np.ndarray:
    axis, (first, _) = next((axis, pair) for axis, pair in _HALVES.items() if side in pair)
    observed, half = np.ones(image, bool), image[axis] // 2
    hidden = slice(half) if side == first else slice(-half, None)
    np.moveaxis(observed, axis, 0)[hidden] = False
    return observed


def _length(image: Size, axis: int) -> int:
    return image[axis] if len(image) >= -axis else 1


def _format_size(image: Size) -> str:
    return " x ".join(map(str, image))
