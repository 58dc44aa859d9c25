import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import nearest_neighbors


def images(n, value=0.5):
    return np.full((n, 1, 4, 4), value, np.float32)


def words(figure):
    axes = figure.axes[0]
    return [label.get_text() for label in axes.get_yticklabels()], [text.get_text() for text in axes.texts]


def test_each_pair_has_its_distance_above_it_and_each_row_its_label():
    groups = {
        "sample": (images(12), images(12, 0.2), np.arange(12.0)),
        "held out": (images(3), images(3, 0.2), np.array([0.25, 100, 1.005])),
    }
    labels, numbers = words(nearest_neighbors(groups, "nearest", "Nearest"))
    assert labels == ["sample", "nearest"] * 2 + ["held out", "nearest"]
    assert numbers == [f"{i}.00" for i in range(12)] + ["0.25", "100.00", "1.00"]


def test_an_image_is_directly_above_its_nearest_image():
    figure = nearest_neighbors({"a": (images(1, 1.0), images(1, 0.0), np.ones(1))}, "b", "Nearest")
    pixels = np.asarray(figure.axes[0].images[0].get_array())
    half = len(pixels) // 2
    assert pixels[: half - 5].min() == 255
    assert pixels[half + 5 :].max() == 0


def test_mismatched_arguments_are_refused():
    with pytest.raises(InvalidError, match="expected at least one, got none"):
        nearest_neighbors({}, "nearest", "Nearest")
    with pytest.raises(InvalidError, match=r"groups: a: expected shape \(2, 1, 4, 4\)"):
        nearest_neighbors({"a": (images(2), images(3), np.ones(2))}, "nearest", "Nearest")
    with pytest.raises(InvalidError, match=r"distances: a: expected shape \(2,\)"):
        nearest_neighbors({"a": (images(2), images(2), np.ones(3))}, "nearest", "Nearest")
