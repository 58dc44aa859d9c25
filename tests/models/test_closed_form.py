"""Before the first step, the bound of a table equals the log-density of the closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from scipy.stats import multivariate_normal
from sklearn.decomposition import FactorAnalysis

from vaekit.models.closed_form import choose_sizes, start_from_factors
from vaekit.models.columns import ColumnsHead
from vaekit.models.common_factors import choose_common_factors, fit_common_factors
from vaekit.models.conditional import Conditional, Hierarchy
from vaekit.models.context import Context
from vaekit.models.factor_mixture import FactorMixture, MessageHead
from vaekit.models.posteriors import gaussian
from vaekit.models.priors import StandardNormal
from vaekit.models.vae import VAE
from vaekit.nn.columns import ColumnFeatures, OnFeatures
from vaekit.nn.dense import Dense
from vaekit.nn.tabular import Tabular
from vaekit.spec import Column

SCALES = np.array([0.01, 5.0, 2000.0, 1.0, 3.0])


def clusters(n=400, seed=0):
    """Rows of three clusters, in units of the data."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(1).normal(0, 3, (3, 5))
    return (centers[rng.integers(0, 3, n)] + rng.normal(size=(n, 5))) * SCALES


def table(rows):
    """Real columns, standardized, and the model values of the rows."""
    columns = [
        Column(f"x{j}", scaling="standard", offset=float(c.mean()), scale=float(c.std()))
        for j, c in enumerate(rows.T)
    ]
    x = np.stack([c.to_model(values) for c, values in zip(columns, rows.T, strict=True)], 1)
    return columns, torch.from_numpy(x).float()


def make_model(columns, latents, components=1, exact=True):
    torch.manual_seed(0)
    head, features = ColumnsHead(columns), ColumnFeatures(columns)
    prior = FactorMixture(latents, components) if exact else StandardNormal(latents)
    posterior = MessageHead() if exact else gaussian()
    if exact:
        posterior.borrow(prior)
    encoder = OnFeatures(features, Tabular([(features.size,)], posterior.network_output((latents,))))
    decoder = Tabular([(latents,)], head.network_output((len(columns),)))
    return VAE(
        Hierarchy([prior], [latents]),
        Hierarchy([Conditional(encoder, posterior)], [latents]),
        Conditional(decoder, head),
    )


@pytest.mark.parametrize(
    ("components", "exact"), [(1, True), (3, True), (1, False)], ids=["one", "three", "gaussian"]
)
def test_bound_at_the_start_is_the_log_density(components, exact):
    rows = clusters()
    columns, x = table(rows)
    model = make_model(columns, 3, components, exact)
    factors = start_from_factors(model, x)
    direct = np.zeros((len(x), components))
    for c in range(components):
        mean = factors.center + factors.loadings @ factors.means[c]
        covariance = factors.loadings @ factors.covariances[c] @ factors.loadings.T + np.diag(factors.noise)
        direct[:, c] = np.log(factors.weights[c]) + multivariate_normal(mean, covariance).logpdf(x.numpy())
    expected = np.logaddexp.reduce(direct, axis=1) - sum(np.log(c.scale) for c in columns)
    np.testing.assert_allclose(factors.log_density(x.double().numpy()), np.logaddexp.reduce(direct, axis=1))
    log_weights = model.elbo_terms(x, n_samples=3, seed=0).log_weights.detach().numpy()
    np.testing.assert_allclose(log_weights, np.broadcast_to(expected, (3, len(x))), atol=2e-3)


def test_one_component_is_factor_analysis():
    rows = clusters()
    _, x = table(rows)
    fitted = fit_common_factors(x.double().numpy(), 2, iterations=2000, tolerance=1e-9)
    reference = FactorAnalysis(2, tol=1e-8, max_iter=10000).fit(x.double().numpy())
    np.testing.assert_allclose(
        fitted.log_density(x.double().numpy()).mean(), reference.score(x.double().numpy()), atol=1e-4
    )


def test_cross_validation_finds_clusters_and_rank():
    columns, x = table(clusters())
    assert choose_sizes(columns, x.numpy()).components == 3
    rng = np.random.default_rng(0)
    linear = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 8)) + 0.5 * rng.normal(size=(500, 8))
    choice = choose_common_factors(linear)
    assert (choice.factors, choice.components) == (3, 1)


def test_other_models_stay_as_they_are():
    columns, x = table(clusters())
    model = make_model(columns, 2)
    model.decoder.network = Dense([(2,)], (10,), hidden_sizes=())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert start_from_factors(model, x) is None
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_mixed_columns_with_gaps_start_near_their_marginals():
    rng = np.random.default_rng(0)
    n, z = 500, np.random.default_rng(1).normal(size=500)
    counts, kinds = rng.poisson(np.exp(1 + 0.3 * z)).astype(float), rng.choice(3, n, p=[0.6, 0.3, 0.1])
    columns = [
        Column("a", offset=0.0, scale=1.0),
        Column("n", "integer", offset=10.0, scale=3.0),
        Column("k", "count", offset=float(counts.mean()), scale=float(counts.std())),
        Column("c", "category", ("x", "y", "z")),
    ]
    values = np.stack([z, np.rint(10 + 3 * z), counts, kinds], 1)
    x = np.stack([c.to_model(v) for c, v in zip(columns, values.T, strict=True)], 1).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    model = make_model(columns, 2)
    start_from_factors(model, torch.from_numpy(x))
    sample = model.sample(4000, seed=0, sample_pixels=True).double().numpy()
    back = np.stack([c.to_data(v) for c, v in zip(columns, sample.T, strict=True)], 1)
    np.testing.assert_allclose(back[:, :3].mean(0), values[:, :3].mean(0), atol=0.5)
    np.testing.assert_allclose(back[:, :3].std(0), values[:, :3].std(0), rtol=0.25)
    np.testing.assert_allclose(np.bincount(back[:, 3].astype(int)) / 4000, [0.6, 0.3, 0.1], atol=0.06)
    np.testing.assert_allclose(back[:, 1], np.rint(back[:, 1]), atol=1e-9)
    known = torch.from_numpy(~np.isnan(x))
    terms = model.elbo_terms(torch.from_numpy(x), Context(mask=known), need={"kl", "log_ratio", "parts"})
    assert terms.log_px_parts.isfinite().all()
    assert (terms.log_px_parts[:, 0][~known.T] == 0).all()


def test_a_broad_component_carries_rows_unlike_the_others():
    rng = np.random.default_rng(0)
    rows = rng.standard_t(2, size=(600, 3)) @ rng.normal(size=(3, 3))
    train, test = rows[:400], rows[400:]
    single = fit_common_factors(train, 3).log_density(test).mean()
    broad = fit_common_factors(train, 3, 2, broad=True)
    assert broad.log_density(test).mean() > single + 0.2
    assert np.linalg.slogdet(broad.covariances[1])[1] > np.linalg.slogdet(broad.covariances[0])[1] + 2
    grid = np.linspace(-400, 400, 40001)
    one = fit_common_factors(train[:, :1], 1, 2, broad=True)
    assert trapezoid(np.exp(one.log_density(grid[:, None])), grid) == pytest.approx(1, abs=1e-3)
