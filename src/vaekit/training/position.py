"""The plain numbers of a training: where it is, and what it decided so far.

With the tensors beside them in a checkpoint they are all there is: a training continued from them cannot be
told from one that was never interrupted.
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
    """A position and the decisions that led to it.

    Attributes:
        epoch: in progress, counted from 1.
        batch: batches of it that are done.
        step: steps that are done since the start.
        seconds: of training in this epoch.
        best: the lowest loss that counted, in nats; None before one did.
        best_epoch: when that was; before it, the last epoch.
        waited: epochs since then.
        rollbacks: how often training went back after it diverged, halving the learning rate each time.
        beta, learning_rate: of the last step.
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

    def judge(self, loss: float, counts: bool) -> bool:
        """Take in an epoch and its loss; whether it is the best so far. While none counts, the latest is."""
        better = not counts or self.best is None or loss < self.best
        if better:
            self.best_epoch, self.waited = self.epoch, 0
            self.best = loss if counts else None
        else:
            self.waited += 1
        return better

    def next_epoch(self) -> None:
        """Stand at the start of the next epoch."""
        self.epoch, self.batch, self.seconds = self.epoch + 1, 0, 0.0

    def finished(self, settings: TrainingSettings) -> bool:
        """Whether all epochs are done, or there was no better one for as long as the settings allow."""
        return self.epoch > settings.epochs or self.impatient(settings)

    def impatient(self, settings: TrainingSettings) -> bool:
        """Whether early stopping stops here."""
        return settings.patience is not None and self.waited >= settings.patience


def parse_position(text: str) -> Position:
    """A state from its JSON.

    Raises:
        ValueError: it is none.
    """
    return _STATE.validate_python(json.loads(text))


_STATE = TypeAdapter(Position)
