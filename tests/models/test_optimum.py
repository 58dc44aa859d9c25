"""Where the optimum of training is known, training must reach it.

Of x ~ N(W z + b, s^2 I), z ~ N(0, I) in d dimensions, with l_1 >= ... >= l_D the eigenvalues of the data's
covariance, the likelihood is largest at s^2 = the mean of l_(d+1) ... l_D and W = U (L - s^2 I)^(1/2), U the
first d eigenvectors (Tipping and Bishop 1999, "Probabilistic principal component analysis"). A diagonal q is
enough: the columns of W are orthogonal there, and so the posterior is diagonal (Lucas et al. 2019, "Don't
blame the ELBO").
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vaekit.data.dataset import Dataset
from vaekit.data.observation import observe
from vaekit.evaluation.importance_sampling import measure_batches
from vaekit.models import likelihoods, posteriors
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.objectives import Objective, iwae, linear
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.nn.networks import Dense
from vaekit.training.loop import fit
from vaekit.training.settings import TrainingSettings

SHAPE, D, LATENT, N = (1, 2, 4), 8, 2, 400


def data() -> np.ndarray:
    """(N, D) float32: two directions of unlike strength, and noise."""
    rng = np.random.default_rng(0)
    weight = np.linalg.qr(rng.normal(size=(D, LATENT)))[0] * [0.3, 0.15]
    return (0.5 + rng.normal(size=(N, LATENT)) @ weight.T + 0.05 * rng.normal(size=(N, D))).astype(np.float32)


def closed_form(x: np.ndarray) -> tuple[float, float, np.ndarray]:
    """The largest mean log-likelihood, s there, and the principal directions (D, d)."""
    covariance = np.cov(x.T.astype(float), bias=True)
    values, vectors = np.linalg.eigh(covariance)
    noise = values[:-LATENT].mean()
    kept = values[-LATENT:]
    log_determinant = np.log(kept).sum() + (D - LATENT) * np.log(noise)
    return -0.5 * (D * math.log(2 * math.pi) + log_determinant + D), math.sqrt(noise), vectors[:, -LATENT:]


def linear_vae() -> VAE:
    torch.manual_seed(0)
    posterior, likelihood = posteriors.gaussian(), likelihoods.gaussian("global")
    encoder = Dense([SHAPE], posterior.network_output((LATENT,)), ())
    decoder = Dense([(LATENT,)], likelihood.network_output(SHAPE), ())
    prior, q = Hierarchy([StandardNormal(LATENT)], [LATENT]), Conditional(encoder, posterior)
    return VAE(prior, Hierarchy([q], [LATENT]), Conditional(decoder, likelihood))


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective",
    [Objective(beta=linear(30), warmup_end=30), Objective(iwae, samples=3)],
    ids=["elbo", "iwae"],
)
def test_a_linear_vae_reaches_the_optimum_of_probabilistic_pca(tmp_path, objective: Objective):
    x = data()
    best, noise, directions = closed_form(x)
    images = Dataset("linear", "Linear", x.reshape(-1, *SHAPE), None, ())
    seen = observe(images, np.arange(N), "continuous", training=True)
    settings = TrainingSettings(
        epochs=240, batch_size=50, learning_rate=0.02, schedule={"kind": "cosine"}, checkpoint_seconds=1e6
    )
    model = linear_vae()
    fit(model, objective, seen, None, settings, tmp_path)
    model.double().eval()
    parts = measure_batches(model, iter([(torch.from_numpy(x).double().view(-1, *SHAPE), None)]), 100)
    reached = parts.log_likelihood.mean().item()
    elbo = (parts.reconstruction - parts.kl.sum(0)).mean().item()
    assert reached <= best + 0.005
    assert reached == pytest.approx(best, abs=0.05)
    assert elbo == pytest.approx(best, abs=0.1)  # the bound is tight there
    sigma = model.decode(torch.zeros(1, LATENT).double()).base_dist.scale
    assert sigma.mean().item() == pytest.approx(noise, rel=0.02)
    learned = np.linalg.qr(model.decoder.network.join.linears[0].weight.detach().numpy())[0]
    assert np.linalg.svd(learned.T @ directions)[1].min() > 0.99  # the same plane
