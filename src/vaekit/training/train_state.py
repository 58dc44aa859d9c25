"""The state of a training: everything that changes from step to step, in one place.

`TrainState.tensors()` and `TrainState.position` are the complete state. Saving and restoring them changes
nothing, bit for bit on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from vaekit.errors import InvalidError
from vaekit.models.vae import VAE
from vaekit.training.checkpoint import Checkpoint, Weights, add_prefix, select_prefix
from vaekit.training.metrics import ELBOMeter
from vaekit.training.optimizer import EMA
from vaekit.training.position import Position
from vaekit.training.settings import TrainingSettings
from vaekit.training.torch_optimizer import make_optimizer
from vaekit.utils.random import random_states, set_random_states


class TrainState:
    """Model, optimizer, moving average, best weights, sums of the epoch, and position.

    Args:
        model: the model, on its device.
        settings: the settings of the training.

    Attributes:
        position: the position in the training.
        best: the best weights so far, by name; empty before there are any.
        ema: the moving average of the weights, or None.
        meter: the sums of the current epoch.

    >>> from vaekit.config.build import build_model
    >>> from vaekit.config.loading import load_recipe
    >>> model = build_model(load_recipe("digits").model, (1, 8, 8))
    >>> state = TrainState(model, TrainingSettings())
    >>> state
    TrainState(epoch=1, step=0, device=cpu)
    >>> state.is_finite()
    True
    """

    def __init__(self, model: VAE, settings: TrainingSettings):
        self.model, self.settings = model.train(), settings
        self.position = Position()
        self.best: Weights = {}
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.device = self.parameters[0].device
        self.ema = EMA(self.parameters, settings.ema) if settings.ema else None
        self.meter = ELBOMeter(len(model.layer_dims), self.device)
        self.optimizer = make_optimizer(self.parameters, settings)

    def __repr__(self) -> str:
        return f"TrainState(epoch={self.position.epoch}, step={self.position.step}, device={self.device})"

    # ------------------------------------------------------------------------------------------ a step

    def grad_norm(self) -> Tensor | None:
        """The norm of the gradient, a scalar; None if the settings do not clip it."""
        if self.settings.gradient_clip is None:
            return None
        return get_total_norm([p.grad for p in self.parameters if p.grad is not None])

    def step(self, learning_rate: float, norm: Tensor | None) -> None:
        """Clip the gradient, take one step of the optimizer, and count it.

        Args:
            learning_rate: the learning rate of this step.
            norm: the norm of the gradient, from `grad_norm`.
        """
        limit = self.settings.gradient_clip
        if limit is not None and norm is not None:
            clip_grads_with_norm_(self.parameters, limit, norm)
        self.optimizer.step(learning_rate)
        self.position.step += 1
        self.position.batch += 1
        self.position.learning_rate = learning_rate
        if self.ema is not None:
            self.ema.update(self.position.step)

    # ---------------------------------------------------------------------------------------- an epoch

    @contextmanager
    def eval_mode(self) -> Iterator[None]:
        """Inside the block, the model is in evaluation mode, with the averaged weights if there are any."""
        self.model.eval()
        try:
            with nullcontext() if self.ema is None else self.ema.applied():
                yield
        finally:
            self.model.train()

    def save_best(self) -> None:
        """Save the current weights as the best."""
        self.best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def next_epoch(self) -> None:
        """Move to the start of the next epoch."""
        self.position.next_epoch()
        self.meter = ELBOMeter(len(self.model.layer_dims), self.device)

    def load_best(self) -> None:
        """Load the best weights into the model; if there are none, the averaged or the last ones."""
        if not self.best and self.ema is not None:
            torch._foreach_copy_([p.detach() for p in self.parameters], self.ema.values)
        elif self.best:
            self.model.load_state_dict(self.best)
        self.model.eval()

    # ------------------------------------------------------------------------------- saving and restoring

    def is_finite(self) -> bool:
        """Whether all sums and all weights are finite; synchronizes with the device."""
        return self.meter.is_finite() and all(bool(p.isfinite().all()) for p in self.parameters)

    def tensors(self) -> Weights:
        """All tensors of a checkpoint, by name."""
        return {
            "sums": self.meter.sums,
            **add_prefix("model", self.model.state_dict()),
            **add_prefix("optimizer", self._moments()),
            **add_prefix("average", self._averages()),
            **add_prefix("best", self.best),
            **add_prefix("random", random_states(self.device)),
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore the state of a checkpoint.

        Raises:
            InvalidError: the checkpoint belongs to another model or to other settings.
        """
        tensors = {name: t for name, t in checkpoint.tensors.items() if not name.startswith("callback/")}
        _check(tensors, self._expected(tensors), f"checkpoint {checkpoint.path}")
        try:
            set_random_states(select_prefix(tensors, "random"), self.device)
        except RuntimeError as error:
            raise InvalidError(
                f"checkpoint {checkpoint.path}: invalid random states ({error}); use an older checkpoint"
            ) from error
        self.optimizer.zero_grad()
        self.position = checkpoint.position
        self.meter.sums.copy_(tensors["sums"])
        self.model.load_state_dict(select_prefix(tensors, "model"))
        moments = select_prefix(tensors, "optimizer")
        self.optimizer.load_moments(
            {index: select_prefix(moments, name) for index, name in enumerate(self._names())}
        )
        if self.ema is not None:
            averages = select_prefix(tensors, "average")
            torch._foreach_copy_(self.ema.values, [averages[name] for name in self._names()])
        self.best = {name: tensor.to(self.device) for name, tensor in select_prefix(tensors, "best").items()}

    def _names(self) -> list[str]:
        return [name for name, p in self.model.named_parameters() if p.requires_grad]

    def _averages(self) -> Weights:
        return {} if self.ema is None else dict(zip(self._names(), self.ema.values, strict=True))

    def _moments(self) -> Weights:
        """The moments of the optimizer by parameter and name; none before the first step of a parameter."""
        pairs = zip(self._names(), self.optimizer.moments, strict=True)
        return {f"{name}/{key}": value for name, moments in pairs for key, value in moments.items()}

    def _expected(self, given: Weights) -> Weights:
        """The tensors that a checkpoint of this run has; optional ones only if `given` has them."""
        own = dict(self.model.state_dict())
        expected = {
            "sums": self.meter.sums,
            **add_prefix("model", own),
            **add_prefix("average", self._averages()),
            **add_prefix("best", own if select_prefix(given, "best") else {}),
            **add_prefix("random", select_prefix(given, "random") | random_states(torch.device("cpu"))),
        }
        for place, name in enumerate(self._names()):
            if found := select_prefix(given, f"optimizer/{name}"):
                moments = self.optimizer.expected_moments(place, found)
                expected |= add_prefix(f"optimizer/{name}", moments)
        return expected


def _check(given: Weights, expected: Weights, source: str) -> None:
    names = sorted(given.keys() | expected.keys())
    wrong = [name for name in names if _kind(given.get(name)) != _kind(expected.get(name))]
    if wrong:
        name = wrong[0]
        raise InvalidError(
            f"{source}: belongs to another model or other settings: {name}: "
            f"expected {_kind(expected.get(name))}, got {_kind(given.get(name))} "
            f"({len(wrong)} tensors differ); resume with the recipe that it was trained with"
        )


def _kind(tensor: Tensor | None) -> str:
    return "none" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
