from __future__ import annotations

import numpy as np
import pytest

from vaekit.data.infer import infer_images
from vaekit.data.readers import guard
from vaekit.errors import DataError

RNG = np.random.default_rng(0)
LEVELS = RNG.integers(0, 256, (20, 4, 3), dtype=np.uint8)
LEVELS[0, 0, :2] = 0, 255
REALS = RNG.random((20, 4, 3))


@pytest.mark.parametrize(
    ("values", "kind", "offset", "scale"),
    [
        (LEVELS, np.uint8, 0, 1),
        (LEVELS.astype(np.int64), np.uint8, 0, 1),
        (LEVELS.astype(np.float32), np.uint8, 0, 1),
        (LEVELS / 255, np.uint8, 0, 1 / 255),
        ((LEVELS / 255).astype(np.float32), np.uint8, 0, 1 / 255),
        (LEVELS / 127.5 - 1, np.uint8, -1, 2 / 255),
        (LEVELS.astype(np.uint16) * 257, np.uint8, 0, 257),
        (LEVELS > 99, np.uint8, 0, 1 / 255),
        ((LEVELS > 99).astype(np.int8), np.uint8, 0, 1 / 255),
        ((LEVELS > 99) * 2.0 - 1, np.uint8, -1, 2 / 255),
        ((LEVELS > 99) * 70 - 30, np.uint8, -30, 70 / 255),
        (LEVELS.astype(np.uint16) * 16, np.float32, 0, 4095),
        (REALS, np.float32, 0, 1),
        (REALS * 2 - 1, np.float32, -1, 2),
        (REALS * 255, np.float32, 0, 255),
        (REALS.astype(np.float16), np.float32, 0, 1),
        (RNG.integers(0, 17, (20, 4, 3)) * 1.0, np.float32, 0, 16),
        (RNG.integers(-300, 400, (20, 4, 3)), np.float32, None, None),
        (RNG.normal(size=(20, 4, 3)) * 1e6, np.float32, None, None),
    ],
)
def test_values_are_rescaled_and_convert_back(
    values: np.ndarray, kind: type, offset: float | None, scale: float | None
) -> None:
    found = infer_images(values, "here")
    assert found.images.dtype == kind
    assert found.images.shape == (20, 1, 4, 3)
    if kind is np.float32:
        assert found.images.min() >= 0
        assert found.images.max() <= 1
    if offset is not None:
        assert (found.offset, found.scale) == (offset, pytest.approx(scale))
    tolerance = 1e-6 * np.ptp(values.astype(np.float64))
    original = found.offset + found.scale * found.images[:, 0].astype(np.float64)
    np.testing.assert_allclose(original, values.astype(np.float64), atol=tolerance + 1e-6)


def test_gray_levels_are_not_copied() -> None:
    assert np.shares_memory(infer_images(LEVELS, "here").images, LEVELS)


@pytest.mark.parametrize(
    ("shape", "expected", "says"),
    [
        ((9, 10), (9, 1, 1, 10), "9 vectors of length 10"),
        ((9, 49), (9, 1, 1, 49), "vectors"),
        ((9, 64), (9, 1, 8, 8), "9 rows of 64 gray levels, read as 8x8 images"),
        ((9, 784), (9, 1, 28, 28), "read as 28x28 images"),
        ((9, 5, 7), (9, 1, 5, 7), "9 gray images of 5x7"),
        ((9, 3, 5, 7), (9, 3, 5, 7), "3 channels, stored first"),
        ((9, 5, 7, 3), (9, 3, 5, 7), "3 channels, stored last"),
        ((9, 5, 7, 1), (9, 1, 5, 7), "1 channels, stored last"),
    ],
)
def test_layout(shape: tuple[int, ...], expected: tuple[int, ...], says: str) -> None:
    values = RNG.integers(0, 256, shape, dtype=np.uint8)
    found = infer_images(values, "here")
    assert found.images.shape == expected
    assert says in found.notes[0]


def test_real_rows_stay_vectors() -> None:
    assert infer_images(RNG.normal(size=(5, 784)), "here").images.shape == (5, 1, 1, 784)


