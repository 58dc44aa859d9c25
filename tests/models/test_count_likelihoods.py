"""Likelihoods of counts given the total of a row: where they begin, offsets, missing values, the VAE."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats

from vaekit.models import count_likelihoods
from vaekit.models.build_context import BuildContext
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.context import Context
from vaekit.models.posteriors import gaussian
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.nn.columns import ColumnFeatures, OnFeatures
from vaekit.nn.networks import Dense
from vaekit.spec import Column
from vaekit.testing import check_likelihood

KINDS = ("poisson", "negative_binomial", "zero_inflated_negative_binomial")
each_kind = pytest.mark.parametrize("kind", KINDS)

SHARES = torch.tensor([0.5, 0.25, 0.15, 0.1])
TOTAL = 1000.0


def rows(n: int, seed: int = 0, theta: float = 2.0) -> torch.Tensor:
    """(n, 4) counts of a negative binomial, with totals about 1000."""
    random = np.random.default_rng(seed)
    mean = TOTAL * random.lognormal(0, 0.3, (n, 1)) * SHARES.numpy()
    return torch.from_numpy(random.poisson(random.gamma(theta, mean / theta))).float()


def make_head(kind: str = "negative_binomial", offset: str = "total", x: torch.Tensor | None = None):
    sample = None if x is None else lambda n: (x[:n], None)
    context = BuildContext(2, event_shape=(4,), sample_training=sample)
    return getattr(count_likelihoods, kind)(offset, context, event_dims=1)


def make_vae(kind: str, offset: str = "total", x: torch.Tensor | None = None) -> VAE:
    torch.manual_seed(0)
    head, posterior = make_head(kind, offset, rows(500) if x is None else x), gaussian()
    features = ColumnFeatures([Column(f"x{i}", "count") for i in range(4)])
    network = OnFeatures(features, Dense([(4,)], posterior.network_output((2,)), (8,)))
    encoder = Conditional(network, posterior)
    decoder = Conditional(Dense([(2,)], head.network_output((4,)), (8,)), head)
    return VAE(Hierarchy([StandardNormal(2)], [2]), Hierarchy([encoder], [2]), decoder).eval()


@each_kind
@pytest.mark.parametrize("event_shape", [(5,), (2, 3, 4)], ids=str)
def test_the_likelihood_has_the_properties_of_a_likelihood(kind: str, event_shape: tuple[int, ...]):
    check_likelihood(getattr(count_likelihoods, kind), event_shape=event_shape)
    check_likelihood(partial(getattr(count_likelihoods, kind), "none"), event_shape=event_shape)


def test_the_mean_is_a_share_of_the_total():
    head, output = make_head("negative_binomial"), torch.randn(3, 7, 4)
    p = head(output, torch.full((7,), 50.0).log())
    torch.testing.assert_close(p.mean, 50 * output.softmax(-1))
    inflated = make_head("zero_inflated_negative_binomial")(
        torch.cat([output, torch.full_like(output, 3.0)], -1), torch.full((7,), 50.0).log()
    )
    torch.testing.assert_close(inflated.mean, 25 * output.softmax(-1))  # half of the counts are extra zeros


def test_an_offset_is_required():
    with pytest.raises(ValueError, match="offset: expected the log of the total of each row, got None"):
        make_head()(torch.zeros(4))
    with pytest.raises(ValueError, match="offset: expected 'total' or 'none', got 'row'"):
        make_head(offset="row")


def test_the_network_begins_at_the_profile_and_the_dispersion_of_training_rows():
    x = rows(20_000)
    p = make_head(x=x)(torch.zeros(4), torch.tensor(TOTAL).log())
    torch.testing.assert_close(p.mean, TOTAL * SHARES, rtol=0.02, atol=0)
    theta = p.mean.square() / (p.variance - p.mean)
    torch.testing.assert_close(
        theta[2:], torch.full((2,), 2.0), rtol=0.5, atol=0
    )  # small shares of the total
    free = make_head(offset="none", x=x)(torch.zeros(4))
    torch.testing.assert_close(free.mean, x.mean(0), rtol=1e-3, atol=0)


def test_a_column_without_overdispersion_begins_near_the_poisson():
    x = torch.poisson(torch.full((5000, 4), 30.0), generator=torch.Generator().manual_seed(0))
    p = make_head(offset="none", x=x)(torch.zeros(4))
    torch.testing.assert_close(p.variance, p.mean, rtol=0.1, atol=0)


def test_totals_of_sampled_rows_are_those_of_training():
    x = rows(5000)
    model = make_vae("negative_binomial", x=x)
    totals = model.sample(4000, seed=0).sum(-1).log()  # means: softmax keeps the total
    assert stats.ks_2samp(totals, x.sum(-1).log()).statistic < 0.04
    torch.testing.assert_close(
        model.decoder.head.typical_offset(), x.sum(-1).log().median(), rtol=0, atol=0.02
    )
    drawn = model.sample(50, seed=0, sample_pixels=True)
    assert torch.equal(drawn, drawn.round())
    assert drawn.min() >= 0


def test_a_row_without_counts_is_finite():
    model = make_vae("negative_binomial")
    assert model.decoder.head.offset_of(torch.zeros(2, 4)).tolist() == [0.0, 0.0]
    assert torch.isfinite(model.elbo_terms(torch.zeros(2, 4)).elbo).all()


def test_the_total_of_a_row_with_missing_values_is_that_of_a_whole_row():
    head = make_head(x=rows(20_000))
    x = TOTAL * SHARES.repeat(3, 1)
    x[0, 0], x[1, 1:] = torch.nan, torch.nan
    torch.testing.assert_close(head.offset_of(x).exp(), torch.full((3,), TOTAL), rtol=0.02, atol=0)


@each_kind
def test_missing_counts_do_not_change_the_bound(kind: str):
    model, x = make_vae(kind), rows(6)
    mask = torch.tensor([True, False, True, True]).expand(6, 4)
    lacking = torch.where(mask, x, torch.nan)
    context = Context(mask=mask)
    a = model.elbo_terms(lacking, context, seed=0)
    b = model.elbo_terms(torch.where(mask, x, 77.0), context, seed=0)
    torch.testing.assert_close(a.log_px, b.log_px)
    px = model.decode(torch.zeros(6, 2), Context(offset=model.decoder.head.offset_of(lacking)))
    assert px.mean.isfinite().all()
    filled = model.impute(lacking, imputations=3, samples=50, seed=0)
    assert torch.equal(filled[:, mask], x[mask].expand(3, -1))
    assert torch.equal(filled, filled.round())


@each_kind
def test_annealing_and_importance_sampling_take_the_same_total(kind: str):
    from vaekit.evaluation.ais import annealing_path

    model, x = make_vae(kind), rows(5)
    z = torch.randn(3, 5, 2)
    offset = x.sum(-1).log()
    p = model.decode(z, Context(offset=offset))
    expected = p.log_prob(x) + model.conditional_prior().log_prob(z)
    torch.testing.assert_close(annealing_path(model, x).log_joint(z), expected)


def test_bounds_of_rows_from_the_model_enclose_the_truth():
    from vaekit.evaluation.bdmc import bdmc

    found = bdmc(make_vae("negative_binomial"), images=20, chains=4, steps=30, samples=200)
    assert math.isfinite(found.upper)
    assert all(bound.gap > -0.3 for bound in found.bounds)


def test_a_poisson_given_the_total_has_the_multinomial_as_its_conditional():
    """log Poisson(x; l rho) = log Multinomial(x; l, rho) + log Poisson(l; l)."""
    head, x = make_head("poisson"), rows(9)
    output = torch.randn(9, 4)
    total = x.sum(-1)
    multinomial = stats.multinomial.logpmf(x.numpy(), total.numpy(), output.double().softmax(-1).numpy())
    expected = multinomial + stats.poisson.logpmf(total.numpy(), total.numpy())
    np.testing.assert_allclose(head(output, total.log()).log_prob(x), expected, rtol=1e-5)
