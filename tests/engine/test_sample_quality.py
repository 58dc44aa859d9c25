"""The quality of samples of models that are known to be good, bad, and always the same."""

import itertools
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vaekit.config.build import build_model
from vaekit.config.loading import load_recipe
from vaekit.data import load_dataset
from vaekit.engine.evaluate import EvaluationOptions, evaluate
from vaekit.engine.sample_quality import sample_quality
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError
from vaekit.evaluation import feature_classifier


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    monkeypatch.setenv("VAEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(feature_classifier, "STEPS", 60)


def digits(*changes):
    """An untrained model of `digits`."""
    recipe = load_recipe("digits", ["model.latent_dim=2", "model.encoder.network.hidden_sizes=[5]", *changes])
    model = build_model(recipe.model, (1, 8, 8)).eval()
    return TrainedModel(model, recipe, (1, 8, 8), tuple("0123456789"), Path("digits"))


def sampling(trained, images):
    """The same, but that its samples are these images, one after the other, drawn or not."""
    left = itertools.cycle(images)

    def sample(n, temperature=1.0, y=None, seed=None, sample_pixels=False):
        x = torch.stack([next(left) for _ in range(n)])
        return torch.bernoulli(x, generator=seed) if sample_pixels else x

    trained.model.sample = sample
    return trained


def real(part):
    data = load_dataset("digits")
    _, splits = digits().load_data()
    return torch.tensor(data.images[getattr(splits, part)]) / 255


@pytest.mark.parametrize("features", ["classifier", "pixels"])
@pytest.mark.parametrize("draw", [True, False])
def test_real_images_reach_the_floor_and_a_constant_does_not(features, draw):
    images = real("train")
    perfect = sample_quality(sampling(digits(), images.flip(0)), 250, features, draw, sample_seeds=1)
    assert perfect.frechet < 2 * perfect.floor_frechet
    assert min(perfect.precision, perfect.recall) > 0.65
    constant = sample_quality(sampling(digits(), images[:1].expand(250, -1, -1, -1)), 250, features, draw)
    assert constant.frechet > 5 * constant.floor_frechet
    assert constant.kernel > 10 * abs(constant.floor_kernel)
    assert constant.recall < 0.2
    assert constant.floor_frechet == perfect.floor_frechet


def test_errors_are_those_over_sets_of_samples():
    """Five sets of samples: the mean and standard error of the scores of each set alone."""
    alone = [sample_quality(digits(), 40, "pixels", seed=0, sample_seeds=1)]
    assert (alone[0].frechet_stderr, alone[0].sample_seeds) == (None, 1)
    found = sample_quality(digits(), 40, "pixels", seed=0)
    assert found.sample_seeds == 5
    assert found.frechet_stderr > 0
    assert found.floor_frechet == alone[0].floor_frechet
    many = [sample_quality(digits(), 40, "pixels", seed=0, sample_seeds=n) for n in (1, 2)]
    second = 2 * many[1].frechet - many[0].frechet
    assert many[1].frechet_stderr == pytest.approx(abs(second - many[0].frechet) / 2)
    with pytest.raises(InvalidError, match="sample_seeds: expected at least 1, got 0"):
        sample_quality(digits(), 40, "pixels", sample_seeds=0)


def test_an_untrained_model_scores_far_below_the_floor():
    found = sample_quality(digits())
    assert found.frechet > 5 * found.floor_frechet
    assert found.precision < found.floor_precision
    assert found.images == 297  # the test images are no more


def test_pixels_are_compared_with_pixels_and_means_with_images(monkeypatch):
    seen = []
    subset = TrainedModel.subset
    monkeypatch.setattr(
        TrainedModel,
        "subset",
        lambda *args, **kw: seen.append(kw.get("observation")) or subset(*args, **kw),
    )
    for changes, draw, pixels, observation in [
        ((), None, "drawn", "dynamic"),
        ((), False, "means", "continuous"),
        (("data.binarization=threshold",), None, "drawn", "threshold"),
        (("data.binarization=threshold",), False, "means", "threshold"),
        (("data.binarization=none",), None, "means", "continuous"),
        (
            ("data.binarization=none", "data.values=continuous", "model.decoder.likelihood=gaussian"),
            None,
            "means",
            "continuous",
        ),
        (("model.decoder.likelihood=gaussian",), None, "means", "continuous"),
    ]:
        assert sample_quality(digits(*changes), 20, "pixels", draw).pixels == pixels
        assert set(seen) == {observation}
        seen.clear()


def test_the_same_seed_gives_the_same_numbers():
    one, two, other = (asdict(sample_quality(digits(), 50, seed=seed)) for seed in (1, 1, 2))
    timed = {"seconds", "seed"}
    assert {k: v for k, v in one.items() if k not in timed} == {
        k: v for k, v in two.items() if k not in timed
    }
    assert one["floor_kernel"] != other["floor_kernel"]


def test_validation_images_are_the_floor_without_a_test_split():
    trained = digits("data.test=0", "data.validation=50")
    assert sample_quality(trained, 200, "pixels").images == 50


def test_data_that_cannot_be_compared(tmp_path):
    with pytest.raises(InvalidError, match="expected at least 10 samples, training and held-out images"):
        sample_quality(digits("data.test=5"), 100)
    with pytest.raises(InvalidError, match="'digits' there are 3, "):
        sample_quality(digits(), 3)
    holes = load_dataset("digits").images / np.float32(255)
    holes[3, 0, 4] = np.nan
    np.save(tmp_path / "holes.npy", holes[:, 0])
    with pytest.raises(
        InvalidError, match="'holes': expected images without missing values, to compare samples with"
    ):
        sample_quality(digits(), 100, "pixels", data=str(tmp_path / "holes.npy"))


def test_quality_is_part_of_an_evaluation_on_request():
    trained = digits()
    plain = evaluate(trained, EvaluationOptions(samples=2, images=20))
    assert plain.quality is None
    found = evaluate(trained, EvaluationOptions(samples=2, images=20, quality=True, seed=3))
    assert found.quality.seed == 3
    assert found.to_dict()["quality"]["features"] == "classifier"
    by_name = evaluate(trained, EvaluationOptions(samples=2, images=20, features="pixels"))
    assert by_name.quality.features == "pixels"
    assert replace(by_name, quality=None, seconds=0) == replace(plain, seconds=0)
