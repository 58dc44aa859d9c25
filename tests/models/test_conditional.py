"""The joint distribution of a hierarchy is the product of its layers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vaekit.distributions.operations import with_temperature
from vaekit.models.conditional import Conditional, HierarchicalDistribution, Hierarchy
from vaekit.models.posteriors import gaussian
from vaekit.models.priors import StandardNormal
from vaekit.nn.networks import Dense


class Shifted(nn.Module):
    """N(a * sum of everything above or given + b, s^2) over `size` numbers."""

    def __init__(self, size: int, a: float, b: float, s: float):
        super().__init__()
        self.size, self.s = size, s
        self.a, self.b = (nn.Parameter(torch.tensor(value, dtype=torch.float64)) for value in (a, b))

    def forward(self, *above: Tensor) -> Distribution:
        total = sum((each.sum(-1, keepdim=True) for each in above), torch.zeros(1, dtype=torch.float64))
        loc = (self.a * total + self.b).expand(*total.shape[:-1], self.size)
        return Independent(Normal(loc, torch.full_like(loc, self.s)), 1)


def hierarchy() -> Hierarchy:
    return Hierarchy(
        [Shifted(2, 0.5, 1.0, 0.3), Shifted(1, -1.0, 0.0, 0.2), Shifted(3, 2.0, 1.0, 0.1)], (2, 1, 3)
    )


def by_hand(z: Tensor, context: Tensor) -> list[Tensor]:
    """The log-densities of the three layers of `hierarchy`."""
    top, middle, bottom = z[..., :2], z[..., 2:3], z[..., 3:]
    c, t, m = (part.sum(-1, keepdim=True) for part in (context, top, middle))
    return [
        Normal(0.5 * c + 1, 0.3).log_prob(top).sum(-1),
        Normal(-(c + t), 0.2).log_prob(middle).sum(-1),
        Normal(2 * (c + t + m) + 1, 0.1).log_prob(bottom).sum(-1),
    ]


CONTEXT = torch.linspace(-1, 1, 10, dtype=torch.float64).reshape(5, 2)


def test_the_log_density_is_the_sum_over_layers_by_hand():
    z = torch.randn(5, 6, dtype=torch.float64)
    joint = hierarchy()(CONTEXT)
    torch.testing.assert_close(joint.log_prob(z), sum(by_hand(z, CONTEXT)))
    torch.testing.assert_close(joint.condition_on(z).log_prob, torch.stack(by_hand(z, CONTEXT)))


@pytest.mark.parametrize("shape", [(), (7,), (2, 3)])
def test_log_probs_of_samples_use_the_distributions_they_came_from(shape: tuple[int, ...]):
    joint = hierarchy()(CONTEXT)
    drawn = joint.rsample_layers(shape)
    assert drawn.z.shape == (*shape, 5, 6)
    assert drawn.log_prob.shape == (3, *shape, 5)
    assert [tuple(link.event_shape) for link in drawn.layers] == [(2,), (1,), (3,)]
    torch.testing.assert_close(drawn.log_prob, torch.stack(by_hand(drawn.z, CONTEXT)))
    torch.testing.assert_close(joint.condition_on(drawn.z).log_prob, drawn.log_prob)


def test_layers_are_sampled_from_the_top_down():
    z = hierarchy()(CONTEXT).sample((40_000,))
    c = CONTEXT.sum(-1, keepdim=True)
    top = (0.5 * c + 1).expand(5, 2)
    middle = -(c + top.sum(-1, keepdim=True))
    bottom = (2 * (c + top.sum(-1, keepdim=True) + middle) + 1).expand(5, 3)
    torch.testing.assert_close(z.mean(0), torch.cat([top, middle, bottom], -1), rtol=0, atol=0.02)
    variance_of_middle = 0.2**2 + 2 * 0.3**2
    torch.testing.assert_close(
        z[..., 2].var(0), torch.full((5,), variance_of_middle).double(), rtol=0.05, atol=0
    )


def test_gradients_flow_through_every_layer_but_not_out_of_sample():
    model = hierarchy()
    model(CONTEXT).rsample((3,))[..., -1].sum().backward()
    gradients = [link.b.grad.item() for link in model.layers]
    assert gradients == pytest.approx([0.0, 30.0, 15.0], abs=1e-9)  # 2 * (t + m) loses t again: m = -(c + t)
    assert not model(CONTEXT).sample().requires_grad


def test_mean_and_stddev_are_conditional_on_the_means_above():
    joint = hierarchy()(CONTEXT)
    c = CONTEXT.sum(-1, keepdim=True)
    top = (0.5 * c + 1).expand(5, 2)
    torch.testing.assert_close(joint.mean[:, :2], top)
    torch.testing.assert_close(joint.mean[:, 2:3], -(c + top.sum(-1, keepdim=True)))
    deviations = torch.tensor([0.3, 0.3, 0.2, 0.1, 0.1, 0.1], dtype=torch.float64).expand(5, 6)
    torch.testing.assert_close(joint.stddev, deviations)


def test_a_hierarchy_of_one_layer_is_that_layer():
    link = Shifted(4, 1.0, 0.0, 0.5)
    joint, alone = Hierarchy([link], (4,))(CONTEXT), link(CONTEXT)
    z = alone.sample((3,))
    assert (joint.batch_shape, joint.event_shape) == ((5,), (4,))
    torch.testing.assert_close(joint.log_prob(z), alone.log_prob(z))
    torch.testing.assert_close(joint.mean, alone.mean)
    torch.testing.assert_close(joint.stddev, alone.stddev)


def test_a_layer_may_ignore_the_layers_above():
    """Else all samples would share one value of it."""
    joint = Hierarchy([StandardNormal(2), StandardNormal(3)], (2, 3))()
    z = joint.rsample_layers((1000,))
    assert z.z.shape == (1000, 5)
    torch.testing.assert_close(z.z.T.cov(), torch.eye(5), rtol=0, atol=0.2)
    torch.testing.assert_close(z.log_prob.sum(0), StandardNormal(5)().log_prob(z.z))
    mixed = Hierarchy([Shifted(2, 1.0, 0.0, 1.0), StandardNormal(3)], (2, 3))(CONTEXT)
    assert mixed.sample((7,)).shape == (7, 5, 5)
    assert mixed.sample((7,))[:, :, 2:].flatten(0, 1).unique(dim=0).shape == (35, 3)
    assert mixed.mean.shape == mixed.stddev.shape == (5, 5)


def test_the_mean_does_not_compute_the_variance():
    class Meaningful(Distribution):
        arg_constraints = {}  # noqa: RUF012
        mean = torch.ones(2)

    class Link(nn.Module):
        def forward(self) -> Distribution:
            return Meaningful(torch.Size(), torch.Size([2]), validate_args=False)

    assert torch.equal(Hierarchy([Link()], (2,))().mean, torch.ones(2))


def test_temperature_applies_to_every_layer_and_multiplies():
    joint = hierarchy()(CONTEXT)
    for colder in (with_temperature(joint, 0.25), with_temperature(with_temperature(joint, 0.5), 0.5)):
        torch.testing.assert_close(colder.stddev, joint.stddev / 4)
        torch.testing.assert_close(colder.mean, joint.mean)
    frozen = with_temperature(joint, 0.0)
    assert isinstance(frozen, HierarchicalDistribution)
    torch.testing.assert_close(frozen.sample((3,)), joint.mean.expand(3, 5, 6))


@pytest.mark.parametrize(("layers", "layer_dims"), [(1, (2, 3)), (2, (2,)), (0, ())])
def test_layers_and_layer_dims_must_have_equal_length(layers: int, layer_dims: tuple[int, ...]):
    with pytest.raises(
        ValueError, match=f"expected at least one, and one of layer_dims for each; got {layers} layers"
    ):
        Hierarchy([StandardNormal(2) for _ in range(layers)], layer_dims)


def test_a_conditional_is_its_head_on_its_network():
    network, head = Dense([(4,), (2,)], (6,)), gaussian()
    x, y = torch.randn(5, 4), torch.randn(5, 2)
    q = Conditional(network, head)(x, y)
    torch.testing.assert_close(q.mean, network(x, y)[:, :3])
    torch.testing.assert_close(q.stddev, (network(x, y)[:, 3:] / 2).exp())
