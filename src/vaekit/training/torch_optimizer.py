"""Any optimizer of torch.optim, with the interface and the checkpoints of our `Adam`, whole or divided."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from vaekit.errors import RecipeError, first_line
from vaekit.parallel.processes import current
from vaekit.training.optimizer import Adam, Moments
from vaekit.training.settings import TrainingSettings

_OF_ADAM = {"betas", "eps"}


class TorchOptimizer:
    """An optimizer of torch.optim.

    Args:
        weights: leaf tensors that require a gradient.
        kind: the class.
        options: of the class, without the learning rate.

    Raises:
        RecipeError: an option has a wrong value, or the optimizer does not fit the weights.

    >>> w = torch.ones(2, requires_grad=True)
    >>> sgd = TorchOptimizer([w], torch.optim.SGD, momentum=0.9)
    >>> w.sum().backward()
    >>> sgd.step(rate=0.1)
    >>> w.detach(), sgd.moments
    (tensor([0.9000, 0.9000]), [{'momentum_buffer': tensor([1., 1.])}])
    """

    _key = "training.optimizer"

    def __init__(self, weights: Sequence[Tensor], kind: type[torch.optim.Optimizer], **options: Any):
        self.weights = list(weights)
        if "fused" in inspect.signature(kind).parameters and not {"fused", "foreach"} & options.keys():
            options = {**options, "fused": True}
        try:
            self._optimizer = self._make(kind, options)
        except (ValueError, TypeError, RuntimeError) as error:
            raise RecipeError(f"{self._key}: {kind.__name__}: {first_line(error)}") from error

    def _make(self, kind: type[torch.optim.Optimizer], options: dict[str, Any]) -> Any:
        return kind(self.weights, **options)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update the weights by their gradients, then clear the gradients."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()
        self.zero_grad()

    def zero_grad(self) -> None:
        """Set the gradients to None."""
        self._optimizer.zero_grad()

    @property
    def moments(self) -> list[Moments]:
        """For each weight the tensors of its state by name."""
        return [_tensors(self._optimizer.state.get(weight, {})) for weight in self.weights]

    def load_moments(self, moments: Mapping[int, Moments]) -> None:
        """Restore `moments` by the index of the weight; a weight without an entry never had a gradient."""
        state = {place: dict(found) for place, found in moments.items() if found}
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})

    def expected_moments(self, place: int, given: Moments) -> Moments:
        """What a checkpoint has of a weight, whose shapes the class decides."""
        return given


class ShardedOptimizer(TorchOptimizer):
    """The same with its state divided among processes (ZeRO, Rajbhandari et al. 2020, stage 1).

    Each process keeps the moments of its share of the weights, updates these, and sends them to the others.
    With Adam, N processes need 2 (1 + 1/N) numbers per weight and gradient instead of 4. The result does not
    change. Checkpoints are those of an optimizer that is not divided: rank 0 collects the moments.

    Args:
        weights: leaf tensors that require a gradient, the same in all processes.
        kind, options: as for `TorchOptimizer`.

    Raises:
        RecipeError: an option has a wrong value, or there are fewer weights than processes.
    """

    _key = "training.sharding"

    def _make(self, kind: type[torch.optim.Optimizer], options: dict[str, Any]) -> Any:
        from torch.distributed.optim import ZeroRedundancyOptimizer  # slow to import

        return ZeroRedundancyOptimizer(self.weights, kind, lr=0.0, **options)

    @property
    def moments(self) -> list[Moments]:
        """In rank 0, for each weight the tensors of its state by name; all processes must ask for it."""
        self._optimizer.consolidate_state_dict(to=0)
        if torch.distributed.get_rank():
            return [{} for _ in self.weights]
        states = self._optimizer.state_dict()["state"]
        return [_tensors(states.get(place) or {}) for place in range(len(self.weights))]

    def load_moments(self, moments: Mapping[int, Moments]) -> None:
        """Restore `moments` by the index of the weight; each process keeps its share."""
        places = list(range(len(self.weights)))
        groups = [{**group, "params": places} for group in self._optimizer.param_groups]
        state = {place: dict(found) for place, found in moments.items() if found}
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})


def _tensors(state: Mapping[str, Any]) -> Moments:
    """Copies of the tensors of a weight's state."""
    return {name: value.detach().clone() for name, value in state.items() if isinstance(value, Tensor)}


Optimizer = Adam | TorchOptimizer


def make_optimizer(weights: Sequence[Tensor], settings: TrainingSettings) -> Optimizer:
    """The optimizer of some settings.

    `Adam` and `AdamW` with plain options are our fused `Adam`, whose results are those of torch.

    Args:
        weights: leaf tensors that require a gradient, on one device.
        settings: with `optimizer` and `weight_decay`.

    Raises:
        RecipeError: an option has a wrong value, or the optimizer does not fit the weights.

    >>> w = torch.ones(2, requires_grad=True)
    >>> type(make_optimizer([w], TrainingSettings())).__name__
    'Adam'
    """
    chosen = settings.optimizer
    kind, options = getattr(torch.optim, chosen.kind), chosen.options
    if settings.sharding == "zero" and current().size > 1:
        decay = {"weight_decay": settings.weight_decay} if settings.weight_decay else {}
        return ShardedOptimizer(weights, torch.optim.AdamW if decay else kind, **options, **decay)
    own = _OF_ADAM | ({"weight_decay"} if chosen.kind == "AdamW" else set())
    if chosen.kind not in ("Adam", "AdamW") or options.keys() - own:
        return TorchOptimizer(weights, kind, **options)
    usual = 0.01 if chosen.kind == "AdamW" and not settings.weight_decay else settings.weight_decay
    decay = options.pop("weight_decay", usual)
    try:
        return Adam(weights, float(decay), **options)
    except (ValueError, TypeError) as error:
        raise RecipeError(f"training.optimizer: {chosen.kind}: {first_line(error)}") from error


def check_optimizer(settings: TrainingSettings) -> None:
    """Refuse options of the optimizer that its class refuses.

    Raises:
        RecipeError: one has a wrong value.

    >>> check_optimizer(TrainingSettings(optimizer={"kind": "AdamW", "betas": [0.9, 2]}))
    Traceback (most recent call last):
    vaekit.errors.RecipeError: training.optimizer: AdamW: betas: expected two numbers from 0 up to 1, got \
(0.9, 2)
    """
    make_optimizer([torch.zeros(1, 1, requires_grad=True)], settings)
