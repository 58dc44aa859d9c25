"""What holds for every network: tensors of some shapes -> a tensor of another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vaekit.testing.properties import Checked, check_gradients, check_module
from vaekit.utils.random import seeded

Shape = tuple[int, ...]

IMAGES: tuple[Shape, ...] = (
    (1, 1, 1), (1, 1, 5), (2, 7, 9), (1, 8, 8), (1, 28, 20), (1, 28, 28), (3, 64, 64),
)  # fmt: skip
VECTORS: tuple[Shape, ...] = ((1,), (9,))
SMALL: dict[int, Shape] = {2: (1, 12), 3: (1, 6, 5), 4: (1, 4, 3, 5)}  # a signal, an image, a volume


def check_network(
    network: Callable[..., nn.Module], /, *, shapes: Sequence[Shape] = (*VECTORS, *IMAGES), **options: Any
) -> None:
    """Check a network.

    It leads from data points of any of the shapes to a vector, and back. Leading dimensions broadcast, and
    each data point is computed for itself (in evaluation mode). Every input affects the output, and gradients
    reach every parameter. It works in float64 and with autocast to bfloat16. Saving, loading and copying
    change nothing, and the same seed gives the same numbers.

    Args:
        network: a function or class that is registered as a network.
        shapes: the shapes of data points that it is for: (C, L) of signals, (C, H, W) of images, (C, D, H, W)
            of volumes, (n,) of vectors.
        options: of the network.

    Raises:
        AssertionError: one line with the property that does not hold.

    >>> from vaekit.nn.networks import Dense
    >>> check_network(Dense, hidden_sizes=(7,))
    """
    checked = Checked("network", network, options)
    with seeded(0):
        for shape in shapes:
            with checked.claim(f"data points of shape {shape} are encoded and decoded"):
                for inputs, output in (([shape], (4,)), ([(4,)], shape)):
                    found = _build(checked, inputs, output)(torch.rand(2, *inputs[0]))
                    checked.require_equal(tuple(found.shape), (2, *output), f"output of {inputs}")
        middle = max(shapes, key=lambda shape: (len(shape), -sum(shape)))
        shape = SMALL.get(len(middle), middle)
        x = torch.rand(2, *shape)
        for output in ((4,), shape):
            _check_leading_dimensions(checked, shape, output)
            _check_gradients(checked, shape, output)
            _check_precision(checked, shape, output)
            check_module(
                checked, partial(_build, checked, [shape], output), lambda module: module(x).detach()
            )


def _build(checked: Checked, inputs: Sequence[Shape], output: Shape) -> nn.Module:
    built = checked.build(inputs, output)
    checked.require(isinstance(built, nn.Module), f"expected an nn.Module, got {type(built).__name__}")
    return built


def _check_leading_dimensions(checked: Checked, shape: Shape, output: Shape) -> None:
    x, z, y = (torch.randn(*n, dtype=torch.float64) for n in ((5, *shape), (7, 5, 3), (5, 2)))
    with checked.claim("leading dimensions broadcast, and each data point is computed for itself"):
        network = _build(checked, [shape, (3,), (2,)], output).double().eval()
        joined = network(x, z, y)
        checked.require_equal(tuple(joined.shape), (7, 5, *output), "output of (5, ...) with (7, 5, 3)")
        apart = torch.stack([network(x, each, y) for each in z])
        checked.require_close(joined, apart, 1e-12 + 1e-12 * apart.abs())
        alone = torch.cat([network(x[b : b + 1], z[0, b : b + 1], y[b : b + 1]) for b in range(5)])
        checked.require_close(joined[0], alone, 1e-12 + 1e-12 * alone.abs())
    with checked.claim("leading dimensions of vectors are kept"):
        network = _build(checked, [(3,), (2,)], output).double().eval()
        joined = network(z, y)
        checked.require_equal(tuple(joined.shape), (7, 5, *output), "output of (7, 5, 3) with (5, 2)")
        apart = network(z[4, 3:4], y[3:4])[0]
        checked.require_close(joined[4, 3], apart, 1e-12 + 1e-12 * apart.abs())


def _check_gradients(checked: Checked, shape: Shape, output: Shape) -> None:
    with checked.claim("every input affects the output"):
        network = _build(checked, [shape, (3,), (2,)], output)
        inputs = [torch.randn(3, *each).requires_grad_() for each in (shape, (3,), (2,))]
        gradients: Sequence[Tensor] = torch.autograd.grad(network(*inputs).square().sum(), inputs)
        for n, gradient in enumerate(gradients):
            checked.require((gradient != 0).flatten(1).any(1).all(), f"input {n} has no gradient")
    with checked.claim("gradients reach every parameter"):
        optimizer = torch.optim.SGD(network.parameters(), 1e-3)
        network(*inputs).square().sum().backward()
        optimizer.step()  # a block may start as the identity, and let gradients in after one step
        check_gradients(checked, network, network(*inputs).square().sum())


def _check_precision(checked: Checked, shape: Shape, output: Shape) -> None:
    for inputs in (shape, (4,)):
        x = torch.rand(2, *inputs)
        network = _build(checked, [inputs], output).eval()
        with checked.claim("float64 is kept"):
            checked.require_equal(network.double()(x.double()).dtype, torch.float64, "dtype")
        with checked.claim("bfloat16 of autocast changes little"), torch.no_grad():
            exact = network.float()(x)
            with torch.autocast("cpu", torch.bfloat16):
                half = network(x)
            checked.require_close(half.float(), exact, 0.1 + 0.1 * exact.abs())