def test_channels_stored_last_are_moved_first() -> None:
    values = RNG.integers(0, 256, (4, 5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(infer_images(values, "here").images[2, 1], values[2, :, :, 1])


def with_bad_values() -> np.ndarray:
    values = REALS.copy()
    values[7, 2, 1] = np.inf
    values[8, 0, 0] = np.nan
    values[9, 0, 0] = -np.inf
    return values


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (with_bad_values(), r"2 of 240 values are infinite, the first at index \(7, 2, 1\)"),
        (np.full((3, 4), np.nan), r"all of its 12 values are missing \(NaN\)"),
        (np.array([[3.0, np.nan], [np.nan, 3.0]]), "all values are 3, so there is nothing to learn"),
        (np.full((3, 4), 7.0), "all values are 7, so there is nothing to learn"),
        (np.zeros((0, 4)), r"not empty, got shape \(0, 4\)"),
        (np.arange(5), r"got shape \(5,\)"),
        (np.zeros((2, 2, 2, 2, 2)), "got shape"),
        (np.array([["a"]]), "got <U1"),
        (np.ones((2, 2)) * 1j, "got complex128"),
        (np.array([["2020-01-01"]], "M8[D]"), "got datetime64"),
        (np.array([[-1.7e308, 1.7e308]]), "too far apart"),
        (np.zeros((2, 20, 20, 20)) + np.arange(20), "at most 16 channels"),
    ],
)
def test_unusable_arrays_are_one_line_errors(values: np.ndarray, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        infer_images(values, "here")
    assert str(caught.value).startswith("here: ")
    assert "\n" not in str(caught.value)


def test_bad_values_are_counted_across_chunks() -> None:
    values = np.zeros((2, 2**21 + 1), np.float32)
    values[1, 5] = np.inf
    values[1, 6] = -np.inf
    with pytest.raises(DataError, match=r"2 of \d+ values .* \(1, 5\)"):
        infer_images(values, "here")


def test_arrays_larger_than_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_half_of_memory", lambda: 900)
    with pytest.raises(DataError, match="more than half of this machine's memory"):
        infer_images(REALS, "here")
    infer_images(LEVELS, "here")


@pytest.mark.parametrize(
    ("values", "scale", "says"),
    [
        (LEVELS * 1.0, 255, "values in [0, 255], in 255 equal steps, stored as real numbers in [0, 1]"),
        ((LEVELS > 99) * 1.0, 1, "values in [0, 1], only two of them, stored as real numbers in [0, 1]"),
        (
            np.where(LEVELS > 99, 7.0, -2.0),
            9,
            "values in [-2, 7], only two of them, stored as real numbers in [0, 1]",
        ),
        (REALS * 2 - 1, 2, "real values in [-1, 1], mapped to [0, 1]"),
    ],
)
def test_missing_values_stay_missing_and_others_are_unchanged(
    values: np.ndarray, scale: float, says: str
) -> None:
    holes = values.copy()
    holes[3] = np.nan
    holes[5, 1] = np.nan
    found = infer_images(holes, "here")
    assert found.images.dtype == np.float32
    assert found.scale == scale
    original = found.offset + found.scale * found.images[:, 0].astype(np.float64)
    np.testing.assert_allclose(original, holes, atol=1e-4)  # NaN where NaN was
    assert found.notes[1:] == (
        says,
        f"{12 + 3} of 240 values (6.2%) are missing (NaN), among them all of 1 of 20 images",
    )


def test_missing_values_do_not_change_the_range() -> None:
    for place in (0, 1, 2):
        values = np.linspace(-3, 5, 3 * (2**21 + 1)).reshape(3, -1)
        values[place] = np.nan
        known = values[[row for row in range(3) if row != place]]
        found = infer_images(values, "here")
        assert (found.offset, found.offset + found.scale) == pytest.approx((known.min(), known.max()))


def test_rows_of_gray_levels_are_images_even_with_missing_values() -> None:
    rows = RNG.integers(0, 256, (9, 64)) * 1.0
    rows[0, 3] = np.nan
    assert infer_images(rows, "here").images.shape == (9, 1, 8, 8)
