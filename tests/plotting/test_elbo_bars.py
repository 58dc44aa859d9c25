import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import elbo_and_gap


def test_each_gap_is_on_top_of_its_elbo_and_reaches_log_px():
    elbo, gap = np.array([-9.0, -7.0, -5.0]), np.array([4.0, 2.0, 0.0])
    figure = elbo_and_gap(["0", "1", "2"], elbo, gap, "A title", "q")
    bounds, gaps = figure.axes[0].containers
    assert [bar.get_y() + bar.get_height() for bar in bounds] == pytest.approx(elbo)
    assert [bar.get_y() for bar in gaps] == pytest.approx(elbo)
    assert [bar.get_y() + bar.get_height() for bar in gaps] == pytest.approx([-5] * 3)
    assert "log p(x) = −5.0" in [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize(("labels", "elbo"), [([], []), (["0"], [-1.0, -2.0]), (["0", "1"], [-1.0, np.nan])])
def test_invalid_values_are_refused(labels, elbo):
    with pytest.raises(InvalidError, match="elbo, gap: expected"):
        elbo_and_gap(labels, np.array(elbo), np.zeros(len(elbo)), "A title", "q")
