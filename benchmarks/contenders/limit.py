"""The limit: the matrix products and convolutions of a step alone, and the traffic of the optimizer's memory.

It records the shapes of every product and convolution in one step of our own model, forward and backward.
Then it computes only these again and again, in float32, on arbitrary numbers. Each product is by MKL or by
oneDNN, whichever was faster here in a few turns. For Adam it makes seven passes over memory: weight, gradient
and two moments are read, and all but the gradient are written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import torch
from gate import Gate, ordered
from recipe import overrides
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from vaekit.config.build import build_model, build_objective
from vaekit.config.loading import load_recipe, override_recipe
from vaekit.utils.cpu import keep_freed_memory

aten = torch.ops.aten
TURNS = 20  # of each library, for one product
PRODUCTS = {aten.mm, aten.addmm, aten.bmm, aten.baddbmm, aten.convolution, aten.convolution_backward}

Call = tuple[Callable, tuple, dict[str, Any]]


class Watch(TorchDispatchMode):
    """Writes down the products and convolutions inside it, with tensors like theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._pool: dict[tuple, Tensor] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: Any = None) -> Any:
        if function.overloadpacket in PRODUCTS:
            self.calls.append((function, tuple(map(self._alike, args)), dict(kwargs or {})))
        return function(*args, **(kwargs or {}))

    def _alike(self, value: Any) -> Any:
        """Numbers of the same shape and strides, in float32; one tensor for all that are alike."""
        if not isinstance(value, Tensor):
            return value
        layout = (tuple(value.shape), tuple(value.stride()))
        if layout not in self._pool:
            stored = [n if step else 1 for n, step in zip(*layout, strict=True)]  # expanded where 0
            self._pool[layout] = torch.empty_strided(stored, layout[1]).normal_().expand(layout[0])
        return self._pool[layout]


def step(workload: SimpleNamespace) -> tuple[list[Call], nn.Module]:
    """The products of a training step, or of an image's log-likelihood, and the model."""
    recipe = override_recipe(load_recipe("mnist-gated"), overrides(workload))
    model, objective = build_model(recipe.model, tuple(workload.shape)), build_objective(recipe.objective)
    judging = workload.task == "evaluate"
    x = torch.rand(1 if judging else workload.batch, *workload.shape).round()
    prior = model.conditional_prior()
    with Watch() as watch, torch.set_grad_enabled(not judging):
        if judging:
            model.elbo_terms(x, n_samples=workload.samples, prior=prior)
        else:
            objective.loss(model.elbo_terms(x), 1.0).backward()
    return watch.calls, model


def fastest(call: Call) -> Call:
    """The same product by oneDNN, if it is a product of two matrices and oneDNN is faster."""
    function, args, kwargs = call
    if function.overloadpacket not in (aten.mm, aten.addmm) or kwargs:
        return call
    bias, a, b = args if function.overloadpacket == aten.addmm else (None, *args)
    if a.dtype != torch.float32 or (bias is not None and bias.dim() != 1):
        return call
    other = (torch.ops.mkldnn._linear_pointwise, (a, b.t(), bias, "none", [], ""), {})
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(TURNS):
        for ours, (multiply, operands, more) in ((True, other), (False, call)):
            start = time.perf_counter()
            multiply(*operands, **more)
            times[ours].append(time.perf_counter() - start)
    return other if min(times[True]) < min(times[False]) else call


def traffic(model: nn.Module) -> Callable[[], None]:
    """Adam's seven passes over memory: three copies, and one sum."""
    weights = [p.detach() for p in model.parameters()]
    gradients, means, squares = ([torch.zeros_like(p) for p in weights] for _ in range(3))

    def pass_over() -> None:
        torch._foreach_copy_(means, gradients)
        torch._foreach_copy_(squares, weights)
        torch._foreach_copy_(weights, means)
        torch._foreach_norm(squares)

    return pass_over


def repeat(calls: Iterable[Call]) -> None:
    for function, args, kwargs in calls:
        function(*args, **kwargs)


def main() -> None:
    gate, workload = Gate(), ordered()
    keep_freed_memory()
    calls, model = step(workload)
    with torch.no_grad():
        calls = [fastest(call) for call in calls]
    pass_over = traffic(model) if workload.task == "train" else lambda: None
    with torch.no_grad():
        while True:
            repeat(calls)
            pass_over()
            gate()


main()
