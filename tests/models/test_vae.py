"""A VAE's evidence is what its three conditionals say, and its images come from where they should."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

import cases
from cases import BATCH, SHAPE, images_for, labels, make_hierarchical, make_labeled, make_vae
from vaekit.distributions.normal import LogScaleNormal, UnitNormal
from vaekit.models.conditional import Hierarchy
from vaekit.models.context import Context
from vaekit.models.elbo import ELBOTerms
from vaekit.models.priors import MixtureOfGaussians, StandardNormal
from vaekit.models.vae import VAE, interpolate
from vaekit.utils.random import seeded

# -------------------------------------------------------------------------------------------------- ELBOTerms


def test_evidence_by_hand():
    log_px = torch.tensor([[-3.0, -4.0], [-5.0, -2.0]])
    log_pz = torch.tensor([[[-1.0, -1.0], [-2.0, -1.0]], [[-0.5, 0.0], [0.0, 0.0]]])
    log_qz = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.0], [0.0, 2.0]]])
    e = ELBOTerms(log_px, log_pz, log_qz)
    assert e.log_ratio.tolist() == [[[2, 1], [2, 2]], [[1, 0], [0, 2]]]
    assert e.kl.tolist() == [[2, 1.5], [0.5, 1]]
    assert e.log_weights.tolist() == [[-6, -5], [-7, -6]]
    assert e.elbo.tolist() == [-6.5, -5.5]
    mean = [math.log((math.exp(a) + math.exp(b)) / 2) for a, b in ((-6, -7), (-5, -6))]
    assert e.iwae_bound.tolist() == pytest.approx(mean)
    closed = ELBOTerms(log_px, log_pz, log_qz, torch.tensor([[1.0, 2.0], [0.5, 0.0]]))
    assert closed.kl.tolist() == [[1, 2], [0.5, 0]]
    assert closed.elbo.tolist() == [-5.5, -5]
    assert torch.equal(closed.iwae_bound, e.iwae_bound)


@pytest.mark.parametrize("make", [make_vae, make_hierarchical], ids=["flat", "hierarchical"])
def test_the_terms_are_those_of_the_three_conditionals(make):
    model = make().double()
    x = images_for(model).double()
    with seeded(3):
        e = model.elbo_terms(x, n_samples=5)
    with seeded(3):
        z = model.encode(x).rsample((5,))
    torch.testing.assert_close(e.log_px, model.decode(z).log_prob(x))
    torch.testing.assert_close(e.log_pz.sum(0), model.prior().log_prob(z))
    torch.testing.assert_close(e.log_qz.sum(0), model.encode(x).log_prob(z))
    assert e.log_pz.shape == e.log_qz.shape == (len(model.layer_dims), 5, BATCH)
    assert model.latent_dim == z.shape[-1] == sum(model.layer_dims)


def test_the_bound_in_closed_form_computes_no_log_density_of_z(monkeypatch):
    model = make_vae()
    asked = []
    for normal in (LogScaleNormal, UnitNormal):
        log_prob = normal.log_prob
        monkeypatch.setattr(normal, "log_prob", lambda p, z, of=log_prob: asked.append(type(p)) or of(p, z))
    assert model.elbo_terms(images_for(model), n_samples=2, need={"kl"}).elbo.shape == (BATCH,)
    assert asked == []
    e = model.elbo_terms(images_for(model), n_samples=2, need={"log_ratio"})
    torch.testing.assert_close(e.iwae_bound, e.log_weights.logsumexp(0) - math.log(2))
    assert asked == [LogScaleNormal, UnitNormal]


@pytest.mark.parametrize("prior", [StandardNormal(3), MixtureOfGaussians(3, 4)], ids=["unit", "mixture"])
def test_reading_terms_without_gradients_does_not_remove_them(prior):
    encoder, decoder = make_vae().encoder, make_vae().decoder
    model = VAE(Hierarchy([prior], (3,)), encoder, decoder)

    def gradients(look: bool) -> list[Tensor]:
        e = model.elbo_terms(images_for(model), n_samples=2, seed=1)
        if look:
            with torch.no_grad():
                assert e.elbo.isfinite().all()
                assert e.iwae_bound.isfinite().all()
        loss = -e.elbo.sum() - e.iwae_bound.sum()
        return list(torch.autograd.grad(loss, list(model.parameters())))

    torch.testing.assert_close(gradients(True), gradients(False), rtol=0, atol=0)
    with torch.no_grad():
        assert not model.elbo_terms(images_for(model)).elbo.requires_grad


def test_the_kl_of_a_hierarchy_is_that_of_each_layer_given_those_above():
    model = make_hierarchical().double()
    x = images_for(model).double()
    with seeded(3):
        e = model.elbo_terms(x, n_samples=5)
    with seeded(3):
        z = model.encode(x).rsample((5,))[..., :2]
    top = kl_divergence(model.encoder.layers[0](x), model.prior.layers[0]())
    below = kl_divergence(model.encoder.layers[1](x, z), model.prior.layers[1](z))
    assert below.shape == (5, BATCH)
    torch.testing.assert_close(e.analytic_kl, torch.stack([top, below.mean(0)]))


@pytest.mark.parametrize("make", [make_vae, make_hierarchical], ids=["flat", "hierarchical"])
@pytest.mark.parametrize("posterior", ["gaussian", "gaussian-softplus"])
def test_the_analytic_kl_is_the_mean_of_the_sampled_one(make, posterior: str):
    model, n = make(posterior=posterior), 4000
    with torch.no_grad():
        e = model.elbo_terms(images_for(model), n_samples=n)
    error = e.log_ratio.std(1) / n**0.5
    assert ((e.analytic_kl - e.log_ratio.mean(1)).abs() < 5 * error).all()


def test_a_layer_without_a_closed_form_uses_samples():
    model = make_hierarchical()
    model.encoder = Hierarchy(
        [make_hierarchical(posterior="delta").encoder.layers[0], model.encoder.layers[1]], (2, 3)
    )
    e = model.elbo_terms(images_for(model), n_samples=5)
    torch.testing.assert_close(e.analytic_kl[0], -e.log_pz[0].mean(0))
    assert not torch.allclose(e.analytic_kl[1], e.log_ratio[1].mean(0))
    assert make_hierarchical(posterior="delta").elbo_terms(images_for(model)).analytic_kl is None


def test_a_given_posterior_is_not_computed_again():
    model = make_vae()
    x, calls = images_for(model), []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    with seeded(1):
        expected = model.elbo_terms(x, n_samples=2)
    q = model.encode(x)
    with seeded(1):
        got = model.elbo_terms(x, n_samples=2, posterior=q)
    assert len(calls) == 2
    assert torch.equal(got.log_weights, expected.log_weights)


def test_the_decoder_never_gets_the_image_and_the_encoder_only_its_observed_part():
    model, seen = make_vae(shape=(3, 4, 5)), []
    model.encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.rand(BATCH, 3, 4, 5)
    mask = torch.rand(4, 5) < 0.5  # one for all images and channels
    model.elbo_terms(x, Context(mask=mask))
    assert torch.equal(seen[0], x * mask)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian-learned", "categorical"])
def test_only_observed_pixels_count(likelihood: str):
    model, mask = make_vae(likelihood), torch.rand(BATCH, *SHAPE) < 0.5
    x = images_for(model)
    with seeded(1):
        e = model.elbo_terms(x, Context(mask=mask), n_samples=2)
    with seeded(1):
        p = model.decode(model.encode(x * mask).rsample((2,)))
    by_hand = (p.base_dist.log_prob(x) * mask).sum((-3, -2, -1))
    torch.testing.assert_close(e.log_px, by_hand)


def test_the_optimal_sigma_is_that_of_the_observed_pixels():
    model, mask = make_vae("gaussian-optimal"), torch.rand(BATCH, *SHAPE) < 0.5
    x = images_for(model)
    with seeded(1):
        e = model.elbo_terms(x, Context(mask=mask))
    with seeded(1):
        error = (model.decode(model.encode(x * mask).rsample((1,))).mean - x)[0][mask].square().mean()
    torch.testing.assert_close(e.log_px.sum(), -mask.sum() / 2 * (torch.log(2 * math.pi * error) + 1))


def test_nan_in_missing_pixels_has_no_effect():
    for name in cases.LIKELIHOODS:
        model = make_vae(name)
        mask = torch.rand(BATCH, *SHAPE) < 0.5
        x = images_for(model).masked_fill(~mask, torch.nan)
        (-model.elbo_terms(x, Context(mask=mask), n_samples=2).elbo.mean()).backward()
        assert all(torch.isfinite(weight.grad).all() for weight in model.parameters()), name


# ------------------------------------------------------------------------------------------- shapes and types


@pytest.mark.parametrize("shape", cases.IMAGE_SHAPES, ids=str)
@pytest.mark.parametrize("network", cases.NETWORKS)
def test_any_image_size(network: str, shape: tuple[int, ...]):
    model = make_vae(network=network, shape=shape)
    x = images_for(model, n=2, shape=shape)
    assert model(x, n_samples=2).log_px.shape == (2, 2)
    assert model.reconstruct(x).shape == x.shape


@pytest.mark.parametrize("make", [make_vae, make_hierarchical, make_labeled])
def test_double_precision_is_kept(make):
    model = make().double()
    x, y = images_for(model).double(), labels()
    e = model.elbo_terms(x, y, n_samples=2)
    outputs = [
        e.log_px,
        e.log_pz,
        e.log_qz,
        e.analytic_kl,
        model.sample(BATCH, context=y),
        model.reconstruct(x, y),
    ]
    assert {each.dtype for each in outputs} == {torch.float64}


@pytest.mark.parametrize("likelihood", cases.LIKELIHOODS)
def test_under_autocast_the_terms_are_single_precision_and_about_the_same(likelihood: str):
    model = make_vae(likelihood, "convolutional").eval()
    x = images_for(model)
    with seeded(0):
        exact = model.elbo_terms(x, n_samples=2)
    with seeded(0), torch.autocast("cpu", torch.bfloat16):
        half = model.elbo_terms(x, n_samples=2)
    assert half.log_px.dtype == half.log_qz.dtype == half.elbo.dtype == torch.float32
    # A learned sigma divides the rounding of bfloat16 by its square; processors round differently.
    torch.testing.assert_close(half.elbo, exact.elbo, rtol=0.05, atol=0.1)


@pytest.mark.parametrize("make", [make_vae, make_hierarchical, make_labeled])
def test_a_copy_is_equal_and_independent(make):
    model = make(likelihood="gaussian-optimal")
    other = copy.deepcopy(model)
    x, y = images_for(model), labels()
    with seeded(0):
        expected = model.eval().elbo_terms(x, y).elbo
    other.train().elbo_terms(x, y)
    with torch.no_grad():
        for weight in other.parameters():
            weight.zero_()
    with seeded(0):
        assert torch.equal(model.elbo_terms(x, y).elbo, expected)


@pytest.mark.parametrize("likelihood", cases.LIKELIHOODS)
def test_evaluation_does_not_change_the_model(likelihood: str):
    model = make_vae(likelihood).eval()
    x, before = images_for(model), copy.deepcopy(model.state_dict())
    model.elbo_terms(x)
    for images in (model.sample(2), model.reconstruct(x), model.interpolate(x, x, 2)):
        assert not images.requires_grad
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


# -------------------------------------------------------------------------------------------------- sampling


class Elsewhere(torch.nn.Module):
    """A prior far from the origin."""

    def forward(self) -> Independent:
        return Independent(Normal(torch.full((3,), 5.0), torch.full((3,), 0.5)), 1)


def test_samples_come_from_the_prior():
    model = make_vae()
    moved = VAE(Hierarchy([Elsewhere()], (3,)), model.encoder, model.decoder)
    with seeded(4):
        z = moved.prior().sample((6,))
    torch.testing.assert_close(moved.sample(6, seed=4), model.decode(z).mean)
    assert not torch.allclose(moved.sample(6, seed=4), model.sample(6, seed=4), atol=0.01)


@pytest.mark.parametrize("make", [make_vae, make_hierarchical], ids=["flat", "hierarchical"])
def test_at_temperature_zero_samples_decode_the_mean_of_the_prior(make):
    model = make()
    expected = model.decode(model.prior().mean).mean
    torch.testing.assert_close(model.sample(3, temperature=0.0), expected.expand(3, *SHAPE))
    assert not torch.allclose(model.sample(3, temperature=1e-3)[0], expected, atol=1e-7, rtol=0)


def test_temperature_multiplies_the_latents_of_the_standard_normal():
    model, seen = make_vae(), []
    model.decoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    for temperature in (1.0, 0.25):
        model.sample(5, temperature, seed=2)
    torch.testing.assert_close(seen[1], seen[0] * 0.25)


def test_pixels_are_sampled_only_on_request():
    model = make_vae()
    means, drawn = model.sample(200, seed=1), model.sample(200, seed=1, sample_pixels=True)
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert 0 < means.min() < means.max() < 1
    torch.testing.assert_close(drawn.mean(0), means.mean(0), rtol=0, atol=0.2)


def test_reconstructions_decode_the_posterior_mean_or_a_sample():
    model = make_vae()
    x = images_for(model)
    torch.testing.assert_close(model.reconstruct(x), model.decode(model.encode(x).mean).mean)
    with seeded(5):
        z = model.encode(x).sample()
    torch.testing.assert_close(model.reconstruct(x, seed=5, sample_latents=True), model.decode(z).mean)


# ---------------------------------------------------------------------------------------------- interpolation


def test_a_path_starts_and_ends_with_the_reconstructions():
    model = make_vae()
    a, b = images_for(model), images_for(model, seed=1)
    for path in ("linear", "spherical"):
        images = model.interpolate(a, b, 7, path)
        assert images.shape == (7, BATCH, *SHAPE)
        torch.testing.assert_close(images[[0, -1]], torch.stack([model.reconstruct(a), model.reconstruct(b)]))
        assert (images[3] - images[0]).abs().max() > 1e-4


def test_the_straight_path_is_straight_and_its_ends_are_exact():
    a, b = 100 * torch.randn(2, 50, 3)
    path = interpolate(a, b, 5)
    assert torch.equal(path[0], a)
    assert torch.equal(path[-1], b)
    torch.testing.assert_close(path[1], 0.75 * a + 0.25 * b)


def test_the_spherical_path_has_constant_speed_and_keeps_the_norm():
    a, b = torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[0.0, 2.0, 0.0]])
    angles = torch.linspace(0, math.pi / 2, 7)
    expected = 2 * torch.stack([angles.cos(), angles.sin(), torch.zeros(7)], -1).unsqueeze(1)
    torch.testing.assert_close(interpolate(a, b, 7, "spherical"), expected)


def test_the_spherical_path_keeps_the_norm_typical_of_a_normal():
    a, b = torch.randn(2, 20, 200, dtype=torch.float64)
    a, b = (each / each.norm(dim=-1, keepdim=True) * 200**0.5 for each in (a, b))
    lengths = interpolate(a, b, 9, "spherical").norm(dim=-1)
    torch.testing.assert_close(lengths, torch.full((9, 20), 200**0.5, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1.0, 0.0], [-1.0, 0.0]),
        ([2.0, 0.0], [-1.0, 0.0]),
        ([2.0, 0.0], [-1.0, 1e-6]),
        ([2.0], [-3.0]),
        ([1.0, 1.0], [1.0, 1.0]),
        ([1.0, 1.0], [3.0, 3.0]),
        ([0.0, 0.0], [1.0, 2.0]),
        ([0.0, 0.0], [0.0, 0.0]),
        ([1e-30, 0.0], [0.0, 1e15]),
    ],
)
def test_the_spherical_path_stays_within_the_norms_of_its_ends(a: list, b: list, dtype: torch.dtype):
    a, b = torch.tensor(a, dtype=dtype), torch.tensor(b, dtype=dtype)
    path = interpolate(a, b, 11, "spherical")
    assert torch.isfinite(path).all()
    torch.testing.assert_close(path[0], a, rtol=1e-5, atol=1e-12)
    torch.testing.assert_close(path[-1], b, rtol=1e-5, atol=1e-6)
    assert path.norm(dim=-1).max() <= max(a.norm(), b.norm()) * 1.001


@pytest.mark.parametrize(
    ("steps", "path", "message"),
    [
        (1, "linear", "steps: expected at least 2, got 1"),
        (5, "cubic", "path: expected 'linear' or 'spherical', got 'cubic'"),
    ],
)
def test_an_invalid_path_is_refused(steps: int, path: str, message: str):
    with pytest.raises(ValueError, match=message):
        interpolate(torch.zeros(2), torch.ones(2), steps, path)


def test_parts_that_do_not_fit_are_refused():
    encoder, decoder = make_vae().encoder, make_vae().decoder
    with pytest.raises(ValueError, match=r"expected equal layer_dims, got \(2,\) and \(3,\)"):
        VAE(Hierarchy([StandardNormal(2)], (2,)), encoder, decoder)
    for wrong in (("encoder", "prier"), "prior"):
        with pytest.raises(ValueError, match="conditioned_parts: expected prior, encoder or decoder"):
            VAE(Hierarchy([StandardNormal(3)], (3,)), encoder, decoder, conditioned_parts=wrong)
