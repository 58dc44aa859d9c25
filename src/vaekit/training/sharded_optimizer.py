"""An optimizer whose state is divided among processes (ZeRO, Rajbhandari et al. 2020, stage 1).

Each process keeps the moments of its share of the weights, updates these, and sends them to the others. With
Adam, N processes need 2 (1 + 1/N) numbers per weight and gradient instead of 4. The result does not change.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vaekit.errors import RecipeError, first_line
from vaekit.training.optimizer import Moments


class ShardedOptimizer:
    """An optimizer of torch.optim with the interface of our `Adam`, by `ZeroRedundancyOptimizer`.

    Checkpoints are those of an optimizer that is not divided: rank 0 collects the moments.

    Args:
        weights: leaf tensors that require a gradient, the same in all processes.
        kind: the class.
        options: of the class, without the learning rate.

    Raises:
        RecipeError: an option has a wrong value, or there are fewer weights than processes.
    """

    def __init__(self, weights: Sequence[Tensor], kind: type[torch.optim.Optimizer], **options: Any):
        from torch.distributed.optim import ZeroRedundancyOptimizer  # slow to import

        self.weights = list(weights)
        if "fused" in inspect.signature(kind).parameters:
            options = {"fused": True, **options}
        try:
            self._optimizer = ZeroRedundancyOptimizer(self.weights, kind, lr=0.0, **options)
        except (ValueError, TypeError, RuntimeError) as error:
            raise RecipeError(f"training.sharding: {kind.__name__}: {first_line(error)}") from error

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update the weights of this process by their gradients, exchange weights, clear the gradients."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self.zero_grad()

    def zero_grad(self) -> None:
        """Set the gradients to None."""
        for weight in self.weights:
            weight.grad = None

    @property
    def moments(self) -> list[Moments]:
        """In rank 0, for each weight the tensors of its state by name; all processes must ask for it."""
        self._optimizer.consolidate_state_dict(to=0)
        if torch.distributed.get_rank():
            return [{} for _ in self.weights]
        states = self._optimizer.state_dict()["state"]
        found = (states.get(place) or {} for place in range(len(self.weights)))
        return [
            {name: value.detach().clone() for name, value in state.items() if isinstance(value, Tensor)}
            for state in found
        ]

    def load_moments(self, moments: Mapping[int, Moments]) -> None:
        """Restore `moments` by the index of the weight; each process keeps its share."""
        groups = [
            {
                **{name: value for name, value in group.items() if name != "params"},
                "params": list(range(len(self.weights))),
            }
            for group in self._optimizer.param_groups
        ]
        state = {place: dict(found) for place, found in moments.items() if found}
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})

    def expected_moments(self, place: int, given: Moments) -> Moments:
        """What a checkpoint has of a weight, whose shapes the class decides."""
        return given
