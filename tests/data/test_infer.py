from __future__ import annotations

import numpy as np
import pytest

from vaekit.data.dataset import Dataset, to_layout
from vaekit.data.infer import infer_images
from vaekit.data.preprocessing import fit_preprocessing
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
        ((LEVELS > 99) * 70 - 30, np.uint8, -32, 1),
        (REALS * 1e-3, np.float32, 0, 1),
        (REALS * 1e-3 - 5e-4, np.float32, 0, 1),
        (LEVELS.astype(np.uint16) * 16, np.uint16, 0, 1),
        (LEVELS.astype(np.uint16) * 17.0, np.uint16, 0, 1),
        (LEVELS.astype(">u2") * 16, np.uint16, 0, 1),
        ((LEVELS > 99) * 4095, np.uint16, 0, 1),
        (REALS / 100, np.float32, 0, 1),
        (REALS, np.float32, 0, 1),
        (REALS * 2 - 1, np.float32, -1, 2),
        (REALS * 255, np.float32, 0, 255),
        (REALS.astype(np.float16), np.float32, 0, 1),
        (RNG.integers(0, 17, (20, 4, 3)) * 1.0, np.uint8, 0, 1),
        (RNG.integers(-300, 400, (20, 4, 3)), np.uint16, -512, 1),
        (RNG.integers(-1024, 3072, (20, 4, 3)).astype(np.int16), np.uint16, -1024, 1),
        (RNG.integers(-1, 2, (20, 4, 3)), np.uint8, -1, 1),
        (RNG.integers(-60_000, 40_000, (20, 4, 3)), np.float32, 0, 1),
        (RNG.normal(size=(20, 4, 3)) * 1e6, np.float32, 0, 1),
        (RNG.normal(1e9, 1, (20, 4, 3)), np.float32, None, 1),
        (RNG.normal(size=(20, 4, 3)) * 1e-40, np.float32, None, None),
    ],
)
def test_values_are_rescaled_and_convert_back(
    values: np.ndarray, kind: type, offset: float | None, scale: float | None
) -> None:
    found = infer_images(values, "here")
    assert found.images.dtype == kind
    assert found.images.shape == (20, 1, 4, 3)
    if kind is np.float32 and found.scaled:
        assert found.images.min() >= 0
        assert found.images.max() <= 1
    if offset is not None:
        assert found.offset == offset
    if scale is not None:
        assert found.scale == pytest.approx(scale)
    tolerance = 1e-6 * np.ptp(values.astype(np.float64))
    original = found.offset + found.scale * found.images[:, 0].astype(np.float64)
    np.testing.assert_allclose(original, values.astype(np.float64), atol=tolerance)


@pytest.mark.parametrize(
    "values",
    [LEVELS, LEVELS.astype(np.uint16) * 16, REALS.astype(np.float32), REALS.astype(np.float32) * 7 - 3],
)
def test_arrays_of_the_stored_type_are_not_copied(values: np.ndarray) -> None:
    assert np.shares_memory(infer_images(values, "here").images, values)


@pytest.mark.parametrize(
    ("high", "levels"), [(16, 17), (127, 128), (256, 1024), (1023, 1024), (1024, 4096), (12_000, 16384)]
)
def test_levels_are_those_of_the_smallest_camera(high: int, levels: int) -> None:
    values = RNG.integers(0, high + 1, (20, 40, 40))
    values[0, 0, 0] = high
    found = infer_images(values, "here")
    np.testing.assert_array_equal(found.images[:, 0], values)
    assert found.levels == levels


