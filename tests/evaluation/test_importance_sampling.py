"""The importance-sampled log-likelihood against closed forms, and its bookkeeping against plain sums."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal

from cases import BATCH, CLASSES, SHAPE, images, images_for, make_hierarchical, make_labeled, make_vae
from vaekit.data import Dataset
from vaekit.data.observation import observe
from vaekit.engine.model_files import load_weights_into
from vaekit.evaluation.importance_sampling import (
    mean_and_stderr,
    measure_batches,
    summarize,
    summarize_tails,
)
from vaekit.models.batching import images_per_batch
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.head import Head
from vaekit.models.objectives import Objective, elbo
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.training.checkpoint import load_weights
from vaekit.training.loop import fit
from vaekit.training.settings import TrainingSettings
from vaekit.utils.io import read_records

D, PIXELS, SIGMA = 2, (1, 2, 3), 0.5


class Affine(nn.Module):
    """x or z -> numbers, with fixed weights."""

    def __init__(self, weight, bias, shape):
        super().__init__()
        self.linear = nn.Linear(weight.shape[1], weight.shape[0]).double()
        self.linear.weight.data, self.linear.bias.data = weight, bias
        self.shape = shape

    def forward(self, x):
        return self.linear(x.flatten(-3) if len(self.shape) == 1 else x).unflatten(-1, self.shape)


def linear_gaussian(displaced=0.0):
    """A linear-Gaussian VAE with its exact posterior (or one displaced), and its evidence."""
    generator = torch.Generator().manual_seed(0)
    n = math.prod(PIXELS)
    w = torch.linalg.qr(torch.randn(n, D, generator=generator, dtype=torch.float64)).Q * 1.5
    b = torch.randn(n, generator=generator, dtype=torch.float64)
    precision = torch.eye(D, dtype=torch.float64) + w.T @ w / SIGMA**2  # diagonal: the columns are orthogonal
    to_mean = torch.linalg.solve(precision, w.T) / SIGMA**2
    spread = precision.diagonal().rsqrt()
    posterior = Head(lambda mean: Normal(mean, spread.expand_as(mean), validate_args=False), 1, 1)
    likelihood = Head(lambda loc: Normal(loc, torch.full_like(loc, SIGMA), validate_args=False), 1, 3)
    encoder = Conditional(Affine(to_mean, displaced - to_mean @ b, (D,)), posterior)
    decoder = Conditional(Affine(w, b, PIXELS), likelihood)
    model = VAE(Hierarchy([StandardNormal(D).double()], [D]), Hierarchy([encoder], [D]), decoder)
    marginal = MultivariateNormal(b, w @ w.T + SIGMA**2 * torch.eye(n, dtype=torch.float64))
    x = marginal.sample((7,))
    return model, x.unflatten(-1, PIXELS), marginal.log_prob(x)


def batches(x, size=3):
    return ((part, None) for part in x.split(size))


def test_the_exact_posterior_gives_the_exact_evidence_whatever_the_number_of_samples():
    torch.manual_seed(0)
    model, x, truth = linear_gaussian()
    for samples in (1, 10):
        parts = measure_batches(model, batches(x), samples)
        torch.testing.assert_close(parts.log_likelihood, truth, rtol=0, atol=1e-10)
        torch.testing.assert_close(
            parts.effective_sample_size, torch.full((7,), float(samples), dtype=torch.float64)
        )


def test_a_displaced_posterior_approaches_the_evidence_from_below():
    torch.manual_seed(0)
    model, x, truth = linear_gaussian(displaced=0.3)
    many = (x.repeat(500, 1, 1, 1), truth.repeat(500))
    gaps = [
        (y - measure_batches(model, batches(images, 3500), k).log_likelihood).mean().item()
        for k, (images, y) in ((1, many), (4, many), (50_000, (x, truth)))
    ]
    assert gaps[0] > gaps[1] + 0.1 > gaps[2] + 0.2
    assert abs(gaps[2]) < 0.02


def test_the_terms_are_those_of_the_bound():
    torch.manual_seed(0)
    model, x, truth = linear_gaussian()
    parts = measure_batches(model, batches(x), 20_000)
    torch.testing.assert_close(parts.reconstruction - parts.kl.sum(0), truth, rtol=0, atol=0.05)


@pytest.mark.slow
def test_batch_sizes_change_only_the_random_draws(monkeypatch):
    torch.manual_seed(0)
    model, x, _ = linear_gaussian(displaced=0.1)
    whole = measure_batches(model, batches(x), 4000).log_likelihood
    monkeypatch.setattr("vaekit.models.batching.FLOATS_PER_BATCH", 1)
    pieces = measure_batches(model, batches(x, 2), 4000).log_likelihood
    torch.testing.assert_close(whole, pieces, rtol=0, atol=0.05)


@pytest.mark.parametrize(("likelihood", "numbers_a_pixel"), [("bernoulli", 1), ("categorical", 256)])
def test_memory_is_bounded_by_the_decoder_output(monkeypatch, likelihood, numbers_a_pixel):
    model = make_vae(likelihood)
    pixels = math.prod(SHAPE)
    assert images_per_batch(model.decoder, SHAPE) == min(100, (1 << 20) // (pixels * numbers_a_pixel))
    monkeypatch.setattr("vaekit.models.batching.FLOATS_PER_BATCH", 2 * BATCH * pixels * numbers_a_pixel)
    decoded = []
    model.decoder.head.register_forward_pre_hook(lambda _, inputs: decoded.append(inputs[0].numel()))
    measure_batches(model, batches(images_for(model), BATCH), 5)
    assert [n // (BATCH * pixels * numbers_a_pixel) for n in decoded] == [2, 2, 1]


def test_the_prior_is_computed_once_per_batch(monkeypatch):
    monkeypatch.setattr("vaekit.models.batching.FLOATS_PER_BATCH", 1)
    model, made = make_vae(prior="vamp"), []
    model.prior.layers[0].register_forward_hook(lambda *_: made.append(1))
    measure_batches(model, batches(images_for(model), BATCH), 5)
    assert len(made) == 1


@pytest.mark.parametrize("make", [make_hierarchical, make_labeled])
def test_hierarchical_and_conditional_models_are_trained_saved_and_measured(make, tmp_path):
    x, y = images("binary", n=60), torch.arange(60) % CLASSES
    data = Dataset("toy", "Toy", (255 * x).byte().numpy(), y.numpy(), ("a", "b", "c"))
    seen = observe(data, np.arange(60), "threshold", training=True)
    for resumed in (False, True):
        model = make(seed=resumed)
        settings = TrainingSettings(epochs=2 + resumed, batch_size=20, ema=0.5, patience=3)
        fit(
            model,
            Objective(partial(elbo, free_bits=0.1), samples=2),
            seen,
            seen,
            settings,
            tmp_path,
            resume=resumed,
        )
    again = make(seed=2).eval()
    load_weights_into(again, load_weights(tmp_path), "checkpoint")
    parts, same = (measure_batches(m, seen.batches(25), 30) for m in (model, again))
    assert torch.equal(parts.log_likelihood, same.log_likelihood)
    layers = len(model.layer_dims)
    assert parts.kl.shape == (layers, 60)
    assert all(len(record["kl_layers"]) == layers for record in read_records(tmp_path / "metrics.jsonl"))
    found = summarize(parts, model.layer_dims, 30, 0, 1.0)
    assert found.elbo == pytest.approx(found.reconstruction - sum(found.kl))
    assert found.log_likelihood > found.elbo


def test_with_missing_pixels_it_is_the_marginal_of_the_observed_part():
    torch.manual_seed(0)
    model, x, _ = linear_gaussian()
    broad = model.encoder.layers[0].head
    narrow = broad.function
    broad.function = lambda mean: Normal(mean, 3 * narrow(mean).stddev, validate_args=False)
    gaps = torch.rand(x.shape) < 0.4
    gaps[0] = False
    w, b = model.decoder.network.linear.weight, model.decoder.network.linear.bias
    covariance = w @ w.T + SIGMA**2 * torch.eye(len(b))
    truth = [
        MultivariateNormal(b[known], covariance[known][:, known]).log_prob(image[known])
        for image, known in zip(x.flatten(1), ~gaps.flatten(1), strict=True)
    ]
    parts = measure_batches(model, batches(x.masked_fill(gaps, torch.nan)), 40_000)
    torch.testing.assert_close(parts.log_likelihood, torch.stack(truth).detach(), rtol=0, atol=0.15)
    assert parts.dimensions.tolist() == (~gaps).flatten(1).sum(1).tolist()
    found = summarize(parts, model.layer_dims, 10, 0, 1.0)
    known = parts.dimensions.mean().item()
    assert found.bits_per_dimension == pytest.approx(-found.log_likelihood / known / math.log(2))


def test_an_unobserved_image_has_log_likelihood_zero():
    model = make_vae().eval()
    nothing = torch.full((BATCH, *SHAPE), torch.nan)
    parts = measure_batches(model, batches(nothing), 5000)
    torch.testing.assert_close(parts.log_likelihood, torch.zeros(BATCH).double(), rtol=0, atol=0.1)
    assert summarize(parts, model.layer_dims, 10, 0, 1.0).bits_per_dimension is None


def test_the_same_seed_gives_the_same_numbers_and_the_model_is_unchanged():
    model, x, _ = linear_gaussian(displaced=0.1)
    model.train()
    before, state = torch.get_rng_state(), {k: v.clone() for k, v in model.state_dict().items()}
    one, two, other = (measure_batches(model, batches(x), 10, seed).log_likelihood for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())


def test_the_summary_has_the_mean_its_error_and_the_bits():
    model, x, truth = linear_gaussian()
    summary = summarize(measure_batches(model, batches(x), 10), model.layer_dims, 10, 0, 1.0)
    assert summary.log_likelihood == pytest.approx(truth.mean().item(), abs=1e-9)
    assert summary.log_likelihood_stderr == pytest.approx(truth.std().item() / math.sqrt(7), abs=1e-9)
    assert summary.bits_per_dimension == pytest.approx(-truth.mean().item() / 6 / math.log(2), abs=1e-9)
    assert (summary.images, summary.samples, summary.ess_min) == (7, 10, pytest.approx(10))
    assert summary.elbo == pytest.approx(summary.reconstruction - sum(summary.kl))


def test_one_value_has_a_mean_and_no_stderr():
    assert mean_and_stderr(torch.tensor([3.0])) == (3.0, None)


def test_a_tail_that_cannot_be_fitted_counts_as_heavy():
    nan, inf = math.nan, math.inf
    assert summarize_tails(torch.tensor([0.1, nan, 0.8, 0.2, 0.3])) == (pytest.approx(0.3), 0.4)
    assert summarize_tails(torch.tensor([inf, inf, -inf])) == (inf, pytest.approx(2 / 3))
    assert summarize_tails(torch.tensor([nan, nan])) == (None, None)


def test_active_units_are_counted_per_layer():
    x = images("binary", n=60)
    for model, layers in ((make_hierarchical(), 2), (make_vae(posterior="delta"), 1)):
        parts = measure_batches(model, batches(x, 25), 2)
        found = summarize(parts, model.layer_dims, 2, 0, 1.0)
        variance = model.encode(x).mean.var(0, correction=0).split(model.layer_dims)
        assert found.active_units == [int((level > 0.01).sum()) for level in variance]
        assert (found.layer_dims, len(found.active_units)) == (list(model.layer_dims), layers)
        assert parts.latents.shape == (model.latent_dim, 60)


def test_events_of_the_likelihood_are_whole_images():
    model, x, _ = linear_gaussian()
    assert isinstance(model.decode(torch.zeros(3, D, dtype=torch.float64)), Independent)
    assert model.elbo_terms(x).log_px.shape == (1, 7)


def test_a_weighted_mean_is_that_of_repeated_rows():
    values, weights = torch.tensor([1.0, 4.0, 2.5]), torch.tensor([2.0, 1.0, 3.0])
    mean, _ = mean_and_stderr(values, weights)
    assert mean == pytest.approx(values.repeat_interleave(weights.long()).mean().item())
    assert mean_and_stderr(values, torch.full((3,), 7.0)) == pytest.approx(mean_and_stderr(values))
    assert mean_and_stderr(values[:1], weights[:1]) == (1.0, None)
