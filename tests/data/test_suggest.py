from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vaekit.data import Dataset, load_dataset, suggest

RNG = np.random.default_rng(0)


def dataset(images: np.ndarray, scale: float = 1.0, **more: Any) -> Dataset:
    return Dataset("toy", "Toy", images, None, (), scale=scale, **more)


def levels(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, (50, *shape), dtype=np.uint8)


def inked(*shape: int) -> np.ndarray:
    """Mostly white or black, with some levels between."""
    return np.where(RNG.random((50, *shape)) < 0.9, (RNG.random((50, *shape)) < 0.5) * 255, 128).astype(
        np.uint8
    )


def dark(*shape: int) -> np.ndarray:
    """Nearly black, with a few pixels between and one in a thousand that is white."""
    values = (RNG.random((50, *shape)) ** 8 * 150).astype(np.uint8)
    return np.where(RNG.random((50, *shape)) < 0.001, 255, values).astype(np.uint8)


def lacking(images: np.ndarray) -> np.ndarray:
    """Levels as k / 255, some of them missing."""
    return np.where(RNG.random(images.shape) < 0.2, np.nan, images / 255).astype(np.float32)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (dataset(lacking(255 * (levels(1, 8, 8) > 99)), 255), ("threshold", "bernoulli", "dense")),
        (dataset(lacking(inked(1, 8, 8)), 255), ("dynamic", "bernoulli", "dense")),
        (dataset(lacking(levels(1, 8, 8)), 255), ("discrete", "discretized_logistic", "dense")),
        (dataset(lacking(255 * RNG.random((50, 1, 8, 8)))), ("continuous", "gaussian", "dense")),
        (
            dataset((levels(1, 20, 20) > 99).astype(np.uint8) * 255),
            ("threshold", "bernoulli", "convolutional"),
        ),
        (dataset(inked(1, 8, 8)), ("dynamic", "bernoulli", "dense")),
        (dataset((inked(1, 8, 8) / 255).astype(np.float32)), ("dynamic", "bernoulli", "dense")),
        (dataset((inked(1, 8, 8) / 255).astype(np.float32), scale=7), ("continuous", "gaussian", "dense")),
        (dataset(inked(3, 16, 16)), ("discrete", "discretized_logistic", "convolutional")),
        (dataset(levels(1, 28, 15)), ("discrete", "discretized_logistic", "dense")),
        (dataset(RNG.random((50, 1, 1, 30), dtype=np.float32)), ("continuous", "gaussian", "dense")),
        (dataset(dark(1, 20, 20)), ("discrete", "discretized_logistic", "convolutional")),
        (dataset(255 - dark(1, 20, 20)), ("discrete", "discretized_logistic", "convolutional")),
        (
            dataset(dark(1, 20, 20).astype(np.uint16) * 40, levels=16384),
            ("discrete", "discretized_logistic", "convolutional"),
        ),
        (dataset(dark(1, 20, 20) * np.float32(0.0039)), ("continuous", "gaussian", "convolutional")),
        (
            dataset(levels(1, 20, 20) * np.float32(7), scaled=False),
            ("continuous", "gaussian", "convolutional"),
        ),
        (dataset(RNG.random((50, 2, 128), dtype=np.float32)), ("continuous", "gaussian", "convolutional")),
        (dataset(levels(1, 16, 16, 16)), ("discrete", "discretized_logistic", "convolutional")),
        (dataset(levels(1, 16, 16, 9)), ("discrete", "discretized_logistic", "dense")),
        (dataset(levels(40)), ("discrete", "discretized_logistic", "dense")),
    ],
)
def test_each_kind_of_data(data: Dataset, expected: tuple[str, str, str]) -> None:
    found = suggest(data)
    assert (found.observation, found.likelihood, found.network) == expected
    assert len(found.reasons) == 2


def test_mnist() -> None:
    found = suggest(load_dataset("mnist"))
    assert (found.observation, found.likelihood, found.network) == ("dynamic", "bernoulli", "convolutional")
