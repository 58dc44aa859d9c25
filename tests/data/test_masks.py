"""What is hidden: how much, where, and always the same."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from vaekit.data.masks import Side, half, observed_pixels, pixels, square
from vaekit.errors import DataError
from vaekit.registry import BUILT_IN, find

SHAPE = (3, 8, 11)


@pytest.mark.parametrize("kind", BUILT_IN["mask"])
def test_the_mask_of_an_image_does_not_depend_on_others(kind: str) -> None:
    missing = find("mask", kind).factory(**({"size": 5} if kind == "square" else {}))
    whole = observed_pixels(missing, SHAPE, np.arange(40), 7)
    assert whole.shape == (40, 1, 8, 11)
    some = np.array([31, 2, 2, 39])
    assert np.array_equal(observed_pixels(missing, SHAPE, some, 7), whole[some])
    assert not np.array_equal(observed_pixels(missing, SHAPE, np.arange(40), 8), whole)
    assert len({mask.tobytes() for mask in whole}) > 3


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_each_pixel_is_hidden_with_its_probability(share: float) -> None:
    hidden = ~observed_pixels(pixels(share), (1, 20, 20), np.arange(500), 0)
    deviation = (share * (1 - share)) ** 0.5
    assert abs(hidden.mean() - share) < 4 * deviation / hidden.size**0.5
    assert (abs(hidden.mean(0) - share) < 5 * deviation / 500**0.5).all()


@pytest.mark.parametrize(
    ("size", "shape", "expected"), [(5, SHAPE, (5, 5)), (10, SHAPE, (8, 10)), (4, (1, 1, 9), (1, 4))]
)
def test_a_square_has_its_size_and_can_be_anywhere(
    size: int, shape: tuple[int, int, int], expected: tuple[int, int]
) -> None:
    hidden = ~observed_pixels(square(size), shape, np.arange(800), 0)[:, 0]
    rows, columns = hidden.any(2).sum(1), hidden.any(1).sum(1)
    assert (set(rows.tolist()), set(columns.tolist())) == ({expected[0]}, {expected[1]})
    assert (hidden.sum((1, 2)) == expected[0] * expected[1]).all()
    assert hidden.any(0).all()


def test_halves() -> None:
    ramp = np.arange(88).reshape(8, 11)
    left = {
        side: ramp[observed_pixels(half(side), SHAPE, np.arange(1), 0)[0, 0]]
        for side in ("left", "right", "top", "bottom")
    }
    assert set(left["left"] % 11) == {5, 6, 7, 8, 9, 10}
    assert set(left["right"] % 11) == {0, 1, 2, 3, 4, 5}
    assert left["top"].tolist() == list(range(44, 88))
    assert left["bottom"].tolist() == list(range(44))
    at_random = observed_pixels(half(), SHAPE, np.arange(100), 0)
    assert len({mask.tobytes() for mask in at_random}) == 4
    assert len({mask.tobytes() for mask in observed_pixels(half(), (1, 1, 6), np.arange(100), 0)}) == 2


@pytest.mark.parametrize("kind", BUILT_IN["mask"])
@pytest.mark.parametrize("shape", [(12,), (2, 12), (2, 5, 6, 7)], ids=["vector", "signal", "volume"])
def test_masks_of_any_shape_hide_all_channels_and_are_those_of_images_of_one_row(kind: str, shape: tuple):
    missing = find("mask", kind).factory(**({"size": 4} if kind == "square" else {}))
    masks = observed_pixels(missing, shape, np.arange(60), 7)
    assert masks.shape == (60, *(shape if len(shape) == 1 else (1, *shape[1:])))
    assert (~masks).reshape(60, -1).any(1).all()
    assert masks.reshape(60, -1).any(1).all()
    assert (~masks).any(0).all(), "every place is hidden in some data point"
    if len(shape) < 3:
        row = observed_pixels(missing, (1, 1, 12), np.arange(60), 7)
        assert np.array_equal(masks.reshape(60, 12), row.reshape(60, 12))


def test_a_square_of_a_volume_is_a_cube() -> None:
    hidden = ~observed_pixels(square(4), (1, 5, 3, 7), np.arange(300), 0)[:, 0]
    extents = [hidden.any(others).sum(1) for others in ((2, 3), (1, 3), (1, 2))]
    assert [set(extent.tolist()) for extent in extents] == [{4}, {3}, {4}]
    assert (hidden.sum((1, 2, 3)) == 4 * 3 * 4).all()


def test_halves_of_volumes() -> None:
    ramp = np.arange(5 * 4 * 2).reshape(5, 4, 2)
    left = {
        side: ramp[observed_pixels(half(side), (1, 5, 4, 2), np.arange(1), 0)[0, 0]]
        for side in get_args(Side)
    }
    assert left["front"].tolist() == list(range(16, 40))  # two of five slices are hidden
    assert left["back"].tolist() == list(range(24))
    assert set(left["top"] // 2 % 4) == {2, 3}
    assert set(left["right"] % 2) == {0}
    at_random = observed_pixels(half(), (1, 5, 4, 2), np.arange(100), 0)
    assert len({mask.tobytes() for mask in at_random}) == 6


@pytest.mark.parametrize(
    ("missing", "shape", "says"),
    [
        (square(11), SHAPE, "a square of 11 hides an image of 8 x 11 completely; choose a smaller size"),
        (half("top"), (1, 1, 9), "an image of 1 x 9 has no top half; choose another side"),
        (half("front"), SHAPE, "an image of 8 x 11 has no front half"),
        (square(7), (1, 5, 6, 7), "a square of 7 hides an image of 5 x 6 x 7 completely"),
        (half(), (1, 1, 1), "an image of 1 x 1 has no random half"),
    ],
)
def test_a_mask_that_does_not_fit_is_an_error(missing, shape: tuple[int, int, int], says: str) -> None:
    with pytest.raises(DataError, match=says):
        observed_pixels(missing, shape, np.arange(1), 0)
