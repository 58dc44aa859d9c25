"""Networks meet every size, see each of their inputs, and start in order."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import cases
from vaekit.errors import InvalidError
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


SIGNALS = ((1, 1), (2, 7), (1, 32), (3, 129))
VOLUMES = ((1, 1, 1, 1), (2, 3, 4, 5), (1, 8, 8, 8))


@pytest.mark.parametrize("shapes", [SIGNALS, VOLUMES], ids=["signals", "volumes"])
@every_network
def test_every_network_has_these_properties_in_one_and_three_dimensions(name: str, shapes: tuple):
    check_network(cases.NETWORKS[name], shapes=shapes)


@pytest.mark.parametrize("make", [convolutional, residual])
@pytest.mark.parametrize("height", range(1, 34))
def test_upsampling_restores_the_exact_size(make, height: int):
    shape = (1, height, 34 - height)
    options = {"channels": (2, 1, 2), "hidden_sizes": ()}
    assert make([shape], (3,), **options)(torch.rand(1, *shape)).shape == (1, 3)
    assert make([(3,)], shape, **options)(torch.randn(1, 3)).shape == (1, *shape)


@pytest.mark.parametrize("make", [convolutional, residual])
@pytest.mark.parametrize("length", range(1, 18))
def test_upsampling_restores_the_exact_size_of_signals_and_volumes(make, length: int):
    for shape in ((2, length), (2, length, 18 - length, 3)):
        options = {"channels": (2, 1, 2), "hidden_sizes": ()}
        assert make([shape], (3,), **options)(torch.rand(1, *shape)).shape == (1, 3)
        assert make([(3,)], shape, **options)(torch.randn(1, 3)).shape == (1, *shape)


def in_the_middle(kernel: Tensor, shape: torch.Size) -> Tensor:
    """A kernel (a, b, 3) in the middle of one of more dimensions, such as (a, b, 3, 3), 0 elsewhere."""
    wide = kernel.new_zeros(shape)
    wide[(slice(None), slice(None), *[1] * (len(shape) - kernel.dim()))] = kernel
    return wide


@pytest.mark.parametrize("dims", [(1, 2), (1, 3), (2, 3)])
@pytest.mark.parametrize("name", ["convolutional", "convolutional-gated", "residual"])
def test_fewer_dimensions_are_sizes_of_one(name: str, dims: tuple[int, int]):
    """A signal is an image of height 1, and an image a volume of depth 1: the networks agree."""
    few, many = dims
    small = (2, *(7, 6)[:few])
    large = (2, *[1] * (many - few), *small[1:])
    for encodes in (True, False):
        ends = [([small], (3,)), ([large], (3,))] if encodes else [([(3,)], small), ([(3,)], large)]
        narrow, wide = (cases.NETWORKS[name](*end).double() for end in ends)
        weights = dict(narrow.named_parameters())
        for weight in weights.values():
            nn.init.normal_(weight, std=0.5)
        assert list(narrow.state_dict()) == list(wide.state_dict())
        with torch.no_grad():
            for key, weight in wide.named_parameters():
                same = weights[key].shape == weight.shape
                weight.copy_(weights[key] if same else in_the_middle(weights[key], weight.shape))
        x = torch.randn(4, *(small if encodes else (3,)), dtype=torch.float64)
        expected = narrow(x)
        torch.testing.assert_close(
            wide(x.reshape(4, *large) if encodes else x).reshape(expected.shape), expected
        )


def test_sizes_that_would_need_gigabytes_are_refused_before_any_memory_is_taken():
    with pytest.raises(InvalidError, match=r"96,000,000,000 weights.*smaller size"):
        convolutional([(3, 3000, 4000)], (8,), channels=(4, 32), hidden_sizes=(4000,))
    with pytest.raises(InvalidError, match=r"feature maps of 384,000,000 numbers for each data point"):
        residual([(8,)], (3, 3000, 4000))
    with pytest.raises(InvalidError, match=r"expected data points of shape .*got \(1, 2, 3, 4, 5\)"):
        convolutional([(1, 2, 3, 4, 5)], (8,))
    with pytest.raises(InvalidError, match="positive sizes"):
        convolutional([(8,)], (1, 0))


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


def test_convolutions_of_signals_and_volumes_keep_the_scale_of_activations():
    for sizes in ((4096,), (40, 40, 40)):
        network = convolutional([(9,)], (16, *sizes), channels=(64, 64), hidden_sizes=())
        for layer, gain in ((1, 2), (3, 2), (5, 1)):
            x = torch.randn(2, 64, *(n // (4 if layer < 5 else 2) for n in sizes))
            assert spread(network.trunk[layer](x)) == pytest.approx(gain, rel=0.2)


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


def test_dropout_hides_a_share_of_the_first_input_in_training_only():
    network = Dense([(1000,), (2,)], (1,), hidden_sizes=(), dropout=0.2)
    with torch.no_grad():
        for linear, weight in zip(network.join.linears, (1 / 1000, 1.0), strict=True):
            linear.weight.fill_(weight)
    x, z = torch.ones(500, 1000), torch.full((500, 2), 2.0)
    torch.testing.assert_close(network.eval()(x, z), torch.full((500, 1), 5.0))
    kept = (network.train()(x, z) - 4).squeeze()  # each kept value is 1 / 0.8
    assert abs(kept.mean() - 1) < 5 * 0.5 / (500 * 1000) ** 0.5
    assert kept.std().item() == pytest.approx((0.25 / 1000) ** 0.5, rel=0.2)
