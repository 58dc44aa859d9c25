"""How a model computes: latents as functions of the noise, and the terms of their bound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Normal

import cases
from explorer.sessions import tiny_session
from vaekit.errors import InvalidError
from vaekit.explorer import requests
from vaekit.explorer.networks import networks
from vaekit.explorer.views.computation import computation


@pytest.fixture(scope="module")
def session():
    return tiny_session()


@torch.no_grad()
def test_latents_are_mean_plus_deviation_times_noise_and_terms_are_their_densities(session):
    noise = [[0.0, 0.0], [1.0, -2.0]]
    answer = computation(session, requests.Computation(index=4, noise=noise))
    q = session.model.encode(session.image(4))
    z = q.mean[0] + q.stddev[0] * torch.tensor(noise)
    np.testing.assert_allclose(answer["z"], z, atol=1e-5)
    np.testing.assert_allclose(answer["log_pz"][0], Normal(0, 1).log_prob(z).sum(1), rtol=1e-5)
    log_qz = Normal(q.mean[0], q.stddev[0]).log_prob(z).sum(1)
    np.testing.assert_allclose(answer["log_qz"][0], log_qz, rtol=1e-4, atol=1e-4)
    log_px = session.model.decode(z).log_prob(session.image(4))
    np.testing.assert_allclose(answer["log_px"], log_px, rtol=1e-5)


def test_a_lower_layer_answers_to_the_noise_of_the_upper_one():
    deep = tiny_session(cases.make_vae(layer_dims=(2, 3)))
    rows = [[0.0] * 5, [1.0, 0, 0, 0, 0], [0.0, 0, 1, 0, 0]]
    answer = computation(deep, requests.Computation(index=0, noise=rows))
    zero, upper, lower = np.array(answer["z"])
    assert np.abs(upper[2:] - zero[2:]).max() > 0
    assert (lower[:2] == zero[:2]).all()
    assert np.array(answer["log_qz"]).shape == (2, 3)


def test_noise_of_another_size_is_refused(session):
    with pytest.raises(InvalidError, match="expected 2 numbers, got 3"):
        computation(session, requests.Computation(index=0, noise=[[0.0, 0.0, 0.0]]))


def test_layers_are_listed_in_the_order_in_which_they_act(session):
    layers = networks(session)
    shapes = [layer["shape"] for layer in layers["encoder"]]
    assert shapes[-1] in ([4], [2])
    assert np.prod(layers["decoder"][-1]["shape"]) % np.prod(session.trained.shape) == 0
