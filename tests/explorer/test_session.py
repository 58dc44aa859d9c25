"""A session holds the posteriors and terms of its model, for every kind of model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import cases
from explorer.sessions import N, tiny_session
from vaekit.config.loading import load_recipe
from vaekit.engine.trained_model import TrainedModel
from vaekit.errors import InvalidError, NotFoundError
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.explorer.session import N_SAMPLES, Source, create_session, open_session


def test_latents_and_terms_are_those_of_the_model():
    e = tiny_session()
    x = e.images.all()
    with torch.no_grad():
        posterior = e.model.encode(x)
        kl = e.model.elbo_terms(x, seed=0).kl
    assert np.allclose(e.latents.mean, posterior.mean, atol=1e-6)
    assert np.allclose(e.latents.stddev, posterior.stddev, atol=1e-6)
    assert np.allclose(e.kl_per_layer, kl, atol=1e-5)
    assert e.reconstruction.shape == (N,)
    assert (e.reconstruction < 0).all()
    assert np.array_equal(e.latents.labels, np.arange(N) % 3)


def test_log_likelihoods_are_estimated_step_by_step():
    e = tiny_session()
    assert np.isnan(e.log_likelihood).all()
    steps = list(e.measure())
    assert steps[-1] == N
    assert steps == sorted(steps)
    assert np.isfinite(e.log_likelihood).all()
    batch = iter([(e.images.batch(torch.arange(steps[0])), None)])
    expected = measure_batches(e.model, batch, N_SAMPLES, seed=0).log_likelihood
    assert np.allclose(e.log_likelihood[: steps[0]], expected, atol=1e-4)


def test_an_autoencoder_has_no_log_likelihood():
    e = tiny_session(cases.make_vae(posterior="delta"))
    assert not e.is_bound
    assert list(e.measure())[-1] == N
    assert np.isnan(e.log_likelihood).all()
    assert np.isfinite(e.error).all()


def test_progress_counts_all_images():
    counted = []
    e = tiny_session()
    create_session(e.trained, e.images, Source(), lambda images, total: counted.append((images, total)))
    assert sum(images for images, _ in counted) == N
    assert {total for _, total in counted} == {N}


def test_latents_of_a_request_must_fit():
    with pytest.raises(InvalidError, match="z: expected 2 numbers, got 3"):
        tiny_session().latent_tensor([[0, 1], [0, 1, 2]])


def test_an_image_must_exist():
    with pytest.raises(NotFoundError, match="image 30: expected an index from 0 to 29"):
        tiny_session().image(N)


def test_a_label_must_be_known_to_a_conditional_model():
    assert tiny_session().label_tensor(17) is None
    e = tiny_session(cases.make_labeled())
    assert e.label_tensor(2, 3).tolist() == [2, 2, 2]
    assert e.label_tensor([0.0, 0.5, 0.5], 1).tolist() == [[0.0, 0.5, 0.5]]
    for label, message in [(3, "expected 0 to 2, got 3"), ([1.0], "expected 3 numbers, got 1")]:
        with pytest.raises(InvalidError, match=message):
            e.label_tensor(label)


def test_a_missing_label_is_the_most_probable_one():
    e = tiny_session(cases.make_labeled())
    assert e.label_tensor(None, 2).tolist() == [int(e.model.labels.log_prob.argmax())] * 2


def test_all_splits_can_be_explored_together(tmp_path):
    trained = TrainedModel(
        cases.make_vae(shape=(1, 8, 8)).eval(), load_recipe("digits"), (1, 8, 8), (), tmp_path
    )
    every = open_session(trained, split="all")
    parts = [open_session(trained, split=split) for split in ("train", "validation", "test")]
    assert len(every.images) == sum(len(part.images) for part in parts) == 1797


def test_a_conditional_model_infers_missing_labels():
    e = tiny_session(cases.make_labeled(), labels=False)
    assert e.latents.labels is None
    assert e.conditions.shape == (N,)
    assert set(e.conditions.tolist()) <= {0, 1, 2}
    with torch.no_grad():
        expected = e.model.encode(e.images.all(), e.conditions).mean
    assert np.allclose(e.latents.mean, expected, atol=1e-5)
    assert list(e.measure())[-1] == N
