"""The demo model: small, made by its recipe, and useful."""

from __future__ import annotations

import numpy as np
import pytest

import vaekit
from vaekit.config.loading import load_recipe
from vaekit.explorer.session import DEMO_FOLDER, open_session


@pytest.fixture(scope="module")
def demo():
    return vaekit.demo()


def test_it_is_small():
    assert sum(file.stat().st_size for file in DEMO_FOLDER.iterdir()) < 600_000


def test_it_was_made_by_its_recipe(demo):
    recipe = load_recipe("demo")
    assert (demo.recipe.model, demo.recipe.data) == (recipe.model, recipe.data)
    assert demo.recipe.training.model_copy(update={"threads": None}) == recipe.training


def test_it_knows_digits(demo):
    e = open_session(demo, images=300)
    assert len(e.images) == 300
    assert e.latents.mean.shape == (300, 2)
    assert e.active.all()
    assert np.mean(e.reconstruction - e.kl_per_layer.sum(0)) > -140
