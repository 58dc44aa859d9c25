"""The matrix products of linear layers on a CPU, by the faster of two libraries that torch comes with.

torch sends a product of float32 matrices to MKL. On processors of AMD with AVX-512, oneDNN needs half the
time for the same product at the same accuracy; on others both are equal. `fastest` times both once per
machine, `use` chooses for a block, and `linear` is what layers call. oneDNN is asked for float32 only, never
for bfloat16 inside, as `torch.set_float32_matmul_precision("medium")` would allow.

The two differ by rounding errors, so a run records its choice, and a resumed run repeats it. The environment
variable VAEKIT_MATMUL (torch, onednn or auto) decides where a recipe says `auto`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaekit.errors import InvalidError, VaekitError
from vaekit.nn.layers import eager_on_cpu
from vaekit.utils.device import cpu_name
from vaekit.utils.io import to_json, write_whole
from vaekit.utils.paths import cache_folder

Library = Literal["torch", "onednn"]
LIBRARIES: tuple[Library, ...] = ("torch", "onednn")

ROUNDS, WORTH = 15, 1.2  # turns of each library, and how much faster oneDNN must be
SHAPES = ((100, 784, 600), (100, 300, 600))  # rows, inputs and outputs of layers whose products are timed
SMALL = 1 << 20  # multiplications, below which the call costs more than the product

_library: ContextVar[Library] = ContextVar("matmul", default="torch")


def available() -> list[Library]:
    """The libraries that this build of torch has.

    >>> available()[0]
    'torch'
    """
    known = hasattr(torch.ops.mkldnn, "_linear_pointwise") and torch.backends.mkldnn.is_available()
    return ["torch", "onednn"] if known else ["torch"]


@contextmanager
def use(library: Library) -> Iterator[None]:
    """Inside the block, linear layers of float32 numbers on the CPU use this library.

    Args:
        library: one of `available()`; another one changes nothing.

    >>> with use("onednn"):
    ...     layer = Linear(40, 30)(torch.zeros(2, 40))
    >>> layer.shape
    torch.Size([2, 30])
    """
    token = _library.set(library if library in available() else "torch")
    try:
        yield
    finally:
        _library.reset(token)


@contextmanager
def use_chosen(wanted: str = "auto") -> Iterator[None]:
    """Inside the block, linear layers use the library of a setting, as `use(chosen(wanted))`.

    >>> with use_chosen():
    ...     pass
    """
    with use(chosen(wanted)):
        yield


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x W^T + b, as `torch.nn.functional.linear`.

    Args:
        x: (..., inputs).
        weight: (outputs, inputs).
        bias: (outputs,) or None.

    Returns:
        (..., outputs), equal to that of torch up to rounding errors of float32.
    """
    if _library.get() == "torch" or not _suits_onednn(x, weight):
        return F.linear(x, weight, bias)
    rows = x.reshape(-1, x.shape[-1])
    learns = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, weight, bias))
    product = (_OneDNNLinear.apply if learns else _product)(rows, weight, bias)
    return product.view(*x.shape[:-1], -1)


def _suits_onednn(x: Tensor, weight: Tensor) -> bool:
    """Whether it is a large product of float32 numbers on a CPU, computed eagerly."""
    float32 = x.dtype == weight.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    return float32 and x.numel() * len(weight) >= SMALL and eager_on_cpu(x)


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b of float32 matrices by oneDNN; neither needs to be contiguous."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


class _OneDNNLinear(torch.autograd.Function):
    """x W^T + b, with all three products by oneDNN; second derivatives are those of torch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        to_x, to_weight, to_bias = ctx.needs_input_grad
        multiply = _differentiable_product if torch.is_grad_enabled() else _product
        return (
            multiply(gradient, weight.t()) if to_x else None,
            multiply(gradient.t(), x.t()) if to_weight else None,
            gradient.sum(0) if to_bias else None,
        )


def _differentiable_product(x: Tensor, weight: Tensor) -> Tensor:
    return x @ weight.t()


class Linear(nn.Linear):
    """`torch.nn.Linear`, whose products are by the library that `use` chose.

    >>> Linear(40, 30)
    Linear(in_features=40, out_features=30, bias=True)
    """

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)


def chosen(wanted: str = "auto") -> Library:
    """The library of a setting.

    Args:
        wanted: "torch", "onednn", or "auto" for VAEKIT_MATMUL, or else `fastest()`.

    Raises:
        InvalidError: VAEKIT_MATMUL has another value.

    >>> chosen("torch")
    'torch'
    """
    wanted = os.environ.get("VAEKIT_MATMUL", "auto") if wanted == "auto" else wanted
    if wanted == "auto":
        return fastest()
    if wanted not in LIBRARIES:
        raise InvalidError(
            f"VAEKIT_MATMUL: expected auto, torch or onednn, got {wanted!r}; unset or correct it"
        )
    return "onednn" if wanted == "onednn" and "onednn" in available() else "torch"


@cache
def fastest() -> Library:
    """The faster library for the layers of `SHAPES` in training, on this machine with its threads.

    It is timed once, which takes 0.1 s, and the answer is kept in the cache folder: two trainings with the
    same seed would else differ where the times are close. Without AVX-512 both are equal, so it is torch.

    >>> fastest() in available()
    True
    """
    if "onednn" not in available() or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return "torch"
    key = f"{cpu_name()}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    known = _read_answers()
    if key not in known:
        known[key] = "onednn" if _speedup() > WORTH else "torch"
        with suppress(VaekitError):  # a cache folder that cannot be written
            write_whole(_answers(), to_json(known).encode())
    return "onednn" if known[key] == "onednn" else "torch"


def _answers() -> Path:
    return cache_folder() / "matmul.json"


def _read_answers() -> dict[str, str]:
    try:
        return dict(json.loads(_answers().read_text()))
    except (OSError, ValueError, TypeError):
        return {}


@torch.no_grad()
def _speedup() -> float:
    """How much faster oneDNN is for three products of a layer, by the shortest times of several turns."""
    ratios = []
    for rows, inputs, outputs in SHAPES:
        x, weight, gradient = (
            torch.randn(rows, inputs),
            torch.randn(outputs, inputs),
            torch.randn(rows, outputs),
        )
        operands = ((x, weight), (gradient, weight.t()), (gradient.t(), x.t()))
        times: dict[Callable[..., Tensor], list[float]] = {F.linear: [], _product: []}
        for _ in range(ROUNDS):
            for multiply, seconds in times.items():
                start = time.perf_counter()
                for a, b in operands:
                    multiply(a, b)
                seconds.append(time.perf_counter() - start)
        ratios.append(min(times[F.linear]) / min(times[_product]))
    return min(ratios)
