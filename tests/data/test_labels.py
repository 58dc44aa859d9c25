from __future__ import annotations

import numpy as np
import pytest

from vaekit.data.labels import number_labels
from vaekit.errors import DataError


@pytest.mark.parametrize(
    ("labels", "numbers", "names"),
    [
        (np.array([0, 2, 1, 0]), [0, 2, 1, 0], ("0", "1", "2")),
        (np.array([7, 3, 7], np.uint8), [1, 0, 1], ("3", "7")),
        (np.array([2.0, 1.0]), [1, 0], ("1", "2")),
        (np.array([True, False]), [1, 0], ("False", "True")),
        (np.array([[5], [6]]), [0, 1], ("5", "6")),
        (np.array([[0, 1, 0], [1, 0, 0]]), [1, 0], ("0", "1")),
        (np.array(["dog", "cat"]), [1, 0], ("cat", "dog")),
        (np.array(["c10", "c9", "c10"]), [1, 0, 1], ("c9", "c10")),
        (np.array([b"b", b"a"]), [1, 0], ("a", "b")),
    ],
)
def test_classes_are_numbered_in_their_order(
    labels: np.ndarray, numbers: list[int], names: tuple[str, ...]
) -> None:
    found = number_labels(labels, "here")
    assert found.numbers is not None
    assert found.numbers.dtype == np.int64
    assert found.numbers.tolist() == numbers
    assert found.names == names


def test_no_labels() -> None:
    assert number_labels(None, "here") == (None, (), ())


@pytest.mark.parametrize("labels", [np.array([0.5, 1.5]), np.array([1.0, np.nan])])
def test_real_labels_are_left_out_with_a_note(labels: np.ndarray) -> None:
    found = number_labels(labels, "here")
    assert found.numbers is None
    assert "left out" in found.notes[0]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (np.zeros((2, 3), int), r"got \(2, 3\)"),
        (np.zeros((2, 3, 4), int), r"got \(2, 3, 4\)"),
        (np.array([1j, 2]), "got complex128"),
        (np.array(["2020"], "M8[Y]"), "got datetime64"),
    ],
)
def test_other_labels_are_refused(labels: np.ndarray, says: str) -> None:
    with pytest.raises(DataError, match=says):
        number_labels(labels, "here")
