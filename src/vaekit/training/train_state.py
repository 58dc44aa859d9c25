"""A model in training: everything that changes from step to step, in one place.

`Running.tensors` and `Running.state` are all of it; writing them down and putting them back changes nothing,
bit for bit on the CPU.
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
from vaekit.training.optimizer import EMA, Adam
from vaekit.training.position import Position
from vaekit.training.settings import TrainingSettings
from vaekit.utils.random import random_states, set_random_states


class TrainState:
    """Model, optimizer, moving average, best weights, sums of the epoch, and position.

    Args:
        model: on its device.
        settings: of the training.
    """

    def __init__(self, model: VAE, settings: TrainingSettings):
        self.model, self.settings = model.train(), settings
        self.state = Position()
        self.best: Weights = {}
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.device = self.parameters[0].device
        self.average = EMA(self.parameters, settings.ema) if settings.ema else None
        self.meter = ELBOMeter(len(model.layer_dims), self.device)
        self.optimizer = Adam(self.parameters, settings.weight_decay)

    # ------------------------------------------------------------------------------------------ a step

    def norm(self) -> Tensor | None:
        """The norm of the gradient, where the settings limit it."""
        if self.settings.gradient_clip is None:
            return None
        return get_total_norm([p.grad for p in self.parameters if p.grad is not None])

    def update(self, learning_rate: float, norm: Tensor | None) -> None:
        """Take the step that the gradient, with its norm limited, points to, and count it."""
        limit = self.settings.gradient_clip
        if limit is not None and norm is not None:
            clip_grads_with_norm_(self.parameters, limit, norm)
        self.optimizer.step(learning_rate)
        self.state.step += 1
        self.state.batch += 1
        self.state.learning_rate = learning_rate
        if self.average is not None:
            self.average.update(self.state.step)

    # ---------------------------------------------------------------------------------------- an epoch

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Inside, the model is in evaluation mode, and its weights are the average where there is one."""
        self.model.eval()
        try:
            with nullcontext() if self.average is None else self.average.applied():
                yield
        finally:
            self.model.train()

    def keep(self) -> None:
        """Remember the weights as they are now as the best."""
        self.best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def next_epoch(self) -> None:
        """Stand at the start of the next epoch."""
        self.state.next_epoch()
        self.meter = ELBOMeter(len(self.model.layer_dims), self.device)

    def use_best(self) -> None:
        """End with the best weights; where none counted as best, with the last ones, averaged if so set."""
        if not self.best and self.average is not None:
            torch._foreach_copy_([p.detach() for p in self.parameters], self.average.values)
        elif self.best:
            self.model.load_state_dict(self.best)
        self.model.eval()

    # ------------------------------------------------------------------------------- writing and reading

    def finite(self) -> bool:
        """Whether all numbers so far, and all weights, are finite; waits for the device."""
        return self.meter.finite() and all(bool(p.isfinite().all()) for p in self.parameters)

    def tensors(self) -> Weights:
        """All that a checkpoint holds beside the state."""
        return {
            "sums": self.meter.sums,
            **add_prefix("model", self.model.state_dict()),
            **add_prefix("optimizer", self._moments()),
            **add_prefix("average", self._averages()),
            **add_prefix("best", self.best),
            **add_prefix("random", random_states(self.device)),
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Stand where the checkpoint was written.

        Raises:
            InvalidError: it is of another model or of other settings.
        """
        tensors = checkpoint.tensors
        _check(tensors, self._expected(tensors), f"checkpoint {checkpoint.path}")
        try:
            set_random_states(select_prefix(tensors, "random"), self.device)
        except RuntimeError as error:
            raise InvalidError(
                f"checkpoint {checkpoint.path}: random states that are none ({error})"
            ) from error
        self.optimizer.forget()
        self.state = checkpoint.state
        self.meter.sums.copy_(tensors["sums"])
        self.model.load_state_dict(select_prefix(tensors, "model"))
        self._set_moments(select_prefix(tensors, "optimizer"))
        if self.average is not None:
            averages = select_prefix(tensors, "average")
            torch._foreach_copy_(self.average.values, [averages[name] for name in self._names()])
        self.best = {name: tensor.to(self.device) for name, tensor in select_prefix(tensors, "best").items()}

    def _names(self) -> list[str]:
        return [name for name, p in self.model.named_parameters() if p.requires_grad]

    def _averages(self) -> Weights:
        return {} if self.average is None else dict(zip(self._names(), self.average.values, strict=True))

    def _moments(self) -> Weights:
        """What Adam remembers of each parameter; nothing before the first step."""
        pairs = zip(self._names(), self.optimizer.moments, strict=True)
        return {f"{name}/{key}": value for name, moments in pairs for key, value in moments.items()}

    def _set_moments(self, moments: Weights) -> None:
        """Put back what Adam remembers; a parameter that never had a gradient has nothing."""
        self.optimizer.restore(
            {place: select_prefix(moments, name) for place, name in enumerate(self._names())}
        )

    def _expected(self, given: Weights) -> Weights:
        """Tensors as a checkpoint of this run has them; its optional parts as they are in the one given."""
        own = dict(self.model.state_dict())
        expected = {
            "sums": self.meter.sums,
            **add_prefix("model", own),
            **add_prefix("average", self._averages()),
            **add_prefix("best", own if select_prefix(given, "best") else {}),
            **add_prefix("random", select_prefix(given, "random") | random_states(torch.device("cpu"))),
        }
        for name, p in zip(self._names(), self.parameters, strict=True):
            if select_prefix(given, f"optimizer/{name}"):
                moments = {"step": torch.zeros(()), "exp_avg": p, "exp_avg_sq": p}
                expected |= add_prefix(f"optimizer/{name}", moments)
        return expected


def _check(given: Weights, expected: Weights, source: str) -> None:
    names = sorted(given.keys() | expected.keys())
    wrong = [name for name in names if _kind(given.get(name)) != _kind(expected.get(name))]
    if wrong:
        name = wrong[0]
        raise InvalidError(
            f"{source}: of another model or other settings: {name}: expected {_kind(expected.get(name))}, "
            f"got {_kind(given.get(name))} ({len(wrong)} tensors differ); resume with the recipe that it "
            "was trained with"
        )


def _kind(tensor: Tensor | None) -> str:
    return "none" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
