"""Random numbers of a whole batch, of which a process keeps its own rows.

All processes hold the same state of the random generators. Where a model draws random numbers for its rows of
a batch, `WholeNoise` draws those of the whole batch, exactly as one process would, and keeps the rows of this
one. The states stay equal, and the noise of a data point does not depend on the number of processes.

Which dimension of a random tensor counts data points is found by two trials with 2 and 3 data points: it is
the one whose size changes. A size of c per data point, as of K posterior samples in one dimension, counts
(K, B) in this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from vaekit.errors import VaekitError
from vaekit.parallel.rows import Shard, gather_rows

TRIALS = (2, 3)
_RANDOM = torch.Tag.nondeterministic_seeded
Shape = tuple[int, ...]


@dataclass(frozen=True)
class RowAxis:
    """The dimension of a tensor that counts data points.

    Attributes:
        dim: its number.
        factor: its size per data point.

    >>> axis = RowAxis(dim=0, factor=2)
    >>> axis.whole((6, 5), n=4)
    (8, 5)
    >>> axis.part(torch.arange(8), Shard(4, rank=1, size=2))
    tensor([2, 3, 6, 7])
    """

    dim: int
    factor: int

    def whole(self, shape: Sequence[int], n: int) -> Shape:
        """The shape for a whole batch of n data points."""
        return (*shape[: self.dim], self.factor * n, *shape[self.dim + 1 :])

    def part(self, tensor: Tensor, shard: Shard) -> Tensor:
        """The rows of a tensor of the whole batch that a process computes."""
        rows = tensor.unflatten(self.dim, (self.factor, shard.n)).narrow(
            self.dim + 1, shard.rows.start, shard.length
        )
        return rows.flatten(self.dim, self.dim + 1)

    def gather(self, tensor: Tensor, shard: Shard) -> Tensor:
        """The whole tensor from the parts of all processes."""
        rows = tensor.unflatten(self.dim, (self.factor, shard.length)).movedim(self.dim + 1, 0)
        return gather_rows(rows, shard).movedim(0, self.dim + 1).flatten(self.dim, self.dim + 1)


def find_axis(shapes: Sequence[Shape], trials: Sequence[int] = TRIALS) -> RowAxis | None:
    """The dimension that counts data points, from the shapes in two trials; None if there is none.

    Raises:
        ValueError: the shapes change in another way.

    >>> find_axis([(5, 2, 7), (5, 3, 7)]), find_axis([(4, 7), (6, 7)]), find_axis([(7,), (7,)])
    (RowAxis(dim=1, factor=1), RowAxis(dim=0, factor=2), None)
    """
    first, second = shapes
    if first == second:
        return None
    changed = [dim for dim, sizes in enumerate(zip(first, second, strict=False)) if sizes[0] != sizes[1]]
    dim = changed[0]
    factor = first[dim] // trials[0]
    if (
        len(first) != len(second)
        or len(changed) > 1
        or (first[dim], second[dim]) != tuple(factor * n for n in trials)
    ):
        raise ValueError(f"sizes {first} for {trials[0]} data points, and {second} for {trials[1]}")
    return RowAxis(dim, factor)


@dataclass(frozen=True)
class Draw:
    """One call of a random function: its name, and the shapes of what goes in and comes out."""

    name: str
    inputs: list[Shape]
    outputs: list[Shape]


@dataclass(frozen=True)
class DrawLayout:
    """Where the data points are in the inputs and outputs of a random function."""

    name: str
    inputs: list[RowAxis | None]
    outputs: list[RowAxis | None]


class RecordDraws(TorchDispatchMode):
    """Inside the block, lists the calls of random functions.

    >>> with RecordDraws() as recorded:
    ...     _ = torch.rand(2, 3)
    >>> recorded.draws
    [Draw(name='aten::rand', inputs=[(2, 3)], outputs=[(2, 3)])]
    """

    def __init__(self) -> None:
        super().__init__()
        self.draws: list[Draw] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if _RANDOM in func.tags:
            self.draws.append(
                Draw(func.name().partition(".")[0], [_shape(a) for a in _sized(args)], _shapes(result))
            )
        return result


class WholeNoise(TorchDispatchMode):
    """Inside the block, random functions draw for the whole batch and return the rows of this process.

    Args:
        layouts: of the random functions that are called in the block, in order.
        shard: the part of the batch.
    """

    def __init__(self, layouts: Sequence[DrawLayout], shard: Shard):
        super().__init__()
        self.layouts, self.shard, self.done = layouts, shard, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if _RANDOM not in func.tags:
            return func(*args, **kwargs)
        name = func.name().partition(".")[0]
        layout = self.layouts[self.done] if self.done < len(self.layouts) else None
        if layout is None or layout.name != name:
            raise VaekitError(
                f"{name}: drawn in training, but not in a trial with {TRIALS[0]} data points; a model whose "
                "random numbers depend on the data cannot be trained by several processes; use one"
            )
        self.done += 1
        if all(axis is None for axis in (*layout.inputs, *layout.outputs)):
            return func(*args, **kwargs)
        return self._draw(func, layout, args, kwargs)

    def _draw(self, func: Any, layout: DrawLayout, args: Any, kwargs: Any) -> Any:
        whole, places = list(args), _sized_places(args)
        reads_values = not (layout.name.endswith(("_", "_like", "dropout")))
        for place, axis in zip(places, layout.inputs, strict=True):
            if axis is None:
                continue
            value = args[place]
            if not isinstance(value, Tensor):
                whole[place] = list(axis.whole(value, self.shard.n))
            elif reads_values or place > 0:
                whole[place] = axis.gather(value, self.shard)
            else:
                whole[place] = _like(value, axis.whole(value.shape, self.shard.n))
        result = func(*whole, **kwargs)
        return self._own_rows(layout, args, result)

    def _own_rows(self, layout: DrawLayout, args: Any, result: Any) -> Any:
        several = isinstance(result, tuple | list)
        parts = [
            value if axis is None else axis.part(value, self.shard)
            for value, axis in zip(result if several else [result], layout.outputs, strict=True)
        ]
        if layout.name.endswith("dropout"):  # of ones; it scales what is kept
            return parts[0] * args[0], *parts[1:]
        if layout.name.endswith("_"):
            return args[0].copy_(parts[0])
        return tuple(parts) if several else parts[0].contiguous()


def layouts_of(trials: Sequence[Sequence[Draw]]) -> list[DrawLayout]:
    """The layouts of random functions from what was called in two trials.

    Raises:
        ValueError: the trials differ in more than the number of data points.
    """
    first, second = trials
    if [draw.name for draw in first] != [draw.name for draw in second]:
        raise ValueError("other random functions for another number of data points")
    return [
        DrawLayout(
            a.name,
            [find_axis(pair) for pair in zip(a.inputs, b.inputs, strict=True)],
            [find_axis(pair) for pair in zip(a.outputs, b.outputs, strict=True)],
        )
        for a, b in zip(first, second, strict=True)
    ]


def _sized_places(args: Sequence[Any]) -> list[int]:
    """The places of tensors and of sizes among the arguments of a function."""
    is_size = lambda value: (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(n, int) for n in value)
    )
    return [place for place, value in enumerate(args) if isinstance(value, Tensor) or is_size(value)]


def _sized(args: Sequence[Any]) -> list[Any]:
    return [args[place] for place in _sized_places(args)]


def _shape(value: Any) -> Shape:
    return tuple(value.shape) if isinstance(value, Tensor) else tuple(value)


def _shapes(result: Any) -> list[Shape]:
    return [_shape(value) for value in (result if isinstance(result, tuple | list) else [result])]


def _like(tensor: Tensor, shape: Shape) -> Tensor:
    """Ones of another shape, with dimensions in the same order of memory."""
    order = sorted(range(tensor.dim()), key=lambda dim: tensor.stride(dim), reverse=True)
    ones = tensor.new_ones([shape[dim] for dim in order])
    return ones.permute([order.index(dim) for dim in range(tensor.dim())])
