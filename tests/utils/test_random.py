"""`seeded` lends torch's global generator, and gives it back as it was."""

from __future__ import annotations

import pytest
import torch

from vaekit.utils.random import seeded, weighted_order


def draw(seed, n: int = 4) -> list[float]:
    with seeded(seed):
        return torch.rand(n).tolist()


def test_an_integer_seed_gives_the_same_draws_each_time():
    assert draw(3) == draw(3)
    assert draw(3) != draw(4)
    torch.manual_seed(3)
    assert draw(3) == torch.rand(4).tolist()


def test_a_generator_advances_by_what_is_drawn():
    ours, own = (torch.Generator().manual_seed(5) for _ in range(2))
    for _ in range(3):
        assert draw(ours, 3) == torch.rand(3, generator=own).tolist()


@pytest.mark.parametrize("seed", [3, "generator"])
def test_the_global_state_is_restored(seed):
    seed = torch.Generator().manual_seed(1) if seed == "generator" else seed
    before = torch.get_rng_state()
    draw(seed)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_state_is_restored_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(TypeError), seeded(3):
        torch.rand("after which nothing is drawn")
    assert torch.equal(torch.get_rng_state(), before)


def test_none_draws_from_the_global_generator():
    torch.manual_seed(9)
    expected = torch.rand(8).tolist()
    torch.manual_seed(9)
    assert draw(None) + draw(None) == expected


def test_nested_blocks_are_independent():
    with seeded(1):
        first = torch.rand(1)
        inner = draw(2)
        second = torch.rand(1)
    assert [first.item(), second.item()] == draw(1, 2)
    assert inner == draw(2)


def test_normal_draws_do_not_change_the_global_state():
    """Box and Muller's method makes two numbers at a time: none may be kept for whoever comes next."""

    def normals(seed) -> list[float]:
        with seeded(seed):
            return torch.randn(3).tolist()

    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(1)
    assert normals(generator) + normals(generator) == torch.randn(3).tolist() + torch.randn(3).tolist()
    assert normals(4) == normals(4)


def test_visits_by_weight_are_rounded_and_right_on_average():
    weights = torch.tensor([0.0, 0.25, 0.5, 1.0, 3.25])
    expected = 5 * weights / weights.sum()
    total = torch.zeros(5, dtype=torch.long)
    for seed in range(2000):
        order = weighted_order(torch.randperm(5), weights, seed)
        counts = torch.bincount(order, minlength=5)
        assert len(order) == 5
        assert ((counts >= expected.floor()) & (counts <= expected.ceil())).all()
        total += counts
    torch.testing.assert_close(total / 2000, expected, atol=0.04, rtol=0)


def test_equal_weights_visit_each_data_point_once():
    for n in (1, 7, 1000):
        order = weighted_order(torch.randperm(n), torch.full((n,), 0.3), seed=1)
        assert torch.equal(order.sort().values, torch.arange(n))
