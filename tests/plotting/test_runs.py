from itertools import pairwise

import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import curves_by_run, metric_vs_param, rate_distortion

EPOCHS = np.arange(1, 6)


def curves(figure):
    """The lines within the frame. Lines that lead to the labels are in units of the axes."""
    axes = figure.axes[0]
    return [line for line in axes.lines if line.get_transform() == axes.transData]


def written(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_each_run_has_a_curve_and_a_label():
    figure = curves_by_run({"a": (EPOCHS, -50.0 / EPOCHS), "b": (EPOCHS[:3], [-9, -8, -7])}, "t", "ELBO")
    assert [line.get_xydata()[-1].tolist() for line in curves(figure)] == [[5, -10], [3, -7]]
    assert written(figure) == ["a", "b"]
    assert figure.axes[0].get_title(loc="left") == "ELBO"


def test_several_seeds_are_a_mean_within_a_band():
    values = np.array([[1.0, 2, 3], [3, 4, 5], [np.nan, 3, np.nan]])
    figure = curves_by_run({"a": (EPOCHS[:3], values)}, "t", "loss")
    assert curves(figure)[0].get_ydata().tolist() == [2, 3, 4]
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert band[band[:, 0] == 1, 1].min() == pytest.approx(2 - 2**0.5)
    assert band[band[:, 0] == 2, 1].max() == pytest.approx(3 + 1)


def test_values_that_are_not_finite_are_skipped_and_a_run_without_values_has_no_label():
    series = {"a": (EPOCHS, [1, np.nan, 3, np.inf, 5]), "b": (EPOCHS, np.full(5, np.nan))}
    figure = curves_by_run(series, "t", "loss")
    assert curves(figure)[0].get_xydata().tolist() == [[1, 1], [3, 3], [5, 5]]
    assert written(figure) == ["a"]


@pytest.mark.parametrize("runs", [1, 12, 25])
def test_labels_of_many_runs_do_not_overlap_and_stay_within_the_figure(runs):
    series = {f"a rather long name of run {i}": (EPOCHS, -50.0 / EPOCHS) for i in range(runs)}
    figure = curves_by_run(series, "t", "ELBO", ordered=True)
    figure.canvas.draw()
    boxes = sorted((text.get_window_extent() for text in figure.axes[0].texts), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(boxes))
    assert max(box.x1 for box in boxes) < figure.bbox.x1
    assert boxes[0].y0 > 0


def test_a_single_epoch_is_a_dot():
    assert curves(curves_by_run({"a": ([1], [2.0])}, "t", "loss"))[0].get_marker() == "o"


def test_a_steep_start_leaves_the_frame():
    epochs = np.arange(1, 13)
    figure = curves_by_run({"a": (epochs, 1000.0 / epochs**3)}, "t", "loss")
    assert figure.axes[0].get_ylim()[1] < 1000 / 8


def test_a_metric_is_drawn_in_ascending_order_of_the_parameter():
    figure = metric_vs_param({"VAE": (np.array([8, 2, 4]), np.array([1.0, 3, 2]), None)}, "t", "d", "nll")
    assert curves(figure)[0].get_xydata().tolist() == [[2, 3], [4, 2], [8, 1]]
    assert written(figure) == []


def test_groups_are_named_and_errors_are_bars():
    groups = {name: (EPOCHS, EPOCHS + 1.0, np.full(5, 0.5)) for name in ("VAE", "autoencoder")}
    figure = metric_vs_param(groups, "t", "d", "nll")
    assert written(figure) == ["VAE", "autoencoder"]
    bar = figure.axes[0].collections[0].get_segments()[0]
    assert bar[:, 1].tolist() == [1.5, 2.5]


def test_few_values_are_the_ticks_of_a_logarithmic_axis_and_zero_has_a_place():
    values = np.array([0, 0.001, 0.1, 10])
    axes = metric_vs_param({"VAE": (values, values, None)}, "t", "β", "rate", log=True).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.001", "0.1", "10"]
    places = axes.transData.transform([(value, 0) for value in values])[:, 0]
    assert (np.diff(places) > 50).all()


def test_rate_and_distortion_with_the_line_of_the_best_elbo():
    points = [("β = 0", np.nan, 3.0), ("0.1", 40.0, 10.0), ("1", 20.0, 22.0), ("10", 1.0, 55.0)]
    figure = rate_distortion(points, "t")
    axes = figure.axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[40, 10], [20, 22], [1, 55]]
    assert "without a finite rate: β = 0" in [text.get_text() for text in figure.texts]
    assert written(figure) == ["0.1", "1", "10", "dashed: ELBO = −42.0"]
    assert axes.lines[-1].get_xydata().sum(1) == pytest.approx([42, 42])


def test_labels_of_near_points_of_rate_and_distortion_do_not_overlap():
    figure = rate_distortion([("β = 0", 40, 60), ("β = 0.1", 36.4, 60.8), ("β = 10", 4, 140)], "t")
    figure.canvas.draw()
    first, second, third, _ = (text.get_window_extent() for text in figure.axes[0].texts)
    assert not first.overlaps(second)
    assert first.x1 < figure.bbox.x1
    assert not second.overlaps(third)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: curves_by_run({}, "t", "y"), "series: expected finite values, found none in 0 runs"),
        (lambda: curves_by_run({"a": ([1], [np.nan])}, "t", "y"), "found none in 1 runs"),
        (lambda: curves_by_run({"a": ([1, 2], [1.0])}, "t", "y"), "series: a: expected 2 values, got shape"),
        (lambda: metric_vs_param({}, "t", "x", "y"), "groups: expected finite means, found none in 0 groups"),
        (lambda: metric_vs_param({"a": ([1, 2], [1.0], None)}, "t", "x", "y"), "groups: a: expected 2 means"),
        (lambda: metric_vs_param({"a": ([-1], [1.0], None)}, "t", "x", "y", log=True), "0 or more .* got -1"),
        (lambda: rate_distortion([("a", np.nan, 1)], "t"), "points: expected a finite rate and distortion"),
    ],
)
def test_mismatched_arguments_are_refused(draw, message):
    with pytest.raises(InvalidError, match=message):
        draw()


def test_the_end_of_every_curve_is_in_the_frame():
    """A run of two epochs whose values are far from those of a long run."""
    long, short = np.arange(1, 21), np.arange(1, 3)
    series = {"long": (long, -160.0 - 100.0 / long), "short": (short, np.array([-2300.0, -2210.0]))}
    [axes] = curves_by_run(series, "ELBO", "ELBO (nats)").axes
    low, high = axes.get_ylim()
    assert low < -2210 < -165 < high
