"""Networks meet every size, see each of their inputs, and start in order."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import cases
from vaekit.nn import networks
from vaekit.nn.layers import ToImage, Upsample
from vaekit.nn.networks import Dense, MultiInputLinear, ResidualBlock, convolutional, residual
from vaekit.testing import check_network

every_network = pytest.mark.parametrize("name", cases.NETWORKS)
ACTIVATIONS = tuple(type(make()) for make in networks.ACTIVATIONS.values())
LAYERS = (nn.Linear, nn.Conv2d, Upsample, ToImage)
NONLINEAR = (*ACTIVATIONS, nn.GLU, ResidualBlock)


# ---------------------------------------------------------------------------------------------------- shapes


@every_network
def test_every_network_has_the_properties_of_a_network(name: str):
    check_network(cases.NETWORKS[name], shapes=(*cases.IMAGE_SHAPES, (1,), (9,)))


@pytest.mark.parametrize("make", [convolutional, residual])
@pytest.mark.parametrize("height", range(1, 34))
def test_upsampling_restores_the_exact_size(make, height: int):
    shape = (1, height, 34 - height)
    options = {"channels": (2, 1, 2), "hidden_sizes": ()}
    assert make([shape], (3,), **options)(torch.rand(1, *shape)).shape == (1, 3)
    assert make([(3,)], shape, **options)(torch.randn(1, 3)).shape == (1, *shape)


def test_the_part_that_depends_on_the_image_alone_is_computed_once():
    network = convolutional([cases.SHAPE, (3,)], (4,), channels=(2,), hidden_sizes=())
    seen: list[torch.Size] = []
    network.trunk.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    network(torch.rand(5, *cases.SHAPE), torch.randn(100, 5, 3))
    assert seen == [(5, 2, 3, 3)]


# ------------------------------------------------------------------------------------------------------ parts


def test_multi_input_linear_is_one_linear_map_of_the_concatenated_inputs():
    join = MultiInputLinear([(1, 2, 3), (4,), (2,)], 5).double()
    inputs = [torch.randn(7, *shape, dtype=torch.float64) for shape in ((1, 2, 3), (4,), (2,))]
    weight, bias = torch.cat([each.weight for each in join.linears], 1), join.linears[0].bias
    expected = nn.functional.linear(torch.cat([x.flatten(1) for x in inputs], 1), weight, bias)
    torch.testing.assert_close(join(*inputs), expected)
    assert [each.bias is None for each in join.linears] == [False, True, True]
    with pytest.raises(ValueError, match="zip"):
        join(*inputs[:2])


def test_a_gate_is_the_sigmoid_of_half_the_units_times_the_other_half():
    network, x = Dense([(4,)], (2,), hidden_sizes=(3,), gated=True), torch.randn(5, 4)
    linear, gate = network.join(x).split(3, -1)
    torch.testing.assert_close(network(x), network.layers[1](linear * gate.sigmoid()))


def test_a_convolutional_gate_is_the_same_by_channels():
    network = convolutional([(1, 6, 6)], (2,), channels=(3,), hidden_sizes=(), gated=True)
    x = torch.rand(5, 1, 6, 6)
    linear, gate = network.trunk[0](x).split(3, 1)
    expected = network.top((linear * gate.sigmoid()).flatten(1))
    torch.testing.assert_close(network(x), expected)


def test_without_hidden_layers_a_dense_network_is_linear():
    network = Dense([(4,)], (2, 1, 1), hidden_sizes=()).double()
    a, b = torch.randn(2, 4, dtype=torch.float64)
    zero = network(torch.zeros(4, dtype=torch.float64))
    torch.testing.assert_close(network(a + 2 * b) - zero, network(a) - zero + 2 * (network(b) - zero))


@pytest.mark.parametrize("activation", networks.ACTIVATIONS)
@pytest.mark.parametrize("make", [Dense, convolutional, residual])
def test_the_named_activation_is_used(make, activation: str):
    kind = type(networks.ACTIVATIONS[activation]())
    for network in (
        make([(1, 8, 8)], (3,), activation=activation),
        make([(3,)], (1, 8, 8), activation=activation),
    ):
        used = {type(module) for module in network.modules() if isinstance(module, ACTIVATIONS)}
        assert used == {kind}


def units(network: nn.Module) -> list[nn.Module]:
    """Layers and nonlinearities in the order in which they act; a residual block is a nonlinearity."""
    if isinstance(network, (*LAYERS, *NONLINEAR)):
        return [network]
    return [unit for child in network.children() for unit in units(child)]


@pytest.mark.parametrize(("inputs", "output"), [([(1, 8, 8)], (3,)), ([(3,)], (1, 8, 8)), ([(3,)], (4,))])
@every_network
def test_layers_and_nonlinearities_alternate(name: str, inputs: list, output: tuple):
    chain = [isinstance(unit, LAYERS) for unit in units(cases.NETWORKS[name](inputs, output))]
    assert chain[0]
    assert chain[-1]
    assert not any(a and b for a, b in pairwise(chain))


# ---------------------------------------------------------------------------------------------- first weights


def spread(x: Tensor) -> float:
    return x.square().mean().item()


def test_ten_rectified_layers_keep_the_scale_of_activations():
    network, x = Dense([(400,)], (400,), hidden_sizes=(400,) * 10), torch.randn(200, 400)
    sizes = []
    for layer in [network.join, *network.layers]:
        x = layer(x)
        if not isinstance(layer, nn.ReLU):
            sizes.append(spread(x))
    assert len(sizes) == 11
    assert all(1 < size < 4 for size in sizes[:-1]), sizes  # about 2: half is lost to the rectifier
    assert sizes[-1] / sizes[-2] == pytest.approx(0.5, rel=0.3)  # no rectifier follows the last


def test_convolutions_keep_the_scale_of_activations():
    down = convolutional([(32, 64, 64)], (9,), channels=(64, 64), hidden_sizes=()).trunk
    up = convolutional([(9,)], (16, 64, 64), channels=(64, 64), hidden_sizes=()).trunk
    x = down[0](torch.randn(4, 32, 64, 64))
    assert spread(x) == pytest.approx(2, rel=0.15)
    assert spread(down[2](x.relu())) == pytest.approx(2, rel=0.15)
    x = up[1](torch.randn(4, 64, 16, 16).mul(2**0.5).relu())
    assert spread(x) == pytest.approx(2, rel=0.15)
    x = up[3](x.relu())
    assert spread(x) == pytest.approx(2, rel=0.15)
    assert spread(up[5](x.relu())) == pytest.approx(1, rel=0.25)


@pytest.mark.parametrize(("width", "inputs"), [((), [(300,), (100,)]), ((50,), [(300,), (100,)])])
def test_fan_in_counts_all_inputs_together(width: tuple, inputs: list):
    network = Dense(inputs, (500,), hidden_sizes=width)
    before = network.join(torch.randn(100, 300), torch.randn(100, 100))
    assert spread(before) == pytest.approx(2 if width else 1, rel=0.1)


def test_biases_start_at_zero():
    for name, make in cases.NETWORKS.items():
        for network in (make([(1, 8, 8)], (3,)), make([(3,)], (1, 8, 8))):
            biases = [weight for key, weight in network.named_parameters() if key.endswith("bias")]
            assert biases, name
            assert all((bias == 0).all() for bias in biases), name


def test_a_residual_block_starts_as_the_identity_and_can_learn():
    block, x = ResidualBlock(3, "silu"), torch.randn(2, 3, 5, 5)
    assert torch.equal(block(x), x)
    optimizer = torch.optim.SGD(block.parameters(), 0.01)
    for _ in range(2):
        optimizer.zero_grad()
        block(x).square().sum().backward()
        optimizer.step()
    assert all((weight.grad != 0).any() for weight in block.parameters())


def test_the_number_of_parameters_follows_from_the_hidden_sizes():
    count = lambda network: sum(weight.numel() for weight in network.parameters())
    hidden = partial(Dense, hidden_sizes=(300, 300))
    assert count(hidden([(1, 28, 28)], (40,))) == 785 * 300 + 301 * 300 + 301 * 40
    gated = count(hidden([(1, 28, 28)], (40,), gated=True))
    assert gated == 785 * 600 + 301 * 600 + 301 * 40
    small = count(convolutional([(1, 28, 20)], (8,), channels=(4, 6), hidden_sizes=(10,)))
    assert small == (9 + 1) * 4 + (9 * 4 + 1) * 6 + (6 * 7 * 5 + 1) * 10 + 11 * 8
