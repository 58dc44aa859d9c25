"""A flow is a density, its draws are its own, and the library behind it changes nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch.distributions import Distribution, Normal, TanhTransform

from vaekit.distributions.mixture import Mixture
from vaekit.distributions.operations import select, with_temperature
from vaekit.errors import VaekitError
from vaekit.models import posteriors
from vaekit.models.flows import Flow, FlowPrior, flow_steps

every_form = pytest.mark.parametrize("form", ["coupling", "autoregressive"])


def moved(module):
    """With weights far enough from their start for the flow to be no Gaussian."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.4 * torch.randn_like(weight))
    return module


def prior() -> Flow:
    return moved(FlowPrior(2, "coupling", 2, (8,))).double()()


def posterior(form: str = "coupling", size: int = 2, n: int = 3) -> Flow:
    head = moved(posteriors.FlowPosterior(size, form, 2, (8,))).double()
    return head(torch.randn(n, 3 * size, dtype=torch.float64))


def test_densities_integrate_to_one_on_a_grid():
    """In two dimensions, where both forms are the same."""
    axis = torch.linspace(-15, 15, 601, dtype=torch.float64)
    grid, cell = torch.cartesian_prod(axis, axis).unsqueeze(1), (axis[1] - axis[0]) ** 2
    with torch.no_grad():
        for q in (prior(), posterior()):
            total = cell * q.scale.prod(-1) * q.log_prob(q.loc + q.scale * grid).exp().sum(0)
            torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-3)


@every_form
@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_density_is_the_change_of_variables_by_the_jacobian(form: str, size: int):
    q = posterior(form, size, n=1)
    z = torch.randn(1, size, dtype=torch.float64)
    u = q.transform((z - q.loc) / q.scale)
    jacobian = torch.autograd.functional.jacobian(lambda z: q.transform((z - q.loc) / q.scale), z)
    expected = Normal(0.0, 1.0).log_prob(u).sum() + torch.linalg.slogdet(jacobian.view(size, size))[1]
    torch.testing.assert_close(q.log_prob(z), expected.unsqueeze(0))


@every_form
def test_samples_are_the_inverse_of_noise_and_have_the_moments(form: str):
    q = posterior(form, size=4)
    with torch.no_grad():
        z = q.rsample((4000,))
    assert z.shape == (4000, 3, 4)
    error = (z.mean(0) - q.mean) / q.stddev
    assert error.abs().max() < 0.25
    assert ((z.std(0) / q.stddev).log().abs() < 0.45).all()
    assert torch.equal(q.mean, q.mean)
    assert (q.mean.shape, q.stddev.shape) == ((3, 4), (3, 4))


def test_the_mean_of_a_symmetric_flow_is_exact():
    """Noise comes with its negative."""
    loc = torch.tensor([[0.3, -2.0]], dtype=torch.float64)
    q = Flow(lambda context: TanhTransform().inv, loc, torch.full_like(loc, 0.7))
    torch.testing.assert_close(q.mean, loc)


def test_gradients_reach_mean_scale_context_and_weights():
    head, numbers = posteriors.FlowPosterior(2, hidden_sizes=(8,)), torch.randn(3, 6, requires_grad=True)
    q = head(numbers)
    q.log_prob(q.rsample((5,)).detach()).sum().backward()
    assert numbers.grad is not None
    assert (numbers.grad.abs().sum(0) > 0).all()
    assert all(weight.grad.abs().max() > 0 for weight in head.parameters())


def test_with_temperature_zero_all_samples_are_equal():
    assert torch.equal(*with_temperature(prior(), 0.0).sample((2,)))
    q = posterior()
    cold = with_temperature(q, 0.5)
    with torch.no_grad():
        z = cold.sample()
        u = q.transform((z - q.loc) / q.scale)
        expected = Normal(0.0, 0.5).log_prob(u).sum(-1) - Normal(0.0, 1.0).log_prob(u).sum(-1)
        torch.testing.assert_close(cold.log_prob(z) - q.log_prob(z), expected)


def test_flows_can_be_mixture_components():
    q, z = posterior(), torch.randn(4, 2, dtype=torch.float64)
    ours = Mixture(torch.zeros(3, dtype=torch.float64), q)
    expected = torch.stack([select(q, torch.tensor(i)).log_prob(z) for i in range(3)]).logsumexp(0)
    torch.testing.assert_close(ours.log_prob(z), expected - torch.tensor(3.0).double().log())
    assert ours.sample((7,)).shape == (7, 2)


def test_half_precision_becomes_float32_and_densities_stay_exact():
    head = posteriors.FlowPosterior(2, hidden_sizes=(8,))
    q = head(torch.randn(3, 6).bfloat16())
    z = q.rsample()
    with torch.autocast("cpu", torch.bfloat16):
        low = q.log_prob(z)
    assert torch.equal(low, q.log_prob(z))


def test_importing_zuko_does_not_change_argument_validation():
    code = """
from torch.distributions import Distribution, Normal, TanhTransform
from vaekit.models.flows import flow_steps
flow_steps(2, 0, "coupling", 1, (4,))
assert Distribution._validate_args
try: Normal(0.0, -1.0)
except ValueError: print("refused")
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "refused\n"


def test_without_zuko_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "zuko", None)
    with pytest.raises(VaekitError, match=r'a flow needs zuko.*pip install "vaekit\[flows\]"'):
        flow_steps(2, 0, "coupling", 1, (4,))
    assert Distribution._validate_args
