"""Fillings are draws from p(x_missing | x_observed): against closed forms, and for every kind of model."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal

import cases
from cases import BATCH, SHAPE, images_for, make_vae
from vaekit.models.conditional import Conditional, HierarchicalDistribution, Hierarchy
from vaekit.models.context import Context
from vaekit.models.head import Head
from vaekit.models.imputation import impute
from vaekit.models.labels import LabelPrior
from vaekit.models.posterior_modes import gaussians_at_modes
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE

D, PIXELS, SIGMA = 2, (1, 2, 3), 0.5
SIZE = math.prod(PIXELS)


class Linear(nn.Module):
    """An image or a code -> numbers, by fixed weights (n, m) and bias (n,)."""

    def __init__(self, weight: Tensor, bias: Tensor, output: tuple[int, ...]):
        super().__init__()
        self.weight, self.bias, self.output = nn.Parameter(weight), nn.Parameter(bias), output

    def forward(self, value: Tensor) -> Tensor:
        flat = value if len(self.output) > 1 else value.flatten(-3)
        return (flat @ self.weight.T + self.bias).unflatten(-1, self.output)


def normal(sigma: float, event_dims: int) -> Head:
    return Head(lambda loc: Normal(loc, torch.full_like(loc, sigma), validate_args=False), 1, event_dims)


@pytest.fixture
def known() -> tuple[VAE, MultivariateNormal]:
    """x = W z + b + noise with an encoder that knows little, and the marginal of x."""
    generator = torch.Generator().manual_seed(0)
    w, b = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((SIZE, D), (SIZE,)))
    to_code = torch.linalg.pinv(w)
    encoder = Conditional(Linear(to_code, -to_code @ b, (D,)), normal(0.7, 1))
    decoder = Conditional(Linear(w, b, PIXELS), normal(SIGMA, 3))
    model = VAE(Hierarchy([StandardNormal(D).double()], [D]), Hierarchy([encoder], [D]), decoder)
    return model, MultivariateNormal(b, w @ w.T + SIGMA**2 * torch.eye(SIZE, dtype=torch.float64))


MISSING = torch.tensor([False, True, True, False, True, False])


def conditional(marginal: MultivariateNormal, x: Tensor) -> MultivariateNormal:
    """p(x_missing | x_observed) of one flat image."""
    mean, covariance, seen = marginal.loc, marginal.covariance_matrix, ~MISSING
    gain = covariance[MISSING][:, seen] @ torch.linalg.inv(covariance[seen][:, seen])
    rest = covariance[MISSING][:, MISSING] - gain @ covariance[seen][:, MISSING]
    return MultivariateNormal(mean[MISSING] + gain @ (x[seen] - mean[seen]), rest)


def test_imputations_have_the_mean_and_covariance_of_the_closed_form(known):
    model, marginal = known
    torch.manual_seed(0)
    x = marginal.sample((3,))
    truth = [conditional(marginal, each) for each in x]
    lacking = x.masked_fill(MISSING, torch.nan).unflatten(-1, PIXELS)
    found = impute(model, lacking, imputations=8000, samples=40_000, seed=1)
    assert (found.effective_sample_size > 4000).all()
    for i, expected in enumerate(truth):
        drawn, error = found.images[:, i].flatten(1)[:, MISSING], expected.stddev / 3000**0.5
        assert ((drawn.mean(0) - expected.mean).abs() < 5 * error).all()
        torch.testing.assert_close(drawn.T.cov(), expected.covariance_matrix, rtol=0, atol=0.06)
        assert ((found.mean[i].flatten()[MISSING] - expected.mean).abs() < 5 * error).all()


def test_the_evidence_of_observed_pixels_and_the_posterior_are_those_of_the_closed_form(known):
    model, marginal = known
    torch.manual_seed(0)
    x, seen = marginal.sample((3,)), ~MISSING
    found = impute(model, x.masked_fill(MISSING, torch.nan).unflatten(-1, PIXELS), samples=40_000, seed=1)
    covariance = marginal.covariance_matrix[seen][:, seen]
    expected = MultivariateNormal(marginal.loc[seen], covariance).log_prob(x[:, seen])
    torch.testing.assert_close(found.log_observed, expected.float(), rtol=0, atol=0.03)
    w = model.decoder.network.weight.detach()[seen]
    precision = torch.eye(D) + w.T @ w / SIGMA**2
    mean = (x - marginal.loc)[:, seen] @ w @ torch.linalg.inv(precision) / SIGMA**2
    torch.testing.assert_close(found.latent_mean, mean, rtol=0, atol=0.05)
    stddev = torch.linalg.inv(precision).diagonal().sqrt().expand(3, D)
    torch.testing.assert_close(found.latent_stddev, stddev, rtol=0.05, atol=0)
    divergence = found.reconstruction.float() - found.log_observed
    of_normals = 0.5 * (stddev.square().sum(1) + mean.square().sum(1) - D + torch.logdet(precision))
    torch.testing.assert_close(divergence, of_normals.float(), rtol=0, atol=0.1)


def test_imputations_without_sampled_pixels_vary_only_by_the_latents(known):
    model, marginal = known
    x = marginal.sample((1,))
    w = model.decoder.network.weight.detach()
    lacking = x.masked_fill(MISSING, torch.nan).unflatten(-1, PIXELS)
    means = impute(model, lacking, imputations=8000, samples=20_000, sample_pixels=False, seed=1).images
    drawn = means[:, 0].flatten(1)[:, MISSING]
    seen = w[~MISSING]
    of_code = torch.linalg.inv(torch.eye(D) + seen.T @ seen / SIGMA**2)
    torch.testing.assert_close(drawn.T.cov(), w[MISSING] @ of_code @ w[MISSING].T, rtol=0, atol=0.05)


def test_an_unknown_label_is_sampled_from_its_posterior():
    """Images that depend on their label alone: x = center of the class + noise."""
    centers = torch.tensor([[0.0, 0.0], [0.3, 1.0], [0.6, -1.0]])
    chances = torch.tensor([0.5, 0.3, 0.2])

    class OfLabel(nn.Module):
        def forward(self, z: Tensor, y: Tensor) -> Tensor:
            return (y @ centers).expand(*z.shape[:-1], 2)[..., None, None, :]

    encoder = Conditional(Linear(torch.zeros(1, 2), torch.zeros(1), (1,)), normal(1.0, 1))
    model = VAE(
        Hierarchy([StandardNormal(1)], [1]),
        Hierarchy([encoder], [1]),
        Conditional(OfLabel(), normal(0.2, 3)),
        LabelPrior(torch.eye(3), chances.log()),
        ("decoder",),
    )
    x = torch.tensor([0.35, torch.nan]).reshape(1, 1, 1, 2)
    log_joint = Normal(centers[:, 0], 0.2).log_prob(torch.tensor(0.35)) + chances.log()
    posterior = log_joint.softmax(0)
    found = impute(model, x, imputations=6000, samples=6000, sample_pixels=False, seed=0)
    torch.testing.assert_close(found.mean[0, 0, 0, 1], posterior @ centers[:, 1])
    torch.testing.assert_close(found.label_probabilities[0], posterior)
    torch.testing.assert_close(found.log_observed[0], log_joint.logsumexp(0))
    drawn = found.images[:, 0, 0, 0, 1]
    for center, chance in zip(centers[:, 1], posterior, strict=True):
        assert abs((drawn - center).abs().lt(1e-3).float().mean() - chance) < 4 * (0.25 / 6000) ** 0.5
    conditioned = impute(model, x, torch.tensor([1]), sample_pixels=False, seed=0)
    torch.testing.assert_close(conditioned.mean[0, 0, 0, 1], centers[1, 1])
    torch.testing.assert_close(conditioned.images[:, 0, 0, 0, 1], centers[1, 1].expand(5))


MODELS = [
    *({"likelihood": name} for name in cases.LIKELIHOODS),
    *({"posterior": name, "layer_dims": (2, 3)} for name in cases.POSTERIORS),
    *({"network": name, "layer_dims": (2, 1, 3)} for name in cases.NETWORKS),
    *({"prior": name} for name in cases.PRIORS),
    {"conditioned_parts": ("prior", "encoder", "decoder"), "network": "convolutional", "layer_dims": (2, 3)},
]


@pytest.mark.parametrize("kind", MODELS, ids=str)
def test_every_model_imputes_only_missing_pixels(kind: dict):
    model = make_vae(**kind).eval()
    x = images_for(model)
    lacking = x.masked_fill(torch.rand(BATCH, 1, *SHAPE[1:]) < 0.5, torch.nan)
    seen = ~lacking.isnan()
    images = model.impute(lacking, imputations=3, samples=40, seed=2)
    assert images.shape == (3, BATCH, *SHAPE)
    assert images.isfinite().all()
    assert (images == x)[:, seen].all()
    assert torch.equal(images, model.impute(lacking, imputations=3, samples=40, seed=2))
    assert not torch.equal(images, model.impute(lacking, imputations=3, samples=40, seed=3))
    masked = model.impute(x, Context(mask=seen), imputations=3, samples=40, seed=2)
    assert torch.equal(images, masked), "a mask hides as NaN does"


def test_memory_does_not_grow_with_the_number_of_samples(monkeypatch):
    model, decoded = make_vae().eval(), []
    model.decoder.register_forward_pre_hook(lambda _, inputs: decoded.append(inputs[0][..., 0].numel()))
    x = images_for(model).masked_fill(torch.rand(BATCH, *SHAPE) < 0.5, torch.nan)
    one, many = (impute(model, x, samples=samples, seed=0) for samples in (500, 50_000))
    assert max(decoded) <= (1 << 20) // math.prod(SHAPE)
    assert sum(decoded) == BATCH * (512 + 50_000 + 2 * (3 * 8 + 5))  # of the chains, and of the fillings
    assert (many.effective_sample_size > one.effective_sample_size).all()
    assert (many.effective_sample_size < 50_000).all()


@pytest.mark.parametrize("numbers", [torch.nan, torch.inf])
def test_samples_that_are_not_finite_get_no_weight(numbers: float, monkeypatch):
    model = make_vae().eval()
    x = images_for(model).masked_fill(torch.rand(BATCH, *SHAPE) < 0.5, torch.nan)
    rsample = HierarchicalDistribution.rsample

    def now_and_then(self: HierarchicalDistribution, shape=()) -> Tensor:
        z = rsample(self, shape)
        return torch.where(torch.rand(z.shape[:-1]).unsqueeze(-1) < 0.5, numbers, z)

    monkeypatch.setattr(HierarchicalDistribution, "rsample", now_and_then)
    found = impute(model, x, samples=400, seed=0)
    assert found.images.isfinite().all()
    assert found.mean.isfinite().all()
    assert (found.effective_sample_size > 2).all()


def test_a_fully_observed_image_is_unchanged_and_an_empty_one_is_a_sample():
    model = make_vae().eval()
    x = images_for(model)
    assert torch.equal(model.impute(x, samples=20), x.expand(5, *x.shape))
    nothing = torch.full((1, *SHAPE), torch.nan)
    found = impute(model, nothing, samples=20_000, seed=0)
    expected = model.sample(20_000, seed=1).mean(0)
    torch.testing.assert_close(found.mean[0], expected, rtol=0, atol=0.03)


class Matrix(nn.Module):
    """A vector (..., m) -> W x, (..., n)."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, value: Tensor) -> Tensor:
        return value @ self.weight.T


