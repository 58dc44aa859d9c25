"""The position of a training: all of its state that is not a tensor.

Together with the tensors of a checkpoint it is the complete state, so a training that continues from it gives
the same results as one that was never interrupted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter

from vaekit.training.settings import TrainingSettings

Count = Annotated[int, Field(ge=0, le=2**62)]
Number = Annotated[float, Field(allow_inf_nan=False)]


@dataclass
class Position:
    """Where a training is, and what it decided so far.

    Attributes:
        epoch: the current epoch, counted from 1.
        batch: the number of its batches that are done.
        step: the number of steps since the start.
        seconds: the training time in this epoch.
        best: the lowest comparable loss, in nats; None before there is one.
        best_epoch: the epoch of that loss; before there is one, the last epoch.
        waited: the number of epochs since then.
        rollbacks: how often training rolled back after it diverged; each time halves the learning rate.
        beta, learning_rate: the values of the last step.
        stopped: why a callback stopped the training; empty if none did.

    >>> position = Position()
    >>> position.record_loss(100.0, comparable=True)
    True
    >>> position.next_epoch()
    >>> position.record_loss(101.0, comparable=True), position.best_epoch, position.waited
    (False, 1, 1)
    """

    epoch: Annotated[int, Field(ge=1, le=2**62)] = 1
    batch: Count = 0
    step: Count = 0
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    best: Number | None = None
    best_epoch: Count = 0
    waited: Count = 0
    rollbacks: Annotated[int, Field(ge=0, le=64)] = 0
    beta: Number = 0.0
    learning_rate: Number = 0.0
    stopped: str = ""

    def record_loss(self, loss: float, comparable: bool) -> bool:
        """Record the loss of the current epoch, and return whether it is the best so far.

        Args:
            loss: the loss in nats.
            comparable: whether losses of different epochs can be compared. If not, the latest is the best.
        """
        better = not comparable or self.best is None or loss < self.best
        if better:
            self.best_epoch, self.waited = self.epoch, 0
            self.best = loss if comparable else None
        else:
            self.waited += 1
        return better

    def next_epoch(self) -> None:
        """Move to the start of the next epoch."""
        self.epoch, self.batch, self.seconds = self.epoch + 1, 0, 0.0

    def is_finished(self, settings: TrainingSettings) -> bool:
        """Whether all epochs are done, or early stopping or a callback ended the training."""
        was_stopped = bool(self.stopped) and not self.batch
        return was_stopped or self.epoch > settings.epochs or self.stops_early(settings)

    def stops_early(self, settings: TrainingSettings) -> bool:
        """Whether `settings.patience` epochs have passed without a better one."""
        return settings.patience is not None and self.waited >= settings.patience


def parse_position(text: str) -> Position:
    """The position of a JSON text.

    Raises:
        ValueError: the text is not the JSON of a position.

    >>> parse_position('{"epoch": 3, "step": 120}').epoch
    3
    """
    return _POSITION.validate_python(json.loads(text))


_POSITION = TypeAdapter(Position)
