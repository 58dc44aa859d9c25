import numpy as np
import pytest

from vaekit.errors import InvalidError
from vaekit.plotting import clusters
from vaekit.plotting.clusters import by_class

COUNTS = np.array([[0, 8, 2], [0, 0, 0], [5, 0, 0], [1, 3, 0]])
IMAGES = np.random.default_rng(0).random((4, 1, 8, 8))


def test_columns_are_sorted_by_most_common_class_and_size_and_empty_ones_are_last():
    assert by_class(COUNTS).tolist() == [2, 0, 3, 1]


def test_shares_are_within_a_cluster_and_sizes_are_below():
    axes = clusters(COUNTS, IMAGES, "abc", "t").axes[1]
    written = {(text.get_position()): text.get_text() for text in axes.texts}
    assert written == {(0, 0): "100", (1, 1): "80", (1, 2): "20", (2, 0): "25", (2, 1): "75"}
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["5", "10", "4", "0"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c"]


def test_a_share_of_zero_is_white_and_a_share_of_one_is_darkest():
    shade = clusters(COUNTS, IMAGES, "abc", "t").axes[1].images[0].get_array()
    assert shade[1, 0].tolist() == [1, 1, 1]
    assert shade.sum(-1).argmin() == 0


@pytest.mark.parametrize(
    ("counts", "images", "names", "words"),
    [
        (np.zeros((4, 3), int), IMAGES, "abc", "counts: expected"),
        (COUNTS, IMAGES[:3], "abc", "images: expected 4"),
        (COUNTS, IMAGES, "ab", "class_names: expected 3"),
    ],
)
def test_mismatched_arguments_are_refused(counts, images, names, words):
    with pytest.raises(InvalidError, match=words):
        clusters(counts, images, names, "t")
