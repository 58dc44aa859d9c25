"""A mixture is the sum of its components, drawn by its weights, however small their spread."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.distributions import Categorical, Independent, Laplace, MixtureSameFamily, Normal

from vaekit.distributions import mixture
from vaekit.distributions.mixture import Mixture
from vaekit.distributions.normal import CholeskyNormal
from vaekit.distributions.operations import with_temperature

LOGITS = torch.tensor([0.3, -1.0, 2.0, 0.0], dtype=torch.float64)


def gaussians(size: int = 3, smallest: float = 0.3) -> Independent:
    """Four of them, of different means and spreads."""
    generator = torch.Generator().manual_seed(1)
    mean = torch.randn(4, size, generator=generator, dtype=torch.float64)
    scale = smallest * (1 + torch.rand(4, size, generator=generator, dtype=torch.float64))
    return Independent(Normal(mean, scale), 1)


def by_torch(components: Independent, logits: Tensor = LOGITS) -> MixtureSameFamily:
    return MixtureSameFamily(Categorical(logits=logits), components)


@pytest.mark.parametrize("spread", [1, 30, 1000])
def test_log_sum_exp_and_its_gradient_are_those_of_torch(spread):
    logs = (spread * torch.randn(7, 40, dtype=torch.float64)).requires_grad_()
    with torch.no_grad():
        logs[0, :39], logs[1, 3] = -torch.inf, logs[1, 4]
    ours, theirs = mixture._log_sum_exp(logs), logs.logsumexp(-1)
    torch.testing.assert_close(ours, theirs)
    gradients = (torch.autograd.grad(each.sum(), logs)[0] for each in (ours, theirs))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("shape", [(), (5,), (2, 5)])
def test_density_mean_and_variance_are_those_of_torch(shape):
    ours, theirs = Mixture(LOGITS, gaussians()), by_torch(gaussians())
    z = torch.randn(*shape, 3, dtype=torch.float64)
    assert ours.log_prob(z).shape == shape
    torch.testing.assert_close(ours.log_prob(z), theirs.log_prob(z))
    torch.testing.assert_close(ours.mean, theirs.mean)
    torch.testing.assert_close(ours.variance, theirs.variance)


def test_the_density_is_the_sum_over_components_by_scipy():
    components, z = gaussians(), torch.randn(5, 3, dtype=torch.float64)
    weights, base = LOGITS.softmax(-1), components.base_dist
    density = sum(
        w * np.prod(stats.norm(m, s).pdf(z), -1)
        for w, m, s in zip(weights.tolist(), base.loc.numpy(), base.scale.numpy(), strict=True)
    )
    torch.testing.assert_close(Mixture(LOGITS, components).log_prob(z).exp(), torch.from_numpy(density))


def test_the_density_integrates_to_one_on_a_grid():
    axis = torch.linspace(-8, 8, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    total = Mixture(LOGITS, gaussians(2)).log_prob(grid).exp().sum() * (axis[1] - axis[0]) ** 2
    assert abs(total - 1) < 1e-9


@pytest.mark.parametrize("autocast", [False, True])
def test_single_precision_loses_nothing_where_components_are_narrow(autocast: bool):
    """A sum of squares of 10^6, by a difference of far greater numbers."""
    exact = Mixture(LOGITS, gaussians(40, smallest=1e-3))
    base = exact.components.base_dist
    single = Mixture(LOGITS.float(), Independent(Normal(base.loc.float(), base.scale.float()), 1))
    z = single.components.base_dist.loc + 1e-3
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        found = single.log_prob(z)
    torch.testing.assert_close(found.double(), exact.log_prob(z.double()), rtol=1e-4, atol=1e-2)


def test_chunks_do_not_change_the_log_density(monkeypatch):
    ours, z = Mixture(LOGITS, gaussians()), torch.randn(3, 5, 3, dtype=torch.float64)
    whole = ours.log_prob(z)
    monkeypatch.setattr(mixture, "FLOATS_PER_CHUNK", 8)
    torch.testing.assert_close(ours.log_prob(z), whole)


def test_components_of_any_family_are_mixed():
    components = Independent(Laplace(gaussians().base_dist.loc, 0.5), 1)
    z = torch.randn(5, 3, dtype=torch.float64)
    torch.testing.assert_close(
        Mixture(LOGITS, components).log_prob(z), by_torch(components).log_prob(z), rtol=1e-12, atol=1e-12
    )


def test_samples_come_from_each_component_by_its_weight():
    base = Normal(torch.arange(4.0).unsqueeze(-1) * 10, torch.full((4, 1), 0.1))
    ours = Mixture(LOGITS.float(), Independent(base, 1))
    drawn = ours.sample((4000,))
    shares = torch.bincount((drawn[:, 0] / 10).round().long(), minlength=4) / 4000
    torch.testing.assert_close(shares, LOGITS.float().softmax(-1), rtol=0, atol=0.03)
    assert ours.sample().shape == (1,)
    assert ours.sample((2, 3)).shape == (2, 3, 1)


def test_posterior_of_the_component():
    ours, z = Mixture(LOGITS, gaussians()), torch.randn(5, 3, dtype=torch.float64)
    torch.testing.assert_close(ours.joint(z).logsumexp(-1), ours.log_prob(z))
    at_means = Mixture(LOGITS, gaussians(smallest=0.01)).joint(gaussians().base_dist.loc)
    assert at_means.argmax(-1).tolist() == [0, 1, 2, 3]


def test_temperature_narrows_each_component_about_its_own_mean():
    cold = with_temperature(Mixture(LOGITS, gaussians()), 0.5)
    base = gaussians().base_dist
    expected = by_torch(Independent(Normal(base.loc, base.scale / 2), 1))
    z = torch.randn(5, 3, dtype=torch.float64)
    torch.testing.assert_close(cold.log_prob(z), expected.log_prob(z))
    still = with_temperature(Mixture(LOGITS, gaussians()), 0.0).sample((50,))
    assert torch.cdist(still, base.loc).amin(-1).max() < 1e-12


def test_an_unsupported_family_is_named():
    with pytest.raises(NotImplementedError, match="select: Laplace is not supported"):
        Mixture(LOGITS, Independent(Laplace(gaussians().base_dist.loc, 0.5), 1)).sample()


def test_full_covariance_gaussians_are_mixed_and_sampled():
    mean = torch.arange(12.0, dtype=torch.float64).view(4, 3)
    cholesky = torch.eye(3, dtype=torch.float64) + torch.rand(4, 3, 3, dtype=torch.float64).tril(-1)
    components = CholeskyNormal(mean, cholesky)
    ours, z = Mixture(LOGITS, components), torch.randn(2, 5, 3, dtype=torch.float64)
    torch.testing.assert_close(ours.log_prob(z), by_torch(components).log_prob(z))
    still = with_temperature(ours, 0.0).sample((50,))
    assert torch.cdist(still, mean).amin(-1).max() < 1e-12


# ----------------------------------------------------------------------------- weights that differ in a batch


def batched() -> Tensor:
    return torch.randn(5, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(5,), (7, 5), (2, 7, 5)])
def test_batched_weights_agree_with_torch(shape):
    ours = Mixture(batched(), gaussians())
    theirs = by_torch(gaussians().expand((5, 4)), batched())
    z = torch.randn(*shape, 3, dtype=torch.float64)
    assert (ours.batch_shape, ours.log_prob(z).shape) == ((5,), shape)
    torch.testing.assert_close(ours.log_prob(z), theirs.log_prob(z))
    torch.testing.assert_close(ours.mean, theirs.mean)
    torch.testing.assert_close(ours.variance, theirs.variance)
    assert ours.rsample((7,)).shape == (7, 5, 3)


def test_one_point_is_evaluated_under_all_batched_weights():
    z = torch.randn(3, dtype=torch.float64)
    expected = by_torch(gaussians().expand((5, 4)), batched()).log_prob(z)
    torch.testing.assert_close(Mixture(batched(), gaussians()).log_prob(z), expected)


def test_chunks_do_not_change_batched_log_densities(monkeypatch):
    ours, z = Mixture(batched(), gaussians()), torch.randn(50, 5, 3, dtype=torch.float64)
    whole = ours.log_prob(z)
    monkeypatch.setattr(mixture, "FLOATS_PER_CHUNK", 3 * 5 * 4 * 3)
    torch.testing.assert_close(ours.log_prob(z), whole)


def test_a_component_of_weight_zero_is_never_sampled():
    logits = torch.tensor([[0.0, -torch.inf, 0.0, -torch.inf], [-torch.inf, 0.0, -torch.inf, -torch.inf]])
    base = Normal(torch.arange(4.0).unsqueeze(-1) * 10, torch.full((4, 1), 0.1), validate_args=False)
    ours = Mixture(logits, Independent(base, 1))
    drawn = (ours.sample((300,))[..., 0] / 10).round()
    assert [set(column.tolist()) for column in drawn.T] == [{0.0, 2.0}, {1.0}]
    torch.testing.assert_close(
        ours.log_prob(torch.tensor([10.0]))[1], base.log_prob(torch.tensor(10.0))[1, 0]
    )


def test_caching_without_gradients_does_not_remove_later_gradients():
    z = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    mean = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    ours = Mixture(torch.zeros(4, dtype=torch.float64), Independent(Normal(mean, torch.ones_like(mean)), 1))
    with torch.no_grad():
        before = ours.log_prob(z)
        assert torch.equal(ours.log_prob(z), before)
    once, twice = (torch.autograd.grad(ours.log_prob(z).sum(), (z, mean)) for _ in range(2))
    assert torch.equal(ours.log_prob(z), before)
    torch.testing.assert_close(once, twice, rtol=0, atol=0)
    nearness = torch.softmax(ours.joint(z), -1)
    torch.testing.assert_close(once[0], nearness @ mean - z)


def test_components_equal_up_to_rounding_have_a_finite_gradient():
    logs = torch.tensor([[1e-8, 0.0, -30.0]], requires_grad=True)
    gradient = torch.autograd.grad(mixture._log_sum_exp(logs).sum(), logs)[0]
    torch.testing.assert_close(gradient, torch.softmax(logs.detach(), -1))
