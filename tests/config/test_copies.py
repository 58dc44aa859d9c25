"""Models, recipes and trained models are pickled, copied and saved by PyTorch."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest
import torch

import vaekit
from vaekit.config.build import build_model
from vaekit.config.loading import load_recipe, recipe_names
from vaekit.config.schema.model import ModelSettings
from vaekit.registry import names
from vaekit.training.display import SilentLogger

SHAPE = (1, 8, 8)
PARTS = [
    *({"prior": name} for name in names("prior")),
    *({"encoder": {"posterior": name}} for name in names("posterior") if name != "message"),
    *({"decoder": {"likelihood": name}} for name in names("likelihood") if name != "columns"),
    {"encoder": {"posterior": {"kind": "gaussian", "parametrization": "softplus"}}},
    {"encoder": {"posterior": {"kind": "gaussian", "parametrization": "unconstrained"}}},
    {"decoder": {"likelihood": {"kind": "gaussian", "sigma": "learned"}}},
    {"decoder": {"likelihood": {"kind": "gaussian", "sigma": 0.1}}},
]


def saved_by_torch(value):
    content = io.BytesIO()
    torch.save(value, content)
    content.seek(0)
    return torch.load(content, weights_only=False)


COPIES = [lambda value: pickle.loads(pickle.dumps(value)), copy.deepcopy, saved_by_torch]


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_a_copy_of_a_model_gives_the_same_bound(part):
    model = build_model(ModelSettings(latent_dim=2, **part), SHAPE).eval()
    x = model.sample(3, seed=0, sample_pixels=True)
    values = []
    for one in (model, *(make(model) for make in COPIES)):
        torch.manual_seed(0)
        terms = one.elbo_terms(x)
        values.append(terms.log_px - (terms.kl.sum(0) if terms.kl is not None else terms.log_qz.sum(0)))
    assert all(torch.equal(value, values[0]) for value in values)


@pytest.mark.parametrize("name", recipe_names())
def test_a_copy_of_a_recipe_is_equal(name):
    recipe = load_recipe(name)
    for make in COPIES:
        assert make(recipe) == recipe


def test_a_copy_of_a_trained_model_encodes_alike():
    x = np.random.default_rng(0).normal(size=(120, 3))
    trained = vaekit.fit(x, epochs=1, log=SilentLogger())
    for make in COPIES:
        np.testing.assert_array_equal(make(trained).encode(x), trained.encode(x))
