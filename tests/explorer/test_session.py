"""A model with its codes: they are those of the model, whatever it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cases
from explorer.explored_models import N, explored
from vaekit.config.loading import load_recipe
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError, NotFoundError
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.explorer.session import SAMPLES, Source, look, open_session


def test_codes_and_terms_are_those_of_the_model():
    e = explored()
    x = e.seen.all()
    with torch.no_grad():
        posterior = e.model.encode(x)
        rate = e.model.elbo_terms(x, seed=0).kl
    assert np.allclose(e.codes.mean, posterior.mean, atol=1e-6)
    assert np.allclose(e.codes.stddev, posterior.stddev, atol=1e-6)
    assert np.allclose(e.kl_per_layer, rate, atol=1e-5)
    assert e.reconstruction.shape == (N,)
    assert (e.reconstruction < 0).all()
    assert np.array_equal(e.codes.labels, np.arange(N) % 3)


def test_log_likelihoods_are_worked_out_step_by_step():
    e = explored()
    assert np.isnan(e.log_likelihood).all()
    steps = list(e.measure())
    assert steps[-1] == N
    assert steps == sorted(steps)
    assert np.isfinite(e.log_likelihood).all()
    batch = iter([(e.seen.batch(torch.arange(steps[0])), None)])
    expected = measure_batches(e.model, batch, SAMPLES, seed=0).log_likelihood
    assert np.allclose(e.log_likelihood[: steps[0]], expected, atol=1e-4)


def test_an_autoencoder_has_no_log_likelihood():
    e = explored(cases.make_vae(posterior="delta"))
    assert not e.is_bound
    assert list(e.measure()) == []


def test_progress_counts_all_images():
    counted = []
    e = explored()
    look(e.trained, e.seen, Source(), lambda images, of: counted.append((images, of)))
    assert sum(images for images, _ in counted) == N
    assert {of for _, of in counted} == {N}


def test_codes_from_outside_must_fit():
    with pytest.raises(InvalidError, match="z: expected 2 numbers, got 3"):
        explored().latents([[0, 1], [0, 1, 2]])


def test_an_image_must_be_there():
    with pytest.raises(NotFoundError, match="image 30: there are images 0 to 29"):
        explored().image(N)


def test_a_label_must_be_known_where_the_model_is_told_one():
    assert explored().label(17) is None
    e = explored(cases.make_labeled())
    assert e.label(2, 3).tolist() == [2, 2, 2]
    assert e.label([0.0, 0.5, 0.5], 1).tolist() == [[0.0, 0.5, 0.5]]
    for label, message in [(3, "expected 0 to 2, got 3"), ([1.0], "expected 3 numbers, got 1")]:
        with pytest.raises(InvalidError, match=message):
            e.label(label)


def test_without_one_it_is_the_likeliest():
    e = explored(cases.make_labeled())
    assert e.label(None, 2).tolist() == [int(e.model.labels.log_prob.argmax())] * 2


def test_all_images_may_be_looked_at(tmp_path):
    trained = TrainedModel(
        cases.make_vae(shape=(1, 8, 8)).eval(), load_recipe("digits"), (1, 8, 8), (), tmp_path
    )
    every = open_session(trained, split="all")
    parts = [open_session(trained, split=split) for split in ("train", "validation", "test")]
    assert len(every.seen) == sum(len(part.seen) for part in parts) == 1797


def test_of_images_without_labels_a_conditional_model_guesses_them():
    e = explored(cases.make_labeled(), labels=False)
    assert e.codes.labels is None
    assert e.told.shape == (N,)
    assert set(e.told.tolist()) <= {0, 1, 2}
    with torch.no_grad():
        expected = e.model.encode(e.seen.all(), e.told).mean
    assert np.allclose(e.codes.mean, expected, atol=1e-5)
    assert list(e.measure())[-1] == N
