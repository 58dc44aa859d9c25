"""The spaces of features: the classifier that is trained once, components of pixels, the user's own."""

import os

import numpy as np
import pytest
import torch

from vaekit.data import Dataset, load_dataset
from vaekit.errors import InvalidError, NotFoundError
from vaekit.evaluation import feature_classifier as module
from vaekit.evaluation.feature_classifier import feature_classifier
from vaekit.evaluation.features import feature_space


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    """A cache of the test's own, and a short training."""
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "STEPS", 60)


@pytest.fixture
def said():
    return []


def stripes(labeled=True, n=200):
    """Images of two kinds, stripes across and stripes up, under noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    across = np.tile(np.array([200, 30] * 4, np.uint8)[:, None], (1, 8))
    plain = np.where(labels[:, None, None] == 0, across, across.T)[:, None]
    images = (plain + rng.integers(0, 40, plain.shape)).astype(np.uint8)
    return Dataset("stripes", "Stripes", images, labels if labeled else None, ("a", "b") if labeled else ())


def kept(tmp_path):
    return sorted((tmp_path / "cache" / "features").glob("*.safetensors"))


def test_a_classifier_is_trained_once_and_then_cached(said, tmp_path):
    data = stripes()
    first = feature_classifier(data, say=said.append)
    assert first.accuracy > 0.95
    assert len(kept(tmp_path)) == 1
    x = torch.rand(4, 1, 8, 8)
    again = feature_classifier(data, say=said.append)
    assert torch.equal(first(x), again(x))
    assert first.accuracy == again.accuracy
    assert said == ["training a small classifier of stripes for its features; this is done once"]


def test_a_damaged_file_is_replaced_by_the_same_weights(said, tmp_path):
    data, x = stripes(), torch.rand(4, 1, 8, 8)
    first = feature_classifier(data, say=said.append)(x)
    [file] = kept(tmp_path)
    whole = file.read_bytes()
    for damaged in (b"", whole[:1000], b"\0" * len(whole)):
        file.write_bytes(damaged)
        assert torch.equal(feature_classifier(data, say=said.append)(x), first)
    assert len(said) == 4
    assert kept(tmp_path) == [file]
    assert file.read_bytes() == whole


def test_other_images_or_labels_have_another_classifier(said, tmp_path):
    data = stripes()
    other = Dataset("stripes", "Stripes", data.images, 1 - data.labels, data.label_names)
    for each in (data, other, stripes(n=100)):
        feature_classifier(each, say=said.append)
    assert len(said) == len(kept(tmp_path)) == 3


def test_without_a_cache_a_classifier_is_trained_each_time(said, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module.cache, "is_writable", lambda shelf: False)
    for _ in range(2):
        assert feature_classifier(stripes(), say=said.append).accuracy > 0.95
    assert len(said) == 2
    assert not kept(tmp_path)
    assert "set VAEKIT_CACHE" in caplog.text


def test_training_keeps_the_global_random_state():
    before = torch.get_rng_state()
    feature_classifier(stripes())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", ["classifier", "pixels"])
def test_over_the_training_images_features_have_mean_zero_and_variance_one(kind):
    data = load_dataset("digits")
    found = feature_space(data, kind)
    x = torch.tensor(data.images) / 255
    features = found.extract(x.split(300))
    assert features.shape == (1797, 64)
    assert features.dtype == torch.float64
    assert features.mean(0).abs().max() < 0.2
    assert features.var(0).mean().item() == pytest.approx(1, abs=0.05)


def test_components_keep_distances_between_images():
    data = stripes(labeled=False)
    found = feature_space(data)
    assert (found.kind, found.accuracy) == ("pixels", None)
    assert found.description == "64 principal components of the pixels of stripes"
    x = torch.from_numpy(data.images[:20]).float() / 255
    ratio = torch.pdist(found.extract([x])) / torch.pdist(x.flatten(1).double())
    assert ratio.max() / ratio.min() == pytest.approx(1, abs=1e-4)


def test_the_classifier_is_described():
    found = feature_space(stripes())
    assert found.kind == "classifier"
    assert found.description == "64 features of a small classifier of stripes, 100.0% correct on test images"
    assert found.accuracy == 1


def test_vectors_have_a_classifier_too():
    data = stripes()
    flat = Dataset("flat", "Flat", data.images.reshape(200, 1, 1, 64), data.labels, data.label_names)
    assert feature_space(flat).accuracy > 0.9


OWN = """
import numpy as np
def mean(images):
    assert images.dtype == np.float32 and images.ndim == 4
    return images.reshape(len(images), -1).mean(1, keepdims=True)
def flat(images):
    return images.mean((1, 2, 3))
def wrong(images):
    return 1 / 0
"""


def test_a_function_of_the_users_own(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    x = torch.rand(5, 1, 8, 8)
    for name in (f"{tmp_path}{os.sep}mine.py:mean", "mine:mean"):
        found = feature_space(stripes(), name)
        torch.testing.assert_close(found.extract(x.split(2)), x.mean((1, 2, 3))[:, None].double())
        assert (found.kind, found.description) == (name, f"user-defined features {name}")


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("classifer", InvalidError, "got 'classifer'; did you mean 'classifier'"),
        ("nowhere.py:f", NotFoundError, "nowhere.py: not found"),
        ("nowhere:f", NotFoundError, "nowhere: not found"),
        ("mine.py:maen", NotFoundError, "has no function 'maen'; did you mean 'mean'"),
        ("broken.py:f", InvalidError, "fails on import"),
    ],
)
def test_mistakes_in_the_name_of_features(name, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "broken.py").write_text("def f(:\n")
    with pytest.raises(error, match=words) as caught:
        feature_space(stripes(), name)
    assert "\n" not in str(caught.value)


def test_mistakes_of_the_users_function(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN)
    x = [torch.rand(5, 1, 8, 8)]
    with pytest.raises(InvalidError, match=r"of shape \(5, F\), one row per image, got shape \(5,\)"):
        feature_space(stripes(), "mine.py:flat").extract(x)
    with pytest.raises(InvalidError, match=r"fails on images of shape \(5, 1, 8, 8\): division by zero"):
        feature_space(stripes(), "mine.py:wrong").extract(x)


def test_a_classifier_needs_labels():
    with pytest.raises(
        InvalidError, match="a classifier needs labels, but data 'stripes' has none; use pixels"
    ):
        feature_space(stripes(labeled=False), "classifier")
