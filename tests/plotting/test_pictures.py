"""Data points of any shape become small images in [0, 1] in which their values can be read."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from vaekit.errors import InvalidError
from vaekit.plotting.pictures import BACKGROUND, COLORS, MAX_SIDE, pictures, value_limits

SHAPES = [
    (1,), (6,), (90,), (91,), (5000,), (1, 1), (2, 128), (8, 7), (9, 40), (300, 4000), (1, 20_000),
    (1, 1, 9), (1, 28, 20), (3, 9, 9), (2, 8, 8), (4, 8, 8), (8, 8, 8), (9, 8, 8), (1, 700, 900),
    (5, 600, 30), (1, 16, 16, 16), (1, 1, 1, 1), (3, 5, 6, 7), (2, 3, 8, 9), (12, 40, 300, 200),
]  # fmt: skip


def near(picture: np.ndarray, color: str, tolerance: float = 0.1) -> np.ndarray:
    """Where a picture (3, h, w) has a color."""
    return (np.abs(picture - np.array(to_rgb(color))[:, None, None]) < tolerance).all(0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_shape_becomes_a_bounded_image(shape: tuple[int, ...]):
    points = np.random.default_rng(0).normal(size=(2, 2, *shape)).astype(np.float32)
    drawn = pictures(points, leading=2)
    assert drawn.shape[:2] == (2, 2)
    assert drawn.shape[2] in (1, 3)
    assert max(drawn.shape[3:]) <= MAX_SIDE
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert np.array_equal(drawn[1], pictures(points[1], value_limits(points, event_dims=len(shape))))


@pytest.mark.parametrize("shape", [(1, 28, 20), (3, 9, 9), (1, 200, 256)])
def test_gray_and_color_images_are_drawn_as_they_are(shape: tuple[int, ...]):
    images = np.random.default_rng(0).random((3, *shape))
    assert np.array_equal(pictures(images), images)


def test_limits_are_the_values_drawn_as_black_and_white():
    image = np.array([[[[-2.0, 0.0, 2.0, 5.0]], [[-3.0, 1.0, np.nan, 2.0]]]])[:, :, 0].reshape(1, 1, 2, 4)
    assert pictures(image, (-2, 2))[0, 0, 0].tolist() == [0, 0.5, 1, 1]
    assert pictures(image, (-2, 2))[0, 0, 1, [0, 1, 3]].tolist() == [0, 0.75, 1]
    assert np.isnan(pictures(image)[0, 0, 1, 2])


def test_channels_of_images_are_tiles_in_order():
    image = np.arange(4)[None, :, None, None] / 4 * np.ones((1, 1, 5, 5))
    (picture,) = pictures(image)[0]
    middle, side = len(picture) // 2, len(picture) // 4
    found = [picture[y, x] for y in (side, middle + side) for x in (side, middle + side)]
    assert found == [0, 0.25, 0.5, 0.75]
    assert (picture[middle] == 1).all(), "white between the tiles"
    nine = np.random.default_rng(0).random((1, 9, 8, 8))
    assert np.array_equal(pictures(nine), nine[:, :3]), "false color"


def test_slices_of_volumes_are_in_order():
    depth = np.arange(18) / 18
    volume = depth[None, None, :, None, None] * np.ones((1, 1, 18, 4, 4))
    (picture,) = pictures(volume)[0]
    third = len(picture) / 3
    places = [int(third * (place + 0.5)) for place in range(3)]
    np.testing.assert_allclose([picture[y, x] for y in places for x in places], depth[1::2])
    for few, shown in ((8, (2, 3)), (5, (2, 2)), (3, (1, 3)), (1, (1, 1))):
        part = pictures(np.full((1, 1, few, 4, 4), 0.5))[0, 0]
        inked = [(part == 0.5).any(axis) for axis in (1, 0)]
        starts = [np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int)])) == 1) for line in inked]
        assert (len(starts[0]), len(starts[1])) == shown, "no place is empty"
    two = pictures(np.concatenate([volume, 1 - volume], 1))[0, 0]
    assert two[two.shape[0] // 4, 10] == depth[2], "a row of slices for each channel"
    assert two[3 * two.shape[0] // 4, 10] == 1 - depth[2]


def test_large_images_are_averaged():
    image = np.zeros((1, 1, 512, 300))
    image[..., ::2, :] = 1
    assert np.array_equal(pictures(image), np.full((1, 1, 256, 150), 0.5))
    image[..., :256, :] = np.nan
    reduced = pictures(image)[0, 0]
    assert np.isnan(reduced[:128]).all()
    assert (reduced[128:] == 0.5).all()


def test_a_signal_is_drawn_as_one_curve_per_channel():
    signal = np.stack([np.full(50, 0.25), np.linspace(0, 1, 50)])
    picture = pictures(signal[None])[0]
    first, second = near(picture, COLORS[0]), near(picture, COLORS[1])
    height = picture.shape[1]
    rows = np.flatnonzero(first[:, 20])
    assert rows.mean() == pytest.approx(height * (0.92 - 0.84 * 0.25), abs=1.5)
    for x, share in ((0.05, 0.01), (0.5, 0.5), (0.95, 0.99)):
        rows = np.flatnonzero(second[:, int(x * picture.shape[2])])
        assert rows.mean() == pytest.approx(height * (0.92 - 0.84 * share), abs=2.5)


def test_all_signals_of_a_figure_have_one_range():
    small, large = np.sin(np.linspace(0, 6, 64))[None, None] * np.array([0.1, 1.0])[:, None, None]
    both = pictures(np.stack([small, large]))
    extents = [np.ptp(np.flatnonzero(near(picture, COLORS[0]).any(1))) for picture in both]
    assert extents[0] < 0.2 * extents[1]
    limits = value_limits(small, large, event_dims=2)
    assert np.array_equal(pictures(small[None], limits)[0], both[0])


def test_a_long_signal_keeps_its_peaks():
    signal = np.full((1, 1, 50_000), 0.5)
    signal[..., 20_000] = 1
    inked = near(pictures(signal)[0], COLORS[0], 0.5)
    column = int(180 * (0.04 + 0.92 * 0.4))
    assert inked[:10, column - 2 : column + 3].any()
    assert not inked[:30, : column - 4].any()


def test_bars_of_a_vector_start_at_zero():
    picture = pictures(np.array([[1.0, -1.0, np.nan, 0.5]]), limits=(-1, 1))[0]
    inked, height = near(picture, COLORS[0]), picture.shape[1]
    columns = [inked[:, int(180 * (0.04 + 0.92 * (place + 0.5) / 4))] for place in range(4)]
    extents = [
        (np.flatnonzero(c).min() / height, np.flatnonzero(c).max() / height) for c in columns if c.any()
    ]
    assert not columns[2].any(), "a missing value has no bar"
    np.testing.assert_allclose(extents, [(0.08, 0.5), (0.5, 0.92), (0.29, 0.5)], atol=0.02)
    from_the_bottom = near(pictures(np.array([[0.0, 1.0]]))[0], COLORS[0]).sum(0)
    assert 0 < from_the_bottom[:90].max() <= 2 < 70 < from_the_bottom[90:].max()


def test_missing_values_are_gaps_in_curves_and_nan_in_images():
    signal = np.full((1, 1, 5), 0.5)
    signal[..., 2] = np.nan
    inked = near(pictures(signal)[0], COLORS[0]).any(0)
    assert inked[10:40].all()
    assert not inked[60:120].any()
    empty = pictures(np.full((1, 2, 9), np.nan))[0]
    assert near(empty, BACKGROUND).all()
    volume = np.full((1, 1, 2, 4, 4), np.nan)
    assert np.isnan(pictures(volume)).any()


def test_limits_ignore_outliers_and_missing_values():
    values = np.append(np.linspace(-1, 1, 1001), [1e9, np.nan])
    low, high = value_limits(values, event_dims=1)
    assert low == pytest.approx(-1.188, abs=0.01)
    assert high == pytest.approx(1.19, abs=0.01)
    assert value_limits(values, event_dims=3) == (0, 1)
    assert value_limits(np.full(3, 7.0), event_dims=1) == (6.5, 7.5)
    assert value_limits(np.full(3, np.nan), event_dims=1) == (0, 1)


@pytest.mark.parametrize("shape", [(3,), (2, 1, 2, 3, 4, 5), (0, 1, 4, 4)])
def test_other_arrays_are_refused(shape: tuple[int, ...]):
    with pytest.raises(InvalidError, match="images: expected at least one data point, of shape"):
        pictures(np.zeros(shape))
    with pytest.raises(InvalidError, match="expected finite values, got 1 infinite"):
        pictures(np.array([[0.0, np.inf]]))
