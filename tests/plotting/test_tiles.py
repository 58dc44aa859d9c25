import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting.tiles import UNOBSERVED, enlarge, fold, square_columns, tile_grid, tiles


def test_gray_becomes_three_equal_channels():
    images = np.linspace(0, 1, 6).reshape(1, 1, 2, 3)
    pictures = tiles(images)
    assert pictures.shape == (1, 2, 3, 3)
    assert pictures.dtype == np.uint8
    assert pictures[0, ..., 0].ravel().tolist() == [0, 51, 102, 153, 204, 255]
    assert (pictures[..., 0] == pictures[..., 2]).all()


def test_color_keeps_its_channels():
    images = np.zeros((2, 5, 3, 4, 4))
    images[:, :, 1] = 1
    assert tiles(images, leading=2)[1, 4, 0, 0].tolist() == [0, 255, 0]


def test_values_outside_the_range_are_clipped():
    assert tiles(np.array([[[[-3.0, 2.0]], [[0.0, 1.0]], [[0.5, 0.5]]]]))[0, 0, :, 0].tolist() == [0, 255]


def test_a_vector_becomes_the_picture_of_its_curve():
    low, high = tiles(np.array([0.0, 1.0])[:, None, None, None] * np.ones((2, 1, 1, 7)))
    assert low.shape == (90, 180, 3)
    ink = [np.flatnonzero((picture[:, 90] < 100).any(-1)).mean() for picture in (low, high)]
    assert ink == pytest.approx([0.92 * 90, 0.08 * 90], abs=2)


def test_a_vector_of_one_number_is_drawn_too():
    assert (tiles(np.full((1, 1, 1, 1), 0.5)) < 100).any()


@pytest.mark.parametrize("shape", [(4,), (2, 1, 2, 4, 4, 4), (0, 1, 4, 4)])
def test_arrays_that_are_not_data_points_are_refused(shape):
    with pytest.raises(InvalidError, match="images: expected at least one data point"):
        tiles(np.zeros(shape))


def test_infinite_values_are_refused():
    with pytest.raises(InvalidError, match="expected finite values, got 1 infinite ones"):
        tiles(np.array([0.0, np.nan, np.inf, 1.0]).reshape(1, 1, 2, 2))


@pytest.mark.parametrize("channels", [1, 3])
def test_unobserved_pixels_have_their_own_color(channels):
    image = np.linspace(0, 1, 9 * channels).reshape(1, channels, 3, 3)
    image[0, 0, 1, 2] = np.nan
    picture, whole = tiles(image)[0], tiles(np.nan_to_num(image))[0]
    assert picture[1, 2].tolist() == list(UNOBSERVED)
    assert len(set(UNOBSERVED)) == 3, "not gray"
    others = np.ones((3, 3), bool)
    others[1, 2] = False
    assert np.array_equal(picture[others], whole[others])


def test_unobserved_values_are_a_gap_in_a_curve():
    vector = np.full((1, 1, 1, 5), 0.5)
    vector[..., 2] = np.nan
    inked = (tiles(vector)[0] < 100).any(-1).any(0)
    assert inked[10:40].all()
    assert inked[140:170].all()
    assert not inked[60:120].any()
    vector[..., [1, 3, 4]] = np.nan
    assert (tiles(vector)[0] < 100).any(), "a single value between two gaps is visible"
    assert not (tiles(np.full((1, 1, 1, 5), np.nan)) < 100).any()


def test_mosaic_puts_every_tile_in_its_place():
    pictures = enlarge(np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 1, 3), np.uint8), 3)
    grid = tile_grid(fold(pictures, 4), [5], 2)
    assert grid.pixels.shape == (6 + 5 + 6, 4 * 3 + 3 * 2, 3)
    assert (grid.pixels[11:, 5:8] == 5).all()
    assert (grid.pixels[6:11] == 255).all()
    assert (grid.pixels[11:, 10:] == 255).all(), "empty places in the last row are white"
    assert grid.rows.tolist() == [3, 14]
    assert grid.columns.tolist() == [1.5, 6.5, 11.5, 16.5]


@pytest.mark.parametrize(("count", "size", "columns"), [(64, (28, 28), 8), (30, (28, 20), 7), (1, (9, 9), 1)])
def test_default_columns_make_the_grid_about_square(count, size, columns):
    assert square_columns(np.zeros((count, *size, 3), np.uint8)) == columns
