import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import bound_by_samples

POINTS = [(1, -110.0, 1.0), (2, -106.0, 0.9), (5, -103.0, 0.8), (10, -101.0, 0.8)]


def test_points_band_and_values_are_those_given():
    [axes] = bound_by_samples(POINTS, "A title").axes
    [line] = axes.lines
    np.testing.assert_array_equal(line.get_xydata(), np.array(POINTS)[:, :2])
    band = axes.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (-112, pytest.approx(-99.4))
    assert [text.get_text() for text in axes.texts] == ["−110.0", "−106.0", "−103.0", "−101.0"]


def test_a_single_image_has_no_band():
    [axes] = bound_by_samples([(1, -110.0, None), (2, -106.0, None)], "A title").axes
    assert np.ptp(axes.collections[0].get_paths()[0].vertices[:, 1]) == 4


@pytest.mark.parametrize("points", [POINTS[:1], [(1, np.nan, 1.0), (2, -1.0, 1.0)]])
def test_invalid_points_are_refused(points):
    with pytest.raises(InvalidError, match="points: expected at least two"):
        bound_by_samples(points, "A title")