def test_rows_are_imputed_by_nearly_independent_samples_although_the_encoder_sees_no_gaps():
    """x = W z + noise with many latents, of which the filled rows determine much more than the observed."""
    generator = torch.Generator().manual_seed(2)
    columns, latents, sigma = 14, 8, 0.1
    w = torch.randn(columns, latents, generator=generator, dtype=torch.float64)
    covariance = torch.linalg.inv(torch.eye(latents, dtype=torch.float64) + w.T @ w / sigma**2)
    spread = covariance.diagonal().sqrt()
    narrow = Head(lambda loc: Normal(loc, spread.expand_as(loc), validate_args=False), 1, 1)
    encoder = Conditional(Matrix(covariance @ w.T / sigma**2), narrow)
    decoder = Conditional(Matrix(w), normal(sigma, 1))
    prior = StandardNormal(latents).double()
    model = VAE(Hierarchy([prior], [latents]), Hierarchy([encoder], [latents]), decoder)
    total = w @ w.T + sigma**2 * torch.eye(columns, dtype=torch.float64)
    x = MultivariateNormal(torch.zeros(columns, dtype=torch.float64), total).sample((4,))
    seen = torch.arange(columns) >= 6
    found = impute(model, torch.where(seen, x, torch.nan), imputations=2, samples=4000, seed=0)
    assert found.effective_sample_size.min() > 1500  # half of the samples come from the exact posterior
    gain = total[~seen][:, seen] @ torch.linalg.inv(total[seen][:, seen])
    expected = x[:, seen] @ gain.T
    spread_of_missing = (total[~seen][:, ~seen] - gain @ total[seen][:, ~seen]).diagonal().sqrt()
    error = (found.mean[:, ~seen] - expected) / spread_of_missing
    assert error.abs().max() < 0.15


def test_gaussians_at_modes_are_as_broad_as_a_broad_density():
    mean, covariance = torch.tensor([3.0, -20.0]), torch.tensor([[0.5, 0.6], [0.6, 900.0]])
    target = MultivariateNormal(mean, covariance)
    found = gaussians_at_modes(target.log_prob, torch.zeros(4, 2))
    torch.testing.assert_close(found.mean, mean.expand(4, 2), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(found.covariance_matrix, covariance.expand(4, 2, 2), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("samples", [1, 10, 1000])
def test_the_effective_sample_size_is_at_most_the_number_of_samples(
    known: tuple[VAE, MultivariateNormal], samples: int
) -> None:
    model, marginal = known
    x = marginal.sample((3,)).unflatten(-1, PIXELS)
    x.flatten(1)[:, MISSING] = math.nan
    found = impute(model, x, samples=samples, seed=0)
    assert found.samples >= samples
    assert (found.effective_sample_size <= found.samples * (1 + 1e-9)).all()
    rows = impute(make_vae(shape=(SIZE,)), torch.full((3, SIZE), math.nan), samples=samples, seed=0)
    assert (rows.effective_sample_size <= rows.samples * (1 + 1e-6)).all()
