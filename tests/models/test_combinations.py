"""What must hold for every likelihood with every network, posterior and objective."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from safetensors.torch import load_file, save_file

import cases
from cases import BATCH, SHAPE, images_for, make_vae
from vaekit import registry
from vaekit.models.context import Context
from vaekit.models.elbo import ELBOTerms
from vaekit.models.vae import VAE
from vaekit.utils.random import seeded

every_model = pytest.mark.parametrize(
    ("likelihood", "network", "posterior"),
    list(product(cases.LIKELIHOODS, cases.NETWORKS, cases.POSTERIORS)),
)
every_objective = pytest.mark.parametrize("objective", cases.OBJECTIVES)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (cases.LIKELIHOODS, "likelihood"),
        (cases.POSTERIORS, "posterior"),
        (cases.NETWORKS, "network"),
        (cases.PRIORS, "prior"),
        (cases.OBJECTIVES, "objective"),
    ],
    ids=["likelihoods", "posteriors", "networks", "priors", "objectives"],
)
def test_the_table_of_cases_is_complete(rows: dict, kind: str):
    assert {name.partition("-")[0] for name in rows} == set(registry.BUILT_IN[kind]) - cases.OTHER_TESTS


def elbo_terms(model: VAE, seed: int = 0, samples: int = 3, **options) -> ELBOTerms:
    with torch.no_grad(), seeded(seed):
        return model.elbo_terms(images_for(model), n_samples=samples, **options)


def same(a: ELBOTerms, b: ELBOTerms) -> bool:
    pairs = [(a.log_px, b.log_px), (a.log_pz, b.log_pz), (a.log_qz, b.log_qz)]
    return all(torch.equal(x, y) for x, y in pairs)


@every_model
def test_evidence(likelihood: str, network: str, posterior: str):
    model = make_vae(likelihood, network, posterior)
    terms = elbo_terms(model)
    assert terms.log_px.shape == (3, BATCH)
    assert terms.log_pz.shape == terms.log_qz.shape == (1, 3, BATCH)
    assert (terms.analytic_kl is None) == (posterior in ("flow", "delta"))
    assert terms.analytic_kl is None or terms.analytic_kl.shape == (1, BATCH)
    assert terms.elbo.shape == terms.iwae_bound.shape == (BATCH,)
    assert torch.isfinite(torch.cat([terms.elbo, terms.iwae_bound])).all()
    mean = terms.log_weights.mean(0)
    assert (terms.iwae_bound > mean - 1e-6 * mean.abs() - 1e-4).all()  # Jensen's inequality


@every_model
@every_objective
def test_a_few_steps_move_every_weight_and_lower_the_loss(
    likelihood: str, network: str, posterior: str, objective: str
):
    model, aim = make_vae(likelihood, network, posterior), cases.OBJECTIVES[objective]
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    optimizer, x = torch.optim.Adam(model.parameters(), 5e-3, fused=True), images_for(model)
    losses = []
    for _ in range(3):
        with seeded(1):
            loss = aim.loss(model(x, n_samples=aim.samples), aim.beta(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    for name, weight in model.named_parameters():
        assert torch.isfinite(weight).all(), name
        assert not torch.equal(weight, before[name]), name


@every_model
def test_sampled_images_have_the_right_shape_and_support(likelihood: str, network: str, posterior: str):
    model = make_vae(likelihood, network, posterior).eval()
    x, support = images_for(model), model.decoder.head.support
    means = [model.sample(5, seed=0), model.reconstruct(x), *model.interpolate(x, x.flip(0), 4)]
    assert [tuple(mean.shape) for mean in means] == [(5, *SHAPE)] + [(BATCH, *SHAPE)] * 5
    drawn = model.sample(5, seed=0, sample_pixels=True)
    assert drawn.shape == (5, *SHAPE)
    for image in (*means, drawn):
        assert torch.isfinite(image).all()
        assert support == "real" or image.min() >= 0
        assert support in ("real", "count") or image.max() <= 1
    steps = {"binary": 1, "discrete": 255, "count": 1}.get(support)
    assert steps is None or torch.allclose(drawn * steps, (drawn * steps).round(), atol=1e-4)


@every_model
def test_saving_and_loading_changes_nothing(likelihood: str, network: str, posterior: str, tmp_path):
    model = make_vae(likelihood, network, posterior)
    elbo_terms(model)  # so that what is learned outside the gradient has moved too
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other = make_vae(likelihood, network, posterior, seed=1)
    assert not same(elbo_terms(model.eval()), elbo_terms(other.eval()))
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert same(elbo_terms(model), elbo_terms(other))


@every_model
def test_a_seed_fixes_the_draws_and_keeps_the_global_state(likelihood: str, network: str, posterior: str):
    model = make_vae(likelihood, network, posterior).eval()
    x, state = images_for(model), torch.get_rng_state()
    assert torch.equal(
        model.sample(3, seed=7, sample_pixels=True), model.sample(3, seed=7, sample_pixels=True)
    )
    assert not torch.equal(
        model.sample(3, seed=7, sample_pixels=True), model.sample(3, seed=8, sample_pixels=True)
    )
    assert torch.equal(
        model.reconstruct(x, seed=7, sample_latents=True), model.reconstruct(x, seed=7, sample_latents=True)
    )
    assert same(model.elbo_terms(x, n_samples=2, seed=7), model.elbo_terms(x, n_samples=2, seed=7))
    assert torch.equal(torch.get_rng_state(), state)


@every_model
def test_masked_pixels_do_not_count(likelihood: str, network: str, posterior: str):
    model = make_vae(likelihood, network, posterior)
    x, mask = images_for(model), torch.rand(BATCH, *SHAPE) < 0.6
    other = torch.where(mask, x, torch.nan)
    with torch.no_grad():
        a, b, all_of_it = (
            _seeded_evidence(model, image, m)
            for image, m in ((x, mask), (other, mask), (x, torch.ones_like(mask)))
        )
    assert same(a, b)
    assert not torch.equal(a.log_px, all_of_it.log_px)


@every_model
def test_log_probs_of_observed_and_missing_pixels_add_up(likelihood: str, network: str, posterior: str):
    model = make_vae(likelihood, network, posterior).double().eval()
    x, mask = images_for(model).double(), torch.rand(BATCH, 1, *SHAPE[1:]) < 0.6
    with torch.no_grad():
        q = model.encode(x)
        parts = [_seeded_evidence(model, x, m, q).log_px for m in (mask, ~mask, None)]
    torch.testing.assert_close(parts[0] + parts[1], parts[2], rtol=1e-12, atol=1e-12)


def _seeded_evidence(model: VAE, x, mask, posterior=None) -> ELBOTerms:
    with seeded(0):
        return model.elbo_terms(x, Context(mask=mask), n_samples=2, posterior=posterior)


every_prior = pytest.mark.parametrize(
    ("prior", "layer_dims", "posterior"),
    list(product(cases.PRIORS, [(3,), (2, 3), (2, 1, 3)], ["gaussian", "full_covariance", "flow"])),
)


@every_prior
def test_every_prior_with_any_number_of_layers_trains_samples_and_is_saved(
    prior, layer_dims, posterior, tmp_path
):
    model = make_vae(posterior=posterior, prior=prior, layer_dims=layer_dims)
    x = images_for(model)
    terms = model(x, n_samples=3)
    assert terms.log_ratio.shape == (len(layer_dims), 3, BATCH)
    assert terms.kl.shape == (len(layer_dims), BATCH)
    terms.elbo.mean().neg().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
    for temperature in (1.0, 0.5, 0.0):
        assert model.sample(5, temperature, seed=0).shape == (5, *SHAPE)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other = make_vae(posterior=posterior, prior=prior, layer_dims=layer_dims, seed=1)
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert same(elbo_terms(model.eval()), elbo_terms(other.eval()))


every_way_to_tell = pytest.mark.parametrize(
    ("prior", "layer_dims", "given"),
    [
        *product(
            cases.PRIORS,
            [(3,), (2, 3)],
            [("decoder",), ("encoder",), ("prior",), ("prior", "encoder", "decoder")],
        ),
        *product(cases.LABELED_PRIORS, [(3,), (2, 3)], [("prior",), ("prior", "encoder", "decoder")]),
    ],
)


@every_way_to_tell
def test_every_prior_of_a_conditional_model_trains_samples_and_is_saved(prior, layer_dims, given, tmp_path):
    model, y = make_vae(prior=prior, layer_dims=layer_dims, conditioned_parts=given), cases.labels()
    x = images_for(model)
    terms = model(x, y, n_samples=3)
    assert terms.log_ratio.shape == (len(layer_dims), 3, BATCH)
    terms.elbo.mean().neg().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
    for temperature in (1.0, 0.5, 0.0):
        assert model.sample(BATCH, temperature, y, seed=0).shape == model.sample(BATCH, temperature).shape
    assert (
        model.reconstruct(x, y).shape
        == model.interpolate(x, x, 3, context=y, context_b=y.flip(0))[0].shape
        == x.shape
    )
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other = make_vae(prior=prior, layer_dims=layer_dims, conditioned_parts=given, seed=1)
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert same(elbo_terms(model.eval(), context=y), elbo_terms(other.eval(), context=y))
