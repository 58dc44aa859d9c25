import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import scatter_panels, scatter_panels_3d

GENERATOR = np.random.default_rng(0)
PLANE, SPACE, LABELS = GENERATOR.normal(size=(60, 2)), GENERATOR.normal(size=(60, 3)), np.arange(60) % 3


def legends(figure):
    found = [axes.get_legend() for axes in figure.axes]
    return [[text.get_text() for text in legend.get_texts()] for legend in found if legend]


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (4, 4), (5, 3), (7, 4), (12, 4)])
def test_panels_fill_rows_of_about_equal_length(count, columns):
    figure = scatter_panels({f"run {i}": (PLANE, LABELS) for i in range(count)}, "Latent space")
    lefts = {round(axes.get_position().x0, 6) for axes in figure.axes}
    assert (len(figure.axes), len(lefts)) == (count, columns)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [f"run {i}" for i in range(count)]


@pytest.mark.parametrize(("draw", "points"), [(scatter_panels, PLANE), (scatter_panels_3d, SPACE)])
def test_all_panels_share_one_legend_within_the_figure(draw, points):
    panels = {"a": (points, LABELS), "b": (points[:3], np.array([2, 5, 5])), "c": (points, None)}
    figure = draw(panels, "Latent space", ["zero", "one", "a long name"])
    assert legends(figure) == [["zero", "one", "a long name", "5"]]
    figure.canvas.draw()
    legend = figure.axes[2].get_legend()  # the last panel of the first row
    assert figure.axes[2].get_window_extent().x1 <= legend.get_window_extent().x0
    assert legend.get_window_extent().x1 < figure.bbox.x1


def test_a_class_has_one_color_in_all_panels():
    both, third = np.array([1, 2]), np.array([2])
    figure = scatter_panels({"a": (PLANE[:2], both), "b": (PLANE[:1], third)}, "t")
    first, second = (axes.collections[0] for axes in figure.axes)
    place = first.get_offsets().tolist().index(PLANE[1].tolist())
    assert (first.get_facecolors()[place] == second.get_facecolors()[0]).all()


def test_shadows_are_on_the_floor_below_all_points():
    shadow, cloud = scatter_panels_3d({"a": (SPACE, None)}, "t").axes[0].collections
    assert len(set(np.asarray(shadow._offsets3d[2]))) == 1
    assert shadow._offsets3d[2][0] < np.min(cloud._offsets3d[2])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: scatter_panels({}, "t"), "panels: expected at least one, got none"),
        (
            lambda: scatter_panels({"a": (SPACE, None)}, "t"),
            r"panels: a: expected shape \(N, 2\), got .*project\(\)",
        ),
        (
            lambda: scatter_panels_3d({"a": (PLANE, None)}, "t"),
            r"expected shape \(N, 3\), .*principal_components",
        ),
        (
            lambda: scatter_panels({"a": (PLANE, LABELS[1:])}, "t"),
            "labels: expected 60, one per point, got 59",
        ),
    ],
)
def test_mismatched_arguments_are_refused(draw, message):
    with pytest.raises(InvalidError, match=message):
        draw()
