"""The two bounds of log p(x), on images that are drawn from models whose evidence is known."""

from __future__ import annotations

import pytest
import torch

from cases import make_hierarchical, make_labeled, make_vae
from exact_models import factor_analysis, log_evidence, random, two_layers
from vaekit.evaluation import bdmc as module
from vaekit.evaluation.bdmc import bdmc


def test_upper_and_lower_bound_enclose_the_evidence_of_a_linear_model(monkeypatch: pytest.MonkeyPatch):
    model, _, _ = factor_analysis(0.5, 0.5)
    drawn = []
    plain = module._sample_joint
    monkeypatch.setattr(module, "_sample_joint", lambda *a: drawn.append(plain(*a)) or drawn[-1])
    model = model.double()
    found = bdmc(model, 60, chains=8, steps=60, samples=100)
    weight, bias = random(6, 2), random(6, seed=1)
    x = torch.cat([each[1] for each in drawn])
    assert len(x) == 60
    exact = log_evidence(x, bias, weight @ weight.T + 0.36 * torch.eye(6, dtype=torch.float64)).mean().item()
    lower, weighted, elbo = found.bounds
    slack = 3 * lower.gap_stderr
    assert lower.value - slack < exact < found.upper + slack
    assert lower.gap < 0.6
    assert 0 < elbo.median < 2 * elbo.gap
    assert found.upper - weighted.value == pytest.approx(weighted.gap)
    assert exact - elbo.value > 1
    assert elbo.gap == pytest.approx(exact - elbo.value, abs=0.5)


@pytest.mark.parametrize("make", [factor_analysis, two_layers])
def test_with_the_exact_posterior_all_bounds_are_the_evidence(make):
    model, _, _ = make()
    found = bdmc(model.double(), 4, chains=3, steps=3, samples=100)
    annealed, weighted, elbo = found.bounds
    assert annealed.gap == pytest.approx(0, abs=1e-9)
    assert weighted.gap == pytest.approx(0, abs=1e-9)
    assert abs(elbo.gap) < 0.4  # the reconstruction is a mean over draws
    assert found.seconds > 0


@pytest.mark.parametrize("make", [make_vae, make_hierarchical, make_labeled])
def test_bdmc_works_with_every_model_and_is_reproducible(make):
    one, two, other = (bdmc(make(), 5, 3, 4, 30, seed=seed) for seed in (1, 1, 2))
    assert [each.value for each in one.bounds] == [each.value for each in two.bounds]
    assert one.upper != other.upper
    assert [each.name for each in one.bounds] == ["annealed", "importance-sampled", "ELBO"]
    asked = (one.images, one.chains, one.steps, one.samples, one.init, one.seed)
    assert asked == (5, 3, 4, 30, "encoder", 1)
    assert one.to_dict()["bounds"][2]["gap"] == pytest.approx(one.upper - one.bounds[2].value)


def test_progress_reports_finished_images():
    sizes: list[int] = []
    bdmc(make_vae(), 5, 400, 2, 10, progress=sizes.append)
    assert sizes == [1, 1, 1, 1, 1]
