import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import posteriors
from vaekit.plotting.posteriors import Posterior


def make_posterior(label="gap 0.1"):
    """A Gaussian at (1, 2) with standard deviation 0.5, and a q with standard deviation 1."""
    z0, z1 = np.linspace(-2, 4, 61), np.linspace(-1, 5, 61)
    squares = (z0[None] - 1) ** 2 + (z1[:, None] - 2) ** 2
    return Posterior(label, np.eye(4)[None], (z0, z1), np.exp(-2 * squares) * 2 / np.pi, -squares / 2)


def test_the_lines_are_one_and_two_standard_deviations_from_the_peak_of_q():
    figure = posteriors([make_posterior()], "A title")
    [lines] = figure.axes[0].collections
    reach = sorted(np.linalg.norm(path.vertices - [1, 2], axis=1).mean() for path in lines.get_paths())
    assert reach == pytest.approx([1, 2], rel=0.01)
    assert list(figure.axes[0].images[0].get_extent()) == [-2, 4, -1, 5]


def test_each_image_has_a_panel_with_its_label():
    figure = posteriors([make_posterior("one"), make_posterior("two")], "A title")
    assert [axes.get_title("left") for axes in figure.axes] == ["one", "two"]
    assert [len(axes.child_axes) for axes in figure.axes] == [1, 1]


def test_no_panel_is_refused():
    with pytest.raises(InvalidError, match="panels: expected at least one"):
        posteriors([], "A title")