def test_sixteen_bits_and_eight_bits_have_the_levels_of_their_type() -> None:
    values = RNG.integers(0, 65536, (20, 40, 40))
    assert (infer_images(values, "here").images.dtype, infer_images(values, "here").levels) == (np.uint16, 0)
    assert infer_images(LEVELS // 8, "here").levels == 0


@pytest.mark.parametrize("far", [-9999, 1_700_000_000, 65535])
@pytest.mark.parametrize("whole", [True, False])
def test_one_far_value_decides_neither_range_nor_levels(far: float, whole: bool) -> None:
    values = RNG.integers(0, 900, (20, 30, 30)).astype(float) if whole else RNG.normal(size=(20, 30, 30))
    values[3, 4, 5] = far
    found = infer_images(values, "here")
    assert (found.images.dtype, found.scaled, found.scale) == (np.float32, False, 1)
    np.testing.assert_allclose(found.images[:, 0], values, rtol=1e-6)
    assert "1 of 18000 values lie far from all others" in found.notes[1]
    assert f"such as {far:g}" in found.notes[1]
    data = Dataset("far", "Far", found.images, None, (), scaled=False)
    assert fit_preprocessing(data).scale < 1000


def test_one_bright_pixel_among_dark_reals_does_not_decide_the_range() -> None:
    values = RNG.random((20, 30, 30))
    values[0, 0, 0] = 200.5
    found = infer_images(values, "here")
    assert not found.scaled
    assert "1 of 18000 values lie far" in found.notes[1]


def test_many_bright_pixels_are_no_mistake() -> None:
    values = np.where(RNG.random((20, 30, 30)) < 0.05, 4000, RNG.integers(0, 20, (20, 30, 30)))
    found = infer_images(values, "here")
    assert (found.images.dtype, found.levels) == (np.uint16, 4096)


@pytest.mark.parametrize(
    ("shape", "expected", "says"),
    [
        ((9, 10), (9, 10), "9 vectors of length 10"),
        ((9, 49), (9, 49), "vectors"),
        ((9, 64), (9, 1, 8, 8), "9 rows of 64 gray levels, read as 8x8 images"),
        ((9, 784), (9, 1, 28, 28), "read as 28x28 images"),
        ((9, 5, 7), (9, 1, 5, 7), "9 gray images of 5x7"),
        ((9, 3, 5, 7), (9, 3, 5, 7), "3 channels, stored first"),
        ((9, 5, 7, 3), (9, 3, 5, 7), "3 channels, stored last"),
        ((9, 5, 7, 1), (9, 1, 5, 7), "1 channels, stored last, moved first"),
        ((9, 4, 32, 32), (9, 4, 32, 32), "9 images of 32x32 with 4 channels, stored first"),
        ((9, 8, 20, 20), (9, 8, 20, 20), "data.points=volume reads volumes of 8x20x20"),
        ((9, 6, 6, 6), (9, 1, 6, 6, 6), "data.points=image reads images with 6 channels"),
        ((9, 20, 30, 30), (9, 1, 20, 30, 30), "9 volumes of 20x30x30, one channel"),
        ((9, 2, 5, 6, 7), (9, 2, 5, 6, 7), "9 volumes of 5x6x7 with 2 channels, stored first"),
        ((9, 5, 6, 7, 3), (9, 3, 5, 6, 7), "9 volumes of 5x6x7 with 3 channels, stored last"),
        ((9, 2, 128), (9, 2, 128), "9 signals of length 128 with 2 channels, stored first"),
        ((9, 128, 2), (9, 2, 128), "9 signals of length 128 with 2 channels, stored last"),
        ((9, 12, 40), (9, 1, 12, 40), "9 gray images of 12x40"),
        ((9, 32, 128), (9, 1, 32, 128), "data.points=signal reads signals with 32 channels"),
    ],
)
def test_layout(shape: tuple[int, ...], expected: tuple[int, ...], says: str) -> None:
    values = RNG.integers(0, 256, shape, dtype=np.uint8)
    found = infer_images(values, "here")
    assert found.images.shape == expected
    assert says in found.notes[0]


@pytest.mark.parametrize(
    ("shape", "kind", "expected"),
    [
        ((9, 2, 128), "image", (9, 1, 2, 128)),
        ((9, 32, 128), "signal", (9, 32, 128)),
        ((9, 16, 16, 16), "image", (9, 16, 16, 16)),
        ((9, 9, 9, 20), "image", (9, 20, 9, 9)),
        ((9, 3, 8, 8), "volume", (9, 1, 3, 8, 8)),
        ((9, 3, 8, 8), "vector", (9, 192)),
        ((9, 64), "signal", (9, 1, 64)),
        ((9, 64), "image", (9, 1, 8, 8)),
    ],
)
def test_a_kind_that_is_asked_for(shape: tuple[int, ...], kind: str, expected: tuple[int, ...]) -> None:
    values = RNG.random(shape, dtype=np.float32)
    found = infer_images(values, "here", kind)
    assert found.images.shape == expected
    restored = to_layout(found.images, expected[1:], shape[1:])
    np.testing.assert_array_equal(restored, values)


@pytest.mark.parametrize(
    ("shape", "kind", "says"),
    [
        ((9, 63), "image", "rows of H \\* H values"),
        ((9, 8, 8), "volume", r"expected \(N, D, H, W\), \(N, C, D, H, W\)"),
        ((9, 3, 8, 8), "signal", "data.points=signal"),
        ((9, 8, 8), "movie", "expected one of auto, vector, signal, image, volume, got 'movie'"),
    ],
)
def test_a_kind_that_does_not_fit_is_refused(shape: tuple[int, ...], kind: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        infer_images(RNG.random(shape), "here", kind)


def test_real_rows_stay_vectors() -> None:
    assert infer_images(RNG.normal(size=(5, 784)), "here").images.shape == (5, 784)


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
        (np.zeros((0, 4)), r"not empty, got shape \(0, 4\)"),
        (np.arange(5), r"got shape \(5,\)"),
        (np.zeros((2, 2, 2, 2, 2, 2)), "got shape"),
        (np.array([["a"]]), "got <U1"),
        (np.ones((2, 2)) * 1j, "got complex128"),
        (np.array([["2020-01-01"]], "M8[D]"), "got datetime64"),
        (np.array([[-1.7e308, 1.7e308]]), "too far apart"),
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
        (np.where(LEVELS > 99, 7.0, -2.0), 1, "whole numbers in [-2, 7], kept in their units"),
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
        data = Dataset("holes", "Holes", found.images, None, (), scaled=found.scaled)
        fitted = fit_preprocessing(data)
        assert (fitted.low, fitted.high) == pytest.approx((known.min(), known.max()))
        assert (fitted.offset, fitted.offset + fitted.scale) == pytest.approx((known.min(), known.max()))


def test_rows_of_gray_levels_are_images_even_with_missing_values() -> None:
    rows = RNG.integers(0, 256, (9, 64)) * 1.0
    rows[0, 3] = np.nan
    assert infer_images(rows, "here").images.shape == (9, 1, 8, 8)
