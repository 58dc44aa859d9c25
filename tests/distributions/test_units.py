"""Densities of any decoder in units of the data."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Distribution, Independent, MultivariateNormal, Normal

from vaekit.distributions.units import DataUnitsHook
from vaekit.errors import InvalidError
from vaekit.spec import Preprocessing

SCALE = 10.0


class Decoder(nn.Module):
    def __init__(self, distribution):
        super().__init__()
        self.distribution = distribution
        self.register_forward_hook(DataUnitsHook(Preprocessing((2,), scale=SCALE)))

    def forward(self, z):
        return self.distribution


@pytest.mark.parametrize(
    "distribution",
    [
        Independent(Normal(torch.zeros(2), 1.0), 1),
        Normal(torch.zeros(2), 1.0),
        MultivariateNormal(torch.zeros(2), torch.eye(2)),
    ],
    ids=["independent", "by element", "joint"],
)
def test_a_density_is_that_of_the_data(distribution):
    x = torch.tensor([[0.3, -1.0], [2.0, 0.5]])
    found = Decoder(distribution)(None).log_prob(x)
    of_data = Normal(torch.zeros(2), SCALE).log_prob(SCALE * x)
    torch.testing.assert_close(found, of_data if found.dim() == 2 else of_data.sum(-1))


def test_probabilities_have_no_unit():
    distribution = Independent(Bernoulli(logits=torch.zeros(2)), 1)
    assert Decoder(distribution)(None) is distribution


def test_a_distribution_that_does_not_say_what_it_is_is_refused():
    with pytest.raises(InvalidError, match="expected a distribution with `support`"):
        Decoder(Distribution(validate_args=False))(None)
