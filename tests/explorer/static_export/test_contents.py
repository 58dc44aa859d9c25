"""The data files: they hold what the views return, and how the model sees an image."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import cases
from explorer.sessions import N, numbers, opened, tiny_session
from vaekit.data.dataset import Dataset
from vaekit.data.observation import observe
from vaekit.explorer.static_export import contents


@pytest.fixture(autouse=True)
def without_onnx(monkeypatch):
    """ONNX is tested elsewhere."""
    monkeypatch.setattr(contents, "to_onnx", lambda name, graph: name.encode())


def points(e) -> dict:
    return json.loads(contents.site_files([e])["0/points.json"])


def test_there_is_a_file_for_each_thing():
    files = contents.site_files([tiny_session(), tiny_session(cases.make_vae(prior="vamp"))])
    graphs = {f"{name}.onnx" for name in ("encode", "decode", "terms", "prior")}
    assert {name for name in files if name.startswith("0/")} == {
        f"0/{name}" for name in {"points.json", "images.png", *graphs}
    }
    assert "1/pseudo_inputs.png" in files
    assert len(json.loads(files["models.json"])["models"]) == 2
    assert files["0/decode.onnx"] == b"decode"


def test_maps_and_posteriors_are_those_of_the_model():
    e = tiny_session(cases.make_vae(layer_dims=(4,)))
    found = points(e)
    assert list(found["maps"]) == list(found["density"]) == ["pca"]
    assert np.allclose(numbers(found["maps"]["pca"]["x"]), e.projection().points[:, 0], atol=1e-5)
    assert np.allclose(numbers(found["maps"]["pca"]["log_likelihood"]), e.log_likelihood, atol=1e-3)
    assert np.allclose(numbers(found["mean"]).reshape(N, 4), e.latents.mean)
    assert np.allclose(numbers(found["stddev"]).reshape(N, 4), e.latents.stddev)


def test_images_are_side_by_side():
    files = contents.site_files([tiny_session()])
    columns = json.loads(files["0/points.json"])["columns"]
    width, height = opened(files["0/images.png"]).size
    assert (width, height) == (columns * 5, -(-N // columns) * 6)


@pytest.mark.parametrize("observation", ["threshold", "static", "dynamic"])
def test_thresholds_binarize_as_the_model_does(observation):
    e = tiny_session()
    e.trained.recipe.data.__dict__["binarization"] = observation
    threshold = numbers(points(e)["threshold"], "u1").reshape(cases.SHAPE)
    levels = np.random.default_rng(3).integers(0, 256, (1, *cases.SHAPE), dtype=np.uint8)
    seen = observe(Dataset("one", "One", levels, None, ()), np.arange(1), observation).all()[0]
    assert np.array_equal(levels[0] >= threshold, seen.numpy() == 1)


def test_gray_levels_have_no_threshold():
    assert points(tiny_session(cases.make_vae(likelihood="discretized_logistic")))["threshold"] is None


def test_components_come_with_their_weights():
    assert points(tiny_session())["weights"] is None
    e = tiny_session(cases.make_vae(prior="mixture"))
    with torch.no_grad():
        e.model.prior.layers[0].logits.copy_(torch.tensor([0.0, 1, 2]))
    [weights] = points(e)["weights"]
    assert weights == pytest.approx(torch.tensor([0.0, 1, 2]).softmax(0).tolist())
