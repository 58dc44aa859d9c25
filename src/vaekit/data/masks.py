"""Masks that hide a part of every image, as if it had not been observed.

A mask sampler is a function of a random generator and an image size (H, W) that returns a boolean array: True
where a pixel is observed. All channels of a pixel are hidden together.

The mask of image i depends on the seed and on i only, so it is the same in every epoch, subset and process.
Otherwise every pixel would be visible in some epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from vaekit.errors import DataError
from vaekit.registry import register
from vaekit.utils.schema import Width

Size = tuple[int, int]
MaskSampler = Callable[[np.random.Generator, Size], np.ndarray]
Side = Literal["left", "right", "top", "bottom", "random"]

_STREAM = 1  # a random stream other than that of the static binarization


@register("mask")
def pixels(share: Annotated[float, Field(gt=0, lt=1)] = 0.5) -> MaskSampler:
    """Hide each pixel independently.

    Args:
        share: probability that a pixel is hidden.

    >>> pixels(share=0.25)(np.random.default_rng(0), (2, 3)).shape
    (2, 3)
    """
    return lambda generator, size: generator.random(size) >= share


@register("mask")
def square(size: Width = 12) -> MaskSampler:
    """Hide a square at a random place.

    The square is cropped to a rectangle if the image is smaller in one direction. In a vector it hides `size`
    consecutive values.

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
        height, width = (min(size, length) for length in image)
        top, first = (
            int(generator.integers(0, all - part + 1))
            for all, part in zip(image, (height, width), strict=True)
        )
        observed = np.ones(image, bool)
        observed[top : top + height, first : first + width] = False
        return observed

    return sample


@register("mask")
def half(side: Side = "random") -> MaskSampler:
    """Hide one half of each image.

    Args:
        side: the hidden half.

    >>> half("left")(np.random.default_rng(0), (1, 4))
    array([[False, False,  True,  True]])
    """

    def sample(generator: np.random.Generator, image: Size) -> np.ndarray:
        sides = ["left", "right"] * (image[1] > 1) + ["top", "bottom"] * (image[0] > 1)
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
    """The masks of some images.

    Args:
        missing: the mask sampler.
        shape: of a data point: (D,), (C, L), (C, H, W) or (C, D, H, W). A vector or signal counts as one row.
        indices: (n,) indices of the images in the dataset.
        seed: the random seed.

    Returns:
        (n, 1, H, W) bool, True where a pixel is observed; (n, D) for vectors.

    Raises:
        DataError: the mask does not fit the images.

    >>> observed_pixels(half("top"), (3, 2, 2), np.array([5]), seed=0)
    array([[[[False, False],
             [ True,  True]]]])
    """
    places = shape[1:] or shape
    size: Any = places if len(places) > 1 else (1, *places)
    masks = np.empty((len(indices), *size), bool)
    for mask, index in zip(masks, indices.tolist(), strict=True):
        mask[:] = missing(np.random.default_rng([seed, index, _STREAM]), size)
    return masks.reshape(len(indices), *(1,) * (len(shape) > 1), *places)


def _mask_half(side: str, image: Size) -> np.ndarray:
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


def _format_size(image: Size) -> str:
    return f"{image[0]} x {image[1]}"
