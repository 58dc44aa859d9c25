import numpy as np
import pytest

from vaekit.plotting.chart import chart, colors, spread


def test_heights_far_enough_apart_stay():
    assert spread(np.array([0.9, 0.1, 0.5]), 0.2) == pytest.approx([0.9, 0.1, 0.5])


def test_heights_too_close_move_apart_around_their_mean():
    assert spread(np.array([0.5, 0.5, 0.5]), 0.1) == pytest.approx([0.4, 0.5, 0.6])


@pytest.mark.parametrize("at", [0.0, 1.0])
def test_heights_stay_within_the_frame(at):
    places = spread(np.full(11, at), 0.1)
    assert np.sort(places) == pytest.approx(np.linspace(0, 1, 11))


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 12])
def test_as_many_different_colors_as_runs(count, ordered):
    assert np.unique(colors(count, ordered), axis=0).shape == (count, 4)


def test_ordered_colors_grow_lighter():
    assert (np.diff(colors(8, ordered=True)[:, :3].sum(1)) > 0).all()


def test_many_labels_make_the_chart_higher():
    few, many = (chart("t", "", "x", "y", ["run"] * n)[0].get_figheight() for n in (3, 30))
    assert many > few
