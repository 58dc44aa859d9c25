"""A sample as a function of noise: for each family it equals `rsample` with the same noise."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, Independent, Normal

import cases
from vaekit.distributions.message import PriorTimesMessage, WhitenedNormal
from vaekit.distributions.mixture import Mixture
from vaekit.distributions.normal import CholeskyNormal
from vaekit.distributions.operations import Delta
from vaekit.errors import InvalidError
from vaekit.models import flows
from vaekit.models.from_noise import noise_size, sample_from_noise, sample_layers
from vaekit.utils.random import seeded

LOC, SCALE = torch.tensor([[1.0, -2.0, 0.5]]), torch.tensor([[0.1, 2.0, 1.0]])
LOWER = torch.tensor([[[1.0, 0, 0], [0.5, 2, 0], [-1, 0.3, 0.2]]])


def flow() -> flows.Flow:
    torch.manual_seed(0)
    return flows.Flow(flows.flow_steps(3, 0, "coupling", 2, (4,)), LOC, SCALE)


FAMILIES = {
    "diagonal": Independent(Normal(LOC, SCALE), 1),
    "correlated": CholeskyNormal(LOC, LOWER),
    "flow": flow(),
}


@pytest.mark.parametrize("distribution", FAMILIES.values(), ids=FAMILIES)
def test_it_equals_rsample(distribution):
    with seeded(5):
        expected = distribution.rsample()
    with seeded(5):
        noise = torch.randn(1, 3)
    assert torch.allclose(sample_from_noise(distribution, noise), expected, atol=1e-6)


def test_a_delta_stays_at_its_point():
    assert torch.equal(
        sample_from_noise(Independent(Delta(LOC), 1), torch.randn(4, 1, 3)), LOC.expand(4, 1, 3)
    )


def test_an_unsupported_family_is_refused():
    with pytest.raises(
        InvalidError, match="Categorical: its samples cannot be written as a function of noise"
    ):
        sample_from_noise(Categorical(torch.ones(3)), torch.zeros(3))


def mixture() -> Mixture:
    whitening = torch.linalg.inv(LOWER.double()).expand(2, 3, 3)
    locs = torch.tensor([[1.0, -2.0, 0.5], [-3.0, 1.0, 2.0]], dtype=torch.float64)
    return Mixture(torch.tensor([0.3, 0.9], dtype=torch.float64), WhitenedNormal(locs, whitening))


@pytest.mark.parametrize("shared", [False, True])
def test_a_mixture_chooses_its_component_by_the_last_number(shared):
    torch.manual_seed(0)
    target = torch.tensor([[0.0, 1.0, 0.0], [3.0, -1.0, 1.0]], dtype=torch.float64)
    q = PriorTimesMessage(mixture(), target, torch.full((2, 3), 1.0, dtype=torch.float64))
    noise = torch.randn(40_000, 1 if shared else 2, 4, dtype=torch.float64)
    z = sample_from_noise(q, noise)
    assert z.shape == (40_000, 2, 3)
    assert torch.allclose(z.mean(0), q.mean, atol=0.05)
    assert torch.allclose(z.var(0), q.variance, rtol=0.05)
    p = mixture()
    z = sample_from_noise(p, noise[:, 0])
    assert torch.allclose(z.mean(0), p.mean, atol=0.06)
    assert torch.allclose(z.var(0), p.variance, rtol=0.05)


def test_the_number_of_numbers_and_the_layers_side_by_side():
    assert noise_size(FAMILIES["diagonal"]) == 3
    assert noise_size(mixture()) == 4
    model = cases.make_vae(layer_dims=(2, 3), prior="mixture")
    prior, q = model.conditional_prior(), model.encode(cases.images_for(model, 1))
    assert (noise_size(prior), noise_size(q)) == (6, 5)
    noise = torch.randn(7, 1, 5)
    drawn = sample_layers(q, noise)
    for layer, part in zip(drawn.layers, noise.split([2, 3], -1), strict=True):
        assert torch.allclose(sample_from_noise(layer, part), drawn.values[len(part[0, 0]) - 2], atol=1e-6)


@torch.no_grad()
def test_terms_from_noise_are_those_of_the_samples():
    model = cases.make_vae(layer_dims=(2, 3)).eval()
    x, noise = cases.images_for(model, 4), torch.randn(6, 1, 5)
    terms = model.elbo_terms(x, noise=noise, need=("log_ratio", "latents"))
    alone = model.elbo_terms(x[2:3], noise=noise, need=("log_ratio",))
    assert terms.log_px.shape == (6, 4)
    assert torch.allclose(terms.log_px[:, 2:3], alone.log_px, atol=1e-5)
    assert torch.allclose(terms.log_qz[:, :, 2:3], alone.log_qz, atol=1e-5)
