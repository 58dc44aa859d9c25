"""A sample as a function of noise: for each family it equals `rsample` with the same noise."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, Independent, Normal

from vaekit.distributions.normal import CholeskyNormal
from vaekit.distributions.operations import Delta
from vaekit.errors import InvalidError
from vaekit.explorer.static_export.noise import sample_from_noise
from vaekit.models import flows
from vaekit.utils.random import seeded

LOC, SCALE = torch.tensor([[1.0, -2.0, 0.5]]), torch.tensor([[0.1, 2.0, 1.0]])
LOWER = torch.tensor([[[1.0, 0, 0], [0.5, 2, 0], [-1, 0.3, 0.2]]])


def flow() -> flows.Flow:
    torch.manual_seed(0)
    return flows.Flow(flows.flow_steps(3, 0, "coupling", 2, (4,)), LOC, SCALE)


FAMILIES = {
    "diagonal": Independent(Normal(LOC, SCALE), 1),
    "correlated": CholeskyNormal(LOC, LOWER),
    "flow": flow(),
}


@pytest.mark.parametrize("distribution", FAMILIES.values(), ids=FAMILIES)
def test_it_equals_rsample(distribution):
    with seeded(5):
        expected = distribution.rsample()
    with seeded(5):
        noise = torch.randn(1, 3)
    assert torch.allclose(sample_from_noise(distribution, noise), expected, atol=1e-6)


def test_a_delta_stays_at_its_point():
    assert torch.equal(
        sample_from_noise(Independent(Delta(LOC), 1), torch.randn(4, 1, 3)), LOC.expand(4, 1, 3)
    )


def test_an_unsupported_family_is_refused():
    with pytest.raises(
        InvalidError, match="Categorical: its samples cannot be written as a function of noise"
    ):
        sample_from_noise(Categorical(torch.ones(3)), torch.zeros(3))
