"""A binary image drawn from gray values has their probabilities, and all pixels are drawn apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from vaekit.data import observation
from vaekit.data.observation import draw_binary

N = 40_000


def levels() -> torch.Tensor:
    """(256, N): every level, N times."""
    return torch.arange(256, dtype=torch.uint8).view(256, 1).expand(256, N).contiguous()


def test_every_gray_level_is_sampled_with_its_probability():
    torch.manual_seed(0)
    ones = draw_binary(levels()).sum(1).numpy()
    p = np.arange(256) / 255
    assert (ones[0], ones[255]) == (0, N)
    inside = slice(1, 255)
    squares = (ones[inside] - N * p[inside]) ** 2 / (N * p[inside] * (1 - p[inside]))
    assert 0.001 < stats.chi2.sf(squares.sum(), 254) < 0.999


def test_a_byte_of_255_is_resolved_by_further_bytes(monkeypatch):
    noise = torch.tensor([[255, 255, 255, 3, 200], [255, 255, 7, 255, 0], [9, 255, 0, 0, 255]])
    monkeypatch.setattr(observation, "_bytes", lambda rows, n, device: noise.to(torch.uint8))
    assert draw_binary(torch.tensor([10, 255, 8, 4, 200], dtype=torch.uint8)).tolist() == [1, 1, 1, 1, 0]


def test_pixels_are_sampled_independently_at_each_use():
    torch.manual_seed(1)
    gray = levels()[100:140]
    one, other = (draw_binary(gray) - gray / 255 for _ in range(2))
    for a, b in [(one, other), (one[:, 1:], one[:, :-1]), (one[1:], one[:-1]), (one[:, 8:], one[:, :-8])]:
        assert abs(np.corrcoef(a.flatten(), b.flatten())[0, 1]) < 5 / np.sqrt(a.numel())


@pytest.mark.parametrize("shape", [(3, 1, 5, 7), (1, 1, 1, 1), (2, 3, 8, 8)])
def test_shape_type_and_values(shape: tuple[int, ...]):
    found = draw_binary(torch.full(shape, 128, dtype=torch.uint8))
    assert (found.shape, found.dtype) == (shape, torch.float32)
    assert set(found.unique().tolist()) <= {0.0, 1.0}


def test_real_numbers_are_probabilities_and_nan_gives_zero():
    torch.manual_seed(2)
    p = torch.tensor([0.0, 0.25, 1.0, torch.nan]).expand(N, 4)
    share = draw_binary(p).mean(0)
    assert share[[0, 2, 3]].tolist() == [0, 1, 0]
    assert abs(share[1] - 0.25) < 5 * (0.25 * 0.75 / N) ** 0.5


def test_the_seed_decides():
    def once() -> torch.Tensor:
        torch.manual_seed(3)
        return draw_binary(levels()[:, :10])

    assert torch.equal(once(), once())
