"""The squared error of reconstructions against the double sum."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cases import make_vae
from vaekit.data.dataset import Dataset
from vaekit.data.observation import observe
from vaekit.evaluation.reconstruction import reconstruction_mse

LEVELS = np.random.default_rng(0).integers(0, 256, (23, 1, 6, 5), dtype=np.uint8)


def test_it_is_the_mean_over_images_and_pixels_of_the_gray_values():
    model, data = make_vae().eval(), Dataset("toy", "Toy", LEVELS, None, ())
    seen, stored = (observe(data, np.arange(23), name) for name in ("threshold", "continuous"))
    made = model.reconstruct(torch.from_numpy(LEVELS > 127).float()).detach().numpy()
    assert reconstruction_mse(model, seen, stored) == pytest.approx(
        np.square(made - LEVELS / 255).mean(), rel=1e-5
    )


def test_missing_pixels_are_not_counted():
    images = (LEVELS / 255).astype(np.float32)
    images[:, :, 0] = np.nan
    model, data = make_vae("gaussian-fixed").eval(), Dataset("toy", "Toy", images, None, ())
    seen = observe(data, np.arange(23), "continuous")
    with torch.no_grad():
        made = model.reconstruct(seen.all()).numpy()
    assert reconstruction_mse(model, seen, seen) == pytest.approx(
        np.nanmean(np.square(made - images)), rel=1e-5
    )
