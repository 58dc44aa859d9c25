"""Data points and latents of any shape, and everything that a model can be conditioned on."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from vaekit.config.build import build_model
from vaekit.config.loading import load_recipe
from vaekit.errors import RecipeError
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.context import Context
from vaekit.models.elbo import ELBOTerms
from vaekit.models.head import Head
from vaekit.models.labels import attribute_prior, class_prior
from vaekit.models.likelihoods import bernoulli, gaussian
from vaekit.models.posteriors import gaussian as gaussian_posterior
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.nn.networks import Dense

EVENTS = [(7,), (3, 5), (1, 4, 4), (2, 3, 2, 2)]


def vae(event: tuple[int, ...], d: int = 3, inputs: list[tuple[int, ...]] | None = None, **options) -> VAE:
    """A tiny model of binary data points; `inputs` are the shapes of what encoder and decoder are given."""
    torch.manual_seed(0)
    posterior, likelihood, inputs = gaussian_posterior(), bernoulli(event_dims=len(event)), inputs or []
    encoder = Conditional(Dense([event, *inputs], posterior.network_output((d,)), (8,)), posterior)
    decoder = Conditional(Dense([(d,), *inputs], likelihood.network_output(event), (8,)), likelihood)
    return VAE(Hierarchy([StandardNormal(d)], [d]), Hierarchy([encoder], [d]), decoder, **options)


# ------------------------------------------------------------------------------------------------ data points


@pytest.mark.parametrize("event", EVENTS, ids=str)
def test_a_data_point_has_any_shape(event):
    model, x = vae(event), torch.rand(4, *event).round()
    terms = model.elbo_terms(x, n_samples=5, seed=0)
    assert terms.log_px.shape == (5, 4)
    z = model.encode(x).rsample_layers((5,)).z
    by_hand = model.decode(z).base_dist.log_prob(x).flatten(2).sum(-1)
    assert by_hand.shape == terms.log_px.shape
    assert model.sample(6).shape == (6, *event)
    assert model.reconstruct(x).shape == x.shape
    assert model.interpolate(x[:2], x[2:], steps=3).shape == (3, 2, *event)


@pytest.mark.parametrize("event", EVENTS, ids=str)
def test_missing_values_of_any_shape_are_imputed(event):
    model, x = vae(event), torch.rand(4, *event).round()
    hidden = torch.rand(4, *event) < 0.4
    filled = model.impute(x.masked_fill(hidden, torch.nan), imputations=3, samples=40, seed=0)
    assert filled.shape == (3, 4, *event)
    assert torch.equal(filled[:, ~hidden], x[~hidden].expand(3, -1))
    masked = model.elbo_terms(x, Context(mask=~hidden), seed=0)
    other = torch.where(hidden, 1 - x, x)  # what is hidden does not matter
    assert torch.equal(masked.log_px, model.elbo_terms(other, Context(mask=~hidden), seed=0).log_px)


# ---------------------------------------------------------------------------------------------------- latents


class Grid(nn.Module):
    """A diagonal Gaussian over (2, 3) latents, from a vector or from nothing."""

    def __init__(self, size: int = 0):
        super().__init__()
        self.network = nn.Linear(size, 12) if size else None

    def forward(self, *context: Tensor) -> Independent:
        if self.network is None:
            return Independent(Normal(torch.zeros(2, 3), torch.ones(2, 3)), 2)
        mean, log_std = self.network(context[0].flatten(1)).unflatten(-1, (2, 2, 3)).unbind(-3)
        return Independent(Normal(mean, log_std.exp()), 2)


def grid_vae() -> VAE:
    """A model whose only layer has the shape (2, 3)."""
    torch.manual_seed(0)
    decoder = Conditional(Dense([(6,)], (7,), (8,)), bernoulli(event_dims=1))
    return VAE(Hierarchy([Grid()], [(2, 3)]), Hierarchy([Grid(7)], [(2, 3)]), decoder)


def test_a_layer_of_latents_has_any_shape():
    model, x = grid_vae(), torch.rand(4, 7).round()
    assert (model.layer_dims, model.latent_dim) == ((6,), 6)
    terms = model.elbo_terms(x, n_samples=5, need={"kl", "log_ratio", "latents"}, seed=0)
    [latent] = terms.latents
    assert latent.sample.shape == (5, 4, 2, 3)
    torch.testing.assert_close(terms.kl[0], kl_divergence(latent.q, latent.p))
    torch.testing.assert_close(
        terms.log_ratio[0], (latent.q.log_prob(latent.sample) - latent.p.log_prob(latent.sample))
    )
    assert model.encode(x).mean.shape == (4, 6)
    assert model.sample(3).shape == (3, 7)


def test_the_flat_vector_of_latents_is_the_layers_in_order():
    q = grid_vae().encode(torch.rand(4, 7)).rsample_layers((5,))
    assert torch.equal(q.flat(), q.values[0].flatten(-2))
    again = grid_vae().encode(torch.rand(4, 7)).condition_on(q.flat())
    assert torch.equal(again.values[0], q.values[0])


def test_layers_of_unlike_shapes_are_side_by_side():
    below = Conditional(Dense([(2, 3)], (8,)), Head(lambda m, s: Normal(m, s.exp()), 2, 1))
    prior = Hierarchy([Grid(), below], [(2, 3), 4])
    sample = prior().rsample_layers((5,))
    assert [tuple(value.shape) for value in sample.values] == [(5, 2, 3), (5, 4)]
    assert sample.flat().shape == (5, 10)
    torch.testing.assert_close(prior().condition_on(sample.flat()).log_prob, sample.log_prob)


# ---------------------------------------------------------------------------------------------------- context


def test_covariates_reach_the_parts_and_are_sampled_where_they_are_not_given():
    rows = torch.tensor([[0.0, 10.0], [1.0, 20.0], [1.0, 20.0]])
    model = vae(
        (7,), inputs=[(2,)], covariates=attribute_prior(rows), conditioned_parts=("encoder", "decoder")
    )
    x, z = torch.rand(3, 7).round(), torch.zeros(3, 3)
    context = Context(covariates=rows)
    assert not torch.equal(
        model.decode(z[:2], Context(covariates=rows[:2])).mean[0],
        model.decode(z[:2], Context(covariates=rows[:2])).mean[1],
    )
    assert model.elbo_terms(x, context).log_px.shape == (1, 3)
    assert model.sample(4, seed=0).shape == (4, 7)
    with pytest.raises(ValueError, match="expected covariates, since the encoder of this model"):
        model.elbo_terms(x)


def test_labels_and_covariates_go_together():
    labels, covariates = class_prior(3), attribute_prior(torch.randn(20, 2))
    model = vae(
        (7,),
        inputs=[(5,)],
        labels=labels,
        covariates=covariates,
        conditioned_parts=("encoder", "decoder"),
    )
    x, y, c = torch.rand(4, 7).round(), torch.tensor([0, 1, 2, 0]), torch.randn(4, 2)
    both = model.elbo_terms(x, Context(label=y, covariates=c), seed=0).log_px
    assert not torch.equal(both, model.elbo_terms(x, Context(label=y.flip(0), covariates=c), seed=0).log_px)
    assert not torch.equal(both, model.elbo_terms(x, Context(label=y, covariates=-c), seed=0).log_px)
    assert model.sample(5, context=Context(covariates=torch.randn(5, 2)), seed=0).shape == (5, 7)


@pytest.mark.parametrize(
    "prior", ["standard_normal", "mixture", "{kind: flow, transforms: 1, hidden_sizes: [4]}"]
)
def test_the_build_gives_labels_and_covariates_to_every_part(prior):
    changes = [f"model.prior={prior}", "model.condition={variable: label, parts: [prior, encoder, decoder]}"]
    labels, covariates = class_prior(10), attribute_prior(torch.randn(20, 2))
    model = build_model(load_recipe("digits", changes).model, (1, 8, 8), labels=labels, covariates=covariates)
    x, y, c = torch.rand(4, 1, 8, 8).round(), torch.arange(4), torch.randn(4, 2)
    assert model.elbo_terms(x, Context(label=y, covariates=c)).log_px.shape == (1, 4)
    assert model.sample(3, seed=0).shape == (3, 1, 8, 8)
    with pytest.raises(RecipeError, match="covariates: a mixture of posteriors has none for its images"):
        build_model(
            load_recipe("digits", [*changes, "model.prior=vamp"]).model,
            (1, 8, 8),
            labels=labels,
            covariates=covariates,
        )


def test_labels_alone_are_a_context():
    model = vae((7,), inputs=[(3,)], labels=class_prior(3), conditioned_parts=("encoder", "decoder"))
    x, y = torch.rand(4, 7).round(), torch.tensor([0, 1, 2, 0])
    assert torch.equal(model.elbo_terms(x, y, seed=0).elbo, model.elbo_terms(x, Context(y), seed=0).elbo)


# ------------------------------------------------------------------------------------------------------ terms


def test_only_the_terms_that_are_asked_for_are_computed():
    model, x = vae((7,)), torch.rand(4, 7).round()
    assert set(model.elbo_terms(x, need=()).computed) == set()
    assert set(model.elbo_terms(x, need={"kl"}).computed) == {"kl"}
    assert set(model.elbo_terms(x, need={"log_ratio"}).computed) == {"log_pz", "log_qz"}
    with pytest.raises(ValueError, match=r"need: expected names from .*, got \['kld'\]"):
        model.elbo_terms(x, need={"kld"})


def test_terms_do_not_change_with_the_weights():
    model, x = vae((7,)), torch.rand(4, 7).round()
    with torch.no_grad():
        terms = model.elbo_terms(x, need={"kl", "log_ratio"}, seed=0)
        before = terms.elbo.clone(), terms.iwae_bound.clone()
        for weight in model.parameters():
            weight.add_(1.0)
    assert torch.equal(terms.elbo, before[0])
    assert torch.equal(terms.iwae_bound, before[1])


def test_a_point_is_no_bound():
    from vaekit.models.posteriors import delta

    posterior, likelihood = delta(), gaussian(1.0, event_dims=1)
    encoder = Conditional(Dense([(7,)], (3,), (8,)), posterior)
    decoder = Conditional(Dense([(3,)], (7,), (8,)), likelihood)
    model = VAE(Hierarchy([StandardNormal(3)], [3]), Hierarchy([encoder], [3]), decoder)
    terms = model.elbo_terms(torch.rand(4, 7), need={"latents"})
    assert (terms.is_bound, terms.latents[0].kind) == (False, "point")
    assert isinstance(terms, ELBOTerms)


def test_what_a_model_would_ignore_is_an_error():
    model, x = vae((7,)), torch.rand(3, 7).round()
    for context, message in (
        (Context(covariates=torch.zeros(3, 2)), "covariates: expected none, since this model is not"),
        (Context(offset=torch.zeros(3)), "offset: expected none, since the likelihood of this model takes"),
    ):
        for use in (model.elbo_terms, model.encode, model.reconstruct, model.impute):
            with pytest.raises(ValueError, match=message):
                use(x, context)


def test_samples_have_as_many_covariates_as_they_are():
    rows = torch.randn(20, 2)
    model = vae(
        (7,), inputs=[(2,)], covariates=attribute_prior(rows), conditioned_parts=("encoder", "decoder")
    )
    with pytest.raises(ValueError, match="covariates: expected 4 rows, one per image, got 5"):
        model.sample(4, context=Context(covariates=rows[:5]))
