import math

import pytest
import torch
from scipy import stats

from cases import images_for, make_hierarchical, make_vae
from vaekit.errors import InvalidError
from vaekit.evaluation.elbo_identities import compare_kl, elbo_identity


def batches(model, n=6):
    x = images_for(model, n)
    return [(some, None) for some in x.split(4)]


@pytest.mark.parametrize("make", [make_vae, make_hierarchical])
def test_samples_agree_with_the_closed_form_within_their_error(make):
    model = make()
    found = compare_kl(model, batches(model), samples=4000)
    assert abs(found.sampled - found.analytic) < 4 * found.stderr
    assert 0 < found.stderr < 0.05 * found.analytic


def test_the_closed_form_is_the_formula_of_the_mean_and_sigma():
    model = make_vae()
    [(x, _)] = batches(model, 4)
    q = model.encode(x)
    formula = 0.5 * (q.mean**2 + q.variance - 1 - q.variance.log()).sum(1).mean()
    assert compare_kl(model, [(x, None)], samples=2).analytic == pytest.approx(formula.item())


def test_the_standard_error_is_that_of_repeated_estimates():
    model = make_vae()
    found = [compare_kl(model, batches(model), 50, seed) for seed in range(200)]
    spread = torch.tensor([each.sampled for each in found]).std().item()
    assert spread == pytest.approx(found[0].stderr, rel=0.25)
    assert found[0].std == pytest.approx(found[0].stderr * math.sqrt(50 * 6))


def test_the_noise_of_the_sampled_form_is_its_formula():
    """Var [log q - log p] = sum over latents of mu^2 sigma^2 + (sigma^2 - 1)^2 / 2, for p = N(0, I)."""
    model = make_vae()
    [(x, _)] = batches(model, 4)
    q = model.encode(x)
    formula = (q.mean**2 * q.variance + (q.variance - 1) ** 2 / 2).sum(1).mean().sqrt()
    found = compare_kl(model, [(x, None)], samples=20_000).std
    assert found == pytest.approx(formula.item(), rel=0.03)


def test_without_a_closed_form_there_is_an_error():
    model = make_vae(prior="vamp")
    with pytest.raises(
        InvalidError,
        match=r"expected a closed form of KL\(q, p\) in each layer, got distributions without one",
    ):
        compare_kl(model, batches(model))


@pytest.mark.parametrize(("latents", "pixels", "noise"), [(2, 6, 0.6), (1, 1, 2.0), (5, 40, 0.1)])
def test_bound_and_gap_add_up_to_the_evidence_for_every_posterior(latents, pixels, noise):
    rows = elbo_identity(latents, pixels, noise, steps=6)
    assert [row.t for row in rows] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    for row in rows:
        assert row.error == pytest.approx(0, abs=1e-9 * abs(row.log_evidence))
    gaps = [row.gap for row in rows]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == pytest.approx(0, abs=1e-9)


def test_the_terms_agree_with_samples_and_scipy():
    numbers = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weight, x = numbers[:, :2], numbers[:, 2]
    first = elbo_identity(2, 6, noise=0.6)[0]  # where q is the prior
    covariance = (weight @ weight.T + 0.36 * torch.eye(6)).numpy()
    assert first.log_evidence == pytest.approx(stats.multivariate_normal(cov=covariance).logpdf(x.numpy()))
    z = torch.randn(200_000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    log_px = stats.norm(0, 0.6).logpdf((x - z @ weight.T).numpy()).sum(1)
    assert first.elbo == pytest.approx(log_px.mean(), abs=5 * log_px.std() / len(z) ** 0.5)
