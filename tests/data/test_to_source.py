"""Model values in units, layout and type of the source."""

from __future__ import annotations

import numpy as np
import pytest

from vaekit.data.dataset import Dataset
from vaekit.data.infer import infer_images
from vaekit.data.observation import observe
from vaekit.data.preprocessing import fit_preprocessing, to_source

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (RNG.integers(0, 256, (9, 6, 7, 3), dtype=np.uint8), np.uint8),
        (RNG.integers(0, 17, (9, 6, 7)), np.uint8),
        (RNG.integers(0, 4000, (9, 6, 7)).astype(np.uint16), np.uint16),
        (RNG.integers(0, 256, (9, 6, 7)).astype(np.uint16) * 257, np.uint16),
        (RNG.integers(0, 256, (9, 6, 7)) / 127.5 - 1, np.float32),
        (RNG.integers(-1000, 3000, (9, 8, 8, 8)).astype(np.int16), np.int16),
        (RNG.normal(40, 900, (9, 2, 64)), np.float32),
        (RNG.normal(40, 900, (9, 64, 2)), np.float32),
        (RNG.normal(-7, 1e5, (9, 8, 8, 8)), np.float32),
        (RNG.random((9, 8, 8)), np.float32),
    ],
)
def test_what_a_model_sees_comes_back_as_it_was(values: np.ndarray, dtype: type) -> None:
    found = infer_images(values, "here")
    data = Dataset(
        "x", "X", found.images, None, (), offset=found.offset, scale=found.scale,
        layout=values.shape[1:], levels=found.levels, scaled=found.scaled,
    )  # fmt: skip
    fitted = fit_preprocessing(data, np.arange(6))
    observation = "discrete" if data.is_discrete else "continuous"
    x = observe(data, np.arange(9), observation, preprocessing=fitted).all().numpy()
    assert x.shape == (9, *data.shape)
    restored = to_source(x, fitted)
    assert restored.dtype == dtype
    assert restored.shape == values.shape
    scale = np.ptp(values.astype(np.float64))
    np.testing.assert_allclose(restored, values, rtol=0, atol=1e-6 * scale)


def test_reals_are_not_clamped_and_levels_are_rounded() -> None:
    reals = fit_preprocessing(Dataset("x", "X", np.array([[0.0, 300.0]]), None, (), scaled=False))
    np.testing.assert_allclose(to_source(np.array([[-1.0, 2.0]]), reals), [[-300.0, 600.0]])
    levels = fit_preprocessing(Dataset("x", "X", np.array([[0, 200]], np.uint8), None, ()))
    assert to_source(np.array([[[0.5, 1.2]]]), levels).tolist() == [[[128, 255]]]
