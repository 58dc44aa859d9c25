"""Convolutions in a form that processors compute fast give the numbers and gradients of plain ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from vaekit.nn.layers import ToImage, Upsample
from vaekit.nn.networks import convolutional


def assert_same_map(layer: nn.Module, x: Tensor, plain: Callable[..., Tensor]) -> None:
    """A layer and a function of x, weight and bias: their numbers, and all gradients of first order."""
    inputs = (x.requires_grad_(), layer.weight, layer.bias)
    torch.testing.assert_close(layer(x), plain(*inputs))
    with torch.no_grad():
        torch.testing.assert_close(layer(x), plain(*inputs))
    mine = torch.autograd.grad(layer(x).square().sum(), inputs)
    torch.testing.assert_close(mine, torch.autograd.grad(plain(*inputs).square().sum(), inputs))


LAYOUTS = pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])


def maps(layout: torch.memory_format, *shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64).contiguous(memory_format=layout)


@LAYOUTS
@pytest.mark.parametrize("output", [1, 2, 4, 5])
def test_to_image_is_a_convolution(output: int, layout: torch.memory_format):
    layer = ToImage(5, output).double()
    nn.init.normal_(layer.bias)
    assert_same_map(layer, maps(layout, 3, 5, 6, 7), partial(F.conv2d, padding=1))


@LAYOUTS
def test_upsample_is_a_transposed_convolution(layout: torch.memory_format):
    layer = Upsample(4, 3, (1, 0)).double()
    nn.init.normal_(layer.bias)
    plain = partial(F.conv_transpose2d, stride=2, padding=1, output_padding=(1, 0))
    assert_same_map(layer, maps(layout, 2, 4, 5, 6), plain)
    assert layer(maps(layout, 2, 4, 5, 6)).shape == (2, 3, 10, 11)


@pytest.mark.parametrize("make", [partial(ToImage, 5, 2), partial(Upsample, 5, 2, (1, 1))])
def test_gradients_of_gradients_are_those_of_finite_differences(make: Callable[[], nn.Module]):
    layer = make().double()
    x = torch.randn(1, 5, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, x)
    weights = dict(layer.named_parameters())
    assert torch.autograd.gradcheck(
        lambda x, *w: functional_call(layer, dict(zip(weights, w, strict=True)), x), (x, *weights.values())
    )


def test_to_image_sums_in_float32_under_autocast():
    layer, x = ToImage(32, 1), torch.randn(2, 32, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        low = layer(x)
    low.sum().backward()
    assert low.dtype == layer.weight.grad.dtype == torch.float32
    exact = F.conv2d(x, layer.weight, layer.bias, padding=1)
    assert 0 < (low - exact).abs().max() < 0.02 * exact.abs().max()


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu"])
def test_in_place_activations_do_not_change_gradients(activation: str):
    x, gradients, found = torch.rand(2, 1, 8, 8), [], []
    for in_place in (True, False):
        torch.manual_seed(0)
        network = convolutional([(1, 8, 8)], (4,), channels=(3, 5), hidden_sizes=(6,), activation=activation)
        acts = [act for act in network.modules() if hasattr(act, "inplace")]
        found.append([act.inplace for act in acts])
        for act in acts:
            act.inplace &= in_place
        gradients.append(torch.autograd.grad(network(x).square().sum(), list(network.parameters())))
    torch.testing.assert_close(*gradients)
    assert found[0] == [True, True, False]  # of the convolutions, not of the dense layer


@pytest.mark.parametrize("make", [partial(ToImage, 5, 2), partial(Upsample, 5, 2, (1, 1))])
def test_the_layers_work_with_torch_func(make: Callable[[], nn.Module]):
    layer, x = make().double(), torch.randn(1, 5, 2, 3, dtype=torch.float64)
    expected = torch.autograd.functional.jacobian(layer, x)
    torch.testing.assert_close(torch.func.jacrev(layer)(x), expected)
    torch.testing.assert_close(torch.func.vmap(layer)(x.expand(4, 1, 5, 2, 3))[2], layer(x))
