from __future__ import annotations

import numpy as np
import pytest

from vaekit.data import Dataset
from vaekit.errors import DataError

IMAGES = np.zeros((4, 3, 2, 5), np.uint8)


def test_a_dataset_describes_itself() -> None:
    labels = np.array([0, 1, 1, 0])
    data = Dataset("toy", "Toy", IMAGES, labels, ("cat", "dog"))
    assert (data.shape, data.is_uint8, data.classes, len(data)) == ((3, 2, 5), True, 2, 4)
    plain = Dataset("toy", "Toy", IMAGES.astype(np.float32), None, ())
    assert (plain.is_uint8, plain.classes, plain.published) == (False, 0, {})


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (IMAGES[0, 0, 0], None, r"expected images \(N, C, H, W\), .*, got uint8 of shape \(5,\)"),
        (IMAGES.astype(np.int64), None, "uint16, float32 or float64, got int64"),
        (IMAGES[:0], None, "expected at least one image"),
        (IMAGES, np.zeros(3, np.int64), r"one label per image, shape \(4,\), got shape \(3,\)"),
        (IMAGES, np.zeros(4, np.int32), r"expected labels of int64 in 0\.\.1"),
        (IMAGES, np.array([0, 1, 2, 0]), r"in 0\.\.2"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(images: np.ndarray, labels: np.ndarray | None, says: str) -> None:
    with pytest.raises(DataError, match=says):
        Dataset("toy", "Toy", images, labels, ("cat", "dog"), source="toy.npz")
