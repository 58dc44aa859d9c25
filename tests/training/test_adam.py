"""Adam: bit for bit that of torch."""

from __future__ import annotations

import pytest
import torch

from vaekit.training.optimizer import Adam


def weights() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in ((3, 4), (), (5,))]


def descend(some, step):
    """Eleven steps down a bowl; the last weight has a gradient in every second one."""
    for number in range(11):
        used = some if number % 2 else some[:2]
        sum((weight.square() * (1 + weight.exp())).sum() for weight in used).backward()
        step()


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam_is_that_of_torch(decay):
    ours, theirs = weights(), weights()
    adam = Adam(ours, decay)
    kind = torch.optim.AdamW if decay else torch.optim.Adam
    reference = kind(theirs, 0.05, weight_decay=decay, fused=True)

    def step():
        reference.step()
        reference.zero_grad()

    descend(ours, lambda: adam.step(0.05))
    descend(theirs, step)
    assert all(map(torch.equal, ours, theirs))
    for weight, moments in zip(theirs, adam.moments, strict=True):
        assert all(torch.equal(moments[key], value) for key, value in reference.state[weight].items())


def test_the_first_step_by_hand():
    """With m' = g and v' = g^2 it goes down by the rate, whatever the gradient."""
    weight = torch.tensor([1.0, -2.0], requires_grad=True)
    weight.square().sum().backward()
    Adam([weight]).step(0.1)
    torch.testing.assert_close(weight.detach(), torch.tensor([0.9, -1.9]))
    assert weight.grad is None


def test_a_weight_without_gradient_stays():
    one, other = weights()[:2]
    adam, before = Adam([one, other]), other.detach().clone()
    one.sum().backward()
    adam.step(0.1)
    assert torch.equal(other, before)
    assert adam.moments[1] == {}


def test_restored_moments_continue_identically():
    first, second = weights(), weights()
    adam = Adam(first)
    descend(first, lambda: adam.step(0.05))
    for copy, weight in zip(second, first, strict=True):
        copy.data.copy_(weight.data)
    again = Adam(second)
    again.load_moments(dict(enumerate(adam.moments)))
    descend(first, lambda: adam.step(0.05))
    descend(second, lambda: again.step(0.05))
    assert all(map(torch.equal, first, second))


def test_without_gradients_nothing_happens():
    some = weights()
    before = [weight.detach().clone() for weight in some]
    Adam(some).step(0.1)
    assert all(map(torch.equal, some, before))
