import numpy as np
import pytest
from matplotlib.colors import to_hex

from vaekit.errors import InvalidError
from vaekit.plotting import latent_scatter, project
from vaekit.plotting.style import palette

LATENTS = np.random.default_rng(0).normal(size=(60, 2))


def legend(figure):
    found = figure.axes[0].get_legend()
    return found and [text.get_text() for text in found.get_texts()]


def test_an_axis_of_random_jitter_has_no_ticks():
    points, names, _ = project(LATENTS[:, :1])
    axes = latent_scatter(points, None, "Latent space", axis_names=names).axes[0]
    assert axes.get_yticks().size == 0


def test_a_legend_entry_for_each_class():
    figure = latent_scatter(LATENTS, np.arange(60) % 10, "Latent space", [f"class {i}" for i in range(10)])
    assert legend(figure) == [f"class {i}" for i in range(10)]
    assert figure.axes[0].get_aspect() == 1
    assert figure.axes[0].collections[0].get_rasterized()


def test_classes_without_a_name_show_their_number():
    assert legend(latent_scatter(LATENTS, np.where(np.arange(60) < 30, 3, 7), "t", ["a"])) == ["3", "7"]


def test_unlabeled_points_have_no_legend():
    figure = latent_scatter(LATENTS, None, "Latent space")
    assert legend(figure) is None
    assert len(figure.axes[0].collections[0].get_offsets()) == 60


def test_very_many_classes_have_a_color_bar():
    figure = latent_scatter(LATENTS, np.arange(60) % 30, "Latent space")
    assert legend(figure) is None
    assert figure.axes[0].child_axes[0].get_ylabel() == "label"


def test_shares_of_the_variance_stand_at_the_axes():
    axes = latent_scatter(LATENTS, None, "t", axis_names=("a", "b"), explained=(0.5, 0.25)).axes[0]
    assert axes.get_xlabel() == "a (50% of the variance)"
    assert axes.get_ylabel() == "b (25% of the variance)"


def test_each_point_has_the_color_of_its_label():
    points = latent_scatter(LATENTS, np.arange(60) % 3, "t").axes[0].collections[0]
    color = {tuple(z): index % 3 for index, z in enumerate(LATENTS)}
    for where, drawn in zip(points.get_offsets(), points.get_facecolors(), strict=True):
        assert to_hex(drawn) == to_hex(palette(3)[color[tuple(where)]])


@pytest.mark.parametrize("count", [1, 10, 11, 50])
def test_palette_has_as_many_different_colors(count):
    assert len(np.unique(palette(count), axis=0)) == count


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: latent_scatter(np.zeros((4, 3)), None, "t"), r"latents: expected shape \(N, 2\)"),
        (lambda: latent_scatter(LATENTS, np.zeros(3), "t"), "labels: expected 60, one per point, got 3"),
    ],
)
def test_mismatched_arguments_are_refused(call, message):
    with pytest.raises(InvalidError, match=message):
        call()
